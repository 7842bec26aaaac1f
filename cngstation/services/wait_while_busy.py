"""Asks the database again while another program holds it: that is no failure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from cngstation.errors import DatabaseBusy
from cngstation.moments import seconds

T = TypeVar("T")

# The database has waited for seconds itself before it says that it is busy.
PAUSE_MS = 500
_log = structlog.get_logger()


async def while_busy(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the lock was to be had; nothing was begun each time before.

    For the loops of a daemon, which nobody would ask again. Who answers a request
    tells its asker that the database is busy instead.
    """
    told = False
    while True:
        try:
            return await ask()
        except DatabaseBusy as busy:
            if not told:
                _log.warning("database.busy", why=busy.sentence())
            told = True
            await asyncio.sleep(seconds(PAUSE_MS))
