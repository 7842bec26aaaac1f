"""What the host says to the fuelling points of a UniPump controller, and when.

    each poll                  status; prices once, and after they were set
    a transaction is shown     its totaliser is read, it becomes a record
    the record is committed    lock, close the transaction, unlock
    authorise                  lock, authorise; the lock is kept until the close
    stop                       halt
    price                      lock, set, read again, unlock; of a point at rest

The lock keeps other stations' programs out. A transaction's number runs from 0 to 99
and begins again: `LastSale` numbers the fill by its totaliser. A command is sent once;
without its answer the state is read.
"""

from collections.abc import Sequence

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.dialogue import (
    IdentityReceived,
    Question,
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
    Visit,
    asked,
)
from cngstation.protocols.dispenser.unipump import mapping
from cngstation.protocols.dispenser.unipump.frames import (
    CONTROLLER,
    Frame,
    FrameParser,
)
from cngstation.protocols.dispenser.unipump.messages import (
    Answer,
    Filling,
    Prices,
    Requests,
    Status,
    TotalsBody,
    Transaction,
    Version,
    read_answer,
)
from cngstation.protocols.dispenser.unipump.point import FuellingPoint
from cngstation.units import E4_PER_FEN, hundredths_to_e4

CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.AUTHORISE,
        Capability.PRESET,
        Capability.STOP,
        Capability.PRICE,
        Capability.TOTALS,
        Capability.IDENTITY,
    }
)
BITS_PER_BYTE = 10  # 8N1
SPACING_US = 50_000
ANSWER_ALLOWANCE_US = 300_000
TRIES = 2
LONGEST_ANSWER = 48
CLOSE_AGAIN_US = 3_000_000
# What the plain form holds: an order without a preset is for as much.
LARGEST_ORDER = 99_999_999
LARGEST_PRICE = 9_999
MILLI_PER_HUNDREDTH = 10
_STATUS = b"SUAT"


class UnipumpStrategy(MemorylessStrategy[Frame, FuellingPoint]):
    """All fuelling points of one controller."""

    protocol = mapping.PROTOCOL

    def __init__(
        self,
        baud: int,
        nozzles: Sequence[NozzleSetup],
        *,
        nozzle: int = 1,
        is_extended: bool = False,
    ) -> None:
        self.pace = Pace(baud, BITS_PER_BYTE, SPACING_US, ANSWER_ALLOWANCE_US)
        self.reader = FrameParser()
        self._nozzle = nozzle
        self._is_extended = is_extended
        self._asks_controller_for = 0
        super().__init__(
            {
                setup.gun: FuellingPoint(
                    setup, Requests(setup.gun, is_extended=is_extended), nozzle
                )
                for setup in nozzles
            }
        )

    def gun_of(self, frame: Frame) -> int | None:
        """A point is a gun; the controller answers for the one that was asked."""
        if frame.address == CONTROLLER:
            return self._asks_controller_for
        return frame.point

    def answers(self, ask: Ask, frame: Frame) -> bool:
        """A status can stand in for whatever was asked of a point."""
        (request,) = FrameParser().feed(ask.data)
        if request.address == CONTROLLER:
            return frame.code == ord("V")
        code = _said(frame)
        if _said(request) == ord("T"):
            return code == ord("C") or code in _STATUS
        if request.code == ord("P"):
            return code == ord("P") or code in _STATUS
        return code in _STATUS

    def heard_again(self, gun: int) -> None:
        """Compare the totaliser and read the prices again."""
        self.points[gun].line_up()

    # Polls

    def poll(self, visit: Visit) -> Script[Frame, None]:
        """Hear how a point is, bring its fill on, look after lock and price."""
        point = self.points[visit.gun]
        yield from self._status(visit, point)
        if point.prices is None and not point.is_busy:
            yield from self._read_prices(point)
        if point.sale.wants_total(visit.now_us) and not point.is_busy:
            yield from self._count(visit, point)
            visit.has_more = True
        self.report_fills(visit)
        if point.shown is not None and point.sale.is_settled:
            if point.is_time_to_close(visit.now_us, CLOSE_AGAIN_US):
                yield from self._close(visit, point, point.shown)
        elif point.is_at_rest:
            yield from self._bring_price(visit, point)
            if point.is_ours and not point.is_busy:
                yield from self._say(visit, point, point.requests.unlock())

    def _status(self, visit: Visit, point: FuellingPoint) -> Script[Frame, None]:
        yield from self._say(visit, point, point.requests.status(), tries=TRIES)

    def _close(
        self, visit: Visit, point: FuellingPoint, shown: Transaction
    ) -> Script[Frame, None]:
        if not point.is_ours:
            yield from self._say(visit, point, point.requests.lock())
        yield from self._say(visit, point, point.requests.close(shown.transaction))
        yield from self._say(visit, point, point.requests.unlock())
        visit.has_more = True

    def _bring_price(self, visit: Visit, point: FuellingPoint) -> Script[Frame, None]:
        if point.prices is None:
            return
        shown_e4 = hundredths_to_e4(point.price)
        wanted_e4 = self.price_to_send(visit, shown_e4)
        price, rest = divmod(wanted_e4 or 0, E4_PER_FEN)
        fits = self._is_extended or price <= LARGEST_PRICE
        if wanted_e4 is not None and (rest or not fits):
            self.refuse_price(visit, WhyRefused.DOES_NOT_FIT)
        elif wanted_e4 is not None:
            prices = list(point.prices)
            prices[self._nozzle - 1] = price
            yield from self._say(visit, point, point.requests.lock())
            request = point.requests.set_prices(tuple(prices))
            yield from self._say(visit, point, request)
            yield from self._read_prices(point)
            yield from self._say(visit, point, point.requests.unlock())
            visit.has_more = True
        self.report_price(visit, shown_e4)

    # Questions and orders

    def question(self, visit: Visit, request: Request) -> Script[Frame, None] | None:
        """Tell totalisers, or the controller's version; it keeps no records."""
        if request.question is Question.IDENTITY:
            return self._tell_identity(visit, request)
        return super().question(visit, request)

    def tell_totals(self, visit: Visit, request: Request) -> Script[Frame, None]:
        """Read the totaliser and report it."""
        body = yield from self._count(visit, self.points[visit.gun])
        if body is not None:
            visit.report(TotalsReceived(request, mapping.totals(body)))

    def _tell_identity(self, visit: Visit, request: Request) -> Script[Frame, None]:
        self._asks_controller_for = visit.gun
        data = Requests.version().to_bytes()
        frame: Frame = yield from asked(Ask(data, LONGEST_ANSWER))
        version = read_answer(frame)
        if isinstance(version, Version):
            answer = mapping.identity(visit.gun, version)
            visit.report(IdentityReceived(request, answer))

    def order(self, visit: Visit, order: Order) -> Script[Frame, OrderOutcome] | None:
        """Authorise or stop; the point's lock is no lock of the nozzle."""
        point = self.points[order.gun]
        if order.kind is OrderKind.STOP:
            return self._stop(visit, point)
        if order.kind is not OrderKind.AUTHORISE or not point.sale.is_settled:
            return None
        if point.shown is not None or not point.price:
            return None
        try:
            request = self._order(point, order)
        except LocalProtocolError:
            return None
        return self._authorise(visit, point, request)

    def _order(self, point: FuellingPoint, order: Order) -> Frame:
        volume, volume_rest = divmod(order.preset_quantity_milli, MILLI_PER_HUNDREDTH)
        amount, amount_rest = divmod(order.preset_amount_e4, E4_PER_FEN)
        if volume_rest or amount_rest or (volume and amount):
            raise LocalProtocolError(why="a preset that the controller cannot take")
        if not volume and not amount:
            amount = LARGEST_ORDER
        return point.requests.authorise(
            self._nozzle, volume=volume, amount=amount, price=point.price
        )

    def _authorise(
        self, visit: Visit, point: FuellingPoint, request: Frame
    ) -> Script[Frame, OrderOutcome]:
        yield from self._say(visit, point, point.requests.lock())
        if not point.is_ours:
            return OrderOutcome.REFUSED  # another station holds it
        try:
            yield from self._say(visit, point, request)
        except NoAnswer:
            yield from self._status(visit, point)
            taken = point.is_authorised
            return OrderOutcome.DONE if taken else OrderOutcome.UNKNOWN
        return OrderOutcome.DONE if point.is_authorised else OrderOutcome.REFUSED

    def _stop(self, visit: Visit, point: FuellingPoint) -> Script[Frame, OrderOutcome]:
        try:
            yield from self._say(visit, point, point.requests.halt())
        except NoAnswer:
            yield from self._status(visit, point)
            return OrderOutcome.UNKNOWN if point.is_filling else OrderOutcome.DONE
        if point.is_filling:
            yield from self._status(visit, point)
        return OrderOutcome.REFUSED if point.is_filling else OrderOutcome.DONE

    # Exchanges

    def _say(
        self, visit: Visit, point: FuellingPoint, request: Frame, *, tries: int = 1
    ) -> Script[Frame, None]:
        """Ask or command; a point answers either with its status."""
        ask = Ask(request.to_bytes(), LONGEST_ANSWER, tries=tries)
        frame: Frame = yield from asked(ask)
        self._heard(visit, point, read_answer(frame), frame)

    def _heard(
        self, visit: Visit, point: FuellingPoint, answer: Answer, frame: Frame
    ) -> None:
        if isinstance(answer, Status | Filling | Transaction):
            visit.report(StatusReceived(visit.gun, point.heard(answer, frame)))
            point.watch(answer, frame, visit.now_us)

    def _read_prices(self, point: FuellingPoint) -> Script[Frame, None]:
        data = point.requests.prices().to_bytes()
        frame: Frame = yield from asked(Ask(data, LONGEST_ANSWER, tries=TRIES))
        answer = read_answer(frame)
        if isinstance(answer, Prices):
            point.prices = answer.prices

    def _count(
        self, visit: Visit, point: FuellingPoint
    ) -> Script[Frame, TotalsBody | None]:
        """Read the totaliser, for whom it may concern."""
        data = point.requests.totals(self._nozzle).to_bytes()
        frame: Frame = yield from asked(Ask(data, LONGEST_ANSWER, tries=TRIES))
        answer = read_answer(frame)
        if not isinstance(answer, TotalsBody):
            self._heard(visit, point, answer, frame)
            return None
        point.sale.counted(mapping.total(answer, frame.to_bytes()), visit.now_us)
        return answer


def _said(frame: Frame) -> int:
    """Return the code of either form."""
    is_extended = frame.code == ord("E") and frame.data
    return frame.data[0] if is_extended else frame.code
