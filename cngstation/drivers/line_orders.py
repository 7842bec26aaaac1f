"""Orders on one line: one at a time to a nozzle, each sent at most once and never late.

the same order again, while it is under way    shares the first one's frame
another order to the nozzle                    waits until that is answered
a lock or a stop                               takes back what would let gas flow
                                               and has not been sent
no answer in time                              is taken back: REFUSED, nothing was
                                               sent; too late for that: UNKNOWN
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.dialogue import Dialogue
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome

_OPENING = frozenset({OrderKind.AUTHORISE, OrderKind.UNLOCK})
_CLOSING = frozenset({OrderKind.STOP, OrderKind.LOCK})


@dataclass(eq=False, slots=True)
class _Given:
    """An order under way; its `task` sends it and waits for what becomes of it."""

    order: Order
    is_withdrawn: bool = False
    task: asyncio.Task[OrderOutcome] = field(init=False)


class LineOrders:
    """The orders under way to the nozzles of a line."""

    def __init__(
        self,
        dialogue: Dialogue,
        wake: Callable[[], None],
        must_be_open: Callable[[], None],
    ) -> None:
        self._dialogue = dialogue
        self._wake = wake
        self._must_be_open = must_be_open
        self._given: dict[int, list[_Given]] = {}
        self._answers: dict[Order, asyncio.Future[OrderOutcome]] = {}

    async def give(self, order: Order, limit_s: float) -> OrderOutcome:
        """Give an order, and wait so long for its answer.

        Raises:
            DeviceUnavailable: the port is not open; nothing was sent.
        """
        self._must_be_open()
        under_way = self._given.setdefault(order.gun, [])
        if not under_way or under_way[-1].order != order:
            if order.kind in _CLOSING:
                self._withdraw_opening(under_way)
            before = under_way[-1].task if under_way else None
            given = _Given(order)
            under_way.append(given)
            given.task = asyncio.ensure_future(self._carry(given, before, limit_s))
            given.task.add_done_callback(lambda _: under_way.remove(given))
        # Who goes away takes back nothing.
        return await asyncio.shield(under_way[-1].task)

    def answered(self, order: Order, outcome: OrderOutcome) -> None:
        """Take what became of an order; an equal one that waits is not sent then."""
        self._dialogue.withdraw(order)
        answer = self._answers.pop(order, None)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    async def _carry(
        self, given: _Given, before: asyncio.Task[OrderOutcome] | None, limit_s: float
    ) -> OrderOutcome:
        order = given.order
        if before is not None:
            await asyncio.wait([before])
        if given.is_withdrawn:
            return OrderOutcome.REFUSED
        self._must_be_open()
        try:
            self._dialogue.order(order)
        except LocalProtocolError:
            return OrderOutcome.REFUSED
        answer: asyncio.Future[OrderOutcome] = (
            asyncio.get_running_loop().create_future()
        )
        self._answers[order] = answer
        self._wake()
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        except TimeoutError:
            was_waiting = self._dialogue.withdraw(order)
            return OrderOutcome.REFUSED if was_waiting else OrderOutcome.UNKNOWN
        finally:
            self._answers.pop(order, None)

    def _withdraw_opening(self, under_way: list[_Given]) -> None:
        for given in under_way:
            if given.order.kind in _OPENING:
                given.is_withdrawn = True
                if self._dialogue.withdraw(given.order):
                    self.answered(given.order, OrderOutcome.REFUSED)
