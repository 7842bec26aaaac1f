"""Sinopec FA frames: bytes to frames and back, with resynchronisation.

    FA | to | from | number | length bcd2 | data[length] | crcH crcL
    0    1    2      3        4             6

`data` begins with the command. From its first byte to the last of the CRC every FA is
sent twice; a header never holds one, so a lone FA is always the start of a frame.
The length counts data before that doubling. The CRC is CRC-16/ARC over `to` to the
last data byte, undoubled, sent high byte first. An answer copies the frame number and
swaps the addresses.

Source: public programs of two makers of card terminals. UNVERIFIED against a captured
line: no capture is public.
"""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from fastcrc import crc16

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind

START = 0xFA
HEADER_BYTES = 6
CRC_BYTES = 2
LONGEST_DATA = 240
# Every byte of data and CRC doubled.
LONGEST_FRAME = HEADER_BYTES + 2 * (LONGEST_DATA + CRC_BYTES)
LARGEST_NUMBER = 0xF9
# Received bytes are taken in slices, so that the buffer stays below 2 KiB.
_SLICE = 1024
_START = bytes([START])


class Command(IntEnum):
    """The first byte of the data; the same for a request and its answer."""

    POLL = 0x30
    REAL_TIME = 0x31
    RECORD = 0x32  # host: acknowledgement
    LIST_LENGTH = 0x33
    LIST_SEGMENTS = 0x34
    GREY_CARD = 0x35
    LIST_CHECK = 0x36
    TOTALS = 0x38
    IDENTITY = 0x3A
    TEXT = 0x3B
    TEXT_TAKEN = 0x3C
    REREAD = 0x3E
    NO_RECORD = 0x3F


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of either direction; `number` is chosen by who begins."""

    receiver: int
    sender: int
    number: int
    data: bytes

    @property
    def command(self) -> int:
        return self.data[0]

    @property
    def body(self) -> bytes:
        """What follows the command."""
        return self.data[1:]

    def to_bytes(self) -> bytes:
        """Encode the frame.

        Raises:
            LocalProtocolError: the data are too long, or a header byte would be FA.
        """
        size = len(self.data)
        if not 1 <= size <= LONGEST_DATA:
            raise LocalProtocolError(why=f"Sinopec data of {size} bytes")
        header = bytes([self.receiver, self.sender, self.number])
        if START in header:
            raise LocalProtocolError(why="FA in the header of a Sinopec frame")
        checked = header + bytes.fromhex(f"{size:04d}") + self.data
        crc = crc16.arc(checked).to_bytes(CRC_BYTES, "big")
        doubled = (self.data + crc).replace(_START, _START * 2)
        return _START + checked[: HEADER_BYTES - 1] + doubled


class FrameParser:
    """Finds frames in any stream of bytes; never raises, holds less than 4 KiB.

    `faults` counts what was passed over since the caller last emptied it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.faults: Counter[FaultKind] = Counter()

    @property
    def has_begun(self) -> bool:
        """Whether the beginning of a frame is held."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that they complete."""
        frames: list[Frame] = []
        for start in range(0, len(data), _SLICE):
            self._buffer += data[start : start + _SLICE]
            while (frame := self._next()) is not None:
                frames.append(frame)
        return frames

    def reset(self) -> None:
        """Give up a frame that has begun: its rest will not come any more."""
        if self._buffer:
            self.faults[FaultKind.HALF_FRAME] += 1
            self._buffer.clear()

    def _next(self) -> Frame | None:
        while (length := self._length()) is not None:
            rest, end = self._undoubled(length + CRC_BYTES)
            if rest is None and end is None:
                return None
            if rest is None:
                self.faults[FaultKind.HALF_FRAME] += 1
                del self._buffer[:end]
                continue
            checked = bytes(self._buffer[1:HEADER_BYTES]) + rest[:-CRC_BYTES]
            if crc16.arc(checked) != int.from_bytes(rest[-CRC_BYTES:], "big"):
                self.faults[FaultKind.BAD_CRC] += 1
                del self._buffer[0]
                continue
            del self._buffer[:end]
            return Frame(checked[0], checked[1], checked[2], rest[:-CRC_BYTES])
        return None

    def _length(self) -> int | None:
        """Bring a header to the buffer's front; return its length when it is there."""
        while True:
            self._skip(self._buffer.find(_START))
            again = self._buffer.find(_START, 1, HEADER_BYTES)
            if again > 0:
                self._skip(again)
                continue
            if len(self._buffer) < HEADER_BYTES:
                return None
            digits = self._buffer[4:HEADER_BYTES].hex()
            if digits.isdecimal() and 1 <= int(digits) <= LONGEST_DATA:
                return int(digits)
            self.faults[FaultKind.TOO_LONG] += 1
            del self._buffer[0]

    def _skip(self, front: int) -> None:
        count = len(self._buffer) if front < 0 else front
        if count:
            self.faults[FaultKind.NOISE] += count
            del self._buffer[:count]

    def _undoubled(self, size: int) -> tuple[bytes | None, int | None]:
        """Return so many bytes behind the header, undoubled, and where they end.

        None and None while they have not all come; None and its place where another
        frame begins among them.
        """
        taken = bytearray()
        at = HEADER_BYTES
        while len(taken) < size:
            special = self._buffer.find(_START, at)
            plain_end = special if special >= 0 else len(self._buffer)
            piece = self._buffer[at : min(plain_end, at + size - len(taken))]
            taken += piece
            at += len(piece)
            if len(taken) == size:
                break
            if special < 0 or special + 1 >= len(self._buffer):
                return None, None
            if self._buffer[special + 1] != START:
                return None, special
            taken.append(START)
            at = special + 2
        return bytes(taken), at
