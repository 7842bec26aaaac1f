"""Instants, the business day and the one place that reads the clocks.

Three clocks are never mixed: the station's UTC, the monotonic one, and a device's
own reading, which is kept as text and never used for order.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS_PER_HOUR = 3_600_000
CHINA = timezone(timedelta(hours=8), "CST")  # one zone for all of China, no summer time


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment by the three readings that the station has of it.

    `wall_ms` is UTC in milliseconds, `mono_ms` counts since `boot_id` began.
    """

    wall_ms: int
    mono_ms: int
    boot_id: str


class Clock(Protocol):
    """What a service asks for the time; tests give it a clock that they move."""

    def now(self) -> Instant: ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot_id = _boot_id()

    def now(self) -> Instant:
        """Read wall and monotonic time together."""
        return Instant(
            wall_ms=time.time_ns() // 1_000_000,
            mono_ms=time.monotonic_ns() // 1_000_000,
            boot_id=self._boot_id,
        )


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "unknown"


def seconds(ms: int) -> float:
    """Return milliseconds as the seconds that asyncio's timers take."""
    return ms / 1000


def local_time(wall_ms: int) -> datetime:
    """Return the station's local time of an instant."""
    return (_EPOCH + timedelta(milliseconds=wall_ms)).astimezone(CHINA)


def time_text(wall_ms: int) -> str:
    """Write an instant as local time to the second: 2026-11-21 09:42:17."""
    return local_time(wall_ms).strftime("%Y-%m-%d %H:%M:%S")


@lru_cache(maxsize=8)  # all bookings of a group are of one instant
def business_day(wall_ms: int, *, cut_off_minute: int = 0) -> str:
    """Return the business day of an instant as YYYY-MM-DD.

    `cut_off_minute` is the minute of the local day at which a new one begins.
    """
    shifted = local_time(wall_ms) - timedelta(minutes=cut_off_minute)
    return shifted.strftime("%Y-%m-%d")


def day_bounds_ms(day: str, *, cut_off_minute: int = 0) -> tuple[int, int]:
    """Return when a business day YYYY-MM-DD begins and when the next one does.

    Raises:
        ValueError: it is no date.
    """
    midnight = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=CHINA)
    begins = midnight + timedelta(minutes=cut_off_minute)
    first = (begins - _EPOCH) // timedelta(milliseconds=1)
    return first, first + 24 * MS_PER_HOUR


def days_until(date_text: str, wall_ms: int) -> int:
    """Count the days from an instant's local date to a date YYYY-MM-DD."""
    target = datetime.strptime(date_text, "%Y-%m-%d").replace(tzinfo=CHINA)
    return (target.date() - local_time(wall_ms).date()).days
