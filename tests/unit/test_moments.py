"""Instants and the business day, in China's one zone."""

import pytest

from cngstation.moments import (
    SystemClock,
    business_day,
    days_until,
    seconds,
    time_text,
)
from tests.small_station import MORNING

MIDNIGHT = MORNING - (9 * 3600 + 42 * 60 + 17) * 1000  # 2026-11-21 00:00:00


def test_local_time_is_chinas() -> None:
    """The text on paper is local time to the second."""
    assert time_text(MORNING) == "2026-11-21 09:42:17"
    assert time_text(MIDNIGHT - 1) == "2026-11-20 23:59:59"
    assert time_text(0) == "1970-01-01 08:00:00"


@pytest.mark.parametrize(
    ("at_ms", "cut_off", "day"),
    [
        (MIDNIGHT, 0, "2026-11-21"),
        (MIDNIGHT - 1, 0, "2026-11-20"),
        (MIDNIGHT + 6 * 3_600_000 - 1, 360, "2026-11-20"),
        (MIDNIGHT + 6 * 3_600_000, 360, "2026-11-21"),
    ],
)
def test_a_business_day_begins_at_its_minute(
    at_ms: int, cut_off: int, day: str
) -> None:
    """Until the cut-off a fill belongs to the day before."""
    assert business_day(at_ms, cut_off_minute=cut_off) == day


def test_days_are_local_days() -> None:
    """Due today is 0 until midnight in China."""
    assert days_until("2026-11-21", MIDNIGHT) == 0
    assert days_until("2026-11-21", MIDNIGHT - 1) == 1
    assert days_until("2026-11-20", MIDNIGHT) == -1
    with pytest.raises(ValueError, match="soon"):
        days_until("soon", MORNING)


def test_the_machines_clocks_are_read_together() -> None:
    """Monotonic time does not go back, and the boot has a name."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert second.mono_ms >= first.mono_ms
    assert first.boot_id == second.boot_id != ""
    assert first.wall_ms > 1_600_000_000_000
    assert seconds(1500) == 1.5
