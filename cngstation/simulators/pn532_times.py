"""How long a simulated PN532 takes beside the time on its wire.

UNVERIFIED on a module of ours: the defaults are typical figures.
"""

from dataclasses import astuple, dataclass
from typing import Final

from cngstation.simulators.mifare_classic import (
    AUTHENTICATE_A,
    AUTHENTICATE_B,
    READ,
    TRANSFER,
    WRITE,
)

APDU: Final = 0x90  # the class of a DESFire command
# nfcpy and Arduino libraries wait 100 ms for a command; a slower chip is no PN532.
LONGEST_US: Final = 90_000


@dataclass(frozen=True, slots=True)
class ChipTimes:
    """How long the module takes, in microseconds, beside the time on the wire."""

    ack_us: int = 300
    command_us: int = 400
    select_us: int = 5_000
    authenticate_us: int = 4_000
    read_us: int = 2_500
    write_us: int = 6_000
    value_us: int = 2_500
    added_us: int = 0  # a slow adapter between chip and host, before every answer

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0:
            raise ValueError("a chip time is 0 or more microseconds")
        slowest = max(astuple(self)[1:-1])
        if self.ack_us + slowest + self.added_us > LONGEST_US:
            raise ValueError(f"ack, slowest act and added exceed {LONGEST_US} us")

    def of_card_command(self, code: int) -> int:
        """Return the time of one command to a card."""
        return {
            AUTHENTICATE_A: self.authenticate_us,
            AUTHENTICATE_B: self.authenticate_us,
            READ: self.read_us,
            APDU: self.read_us,
            WRITE: self.write_us,
            TRANSFER: self.write_us,
        }.get(code, self.value_us)
