"""Compac Modbus-RTU overheard: both directions' frames in words.

A request to read is eight bytes and an answer names its length, so that the same first
bytes are tried as both. A written register is confirmed by the request's own bytes.
"""

from collections import Counter
from collections.abc import Iterable
from functools import partial

from pymodbus.framer import FramerRTU

from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.compac.modbus import (
    LAST_DEVICE,
    MOST_REGISTERS,
    READ,
    WRITE,
)
from cngstation.protocols.dispenser.compac.registers import LIVE_COUNT, LiveRegisters
from cngstation.protocols.dispenser.overheard import (
    Figure,
    Overheard,
    Speaker,
    Tap,
    Told,
    figure,
    figures_of,
    hundredths,
    thousandths,
)

_REFUSED = 0x80
_REQUEST_BYTES, _REFUSAL_BYTES, _AROUND_REGISTERS = 8, 5, 5
_LONGEST = _AROUND_REGISTERS + 2 * MOST_REGISTERS
# Function and CRC; a device is any of 247.
_PROOF_BITS = 7 + o.CRC_BITS
_ASKED, _READ = mark("registers asked"), mark("registers")
_WRITE, _WRITTEN = mark("register write ordered"), mark("register written")
_REFUSAL = mark("refused")
_LIVE = (
    ("price", o.PRICE, hundredths),
    ("quantity", o.QUANTITY, thousandths),
    ("amount", o.AMOUNT, hundredths),
    ("total_quantity", o.TOTAL_QUANTITY, hundredths),
    ("pressure", o.PRESSURE, str),
    ("flow", o.FLOW, hundredths),
    ("errors", o.ALARMS, o.bits),
    ("last_quantity", o.VALUE, thousandths),
)


def compac_tap() -> Tap:
    """Hear the master and the devices of a Modbus-RTU line."""
    return Tap(_Frames(), _Ear().explain)


class _Frames:
    """Finds the frames of both directions."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._faults: Counter[FaultKind] = Counter()

    @property
    def faults(self) -> Counter[FaultKind]:
        """What was passed over since the caller last emptied it."""
        return self._faults

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the frames that they complete."""
        found: list[bytes] = []
        for start in range(0, len(data), _LONGEST):
            self._buffer += data[start : start + _LONGEST]
            while (frame := self._next()) is not None:
                found.append(frame)
        return found

    def reset(self) -> None:
        """Give up a frame that has begun."""
        if self._buffer:
            self._faults[FaultKind.HALF_FRAME] += 1
            self._buffer.clear()

    def _next(self) -> bytes | None:
        """Take the first whole frame; drop what in front can begin none."""
        first_open: int | None = None
        for begin in range(len(self._buffer)):
            sizes = self._sizes_at(begin)
            for size in sizes:
                frame = bytes(self._buffer[begin : begin + size])
                if len(frame) == size and _is_sound(frame):
                    self._drop(begin)
                    del self._buffer[:size]
                    return frame
            # Behind a broken frame a whole one may stand already: every place is tried.
            if first_open is None and any(
                len(self._buffer) < begin + size for size in sizes
            ):
                first_open = begin
        self._drop(len(self._buffer) if first_open is None else first_open)
        return None

    def _sizes_at(self, begin: int) -> tuple[int, ...]:
        device, *head = self._buffer[begin : begin + 3]
        if not 1 <= device <= LAST_DEVICE:
            return ()
        if not head:
            return (_REQUEST_BYTES,)
        match head[0]:
            case 0x83 | 0x86:
                return (_REFUSAL_BYTES,)
            case 6:
                return (_REQUEST_BYTES,)
            case 3:
                count = head[1] if len(head) > 1 else 0
                if 0 < count <= 2 * MOST_REGISTERS and not count % 2:
                    return (_REQUEST_BYTES, _AROUND_REGISTERS + count)
                return (_REQUEST_BYTES,)
        return ()

    def _drop(self, count: int) -> None:
        if count:
            self._faults[FaultKind.NOISE] += count
            del self._buffer[:count]


class _Ear:
    """Remembers the request behind which an answer comes."""

    def __init__(self) -> None:
        self._request = b""

    def explain(self, frame: bytes) -> Overheard:
        """Say what a frame means, and who sent it."""
        is_answer = self._is_answer(frame)
        told = _answer(frame) if is_answer else _request(frame)
        self._request = b"" if is_answer else frame
        speaker = Speaker.DISPENSER if is_answer else Speaker.HOST
        return told.by(speaker, frame[0], frame, _PROOF_BITS)

    def _is_answer(self, frame: bytes) -> bool:
        if frame[1] & _REFUSED:
            return True
        if frame[1] == WRITE:
            return frame == self._request
        return len(frame) == _AROUND_REGISTERS + frame[2]


def _is_sound(frame: bytes) -> bool:
    sound: bool = FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))
    return sound


def _request(frame: bytes) -> Told:
    register = int.from_bytes(frame[2:4], "big")
    value = int.from_bytes(frame[4:6], "big")
    if frame[1] == READ:
        figures = (figure(o.FROM, register), figure(o.COUNT, value))
        return Told(_ASKED, figures)
    return Told(_WRITE, (figure(o.NUMBER, register), figure(o.VALUE, value)))


def _answer(frame: bytes) -> Told:
    if frame[1] & _REFUSED:
        return Told(_REFUSAL, (figure(o.CODE, frame[2]),))
    if frame[1] == WRITE:
        register = int.from_bytes(frame[2:4], "big")
        value = int.from_bytes(frame[4:6], "big")
        return Told(_WRITTEN, (figure(o.NUMBER, register), figure(o.VALUE, value)))
    body = frame[3:-2]
    values = [int.from_bytes(body[at : at + 2], "big") for at in range(0, len(body), 2)]
    return o.told_or_odd(_READ, partial(_figures, values))


def _figures(values: list[int]) -> Iterable[Figure]:
    if len(values) != LIVE_COUNT:
        shown = " ".join(f"{value:04X}" for value in values)
        return (figure(o.REGISTERS, shown),)
    return figures_of(LiveRegisters.from_registers(values), _LIVE)
