"""Knows when somebody last did something by hand in a session.

What another daemon was asked is known from the session's row, which is written at most
twice a minute and beside the call: a busy file must not keep an order waiting.
"""

import asyncio
import contextlib

from cngstation.errors import StorageError
from cngstation.moments import Clock
from cngstation.storage import operators
from cngstation.storage.database import Database
from cngstation.storage.operators import SessionRow

MS_PER_MINUTE = 60_000
TOUCH_MS = 30_000
_MOST_REMEMBERED = 100


class Hands:
    """Sees the hands of those who work, and misses them."""

    def __init__(self, database: Database, clock: Clock, idle_minutes: int) -> None:
        self._database = database
        self._clock = clock
        self._idle_ms = idle_minutes * MS_PER_MINUTE
        self._seen_ms: dict[bytes, int] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def are_gone(self, row: SessionRow) -> bool:
        """Tell whether nobody did anything for so long that the screen is locked."""
        last_ms = max(row.active_mono_ms, self._seen_ms.get(row.token_hash, 0))
        return self._clock.now().mono_ms - last_ms >= self._idle_ms

    def seen(self, row: SessionRow) -> None:
        """Remember an act by hand."""
        now_ms = self._clock.now().mono_ms
        self._seen_ms.pop(row.token_hash, None)
        self._seen_ms[row.token_hash] = now_ms
        while len(self._seen_ms) > _MOST_REMEMBERED:
            del self._seen_ms[next(iter(self._seen_ms))]
        if row.active_mono_ms + TOUCH_MS <= now_ms:
            writing = asyncio.create_task(self._write(row.token_hash))
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)

    async def _write(self, token_hash: bytes) -> None:
        with contextlib.suppress(StorageError):
            await self._database.write(
                lambda tx: operators.touch_session(tx, token_hash)
            )
