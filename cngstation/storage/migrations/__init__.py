"""Schema versions in order; each is applied in one transaction with its record."""

import re
from collections import Counter
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from cngstation import __version__
from cngstation.errors import SchemaMismatch, StorageError
from cngstation.storage import register_rows
from cngstation.storage.register_rows import Content, Place
from cngstation.storage.sqlite import Connection, sqlite3

_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


@cache
def known_migrations() -> tuple[tuple[int, str, str], ...]:
    """Return (version, name, SQL) of every migration, oldest first."""
    found = []
    for item in resources.files(__package__).iterdir():
        if matched := _FILE_NAME.fullmatch(item.name):
            found.append((int(matched[1]), matched[2], item.read_text("utf-8")))
    return tuple(sorted(found))


def migrate(connection: Connection, path: Path, now_ms: int) -> list[int]:
    """Bring the file to this program's version; return the versions applied.

    Raises:
        SchemaMismatch: the file is newer than this program.
        StorageError: a version would leave a row that refers to none.
    """
    # A table that is built anew would take the rows along that refer to it.
    connection.execute("PRAGMA foreign_keys=OFF")
    try:
        return _migrate(connection, path, now_ms)
    finally:
        connection.execute("PRAGMA foreign_keys=ON")


def _migrate(connection: Connection, path: Path, now_ms: int) -> list[int]:
    known = known_migrations()
    applied = []
    for version, name, sql in known:
        connection.execute("BEGIN EXCLUSIVE")
        try:
            if version > current_version(connection, path, known[-1][0]):
                _apply(connection, version, sql, now_ms)
                connection.execute(
                    "INSERT INTO schema_migration VALUES (?,?,?,?)",
                    (version, name, now_ms, __version__),
                )
                applied.append(version)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return applied


def _apply(connection: Connection, version: int, sql: str, now_ms: int) -> None:
    """Run a version's statements; what they change in the registers is a fact too."""
    proved = register_rows.has_table(connection, "register_change")
    before = register_rows.contents(connection) if proved else {}
    for statement in _statements(sql):
        connection.execute(statement)
    if torn := connection.execute("PRAGMA foreign_key_check").fetchone():
        raise StorageError(why=f"version {version}: a row of {torn[0]} refers to none")
    if register_rows.has_table(connection, "register_change"):
        register_rows.chain_what_a_migration_changed(
            connection, before, seeds_of(version), f"schema {version}", now_ms
        )


def current_version(connection: Connection, path: Path, known: int) -> int:
    """Return the version that the file has; 0 for an empty one.

    Raises:
        SchemaMismatch: the file is newer than this program.
    """
    has_record = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name='schema_migration'"
    ).fetchone()
    if not has_record:
        return 0
    row = connection.execute("SELECT max(version) FROM schema_migration").fetchone()
    found: int = row[0] or 0
    if found > known:
        raise SchemaMismatch(path=str(path), found=found, known=known)
    return found


Schema = dict[tuple[str, str], str]
# Type, name, table's name and SQL of everything in a file, as often as it is there.
SchemaRows = Counter[tuple[str, str, str, str | None]]


def schema(connection: Connection) -> Schema:
    """Return the SQL of every table, index and trigger by its type and name.

    An index that a key brings along has no SQL; it has its table's name here.
    """
    rows = schema_rows(connection)
    return {(kind, name): sql or table for kind, name, table, sql in rows}


def schema_rows(connection: Connection) -> SchemaRows:
    """Return every table, index and trigger, letter by letter as the file has it.

    SQLite itself finds names in capitals too, and reads past a name that differs from
    the one in its SQL.
    """
    found = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema"
        " WHERE name NOT IN ('sqlite_stat1', 'sqlite_stat4')"
    )
    return Counter((kind, name, table, sql) for kind, name, table, sql in found)


def schema_of(version: int) -> Schema:
    """Return the SQL of everything that a file of a version has."""
    rows = schema_rows_of(version)
    return {(kind, name): sql or table for kind, name, table, sql in rows}


@cache
def schema_rows_of(version: int) -> SchemaRows:
    """Return every table, index and trigger of a file of a version."""
    return schema_rows(_empty_file(version))


@cache
def seeds_of(version: int) -> dict[Place, Content]:
    """Return the rows of registers that a file of a version has from the start."""
    return register_rows.contents(_empty_file(version))


def _empty_file(version: int) -> Connection:
    return _grown(tuple(entry for entry in known_migrations() if entry[0] <= version))


@lru_cache(maxsize=1)
def _grown(steps: tuple[tuple[int, str, str], ...]) -> Connection:
    """Return an empty file after these migrations; the next one begins with a copy."""
    # A file is brought to its version in one thread, and proved in another.
    file = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if steps:
        _grown(steps[:-1]).backup(file)
        for statement in _statements(steps[-1][2]):
            file.execute(statement)
    return file


def _statements(sql: str) -> list[str]:
    statements = []
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    if pending.strip():
        raise ValueError(f"a migration ends within a statement: {pending[:60]!r}")
    return statements
