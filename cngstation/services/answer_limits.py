"""Answers for the limits of cards and companies."""

from cngstation.domain.limits import Amount, SpendingLimits
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.limit_spending import change_limits
from cngstation.storage import limits as kept
from cngstation.storage.database import Transaction
from cngstation.storage.limits import Holder
from cngstation.storage.sqlite import Connection
from cngstation.units import (
    E4_PER_FEN,
    divide_down,
    hundredths_to_e4,
    hundredths_to_milli,
    milli_to_hundredths,
)


class LimitAnswers:
    """Answers for limits."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.LIMITS_SHOW, self.show)
        made.add(counter.LIMITS_SET, self.set)

    async def show(
        self, request: counter.LimitsQuery, call: CallContext
    ) -> counter.Limits:
        """Return the limits that are in force."""
        holder = Holder(request.holder)
        return await self._parts.database.read(
            lambda connection: limits_view(connection, holder, request.key)
        )

    async def set(self, request: counter.Limits, call: CallContext) -> counter.Limits:
        """Set the limits of a card or a company."""
        actor, holder = actor_of(call), Holder(request.holder)
        limits = SpendingLimits(
            fill=_amount(request.fill),
            day=_amount(request.day),
            week=_amount(request.week),
            month=_amount(request.month),
            weekdays=request.weekdays,
            from_minute=request.from_minute,
            until_minute=request.until_minute,
        )

        def unit(tx: Transaction) -> counter.Limits:
            change_limits(tx, holder, request.key, limits, actor)
            return limits_view(tx.connection, holder, request.key)

        return await self._parts.database.write(unit)


def limits_view(connection: Connection, holder: Holder, key: str) -> counter.Limits:
    """Return limits as the contract carries them."""
    limits = kept.in_force(connection, holder, key)
    return counter.Limits(
        holder=counter.LimitHolder(holder),
        key=key,
        fill=_window(limits.fill),
        day=_window(limits.day),
        week=_window(limits.week),
        month=_window(limits.month),
        weekdays=limits.weekdays,
        from_minute=limits.from_minute,
        until_minute=limits.until_minute,
    )


def _amount(window: counter.WindowLimit) -> Amount:
    return Amount(hundredths_to_e4(window.fen), hundredths_to_milli(window.hundredths))


def _window(amount: Amount) -> counter.WindowLimit:
    return counter.WindowLimit(
        fen=divide_down(amount.e4, E4_PER_FEN),
        hundredths=milli_to_hundredths(amount.milli),
    )
