"""How much a card may still fill: per fill, day, week and month, at which hours.

Bounds of card and company hold together: the tightest decides. Zero sets no bound.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cngstation.moments import CHINA, local_time
from cngstation.units import quantity_text, yuan_text

MINUTES_A_DAY = 24 * 60
EVERY_DAY = 0b111_1111  # Monday is the lowest bit
_EPOCH = datetime(1970, 1, 1, 8, tzinfo=CHINA)
_MS = timedelta(milliseconds=1)


class Window(StrEnum):
    """What a bound is counted over."""

    FILL = "fill"
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Amount:
    """Money and gas; as a bound, zero of either is no bound."""

    e4: int = 0
    milli: int = 0


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The bounds of a card or a company; hours may run over midnight."""

    fill: Amount = Amount()
    day: Amount = Amount()
    week: Amount = Amount()
    month: Amount = Amount()
    weekdays: int = EVERY_DAY
    from_minute: int = 0
    until_minute: int = MINUTES_A_DAY

    def of(self, window: Window) -> Amount:
        """Return the bound of a window."""
        bounds = {
            Window.FILL: self.fill,
            Window.DAY: self.day,
            Window.WEEK: self.week,
            Window.MONTH: self.month,
        }
        return bounds[window]

    def counted(self) -> tuple[Window, ...]:
        """Return the windows whose fills have to be counted."""
        return tuple(
            window
            for window in (Window.DAY, Window.WEEK, Window.MONTH)
            if self.of(window) != Amount()
        )

    def as_text(self) -> str:
        """Write what is bounded in one line for the audit trail; "-" is nothing.

        Money before gas, weekdays from 1, Monday, hours as on a clock.
        """
        told = [
            f"{window} {yuan_text(bound.e4)}/{quantity_text(bound.milli)}"
            for window in Window
            for bound in [self.of(window)]
            if bound != Amount()
        ]
        if self.weekdays != EVERY_DAY:
            days = (str(day + 1) for day in range(7) if self.weekdays >> day & 1)
            told.append(f"weekdays {''.join(days)}")
        if (self.from_minute, self.until_minute) != (0, MINUTES_A_DAY):
            told.append(f"{_clock(self.from_minute)}-{_clock(self.until_minute)}")
        return ", ".join(told) or "-"


@dataclass(frozen=True, slots=True)
class Usage:
    """What was filled in each window until now."""

    day: Amount = Amount()
    week: Amount = Amount()
    month: Amount = Amount()

    def of(self, window: Window) -> Amount:
        """Return what counts against the bound of a window; a fill begins at zero."""
        used = {Window.DAY: self.day, Window.WEEK: self.week, Window.MONTH: self.month}
        return used.get(window, Amount())


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be filled now; None is no bound."""

    e4: int | None = None
    milli: int | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing may be filled now: by `hours`, `weekday`, a used up window, or `crew`."""

    reason: str


Verdict = Allowance | Stopped


def decide(limits: SpendingLimits, usage: Usage, now_ms: int) -> Verdict:
    """Return what the bounds of one card or company leave at a moment."""
    local = local_time(now_ms)
    if not limits.weekdays >> local.weekday() & 1:
        return Stopped("weekday")
    if not _in_hours(limits, 60 * local.hour + local.minute):
        return Stopped("hours")
    left = Allowance()
    for window in Window:
        bound, used = limits.of(window), usage.of(window)
        if (bound.e4 and used.e4 >= bound.e4) or (
            bound.milli and used.milli >= bound.milli
        ):
            return Stopped(window)
        left = _tighter(
            left,
            Allowance(
                bound.e4 - used.e4 if bound.e4 else None,
                bound.milli - used.milli if bound.milli else None,
            ),
        )
    return left


def decide_all(bounds: Iterable[tuple[SpendingLimits, Usage]], now_ms: int) -> Verdict:
    """Return what several bounds leave together; the first that stops, stops."""
    left = Allowance()
    for limits, usage in bounds:
        verdict = decide(limits, usage, now_ms)
        if isinstance(verdict, Stopped):
            return verdict
        left = _tighter(left, verdict)
    return left


def window_start_ms(window: Window, now_ms: int, *, cut_off_minute: int) -> int:
    """Return when the window of a moment began; days begin at the station's cut-off."""
    cut_off = timedelta(minutes=cut_off_minute)
    day = local_time(now_ms) - cut_off
    begin = day.replace(hour=0, minute=0, second=0, microsecond=0)
    if window is Window.WEEK:
        begin -= timedelta(days=begin.weekday())
    elif window is Window.MONTH:
        begin = begin.replace(day=1)
    return (begin + cut_off - _EPOCH) // _MS


def _in_hours(limits: SpendingLimits, minute: int) -> bool:
    begin, end = limits.from_minute, limits.until_minute
    if begin <= end:
        return begin <= minute < end
    return minute >= begin or minute < end


def _tighter(one: Allowance, other: Allowance) -> Allowance:
    return Allowance(_least(one.e4, other.e4), _least(one.milli, other.milli))


def _least(one: int | None, other: int | None) -> int | None:
    return min((x for x in (one, other) if x is not None), default=None)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
