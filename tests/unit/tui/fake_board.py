"""What the board of a station in memory shows beside live figures."""

from typing import Any

from cngstation.rpc.contract import board as b


class FakeBoard:
    """A day of sales, and one a week ago."""

    def __init__(self) -> None:
        self.was_open_a_week_ago = True
        self.extra_fills = 0

    async def _sale_trend(self, asked: Any) -> Any:
        return b.SalesTrend(
            unit=asked.unit,
            now_hour=9,
            today=self._day("2026-11-21", 10, self.extra_fills),
            week_ago=self._day("2026-11-14", 24) if self.was_open_a_week_ago else None,
        )

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
