"""Looks whether the wall clock still goes with the monotonic one."""

import asyncio

from cngstation.moments import Clock, seconds
from cngstation.services import tell_day
from cngstation.services.wait_while_busy import while_busy
from cngstation.services.watch_drift import look_crept
from cngstation.storage import findings
from cngstation.storage.database import Database, Transaction

LOOK_MS = 5_000


async def watch_clock(database: Database, clock: Clock, bound_s: int) -> None:
    """Look again and again, for ever; nothing is stopped by what is found."""
    while True:
        await while_busy(lambda: look_once(database, clock))
        await while_busy(lambda: look_crept(database, clock, bound_s))
        await asyncio.sleep(seconds(LOOK_MS))


async def look_once(database: Database, clock: Clock) -> None:
    """Open the row about a clock that jumped; close it when the clock is right."""
    now = clock.now()
    told = await database.read(lambda connection: tell_day.tell(connection, now))
    if told.agrees != bool(told.row) and (told.same_boot or not told.row):
        return  # right and no row, or wrong and its row is there
    await database.write(_settle)


def _settle(tx: Transaction) -> None:
    told = tell_day.tell(tx.connection, tx.now)
    if told.row and told.agrees:
        findings.close_finding(tx, told.row, "the clock is right again", "")
    elif told.row and not told.same_boot:
        # From here on this boot's monotonic clock says how late it is.
        findings.close_finding(tx, told.row, "started again", "")
        tell_day.name_jump(tx, told.ms)
    elif not told.agrees and not told.row:
        tell_day.name_jump(tx, told.ms)
