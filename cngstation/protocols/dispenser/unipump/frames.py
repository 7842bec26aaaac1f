"""UniPump frames: bytes to frames and back, with resynchronisation.

    10 02 | address | code | data ... | crcLo crcHi | 10 03

The address is 00 for the controller and 30H + n for fuelling point n, 1 to 16. The
CRC is CRC-16/ARC over address, code and data, sent low byte first; a byte 10H in
address, data or CRC is sent twice.

Source: public station programs that drive the controller. UNVERIFIED against a
captured line: no capture is public.
"""

from collections import Counter
from dataclasses import dataclass

from fastcrc import crc16

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind

DLE = 0x10
_STX, _ETX = 0x02, 0x03
_START, _END = b"\x10\x02", b"\x10\x03"
LONGEST_FRAME = 255  # as sent, by the controller's own rule
CONTROLLER = 0x00
_POINT_BASE = 0x30
LAST_POINT = 16
_LEAST_CHECKED = 4  # address, code, CRC


def address_of(point: int) -> int:
    """Return the address of a fuelling point."""
    return _POINT_BASE + point


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of either direction; the two look alike."""

    address: int
    code: int
    data: bytes = b""

    @property
    def point(self) -> int | None:
        """The fuelling point that the address names, if it names one."""
        point = self.address - _POINT_BASE
        return point if 1 <= point <= LAST_POINT else None

    def to_bytes(self) -> bytes:
        """Encode the frame.

        Raises:
            LocalProtocolError: it is longer than the controller takes.
        """
        checked = bytes([self.address, self.code]) + self.data
        checked += crc16.arc(checked).to_bytes(2, "little")
        sent = _START + checked.replace(b"\x10", b"\x10\x10") + _END
        if len(sent) > LONGEST_FRAME:
            raise LocalProtocolError(why=f"a UniPump frame of {len(sent)} bytes")
        return sent


class FrameParser:
    """Finds frames in any stream of bytes; never raises, holds at most one frame.

    `faults` counts what was passed over since the caller last emptied it.
    """

    def __init__(self) -> None:
        self._inside = False
        self._checked = bytearray()
        self._sent_bytes = 0
        self._after_dle = False
        self.faults: Counter[FaultKind] = Counter()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that they complete."""
        frames: list[Frame] = []
        for byte in data:
            if not self._after_dle and byte == DLE:
                self._after_dle = True
            elif self._after_dle:
                self._after_dle = False
                self._marked(byte, frames)
            else:
                self._plain(byte)
        return frames

    def reset(self) -> None:
        """Give up a frame that has begun: its rest will not come any more."""
        if self._inside:
            self.faults[FaultKind.HALF_FRAME] += 1
        self._leave()
        self._after_dle = False

    def _marked(self, byte: int, frames: list[Frame]) -> None:
        """Take the byte behind a 10H."""
        if byte == _STX:
            if self._inside:
                self.faults[FaultKind.HALF_FRAME] += 1
            self._leave()
            self._inside = True
        elif not self._inside:
            # The second of two may be the one that a start begins with.
            self.faults[FaultKind.NOISE] += 1 if byte == DLE else 2
            self._after_dle = byte == DLE
        elif byte == DLE:
            self._sent_bytes += 1
            self._plain(DLE)
        elif byte == _ETX:
            self._end(frames)
        else:
            self.faults[FaultKind.BAD_TRAILER] += 1
            self._leave()

    def _plain(self, byte: int) -> None:
        if not self._inside:
            self.faults[FaultKind.NOISE] += 1
            return
        self._checked.append(byte)
        self._sent_bytes += 1
        if self._sent_bytes > LONGEST_FRAME - len(_START) - len(_END):
            self.faults[FaultKind.TOO_LONG] += 1
            self._leave()

    def _end(self, frames: list[Frame]) -> None:
        checked, crc = bytes(self._checked[:-2]), self._checked[-2:]
        whole = len(self._checked) >= _LEAST_CHECKED
        if whole and crc16.arc(checked) == int.from_bytes(crc, "little"):
            frames.append(Frame(checked[0], checked[1], checked[2:]))
        else:
            self.faults[FaultKind.BAD_CRC] += 1
        self._leave()

    def _leave(self) -> None:
        self._inside = False
        self._checked.clear()
        self._sent_bytes = 0
