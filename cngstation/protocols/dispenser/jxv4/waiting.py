"""Questions and orders that wait for their turn on a JX-V4 bus."""

from collections.abc import Mapping

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import Link
from cngstation.protocols.dispenser.dialogue import (
    Event,
    OrderAnswered,
    Question,
    Request,
    RequestFailed,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderOutcome
from cngstation.protocols.dispenser.jxv4.downloads import Distribution
from cngstation.protocols.dispenser.jxv4.messages import record_no_body
from cngstation.protocols.dispenser.jxv4.nozzles import Nozzle
from cngstation.protocols.dispenser.jxv4.orders import order_body
from cngstation.protocols.dispenser.jxv4.variant import Variant
from cngstation.protocols.dispenser.waiting import Waiting


class WaitingRoom:
    """Each kind in its order; `events` are failures and refusals to report."""

    def __init__(
        self,
        nozzles: Mapping[int, Nozzle],
        variant: Variant,
        distribution: Distribution,
    ) -> None:
        self._nozzles = nozzles
        self._variant = variant
        self._distribution = distribution
        self._waiting = Waiting(frozenset(nozzles))
        self.events: list[Event] = []

    def add_request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many questions wait.
        """
        self._waiting.ask(request)

    def add_order(self, order: Order) -> None:
        """Put an order in the queue; refuse what cannot be sent."""
        try:
            order_body(order, self._variant)
            if order.kind not in self._variant.commands:
                self._refuse(order)
            elif order not in self._waiting.orders:
                self._waiting.order(order)
        except LocalProtocolError:
            self._refuse(order)

    def withdraw(self, order: Order) -> bool:
        """Take back an order; False where it waits no more."""
        return self._waiting.withdraw(order)

    def next_order(self) -> Order | None:
        """Return the order to send now."""
        for order in list(self._waiting.orders):
            nozzle = self._nozzles[order.gun]
            if nozzle.link is Link.OFFLINE:
                self._waiting.orders.remove(order)
                self._refuse(order)
            elif nozzle.undecided is None and nozzle.unsure is None:
                self._waiting.orders.remove(order)
                return order
        return None

    def next_request(self) -> Request | None:
        """Return the question to ask now."""
        self._ask_identities()
        for request in list(self._waiting.requests):
            nozzle = self._nozzles[request.gun]
            if nozzle.link is Link.OFFLINE:
                self._waiting.requests.remove(request)
                self.events.append(RequestFailed(request))
            elif nozzle.undecided is None:
                self._waiting.requests.remove(request)
                return request
        return None

    def question_body(self, request: Request) -> bytes:
        """Return the body of a question's frame."""
        if request.question is Question.RECORD:
            return record_no_body(request.device_seq, self._variant.order)
        return b""

    def abandon(self, under_way: Request | Order | None) -> None:
        """Answer everything that waits, and what was under way: the line closes."""
        if isinstance(under_way, Request):
            self.events.append(RequestFailed(under_way))
        elif under_way is not None:
            self.events.append(OrderAnswered(under_way, OrderOutcome.UNKNOWN))
        self.events += self._waiting.give_up()

    def _refuse(self, order: Order) -> None:
        self.events.append(OrderAnswered(order, OrderOutcome.REFUSED))

    def _ask_identities(self) -> None:
        """Read what an on-line nozzle holds when that may have changed."""
        for nozzle in self._nozzles.values():
            if nozzle.link is not Link.ONLINE:
                continue
            request = Request(nozzle.gun, Question.IDENTITY)
            is_due = self._distribution.take_identity_due(nozzle.gun)
            if is_due and request not in self._waiting.requests:
                self._waiting.requests.append(request)
