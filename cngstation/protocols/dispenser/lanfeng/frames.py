"""Lanfeng frames: twelve bytes either way.

    request   gun  00  cmd  d[8]                                        chk
    status    gun  00  price bcd2  amount bcd3  volume bcd3  state      chk
    total     gun  00  00 00 00    total bcd6                           chk
    offset    0    1   2           4            7            10         11

`chk` makes the sum of bytes 1 to 11 zero modulo 256. State: bit 80H the nozzle is out,
40H the host has control, low nibble 1 at rest, 2 filling.

Source: notes of an integrator and check bytes printed by the maker. UNVERIFIED against
a pump: no capture is public, nor what answers a command; any sound frame is taken.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind

FRAME_BYTES = 12
TOTAL_DIGITS = 12
_OUT, _CONTROLLED, _LOW = 0x80, 0x40, 0x0F
_AT_REST, _FILLING = 1, 2


class Command(IntEnum):
    """What a pump is told or asked."""

    STATUS = 0xB8
    TAKE_CONTROL = 0xA0
    RELEASE = 0xB0
    START = 0xA1
    STOP = 0xB1
    PRESET_AMOUNT = 0xA2
    PRESET_VOLUME = 0xA3
    PRICE = 0xA4
    AMOUNT_TOTAL = 0xAC
    VOLUME_TOTAL = 0xAD


@dataclass(frozen=True, slots=True)
class Shown:
    """What a pump shows; figures are raw."""

    price: int
    amount: int
    volume: int
    is_out: bool
    is_controlled: bool
    is_filling: bool


def request(gun: int, command: Command, figure: int = 0, size: int = 0) -> bytes:
    """Return a request with a figure of `size` BCD bytes.

    Raises:
        LocalProtocolError: the figure has more digits.
    """
    digits = str(figure)
    if figure < 0 or (size and len(digits) > 2 * size):
        raise LocalProtocolError(why=f"{figure} does not fit {2 * size} digits")
    data = bytes.fromhex(digits.zfill(2 * size)) if size else b""
    body = bytes([gun, 0, command]) + data.ljust(8, b"\0")
    return body + bytes([_check(body)])


def status(frame: bytes) -> Shown:
    """Read a status; RemoteProtocolError for a digit or a state that is none.

    A totaliser that comes late looks like one when its last digits are those of a
    state; it has no price where a status with figures has one.
    """
    state = frame[10]
    if state & _LOW not in {_AT_REST, _FILLING}:
        raise RemoteProtocolError(why=f"state {state:02X}H")
    price, amount, volume = map(_number, (frame[2:4], frame[4:7], frame[7:10]))
    if not price and (amount or volume):
        raise RemoteProtocolError(why="figures without a price")
    return Shown(
        price=price,
        amount=amount,
        volume=volume,
        is_out=bool(state & _OUT),
        is_controlled=bool(state & _CONTROLLED),
        is_filling=state & _LOW == _FILLING,
    )


def total(frame: bytes) -> int:
    """Read a totaliser; RemoteProtocolError for a digit that is none."""
    return _number(frame[5:11])


class FrameParser:
    """Finds frames of the line's guns in any stream of bytes; holds eleven bytes.

    `faults` counts what was passed over since the caller last emptied it.
    """

    def __init__(self, guns: Collection[int]) -> None:
        self._guns = frozenset(guns)
        self._buffer = bytearray()
        self.faults: Counter[FaultKind] = Counter()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the frames that they complete."""
        frames: list[bytes] = []
        for byte in data:
            self._buffer.append(byte)
            if len(self._buffer) < FRAME_BYTES:
                continue
            if self._is_frame():
                frames.append(bytes(self._buffer))
                self._buffer.clear()
            else:
                known = self._buffer[0] in self._guns and self._buffer[1] == 0
                self.faults[FaultKind.BAD_CRC if known else FaultKind.NOISE] += 1
                del self._buffer[0]
        return frames

    def reset(self) -> None:
        """Give up a frame that has begun: its rest will not come any more."""
        if self._buffer:
            self.faults[FaultKind.HALF_FRAME] += 1
            self._buffer.clear()

    def _is_frame(self) -> bool:
        head = self._buffer[0] in self._guns and self._buffer[1] == 0
        return head and self._buffer[11] == _check(self._buffer[:11])


def _check(body: bytes | bytearray) -> int:
    return -sum(body[1:]) & 0xFF


def _number(bcd: bytes) -> int:
    digits = bcd.hex()
    if not digits.isdecimal():
        raise RemoteProtocolError(why=f"{digits} is not decimal")
    return int(digits)
