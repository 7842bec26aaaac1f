"""Today's sales by the hour, beside the same weekday a week ago."""

from collections.abc import Sequence
from datetime import date, timedelta

from cngstation.moments import Clock, business_day, local_time
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import board as contract
from cngstation.rpc.contract.board import HOURS, TrendDay, TrendHour
from cngstation.rpc.dialogue import Handlers
from cngstation.services.tell_day import tell
from cngstation.storage import day_sales
from cngstation.storage.database import Database
from cngstation.storage.day_sales import HourSold
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

_WEEK = timedelta(days=7)


class TrendAnswers:
    """The handlers of this area."""

    def __init__(self, database: Database, clock: Clock, cut_off_minute: int) -> None:
        self._database = database
        self._clock = clock
        self._cut_off_minute = cut_off_minute

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.SALES_TREND, self.trend)

    async def trend(
        self, request: contract.TrendAsked, call: CallContext
    ) -> contract.SalesTrend:
        """Return today and the day a week ago by the hour."""
        unit = Unit(request.unit) if request.unit in set(Unit) else Unit.M3
        now = self._clock.now()

        def question(connection: Connection) -> contract.SalesTrend:
            now_ms = tell(connection, now).ms
            today = business_day(now_ms, cut_off_minute=self._cut_off_minute)
            week_ago = str(date.fromisoformat(today) - _WEEK)
            then_sold = day_sales.by_hour(connection, week_ago, unit)
            return contract.SalesTrend(
                unit=str(unit),
                now_hour=local_time(now_ms).hour,
                today=self._day(today, day_sales.by_hour(connection, today, unit)),
                week_ago=self._day(week_ago, then_sold) if then_sold else None,
            )

        return await self._database.read(question)

    def _day(self, day: str, sold: Sequence[HourSold]) -> TrendDay:
        """Return all hours of a day, from the one in which it begins."""
        by_hour = {hour.hour: hour for hour in sold}
        first = self._cut_off_minute // 60
        hours = [(first + n) % HOURS for n in range(HOURS)]
        every = (by_hour.get(hour, HourSold(hour, 0, 0, 0)) for hour in hours)
        return TrendDay(
            business_day=day,
            hours=tuple(
                TrendHour(
                    hour=one.hour,
                    quantity_milli=one.quantity_milli,
                    amount_e4=one.amount_e4,
                    fills=one.fills,
                )
                for one in every
            ),
        )
