"""What the board shows beside live figures: today's sales by the hour, alarms."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Facts, Word
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing

HOURS = 24
MOST_EVENTS = 100


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


class AlarmRow(Message):
    """An open row, an unfinished act, or an event of a dispenser, in words.

    `source` is row, act or event; an act has no `alarm_id`. `nozzle_no` is 0 where it
    is of no nozzle. `device_at` is the dispenser's own reading. `people` is who close
    a row by saying why; 0: it closes by itself.
    """

    alarm_id: Word
    source: Word
    kind: Word
    nozzle_no: int
    text: Text
    cure: Text
    facts: Facts
    at_ms: int
    device_at: Word
    people: int
    seen_by: Word
    seen_at_ms: int


class Alarms(Message):
    """What is open and what was reported last, newest first."""

    rows: Annotated[tuple[AlarmRow, ...], Field(max_length=MOST_ROWS + MOST_EVENTS)]


class AlarmSeen(Message):
    """Which one was seen."""

    alarm_id: Word


ALARM_LIST = Method("alarm.list", Nothing, Alarms, LOGGED_IN, changes=False)
ALARM_SEE = Method("alarm.see", AlarmSeen, Alarms, "alarm.see", changes=True)
SALES_TREND = Method("sale.trend", TrendAsked, SalesTrend, LOGGED_IN, changes=False)

BOARD_METHODS = (SALES_TREND, ALARM_LIST, ALARM_SEE)
