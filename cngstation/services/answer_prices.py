"""Answers about prices: planned, set, taken back, listed."""

from collections.abc import Container

from cngstation.hygiene import clean
from cngstation.moments import Clock
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import prices as contract
from cngstation.rpc.contract.prices import MOST_PRICE_ROWS, PriceRow
from cngstation.rpc.contract.registers import Choices
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.answer_marks import approval_of
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.plan_prices import AHEAD_MS, Plan, PriceDesk
from cngstation.services.tell_day import tell_prices_ms
from cngstation.storage import prices
from cngstation.storage.prices import DatedPrice
from cngstation.storage.sqlite import Connection
from cngstation.units import Price

PLANNED, IN_FORCE, PAST, CANCELLED = "planned", "in_force", "past", "cancelled"


class PriceAnswers:
    """The handlers of this area."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    @property
    def _desk(self) -> PriceDesk:
        return self._parts.prices

    @property
    def _clock(self) -> Clock:
        return self._parts.clock

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.PRICE_PLAN, self.plan)
        made.add(contract.PRICE_LIST, self.board)
        made.add(contract.PRICE_CANCEL, self.cancel)

    async def plan(self, request: contract.PricePlan, call: CallContext) -> Choices:
        """Give a level its price."""
        plan = Plan(
            request.level,
            Price(request.price_e4),
            self._desk.unit_of(request.unit),
            request.from_ms,
        )
        given = approval_of(request.approval)
        if not request.accept_levels:
            await self._desk.require_levels(plan)
        await self._desk.plan(plan, actor_of(call), request.reason, given)
        return await self._parts.registers.choices(Nothing(), call)

    async def cancel(
        self, request: contract.PriceCancel, call: CallContext
    ) -> contract.PriceBoard:
        """Take a planned price back."""
        given = approval_of(request.approval)
        await self._desk.cancel(request.price_id, request.reason, actor_of(call), given)
        return await self.board(Nothing(), call)

    async def board(self, _: Nothing, call: CallContext) -> contract.PriceBoard:
        """Return what is planned, in force and past."""
        now = self._clock.now()
        rows = await self._parts.database.read(
            lambda c: _rows(c, tell_prices_ms(c, now))
        )
        return contract.PriceBoard(
            units=tuple(map(str, self._desk.units())),
            levels=prices.LEVELS,
            ahead_ms=AHEAD_MS,
            rows=rows,
        )


def _rows(connection: Connection, now_ms: int) -> tuple[PriceRow, ...]:
    # One that was set long ago and holds still is behind many newer ones.
    held = {one.seq: one for one in prices.holding(connection, now_ms)}
    newest = prices.newest(connection, MOST_PRICE_ROWS)
    others = [one for one in newest if one.seq not in held]
    dated = [*held.values(), *others][:MOST_PRICE_ROWS]
    rows = [_row(one, now_ms, held) for one in dated]
    order = {PLANNED: 0, IN_FORCE: 1, PAST: 2, CANCELLED: 2}
    rows.sort(key=lambda row: (order[row.state], -row.from_ms))
    return tuple(rows)


def _row(one: DatedPrice, now_ms: int, held: Container[int]) -> PriceRow:
    if one.cancelled_by:
        state = CANCELLED
    elif one.from_ms > now_ms:
        state = PLANNED
    else:
        state = IN_FORCE if one.seq in held else PAST
    return PriceRow(
        price_id=str(one.seq),
        unit=str(one.unit),
        level=one.level,
        price_e4=one.price.e4,
        from_ms=one.from_ms,
        state=state,
        by=clean(one.cancelled_by or one.planned_by, limit=40),
        reason=clean(one.reason),
    )
