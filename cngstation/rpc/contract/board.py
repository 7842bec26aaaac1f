"""What the board shows beside live figures: today's sales by the hour."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.method import LOGGED_IN, Message, Method

HOURS = 24


class TrendAsked(Message):
    """The unit in which gas is summed; money is of all units."""

    unit: Word


class TrendHour(Message):
    """What one clock hour sold."""

    hour: int
    quantity_milli: int
    amount_e4: int
    fills: int


class TrendDay(Message):
    """A business day; every hour of it, the first one first."""

    business_day: Word
    hours: Annotated[tuple[TrendHour, ...], Field(max_length=HOURS)]


class SalesTrend(Message):
    """Today up to `now_hour`, and the same weekday a week ago if anything was sold."""

    unit: Word
    now_hour: int
    today: TrendDay
    week_ago: TrendDay | None


SALES_TREND = Method("sale.trend", TrendAsked, SalesTrend, LOGGED_IN, changes=False)

BOARD_METHODS = (SALES_TREND,)
