"""Notices what other processes commit: daemons meet in the database, not by calls."""

import asyncio
from collections.abc import Awaitable, Callable

from cngstation.moments import seconds
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage.database import Database

LOOK_MS = 100


async def watch_news(
    database: Database, on_news: Callable[[], Awaitable[None]]
) -> None:
    """Call whenever something was committed, by whichever process; for ever."""
    seen: int | None = None
    while True:
        version = await while_busy(database.data_version)
        if version != seen:
            seen = version
            await while_busy(on_news)
        await asyncio.sleep(seconds(LOOK_MS))
