"""How long bytes take on a serial line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WireSpeed:
    """What a byte takes on the wire; 8 data bits, no parity, 1 stop are 10 bits."""

    baud: int
    bits_per_byte: int = 10

    def __post_init__(self) -> None:
        if self.baud <= 0 or self.bits_per_byte <= 0:
            raise ValueError("speed and bits of a line are positive")

    def wire_us(self, byte_count: int) -> int:
        """Return the time of so many bytes on the wire."""
        return byte_count * self.bits_per_byte * 1_000_000 // self.baud
