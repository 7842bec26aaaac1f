"""Today's sales by the hour, gas and money, against the same weekday a week ago.

The curve is made in a thread: a key never waits for it. It is made anew when a fill
was booked, at most every few seconds, and never for a figure of a nozzle.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import fit
from cngstation.language import _
from cngstation.rpc.contract.board import (
    SALES_TREND,
    SalesTrend,
    TrendAsked,
    TrendDay,
    TrendHour,
)
from cngstation.units import quantity_text, yuan_text
from tui.areas import Area
from tui.desk import Desk
from tui.texts import error_sentence, filled, labelled
from tui.widgets.lines import Lines, Part, line
from tui.words import word

if TYPE_CHECKING:
    pass

LEAST_S = 5.0  # between two drawings
EVERY_S = 60.0  # the hour goes on without a fill
_BOTH_FROM = 110  # columns at which gas and money stand side by side
_LEAST_ROWS = 5
_BAR, _DOT = "█", "•"
Rgb = tuple[int, int, int]


class _Curve(Widget):
    """The drawn curve; a text as wide and high as the widget."""

    DEFAULT_CSS = "_Curve { height: 1fr; }"
    drawn = Text("")

    def __init__(self, resized: Callable[[], None]) -> None:
        super().__init__()
        self._resized = resized

    def on_resize(self) -> None:
        """Let the curve be drawn for the new size."""
        self._resized()

    def render(self) -> Text:
        """Show what was drawn last."""
        return self.drawn


class _Head(Lines):
    """What is drawn, and the sums in figures."""

    def __init__(self, trend: "Trend") -> None:
        super().__init__()
        self._trend = trend

    def content(self) -> Content:
        """Write sums of today and of the day a week ago up to this hour."""
        return self._trend.head()


class Trend(Vertical):
    """Fetches, draws, and follows what is booked."""

    AREAS = Area.SALES
    DEFAULT_CSS = """
    Trend { height: 1fr; padding: 0 1; border-top: solid $primary; }
    Trend Horizontal { height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._trend: SalesTrend | None = None
        self._others: tuple[SalesTrend, ...] = ()  # of further units
        self._why = ""
        self._curve = _Curve(self._seen)
        self._drawing = asyncio.Lock()
        self._waits = False
        self.money_first = False
        self.drawings = 0

    def compose(self) -> ComposeResult:
        """Put the sums above the curve."""
        yield _Head(self)
        yield self._curve

    def on_mount(self) -> None:
        """Fetch, and again each minute."""
        self.set_interval(EVERY_S, self.follow)
        self.follow()

    def _seen(self) -> None:
        """Draw for the new size; fetch when it is seen for the first time."""
        if self._trend is None:
            self.follow()
        else:
            self.draw_soon()

    def notify_style_update(self) -> None:
        """Draw in the colours of another theme."""
        super().notify_style_update()
        if self._trend is not None and self.is_mounted:
            self.draw_soon()

    def follow(self) -> None:
        """Fetch soon; what is booked until then comes with it."""
        if self._waits or not self.size.height:
            return
        self._waits = True
        self.set_timer(LEAST_S if self._trend else 0.05, self._fetch_soon)

    def draw_soon(self) -> None:
        """Draw what is known: another size, language or theme."""
        if self.is_mounted:
            self.query_one(_Head).redraw()
            drawing: Callable[[], Awaitable[None]] = self._draw
            self.run_worker(drawing, group="trend")

    def _fetch_soon(self) -> None:
        self._waits = False
        fetch: Callable[[], Awaitable[None]] = self._fetch
        self.run_worker(fetch, group="trend-fetch", exclusive=True)

    async def _fetch(self) -> None:
        picture = self._desk.picture
        first = picture.station.gas_unit if picture.station else "m3"
        units = {nozzle.unit for nozzle in picture.nozzles.values()} or {first}
        ordered = sorted(units, key=lambda unit: (unit != first, unit))
        try:
            found, *others = [
                await self._desk.link.call(SALES_TREND, TrendAsked(unit=unit))
                for unit in ordered
            ]
        except StationError as error:
            self._why = error_sentence(error)
            self.query_one(_Head).redraw()
            return
        if found != self._trend or tuple(others) != self._others:
            self._why, self._trend, self._others = "", found, tuple(others)
            self.draw_soon()

    def head(self) -> Content:
        """Write the sums, and which mark is which day."""
        trend = self._trend
        if trend is None:
            return line((self._why or _("Today's sales"), "bold"))
        parts: list[Part] = [(labelled(_BAR, _("Today")) + "  ", "bold $accent")]
        every = (trend, *self._others)
        parts.append(_sums(every, "today", whole=True))
        if trend.week_ago is not None:
            parts += ["\n", (labelled(_DOT, _("A week ago")) + "  ", "bold $warning")]
            parts += [_sums(every, "week_ago", whole=False), _("up to this hour")]
        else:
            parts.append(("\n" + _("Nothing was sold a week ago."), "$text-muted"))
        return line(*parts, (f"  {self._why}" if self._why else "", "$warning"))

    async def _draw(self) -> None:
        trend, size = self._trend, self._curve.size
        if trend is None or size.height < _LEAST_ROWS:
            return
        colours = {
            name: self.app.theme_variables.get(name, "#888888")
            for name in ("accent", "warning")
        }
        async with self._drawing:
            drawn = await asyncio.to_thread(
                draw,
                trend,
                (size.width, size.height),
                {name: _rgb(colour) for name, colour in colours.items()},
                money_first=self.money_first,
            )
        self.drawings += 1
        self._curve.drawn = drawn
        self._curve.refresh()


def draw(
    trend: SalesTrend,
    size: tuple[int, int],
    colours: dict[str, Rgb],
    *,
    money_first: bool = False,
) -> Text:
    """Draw gas, money, or both where there is room; text of exactly that size."""
    columns, rows = size[0], size[1] - 1
    kinds = ["amount", "quantity"] if money_first else ["quantity", "amount"]
    if columns < _BOTH_FROM:
        return Text("\n").join(_one(trend, kinds[0], (columns, rows), colours))
    left = _one(trend, kinds[0], (columns // 2, rows), colours)
    right = _one(trend, kinds[1], (columns - columns // 2, rows), colours)
    return Text("\n").join(a + b for a, b in zip(left, right, strict=False))


def _one(
    trend: SalesTrend, kind: str, size: tuple[int, int], colours: dict[str, Rgb]
) -> list[Text]:
    from textual_plotext.plot import Plot

    plot: Plot = Plot()
    plot.theme("clear")
    plot.plotsize(*size)
    plot._set_size(*size)
    places = list(range(len(trend.today.hours)))
    today = _values(trend.today, kind)
    ago = _values(trend.week_ago, kind) if trend.week_ago else []
    plot.bar(places, today, color=colours["accent"], width=0.7, marker=_BAR)
    if ago:
        plot.scatter(places, ago, color=colours["warning"], marker=_DOT)
    highest = max([*today, *ago, 1.0])
    plot.ylim(0, highest)
    heights = [0.0, highest / 2, highest][:: 2 if size[1] < 2 * _LEAST_ROWS else 1]
    plot.yticks(heights, [f"{height:.0f}" for height in heights])
    step = 3 if size[0] < _BOTH_FROM else 2
    marks = [float(place) for place in places[::step]]
    plot.xticks(marks, [f"{hour.hour:02}" for hour in trend.today.hours[::step]])
    head = word(trend.unit if kind == "quantity" else "CNY")
    unit = Text(fit(f"  {head}", size[0]), style="bold")
    return [unit, *Text.from_ansi(plot.build()).split()]


def _values(day: TrendDay, kind: str) -> list[float]:
    if kind == "amount":
        return [hour.amount_e4 / 10_000 for hour in day.hours]
    return [hour.quantity_milli / 1_000 for hour in day.hours]


def _sums(trends: Sequence[SalesTrend], day: str, *, whole: bool) -> str:
    """Write fills, gas by unit, and money of a day; those of all units are the same."""
    sold = [_hours(trend, getattr(trend, day), whole=whole) for trend in trends]
    gas = "  ".join(
        f"{quantity_text(sum(h.quantity_milli for h in hours))} {word(trend.unit)}"
        for trend, hours in zip(trends, sold, strict=True)
        if hours
    )
    return filled(
        _("{fills} fills  {gas}  {amount} yuan "),
        fills=sum(hour.fills for hour in sold[0]),
        gas=gas,
        amount=yuan_text(sum(hour.amount_e4 for hour in sold[0])),
    )


def _hours(
    trend: SalesTrend, day: TrendDay | None, *, whole: bool
) -> Sequence[TrendHour]:
    hours: Sequence[TrendHour] = day.hours if day else ()
    if whole or not hours:
        return hours
    numbers = [hour.hour for hour in hours]
    until = numbers.index(trend.now_hour) if trend.now_hour in numbers else 23
    return hours[: until + 1]


def _rgb(colour: str) -> Rgb:
    digits = colour.lstrip("#")[:6].ljust(6, "8")
    red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
    return red, green, blue
