"""The schema letter by letter: whatever is changed in it is named."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.services.verify_books import verify_file
from cngstation.storage.migrations import schema_rows, schema_rows_of
from cngstation.storage.sqlite import connect, sqlite3

TRIGGER = "CREATE TRIGGER late AFTER INSERT ON audit BEGIN SELECT 1; END"
# An index, a key's own index, a trigger and a table.
ROWS = ("entry_intent", "sqlite_autoindex_entry_1", "audit_fixed", "gas_lot")


@pytest.fixture
def written(books: Path) -> Iterator[sqlite3.Connection]:
    """Return books whose schema can be written."""
    connection = sqlite3.connect(books, isolation_level=None)
    connection.execute("PRAGMA writable_schema=ON")
    yield connection
    connection.close()


@pytest.mark.parametrize("column", ["type", "name", "tbl_name"])
def test_another_case_of_one_letter(
    books: Path, written: sqlite3.Connection, column: str
) -> None:
    """SQLite reads past it: names are found in capitals too."""
    for name in ROWS:
        copy = books.with_name(f"{name}.db")
        shutil.copy(books, copy)
        other = sqlite3.connect(copy, isolation_level=None)
        other.execute("PRAGMA writable_schema=ON")
        capital = f"upper(substr({column}, 1, 1)) || substr({column}, 2)"
        changed = other.execute(
            f"UPDATE sqlite_schema SET {column}={capital} WHERE name=?", (name,)
        )
        assert changed.rowcount == 1
        other.close()
        assert "is missing or was changed" in str(verify_file(copy).first_bad), name


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("DROP TRIGGER audit_fixed", "trigger audit_fixed"),
        (TRIGGER, "trigger late"),
        ("CREATE INDEX late ON audit (act)", "index late"),
        ("CREATE TABLE sqlitestat (x)", "table sqlitestat"),
        ("CREATE VIEW late AS SELECT 1", "view late"),
        (
            "INSERT INTO sqlite_schema SELECT * FROM sqlite_schema"
            " WHERE name='audit_fixed'",
            "trigger audit_fixed",
        ),
        (
            "UPDATE sqlite_schema SET sql=replace(sql, 'END', 'end')"
            " WHERE name='audit_fixed'",
            "trigger audit_fixed",
        ),
    ],
)
def test_what_is_added_dropped_or_written_otherwise(
    books: Path, written: sqlite3.Connection, sql: str, named: str
) -> None:
    """By its kind and name; a second one of the same name is one too many."""
    written.execute(sql)
    written.close()
    assert named in str(verify_file(books).first_bad)


def test_a_file_that_grew_has_the_schema_of_a_new_one(books: Path) -> None:
    """Every row of it, as often as it is there."""
    connection = connect(books)
    (version,) = connection.execute(
        "SELECT max(version) FROM schema_migration"
    ).fetchone()
    assert schema_rows(connection) == schema_rows_of(version)
    assert set(schema_rows(connection).values()) == {1}
    connection.close()
