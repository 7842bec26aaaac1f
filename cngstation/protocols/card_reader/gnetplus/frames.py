"""GNetPlus frames: bytes to frames and back.

    01 | address | function | length | data | CRC hi lo

The CRC is the reflected A001 with FFFF at its start, over address to data, and is sent
high byte first. Functions of an answer: 06 done, 15 refused (data: the reason), 12 an
event of the reader's own. There is no number in a frame that ties it to its question.
Source: the public driver mifarepy 3.0.0; the maker's own text was not compared and no
real reader was heard (UNVERIFIED).
"""

from dataclasses import dataclass
from enum import Enum, auto

from cngstation.errors import LocalProtocolError

START = 0x01
DONE, REFUSED, EVENT = 0x06, 0x15, 0x12
ANY_ADDRESS = 0x00
LARGEST_DATA = 255
_HEAD = 4  # start, address, function, length
_CRC = 2
_ANSWERS = frozenset({DONE, REFUSED, EVENT})


class Garbled(Enum):
    """What looked like a frame and was none."""

    CRC = auto()


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: a command to a reader, or what a reader says."""

    function: int
    data: bytes = b""
    address: int = ANY_ADDRESS

    def to_bytes(self) -> bytes:
        """Write the frame.

        Raises:
            LocalProtocolError: more data than a frame takes.
        """
        if len(self.data) > LARGEST_DATA:
            raise LocalProtocolError(why=f"a frame with {len(self.data)} bytes")
        body = bytes([self.address, self.function, len(self.data)]) + self.data
        return bytes([START]) + body + crc_of(body)


Received = Frame | Garbled


class FrameParser:
    """Finds answers in what a reader sends; holds less than one frame."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def clear(self) -> None:
        """Forget the beginning of a frame."""
        self._pending.clear()

    def receive(self, data: bytes) -> list[Received]:
        """Take bytes; return what they complete."""
        self._pending += data
        found: list[Received] = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> Received | None:
        while self._pending:
            if not self._may_begin_here():
                del self._pending[0]
                continue
            if len(self._pending) < _HEAD:
                return None
            size = _HEAD + self._pending[3] + _CRC
            if len(self._pending) < size:
                return None
            return self._taken(size)
        return None

    def _may_begin_here(self) -> bool:
        pending = self._pending
        return pending[0] == START and (len(pending) < 3 or pending[2] in _ANSWERS)

    def _taken(self, size: int) -> Received:
        body, crc = bytes(self._pending[1 : size - _CRC]), self._pending[size - _CRC :]
        if crc_of(body) != bytes(crc[:_CRC]):
            del self._pending[0]  # a frame may begin inside of what was none
            return Garbled.CRC
        del self._pending[:size]
        return Frame(function=body[1], data=body[3:], address=body[0])


def crc_of(data: bytes) -> bytes:
    """Return the two bytes that end a frame."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "big")
