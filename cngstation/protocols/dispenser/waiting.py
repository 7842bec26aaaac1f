"""Questions and orders that wait for their turn on a line."""

from collections import deque

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.dialogue import (
    Event,
    OrderAnswered,
    Request,
    RequestFailed,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderOutcome

LARGEST_QUEUE = 64


class Waiting:
    """Two queues of bounded length, for the nozzles of one line."""

    def __init__(self, guns: frozenset[int]) -> None:
        self._guns = guns
        self.requests: deque[Request] = deque()
        self.orders: deque[Order] = deque()

    def ask(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many questions wait.
        """
        if request not in self.requests:
            self._must_fit(request.gun, len(self.requests), "questions")
            self.requests.append(request)

    def order(self, order: Order) -> None:
        """Put an order in the queue.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many orders wait.
        """
        self._must_fit(order.gun, len(self.orders), "orders")
        self.orders.append(order)

    def withdraw(self, order: Order) -> bool:
        """Take back an order; False where it waits no more."""
        waits = order in self.orders
        if waits:
            self.orders.remove(order)
        return waits

    def give_up(self) -> list[Event]:
        """Forget what waits: nothing of it was sent."""
        events: list[Event] = [RequestFailed(request) for request in self.requests]
        events += [OrderAnswered(one, OrderOutcome.REFUSED) for one in self.orders]
        self.requests.clear()
        self.orders.clear()
        return events

    def _must_fit(self, gun: int, waiting: int, what: str) -> None:
        if gun not in self._guns:
            raise LocalProtocolError(why=f"gun {gun} is not on this line")
        if waiting >= LARGEST_QUEUE:
            raise LocalProtocolError(why=f"too many {what} wait on one line")
