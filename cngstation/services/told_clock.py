"""The clock that dispensers are told: the wall clock, while that is to be trusted.

Each poll carries it, so it answers at once: from the time that was told last, which
goes on by the monotonic clock. A wall clock that is off from that is not passed on.
"""

from dataclasses import replace

from cngstation.moments import Clock, Instant
from cngstation.services.tell_day import EARLIEST_MS, MAY_SLIP_MS, Told, tell
from cngstation.storage.database import Database


class ToldClock:
    """Fits `Clock`; `look` keeps it with what the books say of the time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms: int | None = None  # of the monotonic clock

    def now(self) -> Instant:
        """Return the time that was told, and goes on, with the monotonic reading."""
        now = self._clock.now()
        wanted_ms = now.wall_ms
        if self._ahead_ms is not None:
            wanted_ms = now.mono_ms + self._ahead_ms
        agrees = abs(now.wall_ms - wanted_ms) <= MAY_SLIP_MS
        told_ms = now.wall_ms if agrees else wanted_ms
        return replace(now, wall_ms=max(told_ms, EARLIEST_MS))

    async def look(self, database: Database) -> Told:
        """Compare the clocks with the books."""
        now = self._clock.now()
        told = await database.read(lambda connection: tell(connection, now))
        self._ahead_ms = told.ms - now.mono_ms
        return told
