"""Orders of a line: one at a time to a nozzle, at most once, never late."""

import asyncio

import pytest

from cngstation.drivers.line_orders import LineOrders
from cngstation.errors import DeviceUnavailable, LocalProtocolError
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.waiting import Waiting

AUTHORISE, STOP = Order(1, OrderKind.AUTHORISE), Order(1, OrderKind.STOP)
LOCK, UNLOCK = Order(1, OrderKind.LOCK), Order(1, OrderKind.UNLOCK)
OTHER = Order(2, OrderKind.AUTHORISE)
AT_ONCE_S, LONG_S = 0.0, 60.0


class Queue(Waiting):
    """Only the queue of a dialogue: it sends when it is told to."""

    def __init__(self) -> None:
        super().__init__(frozenset({1, 2}))
        self.sent: list[Order] = []

    def send(self) -> None:
        """Send what is next."""
        self.sent.append(self.orders.popleft())


class Desk:
    """Somebody who gives orders over a port that can close."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.is_open = True
        self.orders = LineOrders(self.queue, lambda: None, self._must_be_open)

    def _must_be_open(self) -> None:
        if not self.is_open:
            raise DeviceUnavailable(device="line", why="it is not open")

    async def begin(
        self, order: Order, limit_s: float = LONG_S
    ) -> "asyncio.Task[OrderOutcome]":
        """Give an order and let everybody have a turn."""
        giving = asyncio.ensure_future(self.orders.give(order, limit_s))
        await turns()
        return giving

    async def end(self, order: Order, outcome: OrderOutcome) -> None:
        """Have the dispenser answer."""
        self.orders.answered(order, outcome)
        await turns()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_order_still_queued_at_the_limit_is_never_sent() -> None:
    """Whoever gave it was told that nothing happened, and has gone away."""
    desk = Desk()
    assert await desk.orders.give(AUTHORISE, AT_ONCE_S) is OrderOutcome.REFUSED
    assert not desk.queue.orders


async def test_an_order_that_was_sent_and_not_answered_is_unknown() -> None:
    """It may have been heard."""
    desk = Desk()
    giving = await desk.begin(AUTHORISE, 0.01)
    desk.queue.send()
    assert await giving is OrderOutcome.UNKNOWN
    assert desk.queue.sent == [AUTHORISE]


async def test_the_answer_to_an_order_given_up_does_not_leave_an_equal_one() -> None:
    """The second takes the first one's late answer, so it must not go out itself."""
    desk = Desk()
    first = await desk.begin(AUTHORISE, 0.01)
    desk.queue.send()
    assert await first is OrderOutcome.UNKNOWN
    second = await desk.begin(AUTHORISE)
    await desk.end(AUTHORISE, OrderOutcome.DONE)
    assert await second is OrderOutcome.DONE
    assert not desk.queue.orders


async def test_one_order_at_a_time_goes_to_a_nozzle() -> None:
    """The next one is queued behind the answer; other nozzles do not wait."""
    desk = Desk()
    await desk.begin(UNLOCK)
    await desk.begin(AUTHORISE)
    await desk.begin(OTHER)
    assert list(desk.queue.orders) == [UNLOCK, OTHER]
    await desk.end(UNLOCK, OrderOutcome.DONE)
    assert list(desk.queue.orders) == [OTHER, AUTHORISE]


@pytest.mark.parametrize("closing", [STOP, LOCK])
async def test_a_stop_takes_back_an_authorise_that_waits(closing: Order) -> None:
    """No gas may flow because of it once somebody wanted none."""
    desk = Desk()
    authorising = await desk.begin(AUTHORISE)
    await desk.begin(closing)
    assert list(desk.queue.orders) == [closing]
    assert await authorising is OrderOutcome.REFUSED


async def test_stop_authorise_stop_ends_with_a_stop() -> None:
    """The second stop is not answered by the first, with an authorise behind it."""
    desk = Desk()
    first = await desk.begin(STOP)
    desk.queue.send()
    authorising = await desk.begin(AUTHORISE)
    second = await desk.begin(STOP)
    await desk.end(STOP, OrderOutcome.DONE)
    assert await first is OrderOutcome.DONE
    assert await authorising is OrderOutcome.REFUSED
    assert not second.done()
    assert list(desk.queue.orders) == [STOP]


async def test_what_waited_for_another_order_is_not_queued_on_a_closed_port() -> None:
    """The next port would send it, whenever that comes."""
    desk = Desk()
    await desk.begin(STOP)
    desk.queue.send()
    authorising = await desk.begin(AUTHORISE)
    desk.is_open = False
    await desk.end(STOP, OrderOutcome.UNKNOWN)
    with pytest.raises(DeviceUnavailable):
        await authorising
    assert not desk.queue.orders


async def test_an_order_that_does_not_fit_is_refused_and_the_next_one_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full queue leaves nothing behind that would swallow the same order later."""
    desk = Desk()

    def full(_order: Order) -> None:
        raise LocalProtocolError(why="too many orders wait on one line")

    with monkeypatch.context() as patched:
        patched.setattr(desk.queue, "order", full)
        assert await desk.orders.give(STOP, LONG_S) is OrderOutcome.REFUSED
    await desk.begin(STOP)
    assert list(desk.queue.orders) == [STOP]
