"""JX-V4 frames: bytes to frames and back, with resynchronisation.

    host -> dispenser   AA FF  gun 00   cmd  lenH lenL  body[len]  crcH crcL  CC FF
    dispenser -> host   BB EE  00  gun  cmd  lenH lenL  body[len]  crcH crcL  DD EE
    offset              0  1   2   3    4    5    6     7          7+len      9+len

The CRC is CRC-16/MODBUS over offsets 2 to 6+len, sent high byte first. Nothing is
stuffed: start and end bytes may occur in a body.

Source: public dispenser firmware and host programs of the JX family. UNVERIFIED
against a captured line: no capture is public.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Self

from fastcrc import crc16

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind

HEADER_BYTES = 7
OVERHEAD_BYTES = 11
# The longest known body is a list block of 180 bytes; a reader of this family
# rejects what claims more than 256.
LONGEST_BODY = 256
# 53H to a dispenser with a key: type 6, 4 of any kind, key of 16.
_KEY_BODY_BYTES = 21
_KEY_HEAD = bytes([0x53, 0, _KEY_BODY_BYTES, 6])
# Received bytes are taken in slices, so that the buffer stays below 2 KiB.
_SLICE = 1024


class Command(IntEnum):
    """The command byte; the same for a request and its answer."""

    STATUS = 0x51  # host: poll
    RECORD = 0x52  # host: acknowledgement
    LIST = 0x53  # type 6 carries a key in clear: never sent, its body never shown
    LIST_BLOCK = 0x54
    DEBIT = 0x55
    LIST_CHECK = 0x56
    TOTALS = 0x57
    REREAD = 0x58
    IDENTITY = 0x59
    SHIFT_RECORD = 0x5A
    PARAMETER_CHANGE = 0x5B
    CARD_CHECK = 0x5C
    FORCE_OFF_DUTY = 0x5D
    PRICES = 0x5E
    LOCK = 0x5F
    AUTHORISE = 0x70  # these two of one variant only
    STOP = 0x72


class Sender(Enum):
    """Who sent a frame: its first two and its last two bytes."""

    HOST = (b"\xaa\xff", b"\xcc\xff")
    DISPENSER = (b"\xbb\xee", b"\xdd\xee")

    @property
    def start(self) -> bytes:
        return self.value[0]

    @property
    def end(self) -> bytes:
        return self.value[1]


_SENDERS = {sender.start: sender for sender in Sender}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of either direction; `host` is 0 on every known line."""

    sender: Sender
    gun: int
    command: int
    body: bytes = b""
    host: int = 0

    def to_bytes(self) -> bytes:
        """Encode the frame.

        Raises:
            LocalProtocolError: the body is longer than the protocol allows.
        """
        if len(self.body) > LONGEST_BODY:
            raise LocalProtocolError(why=f"a JX-V4 body of {len(self.body)} bytes")
        addresses = (self.gun, self.host)
        if self.sender is Sender.DISPENSER:
            addresses = (self.host, self.gun)
        checked = (
            bytes([*addresses, self.command])
            + len(self.body).to_bytes(2, "big")
            + self.body
        )
        crc = crc16.modbus(checked).to_bytes(2, "big")
        return self.sender.start + checked + crc + self.sender.end

    @classmethod
    def from_checked(cls, sender: Sender, checked: bytes) -> Self:
        """Make a frame from the bytes that its CRC has covered."""
        gun, host = checked[0], checked[1]
        if sender is Sender.DISPENSER:
            gun, host = host, gun
        return cls(sender, gun, checked[2], checked[5:], host)


class FrameParser:
    """Finds frames in any stream of bytes; never raises, holds less than 4 KiB.

    `faults` counts what was passed over since the caller last emptied it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.faults: Counter[FaultKind] = Counter()

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
        while (size := self._candidate()) is not None:
            sender = _SENDERS[bytes(self._buffer[:2])]
            checked = bytes(self._buffer[2 : size - 4])
            fault = self._verdict(sender, checked, size)
            if fault is None:
                del self._buffer[:size]
                return Frame.from_checked(sender, checked)
            self.faults[fault] += 1
            del self._buffer[0]
        return None

    def _candidate(self) -> int | None:
        """Return the size of the frame that fills the buffer's front, if complete."""
        while True:
            self._skip_noise()
            if len(self._buffer) < HEADER_BYTES:
                return None
            length = int.from_bytes(self._buffer[5:7], "big")
            if length <= LONGEST_BODY:
                size = length + OVERHEAD_BYTES
                return size if len(self._buffer) >= size else None
            self.faults[FaultKind.TOO_LONG] += 1
            del self._buffer[0]

    def _skip_noise(self) -> None:
        found = [self._buffer.find(start) for start in _SENDERS]
        front = min((at for at in found if at >= 0), default=None)
        if front is None:
            # The last byte may be the first half of a start.
            half = any(self._buffer.endswith(start[:1]) for start in _SENDERS)
            front = len(self._buffer) - half
        if front:
            self.faults[FaultKind.NOISE] += front
            del self._buffer[:front]

    def _verdict(self, sender: Sender, checked: bytes, size: int) -> FaultKind | None:
        if crc16.modbus(checked) != int.from_bytes(
            self._buffer[size - 4 : size - 2], "big"
        ):
            return FaultKind.BAD_CRC
        if self._buffer[size - 2 : size] != sender.end:
            return FaultKind.BAD_TRAILER
        return None


def conceal(data: bytes) -> bytes:
    """Return bytes as they may be shown: a key that a host sends is blanked.

    The frame need not be whole, nor its start have arrived.
    """
    shown = bytearray(data)
    at = data.find(_KEY_HEAD)
    while at >= 0:
        begin = at + len(_KEY_HEAD)
        end = min(begin + _KEY_BODY_BYTES - 1, len(data))
        shown[begin:end] = bytes(end - begin)
        at = data.find(_KEY_HEAD, begin)
    return bytes(shown)
