"""The only door to SQLite: a version without the WAL-reset bug, the settings, errors.

pysqlite3 carries its own SQLite and takes the place of the sqlite3 module before
aiosqlite is imported. SQLite 3.7.0 to 3.51.2 can corrupt a WAL file that two
connections write; 3.52.0 was withdrawn.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pysqlite3
import pysqlite3.dbapi2

sys.modules["sqlite3"] = pysqlite3
sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

import aiosqlite  # noqa: E402 - must find the module placed above

if TYPE_CHECKING:
    import sqlite3
else:
    sqlite3 = pysqlite3

Connection = sqlite3.Connection
OldestSafe = (3, 51, 3)
Withdrawn = (3, 52, 0)

# What SQLite says of a damaged file can quote bytes of it that are no UTF-8.
FAILURES = (sqlite3.Error, UnicodeDecodeError)

__all__ = [
    "FAILURES",
    "Connection",
    "aiosqlite",
    "connect",
    "is_busy",
    "safe_version",
    "sqlite3",
]

# The WAL is folded back at 1000 pages of 4 KiB, SQLite's own figure.
_SETTINGS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA busy_timeout=0",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=1000",
)


def safe_version() -> bool:
    """Tell whether this SQLite may run several writers on one WAL file."""
    version = sqlite3.sqlite_version_info
    return version >= OldestSafe and version != Withdrawn


def connect(path: Path, *, read_only: bool = False) -> Connection:
    """Open the station's file with every setting that the books rely on.

    On an unsafe SQLite the journal is TRUNCATE instead of WAL.
    """
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    for setting in _SETTINGS:
        connection.execute(setting)
    if read_only:
        connection.execute("PRAGMA query_only=ON")
        return connection
    wanted = "wal" if safe_version() else "truncate"
    (mode,) = connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()
    if mode != wanted:
        # SQLite does not fail where it cannot: another mode may lose a commit.
        connection.close()
        raise sqlite3.OperationalError(f"journal mode {wanted} became {mode}")
    return connection


def is_busy(error: Exception) -> bool:
    """Tell whether SQLite refused because another connection holds the lock."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
