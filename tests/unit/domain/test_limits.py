"""Limits of spending: windows, hours, weekdays, card and company together."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.domain.limits import (
    Allowance,
    Amount,
    SpendingLimits,
    Stopped,
    Usage,
    Window,
    decide,
    decide_all,
    window_start_ms,
)
from cngstation.moments import CHINA

WORKDAYS = 0b001_1111
MORNINGS = SpendingLimits(from_minute=360, until_minute=720)
NIGHTS = SpendingLimits(from_minute=1320, until_minute=300)


def at(text: str) -> int:
    """Return an instant of China's time."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    return int(moment.timestamp()) * 1000


NOON = at("2026-11-21 12:00")  # a Saturday


def test_without_bounds_everything_is_allowed() -> None:
    """Nothing set is no limit."""
    assert decide(SpendingLimits(), Usage(), NOON) == Allowance()
    assert decide_all([], NOON) == Allowance()


@pytest.mark.parametrize(
    ("limits", "usage", "verdict"),
    [
        (SpendingLimits(fill=Amount(100, 0)), Usage(), Allowance(100, None)),
        (SpendingLimits(fill=Amount(0, 70)), Usage(), Allowance(None, 70)),
        (
            SpendingLimits(fill=Amount(100), day=Amount(250)),
            Usage(day=Amount(200)),
            Allowance(50),
        ),
        (
            SpendingLimits(day=Amount(250)),
            Usage(day=Amount(250)),
            Stopped("day"),
        ),
        (
            SpendingLimits(day=Amount(250), week=Amount(0, 900)),
            Usage(day=Amount(1), week=Amount(1, 901)),
            Stopped("week"),
        ),
        (
            SpendingLimits(month=Amount(1000, 1000)),
            Usage(month=Amount(400, 900)),
            Allowance(600, 100),
        ),
    ],
)
def test_each_window_leaves_what_is_not_used(
    limits: SpendingLimits, usage: Usage, verdict: object
) -> None:
    """The tightest bound decides; a bound that is used up stops, with its name."""
    assert decide(limits, usage, NOON) == verdict


@pytest.mark.parametrize(
    ("limits", "when", "reason"),
    [
        (SpendingLimits(weekdays=WORKDAYS), "2026-11-21 12:00", "weekday"),
        (SpendingLimits(weekdays=WORKDAYS), "2026-11-20 12:00", ""),
        (
            MORNINGS,
            "2026-11-20 05:59",
            "hours",
        ),
        (MORNINGS, "2026-11-20 06:00", ""),
        (
            MORNINGS,
            "2026-11-20 12:00",
            "hours",
        ),
        (NIGHTS, "2026-11-20 23:10", ""),
        (NIGHTS, "2026-11-20 04:59", ""),
        (
            NIGHTS,
            "2026-11-20 05:00",
            "hours",
        ),
    ],
)
def test_hours_and_weekdays(limits: SpendingLimits, when: str, reason: str) -> None:
    """Hours may run over midnight; the days are the station's own."""
    verdict = decide(limits, Usage(), at(when))
    assert (verdict.reason if isinstance(verdict, Stopped) else "") == reason


@pytest.mark.parametrize(
    ("window", "cut_off", "now", "began"),
    [
        (Window.DAY, 0, "2026-11-21 12:00", "2026-11-21 00:00"),
        (Window.DAY, 480, "2026-11-21 07:59", "2026-11-20 08:00"),
        (Window.DAY, 480, "2026-11-21 08:00", "2026-11-21 08:00"),
        (Window.WEEK, 0, "2026-11-22 23:59", "2026-11-16 00:00"),
        (Window.WEEK, 480, "2026-11-16 07:00", "2026-11-09 08:00"),
        (Window.MONTH, 0, "2026-11-01 00:00", "2026-11-01 00:00"),
        (Window.MONTH, 480, "2026-11-01 07:00", "2026-10-01 08:00"),
    ],
)
def test_a_window_begins_with_a_business_day(
    window: Window, cut_off: int, now: str, began: str
) -> None:
    """Weeks from Monday, months from the first, at the station's cut-off."""
    assert window_start_ms(window, at(now), cut_off_minute=cut_off) == at(began)


amounts = st.builds(Amount, st.integers(0, 500), st.integers(0, 500))
limits_ = st.builds(
    SpendingLimits, fill=amounts, day=amounts, week=amounts, month=amounts
)
usages = st.builds(Usage, day=amounts, week=amounts, month=amounts)


@given(limits_, usages, limits_, usages)
def test_two_bounds_leave_at_most_what_each_leaves(
    one: SpendingLimits, used: Usage, other: SpendingLimits, used_too: Usage
) -> None:
    """Filling what is allowed never passes a bound of either."""
    verdict = decide_all([(one, used), (other, used_too)], NOON)
    for limits, usage in ((one, used), (other, used_too)):
        for window in Window:
            bound, before = limits.of(window), usage.of(window)
            if isinstance(verdict, Stopped):
                continue
            if bound.e4:
                assert verdict.e4 is not None
                assert before.e4 + verdict.e4 <= bound.e4
            if bound.milli:
                assert verdict.milli is not None
                assert 0 < verdict.milli <= bound.milli - before.milli
