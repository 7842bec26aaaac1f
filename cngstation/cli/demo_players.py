"""The play of a headless demo: acts of a script, begun strictly in their order.

Cashier and driver use the same sockets and cards as people do. X multiplies people
and gas flow only.
"""

import asyncio
from dataclasses import replace

from cngstation.cli.demo_cashier import Cashier
from cngstation.cli.demo_driver import FLOW_HUNDREDTHS_PER_S, WALK_S, Driver, Filled
from cngstation.cli.demo_hands import PlayFailed
from cngstation.cli.demo_script import Act, FillVehicle, IssueCard, TopUpCard, needs

# A debit and a record each wait for a poll; 9600 baud polls a nozzle every second.
SETTLE_S = 5.0

__all__ = ["Cashier", "Driver", "Play", "PlayFailed", "longest_s"]


def longest_s(act: Act, speed: float) -> float:
    """Return how long an act takes at most when nothing goes wrong."""
    walk_s = 2 * WALK_S / speed
    if isinstance(act, FillVehicle):
        return walk_s + act.hundredths / (FLOW_HUNDREDTHS_PER_S * speed) + SETTLE_S
    return walk_s + SETTLE_S


class Play:
    """Starts acts strictly in their order, each as soon as what it takes is free."""

    def __init__(self, cashier: Cashier, driver: Driver) -> None:
        self._cashier = cashier
        self._driver = driver
        self._taken: set[str] = set()
        self._freed = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._issued: list[int] = []
        self._set_aside: set[int] = set()
        self.failed: BaseException | None = None
        self.begun = 0
        self.given_up = 0

    async def begin(self, act: Act) -> None:
        """Wait until an act can begin, and begin it."""
        while self._taken & needs(act) and self.failed is None:
            self._freed.clear()
            await self._freed.wait()
        self._take(act)
        self.begun += 1
        task = asyncio.create_task(self._do(act))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self, within_s: float | None = None) -> None:
        """Wait until everything that has begun is finished; stop what takes longer."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=within_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
            self.failed = self.failed or PlayFailed(
                f"{len(late)} acts were not finished in time"
            )

    async def _do(self, act: Act) -> None:
        try:
            await self._perform(act)
        except Exception as error:  # noqa: BLE001 - told at the end of the play
            self.failed = self.failed or error
        finally:
            self._free(act)

    async def _perform(self, act: Act) -> None:
        match act:
            case IssueCard():
                if await self._cashier.issue(act):
                    self._issued.append(act.card)
                else:
                    self._put_aside(act.card)
            case TopUpCard():
                if act.card in self._set_aside or not await self._cashier.top_up(act):
                    self._put_aside(act.card)
            case FillVehicle():
                await self._fill(act)

    async def _fill(self, act: FillVehicle) -> None:
        """Fill with the card of the act, or with another where that one is refused."""
        filled = Filled(refused="set aside")
        if act.card not in self._set_aside:
            filled = await self._visit(act)
        while filled.refused:
            other = self._another_card()
            if other is None:
                self.given_up += 1
                return
            instead = replace(act, card=other)
            self._taken.add(f"card {other}")
            try:
                filled = await self._visit(instead)
            finally:
                self._taken.discard(f"card {other}")
                self._freed.set()

    async def _visit(self, act: FillVehicle) -> Filled:
        filled = await self._driver.fill(act, self._cashier.uid(act.card))
        if filled.refused or filled.power_lost:
            # An empty purse fills again after a top-up; a grey card must be settled.
            self._set_aside.add(act.card)
        return filled

    def _another_card(self) -> int | None:
        free = (
            card
            for card in self._issued
            if card not in self._set_aside and f"card {card}" not in self._taken
        )
        return next(free, None)

    def _put_aside(self, card: int) -> None:
        self._set_aside.add(card)
        self.given_up += 1

    def _take(self, act: Act) -> None:
        self._taken |= needs(act)

    def _free(self, act: Act) -> None:
        self._taken -= needs(act)
        self._freed.set()
