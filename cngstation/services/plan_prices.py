"""Prices by level: planned by one person ahead of time, set at once by two.

A price that holds now, or before anybody could look at the plan, is an override; so is
each while the clock is in doubt. The first price of a unit overrides nothing. What is
planned can be taken back until its time, by one person until it is that near, then by
two; fills under way keep the price with which they began.
"""

from dataclasses import dataclass
from typing import Self

from cngstation.errors import Refusal
from cngstation.moments import Clock, Instant, time_text
from cngstation.services.approve import (
    Approval,
    Approvals,
    SecondPersonMissing,
    Wish,
    reason_of,
    record,
)
from cngstation.services.compare_levels import require_levels
from cngstation.services.price_top_up import require_price_on_card
from cngstation.services.station_rules import StationRules
from cngstation.services.tell_day import (
    tell,
    tell_prices_ms,
    told_ms,
    told_prices_ms,
)
from cngstation.storage import audit, prices
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.prices import DatedPrice
from cngstation.storage.sqlite import Connection
from cngstation.units import E4_PER_FEN, Price, Unit, yuan_text

PLAN, OVERRIDE = "price.plan", "price.override"
CANCEL, CANCEL_LATE = "price.cancel", "price.cancel_late"
AHEAD_MS = 10 * 60_000
_LATEST_MS = 366 * 86_400_000
_LONGEST_SEQ = 18


class PriceTooFine(Refusal):
    """Dispensers take prices of whole fen."""

    code = "refusal.price_too_fine"
    text = (
        "The price {price} has a part of a fen; dispensers cannot show it. The price "
        "was not changed."
    )


class PriceInThePast(Refusal):
    """A price cannot begin before now."""

    code = "refusal.price_in_the_past"
    text = "{at} has passed already. The price was not changed. Leave it empty: now."


class PriceTooFarAhead(Refusal):
    """Most likely a wrong year."""

    code = "refusal.price_too_far_ahead"
    text = "{at} is more than a year ahead. The price was not changed."


class UnitNotSold(Refusal):
    """No nozzle sells in this unit."""

    code = "refusal.unit_not_sold"
    text = "No nozzle of this station sells by {unit}. The price was not changed."


class NotPlanned(Refusal):
    """A price that holds already, or was taken back, cannot be taken back."""

    code = "refusal.price_not_planned"
    text = (
        "This price is not planned any more: its time has come, or it was taken back. "
        "Nothing was done. Set another price instead."
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """A price of a level from a moment on; `from_ms` 0 is now."""

    level: int
    price: Price
    unit: Unit
    from_ms: int = 0

    @property
    def subject(self) -> str:
        """What two people agree on."""
        return f"{self.level} {self.unit} {yuan_text(self.price.e4)}"

    @classmethod
    def of(cls, dated: DatedPrice) -> Self:
        """Return the plan that a row of prices is."""
        return cls(dated.level, dated.price, dated.unit, dated.from_ms)


class PriceDesk:
    """Plans prices and takes them back."""

    def __init__(
        self,
        database: Database,
        approvals: Approvals,
        rules: StationRules,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._database = database
        self._approvals = approvals
        self._rules = rules

    def units(self) -> list[Unit]:
        """Return the units that the station sells in; the cards' unit first."""
        sold = self._rules.sold_units | {self._rules.gas_unit}
        return sorted(sold, key=lambda unit: (unit != self._rules.gas_unit, unit))

    def unit_of(self, name: str) -> Unit:
        """Return a unit that is sold; "" is that of the cards.

        Raises:
            UnitNotSold: no nozzle sells by it.
        """
        found = [unit for unit in self.units() if str(unit) == name]
        if name and not found:
            raise UnitNotSold(unit=name)
        return found[0] if found else self._rules.gas_unit

    async def require_levels(self, plan: Plan) -> None:
        """Compare the levels of the cards in use with those that dispensers know.

        Raises:
            LevelsDiffer: nothing was changed; whoever has read it may go on.
        """
        await self._database.read(lambda c: require_levels(c, self._rules, plan.unit))

    async def plan(
        self, plan: Plan, actor: Actor, reason: str, approval: Approval | None
    ) -> None:
        """Give a level its price; at once, or soon, only with a second person.

        Raises:
            PriceTooFine, PriceTooHigh, PriceInThePast, PriceTooFarAhead: nothing was
            changed.
            ReasonMissing, SecondPersonMissing, SamePerson, RightMissing, LoginRefused:
            likewise.
        """
        why = reason_of(reason)
        if plan.price.e4 % E4_PER_FEN:
            raise PriceTooFine(price=yuan_text(plan.price.e4))
        require_price_on_card(plan.price)
        wish, approved = Wish(OVERRIDE, plan.subject), None
        now = self._clock.now()
        if await self._database.read(lambda c: _is_override(c, plan, now)):
            approved = await self._approvals.approve(approval, wish, actor, reason)

        def unit(tx: Transaction) -> None:
            now_ms = told_ms(tx)
            begins = {"at": time_text(plan.from_ms)}
            if plan.from_ms and plan.from_ms <= now_ms:
                raise PriceInThePast(**begins)
            if plan.from_ms > now_ms + _LATEST_MS:
                raise PriceTooFarAhead(**begins)
            holds_ms = told_prices_ms(tx)
            begins_ms = plan.from_ms or holds_ms
            before = _now(tx.connection, plan, holds_ms)
            if approved is not None:
                record(
                    tx, approved, wish, actor,
                    before=before, after=yuan_text(plan.price.e4),
                )  # fmt: skip
            elif _is_override(tx.connection, plan, tx.now):
                raise SecondPersonMissing  # its time came nearer since the first look
            prices.plan(
                tx,
                level=plan.level,
                price=plan.price,
                unit=plan.unit,
                from_ms=begins_ms,
                operator_no=actor.operator_no,
            )
            audit.record(
                tx,
                actor,
                OVERRIDE if approved else PLAN,
                f"{plan.level} {plan.unit}",
                reason=why,
                before=before,
                after=f"{yuan_text(plan.price.e4)} {time_text(begins_ms)}",
            )

        async with self._approvals.noting(wish, actor, approved):
            await self._database.write(unit)

    async def cancel(
        self, price_id: str, reason: str, actor: Actor, approval: Approval | None
    ) -> None:
        """Take a planned price back before its time; soon, only with a second person.

        Raises:
            NotPlanned, ReasonMissing: nothing was done.
            SecondPersonMissing, SamePerson, RightMissing, LoginRefused: likewise.
        """
        why = reason_of(reason)
        is_number = price_id.isascii() and price_id.isdigit()
        seq = int(price_id) if is_number and len(price_id) <= _LONGEST_SEQ else 0
        now, approved = self._clock.now(), None
        planned = await self._database.read(lambda c: _planned(c, seq, now))
        wish = Wish(CANCEL_LATE, planned.subject)
        if await self._database.read(lambda c: _is_override(c, planned, now)):
            approved = await self._approvals.approve(approval, wish, actor, reason)

        def unit(tx: Transaction) -> None:
            _planned(tx.connection, seq, tx.now)
            holds = _now(tx.connection, planned, told_prices_ms(tx))
            begins = f"{yuan_text(planned.price.e4)} {time_text(planned.from_ms)}"
            if approved is not None:
                record(tx, approved, wish, actor, before=begins, after=holds)
            elif _is_override(tx.connection, planned, tx.now):
                raise SecondPersonMissing  # its time came nearer since the first look
            prices.cancel(tx, seq, why, actor)
            audit.record(
                tx,
                actor,
                CANCEL_LATE if approved else CANCEL,
                f"{planned.level} {planned.unit}",
                reason=why,
                before=begins,
            )

        async with self._approvals.noting(wish, actor, approved):
            await self._database.write(unit)


def _planned(connection: Connection, seq: int, now: Instant) -> Plan:
    found = prices.find_planned(connection, seq, tell_prices_ms(connection, now))
    if found is None:
        raise NotPlanned
    return Plan.of(found)


def _is_override(connection: Connection, plan: Plan, now: Instant) -> bool:
    """Tell whether a price holds before anybody could look at its plan.

    A clock that is not to be trusted says of no moment that it is far enough ahead.
    """
    told = tell(connection, now)
    if told.agrees and plan.from_ms >= told.ms + AHEAD_MS:
        return False
    at_ms = max(now.wall_ms, told.ms)
    return bool(prices.in_force(connection, plan.unit, at_ms))


def _now(connection: Connection, plan: Plan, now_ms: int) -> str:
    price = prices.in_force(connection, plan.unit, now_ms).get(plan.level)
    return yuan_text(price.e4) if price else ""
