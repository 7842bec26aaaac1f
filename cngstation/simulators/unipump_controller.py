"""A simulated UniPump controller: sixteen fuelling points behind one serial port.

A command is obeyed by the holder of a point's lock only; the close of a transaction
too. What a point has sold stays until it is closed. Source: public station programs.
UNVERIFIED on hardware.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cngstation.simulators.plain_nozzle import PlainNozzle

_DLE, _STX, _ETX = 0x10, 0x02, 0x03
_POINT = 0x30
VERSION = b"PTS 5.12"
_OFFLINE, _IDLE, _CALL, _READY, _ERROR = b"0", b"1", b"3", b"4", b"8"


@dataclass(slots=True)
class PointState:
    """One fuelling point: its lock, its other nozzles' prices, its trouble."""

    nozzle: PlainNozzle
    is_ours: bool = False
    is_others: bool = False  # another station's program holds the lock
    is_offline: bool = False
    prices: list[int] = field(default_factory=lambda: [0] * 6)


@dataclass(slots=True)
class UnipumpController:
    """All points; `is_extended` answers in the extended form."""

    points: dict[int, PointState]
    is_extended: bool = False
    ignored: dict[str, int] = field(default_factory=dict)
    _frame: bytearray | None = None
    _after_dle: bool = False

    def hear(self, data: bytes, now: float) -> list[bytes]:
        """Take bytes off the wire; return the answers to whole frames."""
        answers = []
        for byte in data:
            frame = self._take(byte)
            if frame is None:
                continue
            if len(frame) < 4 or _crc(frame[:-2]).to_bytes(2, "little") != frame[-2:]:
                self._count("bad_crc")
                continue
            answer = self._answer(frame[0], frame[1], frame[2:-2], now)
            if answer is not None:
                answers.append(framed(bytes([frame[0]]) + answer))
        return answers

    def pause(self) -> None:
        """The line was silent: what has begun will not end."""
        self._frame, self._after_dle = None, False

    def _take(self, byte: int) -> bytes | None:
        if not self._after_dle and byte == _DLE:
            self._after_dle = True
            return None
        marked, self._after_dle = self._after_dle, False
        if marked and byte == _STX:
            self._frame = bytearray()
        elif marked and byte == _ETX:
            frame, self._frame = self._frame, None
            return None if frame is None else bytes(frame)
        elif self._frame is not None and (not marked or byte == _DLE):
            self._frame.append(byte)
        return None

    def _answer(self, address: int, code: int, data: bytes, now: float) -> bytes | None:
        if address == 0:
            return b"V" + VERSION if code == ord("V") else None
        point = self.points.get(address - _POINT)
        if point is None:
            self._count("no_point")
            return None
        point.nozzle.flow(now)
        fields = None
        if code == ord("E") and data:
            code, fields = data[0], data[1:].removesuffix(b";").split(b";")
        handlers: dict[str, Callable[[PointState, bytes, list[bytes] | None], bytes]]
        handlers = {
            "S": lambda p, _d, _f: self._status(p),
            "L": lambda p, _d, _f: self._lock(p, is_ours=True),
            "U": lambda p, _d, _f: self._lock(p, is_ours=False),
            "A": self._authorise,
            "H": lambda p, _d, _f: self._halt(p),
            "C": self._close,
            "T": lambda p, _d, _f: self._totals(p),
            "p": self._set_prices,
            "P": lambda p, _d, _f: self._prices(p),
        }
        handler = handlers.get(chr(code))
        return None if handler is None else handler(point, data, fields)

    def _status(self, point: PointState) -> bytes:
        nozzle = point.nozzle
        if nozzle.is_filling:
            figures = (nozzle.transaction, 1, nozzle.volume // 10)
            return self._said("A", figures, (2, 1, 8))
        if nozzle.is_open:
            sold = (nozzle.last_volume // 10, nozzle.last_price, nozzle.last_amount)
            return self._said("T", (nozzle.transaction, 1, *sold), (2, 1, 8, 4, 8))
        state = _IDLE
        if nozzle.is_authorised:
            state = _READY
        elif nozzle.is_lifted:
            state = _CALL
        if point.is_offline:
            state = _OFFLINE
        holder = b"S" if point.is_ours else b"U"
        return holder + (b"1" if nozzle.is_lifted else b"0") + state + b"0"

    def _lock(self, point: PointState, *, is_ours: bool) -> bytes:
        if not point.is_others:
            point.is_ours = is_ours
        return self._status(point)

    def _authorise(
        self, point: PointState, data: bytes, fields: list[bytes] | None
    ) -> bytes:
        nozzle = point.nozzle
        _, kind, order, _ = fields or [data[:1], data[1:2], data[2:10], data[10:]]
        is_free = not (nozzle.is_filling or nozzle.is_open or nozzle.is_locked)
        if point.is_ours and is_free:
            nozzle.is_authorised = True
            nozzle.preset_volume = int(order) * 10 if kind == b"L" else 0
            nozzle.preset_amount = int(order) if kind == b"P" else 0
        return self._status(point)

    def _halt(self, point: PointState) -> bytes:
        if not point.is_others:
            point.nozzle.stop()
            point.nozzle.is_authorised = False
        return self._status(point)

    def _close(
        self, point: PointState, data: bytes, fields: list[bytes] | None
    ) -> bytes:
        if point.is_ours:
            point.nozzle.close(int(fields[0] if fields else data))
        return self._status(point)

    def _totals(self, point: PointState) -> bytes:
        nozzle = point.nozzle
        sums = (nozzle.total_amount % 10**10, nozzle.total_volume // 10 % 10**10)
        return self._said("C", (nozzle.transaction, 1, *sums), (2, 1, 10, 10))

    def _set_prices(
        self, point: PointState, data: bytes, fields: list[bytes] | None
    ) -> bytes:
        given = fields or [data[n : n + 4] for n in range(0, len(data), 4)]
        if point.is_ours and not point.nozzle.is_filling:
            point.nozzle.price = int(given[0])
            point.nozzle.save()
        return self._status(point)

    def _prices(self, point: PointState) -> bytes:
        prices = (point.nozzle.price, *point.prices[1:])
        return self._said("P", prices, (4,) * 6)

    def _said(
        self, code: str, figures: tuple[int, ...], widths: tuple[int, ...]
    ) -> bytes:
        if self.is_extended:
            return f"E{code}{';'.join(map(str, figures))};".encode()
        pairs = zip(figures, widths, strict=True)
        return (code + "".join(f"{value:0{width}d}" for value, width in pairs)).encode()

    def _count(self, kind: str) -> None:
        self.ignored[kind] = self.ignored.get(kind, 0) + 1


def _crc(data: bytes) -> int:
    """CRC-16/ARC."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def framed(body: bytes) -> bytes:
    """Return a frame as it goes over the wire."""
    whole = body + _crc(body).to_bytes(2, "little")
    return b"\x10\x02" + whole.replace(b"\x10", b"\x10\x10") + b"\x10\x03"


def unframed(frame: bytes) -> bytes:
    """Return what `framed` was given."""
    return frame[2:-2].replace(b"\x10\x10", b"\x10")[:-2]
