"""What the board of a station in memory shows beside live figures."""

from typing import Any

from cngstation.rpc.contract import board as b
from cngstation.rpc.contract import figures as f
from tests.unit.tui.fake_rows import NOW_MS


class FakeBoard:
    """A day of sales, and one a week ago."""

    def __init__(self) -> None:
        self.was_open_a_week_ago = True
        self.extra_fills = 0
        self.alarms: tuple[b.AlarmRow, ...] = ()

    async def _sale_trend(self, asked: Any) -> Any:
        return b.SalesTrend(
            unit=asked.unit,
            now_hour=9,
            today=self._day("2026-11-21", 10, self.extra_fills),
            week_ago=self._day("2026-11-14", 24) if self.was_open_a_week_ago else None,
        )

    async def _alarm_list(self, _: Any) -> Any:
        return b.Alarms(rows=self.alarms)

    async def _alarm_see(self, request: Any) -> Any:
        self.alarms = tuple(
            row.model_copy(update={"seen_by": "王芳", "seen_at_ms": NOW_MS})
            if row.alarm_id == request.alarm_id
            else row
            for row in self.alarms
        )
        return b.Alarms(rows=self.alarms)

    def _day(self, day: str, hours: int, extra: int = 0) -> b.TrendDay:
        fills = [(n * 7) % 11 if n < hours else 0 for n in range(b.HOURS)]
        fills[9] += extra
        return b.TrendDay(
            business_day=day,
            hours=tuple(
                b.TrendHour(
                    hour=n, quantity_milli=count * 12_340, amount_e4=count * 491_100,
                    fills=count,
                )
                for n, count in enumerate(fills)
            ),
        )  # fmt: skip


def alarm(number: int, **facts: Any) -> b.AlarmRow:
    """Return a row of the alarm list."""
    plain: dict[str, Any] = {
        "alarm_id": str(number), "source": "row", "kind": "parameter_changed",
        "nozzle_no": 3, "text": "Nozzle {nozzle} took new prices.",
        "cure": "Compare the price that its display shows.",
        "facts": (f.Fact(name="nozzle", value="3"),),
        "at_ms": NOW_MS - number * 3_600_000, "device_at": "", "people": 1,
        "seen_by": "", "seen_at_ms": 0,
    }  # fmt: skip
    return b.AlarmRow(**{**plain, **facts})
