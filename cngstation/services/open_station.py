"""Opens the books of a station that was set up."""

from cngstation.config import StationConfig
from cngstation.errors import DatabaseUnopened, StorageError
from cngstation.language import mark
from cngstation.moments import Clock
from cngstation.storage.database import Database


async def open_books(config: StationConfig, clock: Clock) -> Database:
    """Open the station's file; it is never made here.

    Raises:
        DatabaseUnopened: there is none, or it cannot be opened.
        StorageError: it is busy, or of another version.
    """
    path = config.paths.database
    if not path.is_file():
        # A new one here would be a station without its books.
        raise DatabaseUnopened(path=str(path), why=mark("there is no such file"))
    try:
        return await Database.open(path, clock)
    except StorageError as error:
        if type(error) is not StorageError:
            raise
        why = str(error.facts["why"])
        raise DatabaseUnopened(path=str(path), why=why) from error
