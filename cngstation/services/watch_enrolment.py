"""Warns on the board when the certificate of head office ends soon."""

import asyncio

from cngstation.moments import Clock, seconds
from cngstation.services.enrol_station import warn, warning_due
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage.database import Database

LOOK_MS = 60_000


async def watch_enrolment(database: Database, clock: Clock) -> None:
    """Look again and again, for ever; nothing is stopped by what is found."""
    while True:
        await while_busy(lambda: look_once(database, clock))
        await asyncio.sleep(seconds(LOOK_MS))


async def look_once(database: Database, clock: Clock) -> None:
    """Open the row that is due, once."""
    now_ms = clock.now().wall_ms
    if await database.read(lambda connection: warning_due(connection, now_ms)):
        await database.write(warn)
