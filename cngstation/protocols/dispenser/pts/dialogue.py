"""The station's side of a PTS-2 controller: what goes into which message, without I/O.

Theory of operation. One message is out at a time; it has a packet for each thing to
say and its answer one for each, by their Ids:

    every 400 ms while a pump is busy, every second else   PumpGetStatus of each pump,
                                                           measurements of those filling
    at once                                                orders, closings, questions,
                                                           sales that were not shown

An answer without a packet's Id, no answer in 5 s, and one that cannot be read all
count as missed for the pumps that were asked. An order is sent once: without its
answer it ends as UNKNOWN, and the next status shows what became of it. A closing is
repeated, because it changes nothing that is not committed; so is the stop of a pump
that was authorised too late (`orders`).

A pump that the controller cannot reach counts as missed: its link goes, its last state
stays. When it is heard again the service compares its counter, and asks for each
transaction that the book lacks.
"""

from collections import deque
from collections.abc import Sequence

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import (
    Capability,
    FaultKind,
    NoFill,
    NozzleStatus,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    Event,
    LinkChanged,
    ProtocolFault,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    RequestFailed,
    StatusReceived,
    TotalsReceived,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    Order,
)
from cngstation.protocols.dispenser.pts import messages, points
from cngstation.protocols.dispenser.pts.exchange import Asked, Exchange
from cngstation.protocols.dispenser.pts.messages import (
    Filling,
    Idle,
    Offline,
    Sale,
    TotalsReport,
)
from cngstation.protocols.dispenser.pts.orders import Orders
from cngstation.protocols.dispenser.pts.packets import MOST_PACKETS, Packet
from cngstation.protocols.dispenser.pts.points import Point
from cngstation.protocols.dispenser.pts.pricing import Pricing
from cngstation.protocols.dispenser.pts.settling import closing, missing
from cngstation.protocols.dispenser.waiting import Waiting
from cngstation.protocols.dispenser.without import WithoutForecourtCommands

CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.AUTHORISE,
        Capability.PRESET,
        Capability.STOP,
        Capability.LOCK,
        Capability.PRICE,
        Capability.REREAD,
        Capability.TOTALS,
    }
)
BUSY_POLL_US = 400_000
IDLE_POLL_US = 1_000_000


class PtsDialogue(WithoutForecourtCommands):
    """All pumps of one controller; fits `dispenser.dialogue.Dialogue`."""

    def __init__(self, points: Sequence[Point], *, measures: bool = True) -> None:
        super().__init__()
        if not points or len({point.gun for point in points}) != len(points):
            raise ValueError("a controller has one or more pumps, each once")
        self._points = {point.gun: point for point in points}
        self._measures = measures
        self._unmeasured: set[int] = set()
        self._waiting = Waiting(frozenset(self._points))
        self._events: list[Event] = []
        self._pricing = Pricing(self._events.append)
        self._orders = Orders(self._events.append, self._poll_at_once)
        self._exchange = Exchange()
        self._polls: deque[Point] = deque()
        self._next_poll_us = 0
        self._cycle_begun_us: int | None = None

    def line_opened(self, now_us: int) -> None:
        """Begin afresh: every pump is asked in the first message."""
        self._polls.clear()
        self._unmeasured.clear()
        self._cycle_begun_us = None
        self._next_poll_us = now_us

    def line_closed(self, now_us: int) -> None:
        """Forget what was under way; an order that was sent ends as UNKNOWN."""
        self._exchange.give_up()
        self._events += self._waiting.give_up()
        for point in self._points.values():
            self._fail_totals(point)
        self._pass_time(now_us)

    def next_transmission(self, now_us: int, wall_ms: int) -> Transmission | Wait:
        """Say what to send now, or how long there is nothing to send."""
        self._pass_time(now_us)
        if self._exchange.is_out:
            return Wait(self._exchange.until_us)
        batch = self._urgent(now_us, wall_ms)
        if not self._polls and now_us >= self._next_poll_us:
            self._begin_cycle(now_us)
        while self._polls and len(batch) < MOST_PACKETS - 1:
            batch += self._status_of(self._polls.popleft())
        if not batch:
            return Wait(self._next_poll_us)
        message = self._exchange.begin(batch, now_us)
        return Transmission(batch[0].point.gun, message)

    def sent(self, now_us: int) -> None:
        """Say that the message is on its way; its time counts from here."""
        self._exchange.begun(now_us)

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """Take the body of an answer, whole or as much as came."""
        self._exchange.take(data, now_us)
        return self.tick(now_us)

    def tick(self, now_us: int) -> list[Event]:
        """Let time pass, and collect what happened."""
        self._pass_time(now_us)
        for point in self._points.values():
            if (record := point.due_offer(now_us)) is not None:
                self._events.append(RecordReceived(point.gun, record))
        for (kind, gun), count in self._exchange.faults.items():
            if count:
                self._events.append(ProtocolFault(kind, gun, count))
        self._exchange.faults.clear()
        events = self._events.copy()
        self._events.clear()
        return events

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a sale is committed, or that it cannot be taken now."""
        self._points[gun].answered_offer(device_seq, now_us, accepted=accepted)

    def request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such pump, or too many questions wait.
        """
        self._waiting.ask(request)

    def order(self, order: Order) -> None:
        """Put an order in the queue.

        Raises:
            LocalProtocolError: there is no such pump, or too many orders wait.
        """
        self._waiting.order(order)

    def withdraw(self, order: Order) -> bool:
        """Take back an order that waits; False where it may have been sent."""
        self._orders.abandoned(order)
        return self._waiting.withdraw(order)

    def offer(self, downloads: Downloads) -> None:
        """Say which price the pumps shall have; the controller keeps no lists."""
        self._pricing.offer(downloads)

    # What goes out

    def _poll_at_once(self) -> None:
        """Show what became of an order."""
        self._next_poll_us = 0

    def _begin_cycle(self, now_us: int) -> None:
        if self._cycle_begun_us is not None:
            self._events.append(CycleCompleted(now_us - self._cycle_begun_us))
        self._cycle_begun_us = now_us
        busy = self._orders.are_in_doubt or any(
            point.is_busy for point in self._points.values()
        )
        self._next_poll_us = now_us + (BUSY_POLL_US if busy else IDLE_POLL_US)
        self._polls.extend(self._points.values())

    def _status_of(self, point: Point) -> list[Asked]:
        asked = Asked(
            point,
            messages.get_status(point.gun),
            lambda packet, now_us: self._read_status(point, packet, now_us),
            lambda: self._missed(point),
        )
        if not point.is_filling or point.gun in self._unmeasured or not self._measures:
            return [asked]
        measured = Asked(
            point,
            messages.get_measurements(point.gun),
            lambda packet, _: self._read_measurements(point, packet),
        )
        return [asked, measured]

    def _urgent(self, now_us: int, wall_ms: int) -> list[Asked]:
        """Return orders, questions, closings, fetches and prices, as many as fit."""
        batch: list[Asked] = []
        room = MOST_PACKETS - 2  # a status and its measurements fit too
        while self._waiting.orders and len(batch) < room:
            order = self._waiting.orders.popleft()
            batch += self._orders.asked(self._points[order.gun], order)
        while self._waiting.requests and len(batch) < room:
            batch += self._questioned(self._waiting.requests.popleft(), now_us)
        for point in self._points.values():
            wanted = (
                self._orders.due(point, now_us),
                closing(point, now_us),
                missing(point, now_us),
                self._pricing.due(point, now_us, wall_ms),
            )
            batch += [one for one in wanted if one is not None]
            if len(batch) >= room - len(wanted):
                break
        return batch

    def _questioned(self, request: Request, now_us: int) -> list[Asked]:
        point, number = self._points[request.gun], request.device_seq

        def failed() -> None:
            self._events.append(RequestFailed(request))

        if request.question is Question.RECORD and messages.is_transaction(number):
            return [
                Asked(
                    point,
                    messages.get_transaction(point.gun, number),
                    lambda packet, _: self._reread(point, request, packet),
                    failed,
                )
            ]
        if request.question is not Question.TOTALS or point.newest is None:
            failed()
            return []
        self._fail_totals(point)
        point.totals_request = request
        point.totals_until_us = now_us + points.TOTALS_LIMIT_US

        def answered(packet: Packet, now_us: int) -> None:
            if packet.error:
                self._fail_totals(point)
            self._next_poll_us = now_us

        return [
            Asked(
                point,
                messages.get_totals(point.gun, point.nozzle),
                answered,
                lambda: self._fail_totals(point),
            )
        ]

    # What comes back

    def _read_status(self, point: Point, packet: Packet, now_us: int) -> None:
        if packet.error is not None:
            raise RemoteProtocolError(why=f"error {packet.error.code}")
        report = messages.read_status(packet)
        if report.point != point.gun:
            self._exchange.faults[FaultKind.WRONG_GUN, point.gun] += 1
            self._missed(point)
            return
        if isinstance(report, Offline):
            self._missed(point)
            return
        if point.answered(now_us):
            self._events.append(LinkChanged(point.gun, point.link))
        match report:
            case Idle():
                point.shown(report.last_transaction)
                self._status(point, point.idle_status(report, packet.raw))
            case Filling():
                point.shown(points.before(report.transaction))
                self._status(point, point.filling_status(report, packet.raw))
            case Sale():
                self._status(point, point.ended_status(report, packet.raw))
                point.ended(report, packet.raw)
            case TotalsReport():
                self._totals(point, report)
            case _:
                pass  # it takes the place of one status
        self._orders.heard(point, report, now_us)

    def _status(self, point: Point, status: NozzleStatus) -> None:
        self._events.append(StatusReceived(point.gun, status))

    def _totals(self, point: Point, report: TotalsReport) -> None:
        request, point.totals_request = point.totals_request, None
        if request is None or point.newest is None:
            return
        totals = Totals(
            device_seq=point.newest,
            gun_total_quantity_milli=report.quantity_milli,
            gun_total_amount_e4=report.amount_e4,
            shift_total_quantity_milli=None,
            shift_total_amount_e4=None,
            last_number=messages.LAST_TRANSACTION,
        )
        self._events.append(TotalsReceived(request, totals))

    def _read_measurements(self, point: Point, packet: Packet) -> None:
        if packet.error is not None:
            self._unmeasured.add(point.gun)  # it has no such sensors
            return
        measured = messages.read_measurements(packet)
        if measured.point == point.gun:
            point.measured(measured.pressure_kpa)

    def _reread(self, point: Point, request: Request, packet: Packet) -> None:
        sale = messages.sale_of(packet, point.gun, request.device_seq)
        answer: SaleRecord | NoFill | None = None
        if sale is not None:
            answer = point.record(sale, packet.raw)
        elif point.is_kept(request.device_seq):
            answer = NoFill()
        self._events.append(RecordReread(request, answer))

    def _missed(self, point: Point) -> None:
        if point.missed():
            self._events.append(LinkChanged(point.gun, point.link))
        self._events.append(AnswerMissed(point.gun))

    def _fail_totals(self, point: Point) -> None:
        request, point.totals_request = point.totals_request, None
        if request is not None:
            self._events.append(RequestFailed(request))

    def _pass_time(self, now_us: int) -> None:
        if self._exchange.is_out and now_us >= self._exchange.until_us:
            self._exchange.give_up()
        for point in self._points.values():
            if point.totals_request is not None and now_us >= point.totals_until_us:
                self._fail_totals(point)
            if point.grow_silent(now_us):
                self._events.append(LinkChanged(point.gun, point.link))
