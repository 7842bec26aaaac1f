"""Orders to a controller, each sent once; an authorisation that is late is taken back.

No packet says until when an order counts: PumpAuthorize has pump, nozzle, dose and
price. So what must not happen late is watched for:

    answered while somebody waits for it      counts
    not answered, or nobody waits any more    in doubt; the state is read at once
    in doubt, and the pump shows that it is   PumpStop, again every 2 s; where that is
    authorised, or a fill that is new         refused, PumpLock
    another authorisation was confirmed, or   certain again: it never came
    30 s of being heard at rest

A pump in doubt is asked as often as one that fills.

What remains: a controller that needs longer than those 30 s for what it has read; what
was out when this program was killed, which nobody watches for afterwards; the gas that
flows until the next status and the stop, half a second or so. A late PumpUnlock opens
a pump that somebody locked meanwhile: the board shows it. A late stop or lock only
closes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    FuellingState,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    Event,
    OrderAnswered,
    ProtocolFault,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.pts import messages
from cngstation.protocols.dispenser.pts.exchange import Asked
from cngstation.protocols.dispenser.pts.messages import Filling, Idle, StatusReport
from cngstation.protocols.dispenser.pts.packets import Packet, Request
from cngstation.protocols.dispenser.pts.points import Point

# A controller serves what it has read before it answers the next; ten times that.
CERTAIN_AFTER_US = 30_000_000
STOPPED_AGAIN_US = 2_000_000
_STOP, _LOCK = "PumpStop", "PumpLock"
_COMMANDS = {
    OrderKind.LOCK: _LOCK,
    OrderKind.UNLOCK: "PumpUnlock",
    OrderKind.STOP: _STOP,
}


@dataclass(slots=True)
class _Doubt:
    """An authorisation that may still come; `transaction` is the fill before it."""

    transaction: int
    at_rest_since_us: int | None = None
    is_shown: bool = False
    stopped_again_us: int = 0
    stop_is_refused: bool = False


class Orders:
    """The orders that are out, and the pumps whose last one is in doubt."""

    def __init__(
        self, report: Callable[[Event], None], read_state: Callable[[], None]
    ) -> None:
        self._report = report
        self._read_state = read_state
        self._out: dict[Order, Point] = {}
        self._doubts: dict[int, _Doubt] = {}

    @property
    def are_in_doubt(self) -> bool:
        """Whether a pump may be authorised any moment by what is late."""
        return bool(self._doubts)

    def asked(self, point: Point, order: Order) -> list[Asked]:
        """Return the packet of an order; it is refused unsent where there is none."""
        request = None if point.link is Link.OFFLINE else _request(point, order)
        if request is None:
            # The controller may keep it for a pump that comes back later.
            self._report(OrderAnswered(order, OrderOutcome.REFUSED))
            return []
        self._out[order] = point
        transaction = point.transaction

        def answered(packet: Packet, _now_us: int) -> None:
            outcome = OrderOutcome.REFUSED if packet.error else OrderOutcome.DONE
            is_awaited = self._out.pop(order, None) is not None
            if order.kind is OrderKind.AUTHORISE and outcome is OrderOutcome.DONE:
                self._doubts.pop(point.gun, None)
                if not is_awaited:
                    self._doubts[point.gun] = _Doubt(transaction)
            self._report(OrderAnswered(order, outcome))
            self._read_state()

        def missed() -> None:
            self._out.pop(order, None)
            if order.kind is OrderKind.AUTHORISE:
                self._doubts[point.gun] = _Doubt(transaction)
            self._report(OrderAnswered(order, OrderOutcome.UNKNOWN))
            self._read_state()

        return [Asked(point, request, answered, missed)]

    def abandoned(self, order: Order) -> None:
        """Say that nobody waits for an order any more, sent or not."""
        self._out.pop(order, None)

    def heard(self, point: Point, report: StatusReport, now_us: int) -> None:
        """Look whether a status shows what must not be."""
        doubt = self._doubts.get(point.gun)
        if doubt is None:
            return
        doubt.is_shown = _shows(point, report, doubt)
        if doubt.is_shown or doubt.at_rest_since_us is None:
            doubt.at_rest_since_us = None if doubt.is_shown else now_us
        elif now_us - doubt.at_rest_since_us >= CERTAIN_AFTER_US:
            del self._doubts[point.gun]

    def due(self, point: Point, now_us: int) -> Asked | None:
        """Return the stop of a pump that was authorised too late."""
        doubt = self._doubts.get(point.gun)
        if doubt is None:
            return None
        if point.link is not Link.ONLINE:
            doubt.at_rest_since_us = None
        if not doubt.is_shown or now_us < doubt.stopped_again_us:
            return None
        if not doubt.stopped_again_us:
            self._report(ProtocolFault(FaultKind.LATE_REPLY, point.gun, 1))
        doubt.stopped_again_us = now_us + STOPPED_AGAIN_US
        command = _LOCK if doubt.stop_is_refused else _STOP

        def answered(packet: Packet, _now_us: int) -> None:
            doubt.stop_is_refused = packet.error is not None and command == _STOP
            if doubt.stop_is_refused:
                doubt.stopped_again_us = 1  # at once
            self._read_state()

        return Asked(point, messages.command(command, point.gun), answered)


def _request(point: Point, order: Order) -> Request | None:
    if order.kind is OrderKind.AUTHORISE and point.offered is not None:
        return None  # its last fill is not in the books yet
    if order.kind is OrderKind.AUTHORISE:
        return messages.authorise(
            point.gun,
            point.nozzle,
            quantity_milli=order.preset_quantity_milli,
            amount_e4=order.preset_amount_e4,
        )
    kind = _COMMANDS.get(order.kind)
    return None if kind is None else messages.command(kind, point.gun)


def _shows(point: Point, report: StatusReport, doubt: _Doubt) -> bool:
    match report:
        case Idle():
            return point.state is FuellingState.AUTHORISED
        case Filling():
            return report.transaction != doubt.transaction
        case _:
            return False
