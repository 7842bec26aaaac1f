"""PN532 frames: bytes to frames and back.

    normal    00 | 00 FF | LEN LCS | TFI PD0..PDn | DCS | 00
    extended  00 | 00 FF | FF FF | LENhi LENlo LCS | TFI PD0..PDn | DCS | 00
    ACK       00 00 FF 00 FF 00
    NACK      00 00 FF FF 00 00
    error     00 00 FF 01 FF 7F 81 00

LEN counts TFI and PDs. LEN + LCS (extended: LENhi + LENlo + LCS) and
TFI + PDs + DCS are 0 modulo 256. TFI is D4 to the chip and D5 from it; PD0 is the
command, in an answer the command + 1.
Source: NXP UM0701-02 (PN532 user manual) as the public drivers of libnfc and nfcpy
implement it; the manual itself was not compared (UNVERIFIED).
"""

from dataclasses import dataclass
from enum import Enum, auto

from cngstation.errors import LocalProtocolError

TO_CHIP = 0xD4
TO_HOST = 0xD5

START = b"\x00\xff"
ACK = bytes.fromhex("0000ff00ff00")
NACK = bytes.fromhex("0000ffff0000")
ERROR = bytes.fromhex("0000ff01ff7f8100")

_SYNTAX_ERROR = b"\x7f"
# What the chip's buffer holds, TFI included.
LARGEST_BODY = 265
_LARGEST_NORMAL_BODY = 255


class Signal(Enum):
    """What can arrive beside a frame of data."""

    ACK = auto()
    NACK = auto()
    ERROR = auto()  # the chip could not parse the command
    GARBLED = auto()  # a start of frame whose checksums do not fit


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of data: direction (TFI), command or answer code, parameters."""

    direction: int
    code: int
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """Write the frame, extended only where a normal one is too short.

        Raises:
            LocalProtocolError: more than the chip can hold.
        """
        body = bytes([self.direction, self.code]) + self.data
        if len(body) > LARGEST_BODY:
            raise LocalProtocolError(why=f"a PN532 frame of {len(body)} bytes")
        if len(body) <= _LARGEST_NORMAL_BODY:
            length = bytes([len(body), -len(body) & 0xFF])
        else:
            high, low = divmod(len(body), 0x100)
            length = bytes([0xFF, 0xFF, high, low, -(high + low) & 0xFF])
        return b"\x00" + START + length + body + bytes([-sum(body) & 0xFF, 0x00])


Received = Frame | Signal


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where the body of a frame stands in the buffer."""

    start: int
    size: int


class FrameParser:
    """Finds frames in bytes as they come; holds less than one frame, never raises."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def __len__(self) -> int:
        return len(self._buffer)

    def clear(self) -> None:
        """Forget what has arrived of a frame."""
        self._buffer.clear()

    def receive(self, data: bytes) -> list[Received]:
        """Take bytes; return what they complete, in order."""
        self._buffer += data
        found: list[Received] = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> Received | None:
        self._drop_before_start()
        head = _read_head(self._buffer)
        if head is None:
            return None
        if isinstance(head, Signal):
            # A bad head gives up only its start: a true one may stand close behind.
            del self._buffer[: 2 if head is Signal.GARBLED else 4]
            return head
        end = head.start + head.size + 1
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[head.start : end])
        # All of a frame goes, good or bad: what stands inside it is the card's
        # data and must never be taken for a frame.
        del self._buffer[:end]
        return _read_body(body)

    def _drop_before_start(self) -> None:
        start = self._buffer.find(START)
        if start < 0:
            start = len(self._buffer) - self._buffer.endswith(START[:1])
        del self._buffer[:start]


def _read_head(buffer: bytearray) -> _Extent | Signal | None:
    """Read LEN and LCS behind a start; None while they are still to come.

    The order of the tests matters: ACK, NACK and extended look like bad lengths.
    """
    if len(buffer) < 4:
        return None
    length, check = buffer[2], buffer[3]
    if (length, check) == (0x00, 0xFF):
        return Signal.ACK
    if (length, check) == (0xFF, 0x00):
        return Signal.NACK
    if (length, check) == (0xFF, 0xFF):
        return _read_extended_head(buffer)
    if (length + check) & 0xFF or length == 0:
        return Signal.GARBLED
    return _Extent(4, length)


def _read_extended_head(buffer: bytearray) -> _Extent | Signal | None:
    if len(buffer) < 7:
        return None
    size = buffer[4] << 8 | buffer[5]
    if sum(buffer[4:7]) & 0xFF or not 0 < size <= LARGEST_BODY:
        return Signal.GARBLED
    return _Extent(7, size)


def _read_body(body: bytes) -> Received:
    """Read TFI, PDs and DCS."""
    if sum(body) & 0xFF:
        return Signal.GARBLED
    if body[:-1] == _SYNTAX_ERROR:
        return Signal.ERROR
    if len(body) < 3:
        return Signal.GARBLED
    return Frame(body[0], body[1], body[2:-1])
