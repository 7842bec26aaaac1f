"""Notes up to when each nozzle has delivered its records, while a card is lost.

The balance of a lost card is proved by it; while no card is lost nobody needs it.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from cngstation.domain.card_life import CardState
from cngstation.moments import Clock, seconds
from cngstation.storage import replacements
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

LOOK_MS = 5_000


class Deliveries(Protocol):
    """Who knows which nozzles have nothing left; a line's desk fits."""

    async def delivered(self) -> list[NozzleKey]: ...


async def mark_deliveries(
    database: Database, desks: Sequence[Deliveries], clock: Clock
) -> None:
    """Note it, for ever."""
    while True:
        if await database.read(_a_card_is_lost):
            await mark_once(database, desks, clock)
        await asyncio.sleep(seconds(LOOK_MS))


async def mark_once(
    database: Database, desks: Sequence[Deliveries], clock: Clock
) -> None:
    """Note the nozzles that have delivered everything they had at this moment."""
    # Before they are asked: a fill that begins after is of a later moment.
    at_ms = clock.now().wall_ms
    nozzles = [nozzle for desk in desks for nozzle in await desk.delivered()]
    if nozzles:
        await database.write(lambda tx: replacements.delivered(tx, nozzles, at_ms))


def _a_card_is_lost(connection: Connection) -> bool:
    row = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM card WHERE state='{CardState.LOST}')"  # noqa: S608
    ).fetchone()
    return bool(row[0])
