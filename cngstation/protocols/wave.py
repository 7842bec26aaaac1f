"""How a receiver with the wrong settings reads what somebody sends on a line.

A character is a start bit 0, eight data bits from the lowest, a parity bit if there is
one, and stop bits 1; the line rests at 1. A receiver begins a character at a falling
edge, looks at the middle of each bit, and takes what stands there, sound or not; a
stop bit that is 0 begins the next character (as in the 16550).
"""

from dataclasses import dataclass

_DATA_BITS = 8


@dataclass(frozen=True, slots=True)
class Format:
    """Speed and form of characters; `parity` is "N", "E" or "O"."""

    baud: int
    parity: str = "N"
    stop_bits: int = 1

    @property
    def bits(self) -> int:
        """How many bit times a character takes."""
        return 1 + _DATA_BITS + (self.parity != "N") + self.stop_bits


def levels(data: bytes, sent: Format) -> list[int]:
    """Return the bits of characters that are sent without a pause."""
    found: list[int] = []
    for byte in data:
        bits = [byte >> at & 1 for at in range(_DATA_BITS)]
        found += [0, *bits]
        if sent.parity != "N":
            found.append(sum(bits) % 2 ^ (sent.parity == "O"))
        found += [1] * sent.stop_bits
    return found


def read_as(data: bytes, sent: Format, read: Format, *, swapped: bool = False) -> bytes:
    """Return what a receiver makes of the beginning of a transmission.

    `swapped` exchanges the two wires: the line rests at 0, which is read as one 00
    before anything is sent. The last character may depend on what follows `data` and
    is left out.
    """
    wave = levels(data, sent)
    if swapped:
        wave = [1 - level for level in wave]
    # In units of which the sender's bit has `size` and the receiver's bit `bit`.
    size, bit, half = 2 * read.baud, 2 * sent.baud, sent.baud
    rest = int(swapped) ^ 1
    taken = bytearray()
    if swapped:
        taken.append(0)
    start = _falling(wave, 0, rest, size)
    while start is not None:
        end = start + (read.bits - read.stop_bits) * bit + half
        if end >= len(wave) * size:
            break
        byte = 0
        for number in range(_DATA_BITS):
            byte |= wave[(start + (number + 1) * bit + half) // size] << number
        taken.append(byte)
        # A stop bit 0 is taken for the next start, unless the whole line was low.
        stop = wave[end // size]
        is_start = byte and not stop
        start = end - half if is_start else _falling(wave, end, stop, size)
    return bytes(taken)


def _falling(wave: list[int], at: int, before: int, size: int) -> int | None:
    """Return where the line falls next; right at `at` if it was high before."""
    last = before
    for number in range(at // size, len(wave)):
        if last and not wave[number]:
            return max(number * size, at)
        last = wave[number]
    return None
