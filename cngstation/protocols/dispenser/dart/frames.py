"""DART frames: bytes to frames and back, with resynchronisation.

    control   ADR CTRL FA
    data      ADR 3x  data[...]  crcLo crcHi  03 FA

    ADR 50H to 6FH, one for each side of a pump; CTRL has the kind in its high nibble
    and the number of the block in its low one:
    20 POLL   3x DATA   5x NAK   70 EOT, nothing to say   Cx ACK   Ex ACKPOLL

The CRC is CRC-16/ARC from ADR to the last byte of data, sent low byte first. A byte FA
in data or CRC is preceded by 10H, which the CRC does not cover. Lines carry a byte or
two of noise before frames.

Source: captured frames in a public note, and public drivers that agree with them.
"""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from fastcrc import crc16

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind

FIRST_ADDRESS, LAST_ADDRESS = 0x50, 0x6F
CONTROL_BYTES = 3
LONGEST_DATA = 256
_STOP, _END_OF_TEXT, _ESCAPE = 0xFA, 0x03, 0x10
# Twice everything that may be escaped, and what stands around it.
_LONGEST_FRAME = 2 * (LONGEST_DATA + 2) + 4
# Received bytes are taken in slices, so that the buffer stays below 2 KiB.
_SLICE = 1024


class Control(IntEnum):
    """The high nibble of CTRL."""

    POLL = 0x20
    DATA = 0x30
    NAK = 0x50
    EOT = 0x70
    ACK = 0xC0
    ACKPOLL = 0xE0


_KINDS = {int(kind): kind for kind in Control}
_OF_HOST = frozenset({Control.POLL, Control.ACKPOLL})


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of either direction; only DATA has data."""

    address: int
    control: Control
    block: int = 0
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """Encode the frame.

        Raises:
            LocalProtocolError: an address, block number or length is not the
                protocol's.
        """
        is_address = FIRST_ADDRESS <= self.address <= LAST_ADDRESS
        if not (is_address and 0 <= self.block <= 0xF):
            raise LocalProtocolError(
                why=f"address {self.address:02X}H, block {self.block}"
            )
        head = bytes([self.address, self.control | self.block])
        if self.control is not Control.DATA:
            return head + bytes([_STOP])
        if len(self.data) > LONGEST_DATA:
            raise LocalProtocolError(why=f"DART data of {len(self.data)} bytes")
        body = self.data + crc16.arc(head + self.data).to_bytes(2, "little")
        escaped = body.replace(bytes([_STOP]), bytes([_ESCAPE, _STOP]))
        return head + escaped + bytes([_END_OF_TEXT, _STOP])


class FrameParser:
    """Finds the frames of pumps in any stream of bytes; holds less than 4 KiB.

    `faults` counts what was passed over since the caller last emptied it. Frames that
    only a host sends are an echo, unless somebody else's host is listened to.
    """

    def __init__(self, *, hears_hosts: bool = False) -> None:
        self._hears_hosts = hears_hosts
        self._buffer = bytearray()
        self.faults: Counter[FaultKind] = Counter()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that they complete."""
        frames: list[Frame] = []
        for start in range(0, len(data), _SLICE):
            self._buffer += data[start : start + _SLICE]
            while (size := self._size()) is not None:
                frame = self._decode(bytes(self._buffer[:size]))
                if frame is not None:
                    del self._buffer[:size]
                    frames.append(frame)
        return [frame for frame in frames if not self._is_ours(frame)]

    def reset(self) -> None:
        """Give up a frame that has begun: its rest will not come any more."""
        if self._buffer:
            self.faults[FaultKind.HALF_FRAME] += 1
            self._buffer.clear()

    def _is_ours(self, frame: Frame) -> bool:
        """Only a host polls: what an adapter hands back is not heard."""
        if self._hears_hosts or frame.control not in _OF_HOST:
            return False
        self.faults[FaultKind.OWN_ECHO] += 1
        return True

    def _size(self) -> int | None:
        """Return the size of the frame that fills the buffer's front, if complete."""
        buffer = self._buffer
        while len(buffer) >= CONTROL_BYTES:
            kind = _KINDS.get(buffer[1] & 0xF0)
            if FIRST_ADDRESS <= buffer[0] <= LAST_ADDRESS and kind is not None:
                if kind is Control.DATA:
                    end = self._end_of_data()
                    if end is None and len(buffer) <= _LONGEST_FRAME:
                        return None
                    if end is not None:
                        return end
                    self._drop(FaultKind.TOO_LONG)
                    continue
                if buffer[2] == _STOP:
                    return CONTROL_BYTES
            self._drop(FaultKind.NOISE)
        return None

    def _end_of_data(self) -> int | None:
        at = 2
        while at < len(self._buffer):
            if self._buffer[at] == _STOP:
                return at + 1
            escapes = self._buffer[at : at + 2] == bytes([_ESCAPE, _STOP])
            at += 2 if escapes else 1
        return None

    def _decode(self, wire: bytes) -> Frame | None:
        """Decode a whole frame; of a broken one give up the first byte only."""
        kind, block = _KINDS[wire[1] & 0xF0], wire[1] & 0xF
        if kind is not Control.DATA:
            return Frame(wire[0], kind, block)
        if wire[-2] != _END_OF_TEXT:
            self._drop(FaultKind.BAD_TRAILER)
            return None
        body = wire[2:-2].replace(bytes([_ESCAPE, _STOP]), bytes([_STOP]))
        data, crc = body[:-2], body[-2:]
        if len(crc) < 2 or crc16.arc(wire[:2] + data).to_bytes(2, "little") != crc:
            self._drop(FaultKind.BAD_CRC)
            return None
        return Frame(wire[0], kind, block, data)

    def _drop(self, fault: FaultKind) -> None:
        self.faults[fault] += 1
        del self._buffer[0]
