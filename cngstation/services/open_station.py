"""Opens the books of a station that was set up."""

from cngstation.config import StationConfig
from cngstation.errors import DatabaseUnopened, StationError, StorageError
from cngstation.language import mark
from cngstation.moments import Clock
from cngstation.services.keep_outlets import require_till_outlet
from cngstation.storage.database import Database
from cngstation.storage.room import LEAST_BYTES, Room


async def open_books(
    config: StationConfig, clock: Clock, *, to_the_last: bool = False
) -> Database:
    """Open the station's file; it is never made here.

    `to_the_last`: written as long as any byte is free, for what cannot wait.

    Raises:
        DatabaseUnopened: there is none, or it cannot be opened.
        StorageError: it is busy, or of another version.
        NoSuchTillOutlet: the till is of an outlet that is not there.
    """
    path = config.paths.database
    if not path.is_file():
        # A new one here would be a station without its books.
        raise DatabaseUnopened(path=str(path), why=mark("there is no such file"))
    room = Room(path.parent, 0 if to_the_last else LEAST_BYTES)
    room.make_reserve()
    try:
        database = await Database.open(path, clock, room)
    except StorageError as error:
        if type(error) is not StorageError:
            raise
        why = str(error.facts["why"])
        raise DatabaseUnopened(path=str(path), why=why) from error
    try:
        await require_till_outlet(database, config.till.outlet_no)
    except StationError:
        await database.close()
        raise
    return database
