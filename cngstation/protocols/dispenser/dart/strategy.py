"""What the host says to DART pumps, and when.

    we send                the pump answers
    POLL                   EOT, or DATA, which we acknowledge at once
    DATA with a command    ACK; what was asked for comes with a later POLL

A block that gets no ACK is sent again under its number, except an order, which is sent
once and whose pump is asked for its status then. A pump that completed a fill is reset
when the fill is in the books and the nozzle is back: only a reset pump can be
authorised, and a reset forgets the fill. A price is sent to an idle pump and is in
force when the pump says it.
"""

from collections.abc import Sequence

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import Capability, NozzleStatus, Totals
from cngstation.protocols.dispenser.dart import transactions
from cngstation.protocols.dispenser.dart.frames import (
    CONTROL_BYTES,
    FIRST_ADDRESS,
    LAST_ADDRESS,
    Control,
    Frame,
    FrameParser,
)
from cngstation.protocols.dispenser.dart.settings import DartSettings
from cngstation.protocols.dispenser.dart.side import Side
from cngstation.protocols.dispenser.dart.transactions import Command, Status
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
from cngstation.protocols.dispenser.memoryless_strategy import MemorylessStrategy
from cngstation.protocols.dispenser.polled_strategy import (
    Ask,
    NoAnswer,
    Pace,
    Script,
    Tell,
    Visit,
    asked,
)
from cngstation.protocols.dispenser.turns import PolledNozzle

PROTOCOL = "dart"
CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.AUTHORISE,
        Capability.PRESET,
        Capability.STOP,
        Capability.LOCK,
        Capability.PRICE,
        Capability.TOTALS,
    }
)
BITS_PER_BYTE = 11  # 8O1
# A pump answers within 60 ms of the last byte; the longest block that the pumps of
# public captures send has half of this length.
ANSWER_ALLOWANCE_US = 60_000
LONGEST_BLOCK = 48
TRIES = 3
POLLS_FOR_AN_ANSWER = 4
RESET_AGAIN_US = 5_000_000


class DartNozzle(PolledNozzle):
    """A pump that is silent for 5 s is off the line."""

    offline_after_us = 5_000_000


class DartStrategy(MemorylessStrategy[Frame, Side]):
    """All pumps of one DART line."""

    protocol = PROTOCOL
    nozzle_type = DartNozzle

    def __init__(
        self, baud: int, nozzles: Sequence[NozzleSetup], settings: DartSettings
    ) -> None:
        self.pace = Pace(
            baud, BITS_PER_BYTE, settings.gap_ms * 1_000, ANSWER_ALLOWANCE_US
        )
        self.reader = FrameParser()
        self._settings = settings
        super().__init__({nozzle.gun: Side(nozzle, settings) for nozzle in nozzles})
        self._reset_us: dict[int, int] = {}
        self._reported: dict[int, NozzleStatus] = {}

    def gun_of(self, frame: Frame) -> int | None:
        """Return the nozzle of an address."""
        is_address = FIRST_ADDRESS <= frame.address <= LAST_ADDRESS
        return frame.address - FIRST_ADDRESS + 1 if is_address else None

    def answers(self, ask: Ask, frame: Frame) -> bool:
        """A poll is answered by EOT or DATA, a block by ACK or NAK."""
        if ask.data[1] == Control.POLL:
            return frame.control in {Control.EOT, Control.DATA}
        return frame.control in {Control.ACK, Control.NAK}

    def heard_again(self, gun: int) -> None:
        """Ask it for everything anew."""
        self.points[gun].line_up()
        self._reported.pop(gun, None)

    # Polls

    def poll(self, visit: Visit) -> Script[Frame, None]:
        """Hear what is new, ask what is missing, bring fills and prices on."""
        side = self.points[visit.gun]
        yield from self._listen(visit, side)
        question = side.next_question(visit.now_us)
        if question is not None:
            visit.has_more = True
            yield from self._say(side, transactions.command(question))
        side.watch(visit.now_us)
        if side.sale.wants_total(visit.now_us):
            yield from self._count(visit, side)
        self._report(visit, side)
        if side.is_idle:
            yield from self._look_after(visit, side)

    def _report(self, visit: Visit, side: Side) -> None:
        if side.status is not None:
            status = side.nozzle_status()
            if status != self._reported.get(visit.gun):
                self._reported[visit.gun] = status
                visit.report(StatusReceived(visit.gun, status))
        self.report_fills(visit)

    def _look_after(self, visit: Visit, side: Side) -> Script[Frame, None]:
        if side.status is Status.COMPLETE:
            before_us = self._reset_us.get(visit.gun)
            if before_us is None or visit.now_us - before_us >= RESET_AGAIN_US:
                self._reset_us[visit.gun] = visit.now_us
                visit.has_more = True
                yield from self._say(side, transactions.command(Command.RESET))
            return
        shown_e4 = None if side.place is None else side.price_e4
        price_e4 = self.price_to_send(visit, shown_e4)
        if price_e4 is not None:
            yield from self._set_price(visit, side, price_e4)
        self.report_price(visit, shown_e4)

    def _set_price(
        self, visit: Visit, side: Side, price_e4: int
    ) -> Script[Frame, None]:
        try:
            price = self._settings.price(price_e4)
            data = transactions.prices(price, self._settings.nozzle)
        except LocalProtocolError:
            self.refuse_price(visit, WhyRefused.DOES_NOT_FIT)
            return
        if not (yield from self._say(side, data)):
            self.refuse_price(visit, WhyRefused.DAMAGED)
        yield from self._say(side, transactions.command(Command.RETURN_FILLING))
        visit.has_more = True

    # Questions and orders

    def tell_totals(self, visit: Visit, request: Request) -> Script[Frame, None]:
        """Ask for the totalisers and report them."""
        side = self.points[visit.gun]
        yield from self._count(visit, side)
        total = side.total()
        if total is not None:
            answer = Totals(None, total.quantity_milli, total.amount_e4, None, None)
            visit.report(TotalsReceived(request, answer))

    def order(self, visit: Visit, order: Order) -> Script[Frame, OrderOutcome] | None:
        """Authorise, stop, switch off or on; None where the pump cannot follow now."""
        data = self._order_data(self.points[order.gun], order)
        return None if data is None else self._give(visit, order, data)

    def _order_data(self, side: Side, order: Order) -> bytes | None:
        command = transactions.command
        match order.kind:
            case OrderKind.STOP:
                return command(Command.STOP)
            case OrderKind.LOCK if side.is_idle:
                return command(Command.SWITCH_OFF)
            case OrderKind.UNLOCK if side.status is Status.SWITCHED_OFF:
                return command(Command.RESET)
            case OrderKind.AUTHORISE if side.status is Status.RESET:
                return self._authorisation(order) if side.sale.is_settled else None
        return None

    def _authorisation(self, order: Order) -> bytes | None:
        preset = b""
        if order.preset_quantity_milli and order.preset_amount_e4:
            return None
        if order.preset_quantity_milli:
            volume = self._settings.volume(order.preset_quantity_milli)
            preset = transactions.preset_volume(volume)
        if order.preset_amount_e4:
            amount = self._settings.amount(order.preset_amount_e4)
            preset = transactions.preset_amount(amount)
        nozzle = transactions.allow(self._settings.nozzle)
        return nozzle + preset + transactions.command(Command.AUTHORISE)

    def _give(
        self, visit: Visit, order: Order, data: bytes
    ) -> Script[Frame, OrderOutcome]:
        side = self.points[order.gun]
        try:
            taken = yield from self._say(side, data)
        except NoAnswer:
            side.forget_status()
            yield from self._say(side, transactions.command(Command.RETURN_STATUS))
            for _ in range(POLLS_FOR_AN_ANSWER):
                yield from self._listen(visit, side)
                if side.status is not None:
                    break
            taken = side.status is not None and _shows(order.kind, side.status)
            return OrderOutcome.DONE if taken else OrderOutcome.UNKNOWN
        if taken and order.kind is OrderKind.STOP:
            side.stop_taken = True
        return OrderOutcome.DONE if taken else OrderOutcome.REFUSED

    # Exchanges

    def _listen(self, visit: Visit, side: Side) -> Script[Frame, None]:
        poll = Frame(side.address, Control.POLL).to_bytes()
        frame: Frame = yield from asked(Ask(poll, LONGEST_BLOCK, tries=TRIES))
        if frame.control is Control.EOT:
            return
        block = 0 if self._settings.plain_ack else frame.block
        yield Tell(Frame(side.address, Control.ACK, block).to_bytes())
        side.take(transactions.said(frame.data), frame.data, visit.now_us)

    def _say(self, side: Side, data: bytes) -> Script[Frame, bool]:
        """Send a block; False if the pump does not take it."""
        block = Frame(side.address, Control.DATA, side.next_block(), data)
        ask = Ask(block.to_bytes(), CONTROL_BYTES, tries=TRIES)
        frame: Frame = yield from asked(ask)
        return frame.control is Control.ACK

    def _count(self, visit: Visit, side: Side) -> Script[Frame, None]:
        """Read the totaliser, for whom it may concern."""
        side.totals = None
        yield from self._say(side, transactions.ask_totals(self._settings.nozzle))
        for _ in range(POLLS_FOR_AN_ANSWER):
            yield from self._listen(visit, side)
            if (total := side.total()) is not None:
                side.watch(visit.now_us)
                side.sale.counted(total, visit.now_us)
                return


def _shows(kind: OrderKind, status: Status) -> bool:
    """Tell whether a pump's status is what an order wanted."""
    running = status in {Status.AUTHORISED, Status.FILLING}
    if kind is OrderKind.AUTHORISE:
        return running
    if kind is OrderKind.STOP:
        return not running and status is not Status.SUSPENDED
    return (status is Status.SWITCHED_OFF) == (kind is OrderKind.LOCK)
