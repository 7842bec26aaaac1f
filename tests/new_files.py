"""New files of a station without the price of every migration each time.

The migrations make one file a process and moment; files that are new at the same
moment are copies of its pages. Daemons, and tests of migrations, run the migrations.
"""

from functools import lru_cache
from pathlib import Path
from threading import Lock

from cngstation.storage import database, migrations
from cngstation.storage.migrations import known_migrations, migrate
from cngstation.storage.sqlite import Connection, sqlite3

_one_at_a_time = Lock()


def copy_new_files() -> None:
    """Let `Database.open` copy new files from now on, in this process."""
    setattr(database, "migrate", migrate_or_copy)  # noqa: B010 - a name of its own import


def migrate_or_copy(connection: Connection, path: Path, now_ms: int) -> list[int]:
    """Bring a file to this program's version; return the versions applied."""
    with _one_at_a_time:
        empty = "SELECT count(*)=0 FROM sqlite_schema"
        is_new = connection.execute(empty).fetchone()[0]
        if not is_new or migrations.known_migrations is not known_migrations:
            return migrate(connection, path, now_ms)
        made, versions = _made_at(now_ms)
        made.backup(connection)
        return [*versions]


@lru_cache(maxsize=4)
def _made_at(now_ms: int) -> tuple[Connection, tuple[int, ...]]:
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    return made, tuple(migrate(made, Path(":memory:"), now_ms))
