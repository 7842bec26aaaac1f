"""Takes the books out: nobody has the file without a row that says who took it.

The file is written under a passing name; then the row is durable, with the file's size
and digest; then the file gets its name. Killed between them, there is a passing name
that the next start removes and names, or the file with its row.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog

from cngstation.errors import MoneyMoved, StationError, StorageError
from cngstation.hygiene import clean
from cngstation.services.export_audit import Exported, record
from cngstation.services.new_file import (
    HeldFile,
    held_file,
    left_in,
    name_of_left,
)
from cngstation.storage import audit
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction

LEFT, UNNAMED = "audit.left", "audit.unnamed"
_log = structlog.get_logger("exports")


class FileNotBooked(StorageError):
    """The row of a file could not be written."""

    code = "storage.file_not_booked"
    text = (
        "The file {name} was not made: the station's books could not be written just "
        "now, so nobody would know who took it out. Nothing of it was left there. Try "
        "again."
    )
    money = MoneyMoved.NO


async def take_out(
    database: Database,
    target: Path,
    actor: Actor,
    write: Callable[[HeldFile], Awaitable[Exported]],
) -> Exported:
    """Have a file written, booked and named, in this order.

    Raises:
        FileIsThere, FileNotWritten, FileNotBooked: there is no file.
        Whatever `write` raises; then there is none either.
    """

    async def whole() -> Exported:
        with held_file(target) as held:
            made = await write(held)
            await _book(database, actor, made)
            try:
                await asyncio.to_thread(held.give_name)
            except (OSError, StationError) as error:
                await _tell_unnamed(database, actor, made, error)
                raise
        return made

    # A caller that goes away leaves no row without its file.
    return await asyncio.shield(asyncio.create_task(whole()))


async def _book(database: Database, actor: Actor, made: Exported) -> None:
    try:
        await database.write(lambda tx: record(tx, actor, made))
    except StorageError as error:
        _log.error("export.not_booked", name=made.name, why=error.sentence())
        raise FileNotBooked(name=made.name) from error


async def _tell_unnamed(
    database: Database, actor: Actor, made: Exported, error: Exception
) -> None:
    """Write down that a booked file did not get its name and is gone."""
    name, why = clean(made.name), clean(str(error))
    try:
        await database.write(
            lambda tx: audit.record(
                tx, actor, UNNAMED, name, outcome="failed", reason=why
            )
        )
    except StorageError as worse:
        _log.error("export.unnamed", name=name, why=why, row=worse.sentence())


async def clear_left(database: Database, folder: Path) -> list[str]:
    """Remove what killed exports have left in a folder; name each in a row first.

    Raises:
        StorageError: it cannot be written down; it stays there.
    """
    names = []
    for left in await asyncio.to_thread(left_in, folder):
        try:
            if name := clean(name_of_left(left)):
                names.append(name)
                await database.write(partial(_tell_left, name))
            left.unlink()
        except OSError as error:
            _log.error("export.left", file=str(left), why=str(error))
    return names


def _tell_left(name: str, tx: Transaction) -> None:
    audit.record(tx, STATION, LEFT, name)
