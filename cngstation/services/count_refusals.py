"""Refused calls in the audit: the first of its kind at once, a flood as one number.

Whoever asks for what they may not is written down. More of the same within a minute
are counted and become one row, so that a flood fills neither the file nor the chain.
"""

import asyncio
import contextlib
from dataclasses import dataclass

from cngstation.errors import StorageError
from cngstation.moments import Clock, seconds
from cngstation.storage import audit
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction

WINDOW_MS = 60_000
MOST_KINDS = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused call: who, what, and which right was missing or why it was refused."""

    actor: Actor
    act: str
    subject: str


_OTHERS = Refused(Actor("", "others"), "others", "others")


@dataclass(slots=True)
class _Window:
    began_mono_ms: int
    more: int = 0


class RefusalLog:
    """Writes refused calls down, and keeps count of those that repeat."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._windows: dict[Refused, _Window] = {}

    async def note(self, refused: Refused) -> None:
        """Write down a refused call, or count it with those before it."""
        if len(self._windows) >= MOST_KINDS and refused not in self._windows:
            refused = _OTHERS
        now_ms = self._clock.now().mono_ms
        window = self._windows.get(refused)
        if window is None:
            self._windows[refused] = _Window(now_ms)
            await self._write([(refused, 0)])
            return
        window.more += 1
        if now_ms - window.began_mono_ms >= WINDOW_MS:
            await self.flush()

    async def run(self) -> None:
        """Write the counts of windows that are over, until cancelled; then of all."""
        try:
            while True:
                await asyncio.sleep(seconds(WINDOW_MS))
                await self.flush()
        finally:
            await self.flush(all_of_them=True)

    async def flush(self, *, all_of_them: bool = False) -> None:
        """Write the counts of windows that are over."""
        now_ms = self._clock.now().mono_ms
        over = [
            refused
            for refused, window in self._windows.items()
            if all_of_them or now_ms - window.began_mono_ms >= WINDOW_MS
        ]
        ended = [(refused, self._windows.pop(refused).more) for refused in over]
        await self._write([(refused, more) for refused, more in ended if more])

    async def _write(self, counted: list[tuple[Refused, int]]) -> None:
        if not counted:
            return

        def unit(tx: Transaction) -> None:
            for refused, more in counted:
                audit.record(
                    tx,
                    refused.actor,
                    refused.act,
                    refused.subject,
                    outcome="refused",
                    reason="refused again" if more else "",
                    after=str(more) if more else "",
                )

        # A refusal stays a refusal when it cannot be written.
        with contextlib.suppress(StorageError):
            await self._database.write(unit)
