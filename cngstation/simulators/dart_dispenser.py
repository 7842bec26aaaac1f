"""A simulated pump that speaks DART: an address, numbered blocks, news to polls."""

from cngstation.simulators.dart_frames import (
    ACK,
    ACKPOLL,
    DATA,
    EOT,
    NAK,
    POLL,
    Ear,
    control,
    data_block,
    unpack,
)
from cngstation.simulators.plain_dispenser import PlainDispenser

FIRST_ADDRESS = 0x50
PRICES = 5
BITS_PER_BYTE = 11
STATUS, FILLED, PLACE, TOTALS = 0x01, 0x02, 0x03, 0x65


class DartDispenser:
    """What one side says on the wire; `works` is its works."""

    def __init__(self, works: PlainDispenser, gun: int, *, nozzle: int = 1) -> None:
        self.works = works
        self.address = FIRST_ADDRESS + gun - 1
        self._nozzle = nozzle
        self.spoils_prices = False  # it finds the checksum of every price wrong
        self._ear = Ear(self.address)
        self._block = 0
        self._waiting: bytes | None = None  # a block that was not acknowledged
        self._last_heard: bytes | None = None
        self._asked: set[int] = set()
        self._said: dict[int, bytes] = {}

    def hear(self, data: bytes, now: float) -> bytes | None:
        """Take what is on the wire; return what it answers, if anything."""
        answer = None
        for frame in self._ear.hear(data):
            self.works.step(now)
            answer = self._take(frame, now)
        return answer

    def _take(self, frame: bytes, now: float) -> bytes | None:
        kind, block = frame[1] >> 4, frame[1] & 0xF
        if kind == POLL:
            return self._news()
        if kind in {ACK, ACKPOLL}:
            if self._waiting is not None:
                self._waiting = None
                self._block = self._block % 15 + 1
            return self._news() if kind == ACKPOLL else None
        if kind != DATA:
            return None
        data = unpack(frame)
        if data is None or (self.spoils_prices and data[:1] == bytes([PRICES])):
            return control(self.address, NAK, block)
        if frame != self._last_heard or block == 0:
            self._obey(data, now)
        self._last_heard = frame
        return control(self.address, ACK, block)

    def _news(self) -> bytes:
        if self._waiting is None:
            self._waiting = self._next_block()
        return self._waiting or control(self.address, EOT)

    def _next_block(self) -> bytes | None:
        facts = {FILLED: self._filled(), PLACE: self._place(), STATUS: self._status()}
        news = b""
        for kind, fact in facts.items():
            if kind in self._asked or self._said.get(kind) != fact:
                news += fact
                self._said[kind] = fact
        if TOTALS in self._asked:
            news += self._totals()
        self._asked.clear()
        return data_block(self.address, self._block, news) if news else None

    def _obey(self, data: bytes, now: float) -> None:
        at = 0
        while at + 1 < len(data):
            kind, body = data[at], data[at + 2 : at + 2 + data[at + 1]]
            at += 2 + data[at + 1]
            if kind == 1:
                self._command(body[0], now)
            elif kind == 3 and self._is_reset:
                self.works.preset(quantity=int(body.hex()))
            elif kind == 4 and self._is_reset:
                self.works.preset(amount=int(body.hex()))
            elif kind == PRICES:
                mine = body[3 * self._nozzle - 3 : 3 * self._nozzle]
                self.works.set_price(int(mine.hex()))
            elif kind == TOTALS:
                self._asked.add(TOTALS)

    def _command(self, code: int, now: float) -> None:
        works = self.works
        match code:
            case 0x00:
                self._asked |= {STATUS, PLACE}
            case 0x04:
                self._asked |= {FILLED, PLACE, STATUS}
            case 0x05:
                works.reset()
            case 0x06 if self._is_reset and works.kept.price:
                works.authorise(now)
            case 0x08:
                works.stop(now)
            case 0x0A:
                works.switch_off(now)

    @property
    def _is_reset(self) -> bool:
        works = self.works
        return not (works.is_complete or works.is_running or works.is_off)

    def _status(self) -> bytes:
        works = self.works
        if works.is_off:
            code = 7
        elif works.at_maximum:
            code = 6
        elif works.is_running:
            code = 4
        elif works.is_complete:
            code = 5
        elif not works.kept.price:
            code = 0
        else:
            code = 2 if works.is_authorised else 1
        return bytes((STATUS, 1, code))

    def _filled(self) -> bytes:
        kept = self.works.kept
        return bytes((FILLED, 8)) + _bcd(kept.quantity, 4) + _bcd(kept.amount, 4)

    def _place(self) -> bytes:
        out = 0x10 if self.works.is_out else 0
        price = _bcd(self.works.kept.price, 3)
        return bytes((PLACE, 4)) + price + bytes((out | self._nozzle,))

    def _totals(self) -> bytes:
        kept = self.works.kept
        figures = _bcd(kept.total_quantity, 5) + _bcd(kept.total_amount, 5)
        return bytes((TOTALS, 11, self._nozzle)) + figures


def _bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(str(number).zfill(2 * size)[-2 * size :])
