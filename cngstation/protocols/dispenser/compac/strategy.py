"""What the host says to Compac dispensers, and when.

    each poll    read 100 to 131: the live figures, the totalisers, the last delivery
    first poll   read 200 and 201 too: the lock and the price; again after a write
    order        write 200: lock stops a fill and prevents the next, unlock frees it
    price        write 201 to a dispenser at rest; in force when 101 shows it

A dispenser keeps its last delivery alone and numbers none: `LastSale` makes records of
what it shows. It answers what it does not know or cannot do with an exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.protocols.dispenser.compac import mapping, modbus
from cngstation.protocols.dispenser.compac.modbus import (
    Answer,
    AnswerParser,
    Refused,
    Registers,
    Written,
)
from cngstation.protocols.dispenser.compac.registers import (
    FIRST_LIVE,
    FIRST_SETTING,
    LIVE_COUNT,
    LOCK,
    PRICE,
    SETTING_COUNT,
    CompacOptions,
    LiveRegisters,
)
from cngstation.protocols.dispenser.dialogue import (
    Request,
    StatusReceived,
    TotalsReceived,
    WhyRefused,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    Order,
    OrderKind,
    OrderOutcome,
)
from cngstation.protocols.dispenser.last_sale import Figures, Fill, LastSale
from cngstation.protocols.dispenser.last_sale import Total as HoseTotal
from cngstation.protocols.dispenser.memoryless_strategy import MemorylessStrategy
from cngstation.protocols.dispenser.polled_strategy import (
    Ask,
    NoAnswer,
    Pace,
    Script,
    Visit,
    asked,
)
from cngstation.units import E4_PER_FEN, hundredths_to_e4

BITS_PER_BYTE = 11  # 8N2
# Modbus-RTU ends a frame by 3.5 characters of silence.
_SILENCE_BITS = (BITS_PER_BYTE * 7 + 1) // 2
ANSWER_ALLOWANCE_US = 200_000
TRIES = 2
LARGEST_PRICE = 0xFFFF
_LOCKED = {OrderKind.LOCK: 1, OrderKind.UNLOCK: 0}


@dataclass(slots=True)
class Dispenser:
    """What is known of one hose."""

    setup: NozzleSetup
    sale: LastSale
    is_locked: bool | None = None  # None: not read yet


class CompacStrategy(MemorylessStrategy[Answer, Dispenser]):
    """All dispensers of one Modbus line."""

    protocol = mapping.PROTOCOL

    def __init__(
        self, baud: int, nozzles: Sequence[NozzleSetup], options: CompacOptions
    ) -> None:
        self.pace = Pace(
            baud,
            BITS_PER_BYTE,
            spacing_us=0,
            allowance_us=ANSWER_ALLOWANCE_US,
            quiet_us=_SILENCE_BITS * 1_000_000 // baud,
        )
        self.reader = AnswerParser()
        self._options = options
        super().__init__(
            {
                nozzle.gun: Dispenser(
                    nozzle,
                    LastSale(
                        wrap_milli=mapping.total_wrap_milli(options),
                        wrap_e4=mapping.total_wrap_e4(options),
                        step_milli=mapping.total_step_milli(options),
                    ),
                )
                for nozzle in nozzles
            }
        )

    def gun_of(self, frame: Answer) -> int | None:
        """A hose is a Modbus device."""
        return frame.device

    def answers(self, ask: Ask, frame: Answer) -> bool:
        """An exception answers anything of its function; registers by their count."""
        if frame.function != ask.data[1]:
            return False
        match frame.content:
            case Registers(values=values):
                return len(values) == int.from_bytes(ask.data[4:6], "big")
            case Written():
                return frame.raw == ask.data
            case Refused():
                return True

    def heard_again(self, gun: int) -> None:
        """Compare the totaliser and read the lock again."""
        dispenser = self.points[gun]
        dispenser.sale.line_up()
        dispenser.is_locked = None

    # Polls

    def poll(self, visit: Visit) -> Script[Answer, None]:
        """Read the live registers, and what follows from them."""
        dispenser = self.points[visit.gun]
        live, raw = yield from self._live(visit.gun)
        if dispenser.is_locked is None:
            yield from self._read_lock(dispenser)
        is_locked = bool(dispenser.is_locked)
        status = mapping.nozzle_status(live, is_locked=is_locked, raw=raw)
        visit.report(StatusReceived(visit.gun, status))
        self._watch(visit, dispenser, live, raw)
        if not live.is_filling:
            yield from self._bring_price(visit, dispenser, live)

    def _live(self, gun: int) -> Script[Answer, tuple[LiveRegisters, bytes]]:
        frame: Answer = yield from self._read(gun, FIRST_LIVE, LIVE_COUNT)
        if not isinstance(frame.content, Registers):
            raise RemoteProtocolError(why=f"{frame.content} to a read")
        return LiveRegisters.from_registers(frame.content.values), frame.raw

    def _read_lock(self, dispenser: Dispenser) -> Script[Answer, None]:
        """Read the lock; a model without such a register is never locked."""
        frame: Answer = yield from self._read(
            dispenser.setup.gun, FIRST_SETTING, SETTING_COUNT
        )
        locked = isinstance(frame.content, Registers) and frame.content.values[0] == 1
        dispenser.is_locked = locked

    def _watch(
        self, visit: Visit, dispenser: Dispenser, live: LiveRegisters, raw: bytes
    ) -> None:
        sale, price_e4 = dispenser.sale, hundredths_to_e4(live.price)
        if live.is_filling:
            amount_e4 = hundredths_to_e4(live.amount)
            figures = Figures(live.quantity, amount_e4, price_e4, raw)
            sale.saw(figures, visit.now_us, is_flowing=True, is_over=False)
        else:
            amount_e4 = mapping.last_amount_e4(live, self._options)
            figures = Figures(live.last_quantity, amount_e4, price_e4, raw)
            sale.saw(figures, visit.now_us, is_flowing=False, is_over=True)
            sale.counted(self._total(live), visit.now_us)
        self.report_fills(visit)

    def _total(self, live: LiveRegisters) -> HoseTotal:
        return HoseTotal(
            mapping.total_quantity_milli(live, self._options),
            mapping.total_amount_e4(live, self._options),
        )

    def record(self, point: Dispenser, fill: Fill) -> SaleRecord:
        """Add what the frame of the delivery says beside its figures."""
        record = super().record(point, fill)
        (frame,) = AnswerParser().feed(fill.figures.raw)
        assert isinstance(frame.content, Registers)
        live = LiveRegisters.from_registers(frame.content.values)
        if live.last_quantity != fill.figures.quantity_milli:
            return record  # cut: its end was not seen
        return replace(record, **mapping.of_last_delivery(live))

    def _bring_price(
        self, visit: Visit, dispenser: Dispenser, live: LiveRegisters
    ) -> Script[Answer, None]:
        shown_e4 = hundredths_to_e4(live.price)
        gun = dispenser.setup.gun
        wanted_e4 = self.price_to_send(visit, shown_e4)
        price, rest = divmod(wanted_e4 or 0, E4_PER_FEN)
        if wanted_e4 is not None and (rest or price > LARGEST_PRICE):
            self.refuse_price(visit, WhyRefused.DOES_NOT_FIT)
        elif wanted_e4 is not None:
            frame: Answer = yield from self._write(gun, PRICE, price)
            if isinstance(frame.content, Refused):
                said = f"{WhyRefused.NO} {frame.content.exception}"
                self.refuse_price(visit, said)
        self.report_price(visit, shown_e4)

    # Questions and orders

    def tell_totals(self, visit: Visit, request: Request) -> Script[Answer, None]:
        """Read the totalisers among the live registers."""
        live, _ = yield from self._live(visit.gun)
        answer = mapping.totals(live, self._options)
        visit.report(TotalsReceived(request, answer))

    def order(self, visit: Visit, order: Order) -> Script[Answer, OrderOutcome] | None:
        """Lock or unlock; there is nothing else that it obeys."""
        del visit
        if order.kind not in _LOCKED:
            return None
        return self._lock(self.points[order.gun], _LOCKED[order.kind])

    def _lock(self, dispenser: Dispenser, wanted: int) -> Script[Answer, OrderOutcome]:
        try:
            frame: Answer = yield from self._write(dispenser.setup.gun, LOCK, wanted)
        except NoAnswer:
            yield from self._read_lock(dispenser)
            taken = dispenser.is_locked == bool(wanted)
            return OrderOutcome.DONE if taken else OrderOutcome.UNKNOWN
        dispenser.is_locked = None
        taken = isinstance(frame.content, Written)
        return OrderOutcome.DONE if taken else OrderOutcome.REFUSED

    # Exchanges

    def _read(self, gun: int, first: int, count: int) -> Script[Answer, Answer]:
        data = modbus.read_request(gun, self._address(first), count)
        answer_bytes = modbus.read_answer_bytes(count)
        return (yield from asked(Ask(data, answer_bytes, tries=TRIES)))

    def _write(self, gun: int, register: int, value: int) -> Script[Answer, Answer]:
        data = modbus.write_request(gun, self._address(register), value)
        ask = Ask(data, modbus.WRITE_BYTES, tries=TRIES, answer_may_repeat=True)
        return (yield from asked(ask))

    def _address(self, register: int) -> int:
        return register + self._options.register_offset
