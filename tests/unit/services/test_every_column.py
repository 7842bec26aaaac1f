"""What is proved, column by column: the schema itself says what there is to prove.

Whatever is not named when it changes stands in `UNPROVED` with the reason.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cngstation.services.verify_books import verify, verify_file
from cngstation.storage import migrations
from cngstation.storage.migrations import known_migrations
from cngstation.storage.sqlite import Connection, connect
from tests.unit.services.whole_books import furnished, is_told_in_both
from tests.whole_tables import furnish_every_table

_SEEN = "how a card was last seen; compared with its account where all its fills are in"
_TRIES = "wrong passwords are counted on the way in, before anybody is known"
_PAPER = "how far the prints of a receipt have got; what is on the paper is proved"
UNPROVED = {
    "card": dict.fromkeys(
        ("seen_balance", "seen_wseq", "seen_pseq", "seen_grey", "seen_at_ms"), _SEEN
    ),
    "operator": dict.fromkeys(
        ("wrong_tries", "blocked_until_mono_ms", "blocked_for_ms", "blocked_boot_id"),
        _TRIES,
    ),
    "unknown_name": dict.fromkeys(
        (
            "tag",
            "wrong_tries",
            "blocked_until_mono_ms",
            "blocked_for_ms",
            "blocked_boot_id",
            "tried_at_ms",
        ),
        _TRIES,
    ),
    "session": {"active_mono_ms": "moves with every key; a lock is a fact"},
    "receipt": dict.fromkeys(("originals", "copies", "wanted", "outcome"), _PAPER),
    "outbox": {"sent_at_ms": "head office knows what it has got"},
    "delivery_mark": dict.fromkeys(
        ("station_no", "dispenser_no", "nozzle_no", "delivered_at_ms"),
        "moves with every poll; a replacement that relied on it tells its own facts",
    ),
    "tip": {"card_serial": "above the highest number in use it leaves numbers out"},
    "schema_migration": dict.fromkeys(
        ("applied_at_ms", "program"), "which program brought the schema, and when"
    ),
}
NOT_AT_ALL = {"delivery_mark", "unknown_name"}
# Whose row is named where a table's rows are parts of another's.
OWNERS = {
    "chain": ("entry",),
    "posting": ("entry",),
    "sale": ("entry", "nozzle"),
    "sale_shift": ("entry",),
    "gas_lot": ("entry",),
    "gas_lot_use": ("entry",),
    "tip": ("chain", "outbox", "receipt"),
    "schema_migration": ("schema",),
}
TABLES = sorted(
    name
    for kind, name in migrations.schema_of(known_migrations()[-1][0])
    if kind == "table"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with rows in every table; nothing is left changed in it."""
    path = tmp_path_factory.mktemp("columns") / "s.db"
    furnished(path, furnish_every_table(path))
    assert verify_file(path).first_bad is None
    return path


@contextmanager
def changing(path: Path) -> Iterator[Connection]:
    """Open the file for an insider, belts off, and undo what was done."""
    connection = connect(path)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA ignore_check_constraints=ON")
    belts = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type='trigger'"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in belts:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("SAVEPOINT whole")
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def said(connection: Connection) -> str | None:
    """Return what verify names, the missing belts aside; undo the change."""
    wrong = verify(connection).wrong
    connection.execute("ROLLBACK TO whole")
    assert wrong is None or is_told_in_both(wrong)
    first_bad = str(wrong or "")
    return None if first_bad.startswith("trigger ") else first_bad


def columns(connection: Connection, table: str) -> dict[str, str]:
    """Return the columns of a table with their types."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return {row[1]: row[2] for row in found}


def test_what_is_not_proved_is_there(file: Path) -> None:
    """A reason for a column that is gone, or for a table, misleads."""
    connection = connect(file, read_only=True)
    for table, reasons in UNPROVED.items():
        assert not reasons.keys() - columns(connection, table).keys()
        assert all(reasons.values())
    connection.close()


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_proved_or_named_here(file: Path, table: str) -> None:
    """Each column of each table is changed in one row; verify names it."""
    unseen = []
    with changing(file) as connection:
        owners = (table, *OWNERS.get(table, ()))
        keys, last = key(connection, table), key(connection, table, " DESC")
        for column, kind in columns(connection, table).items():
            if column in UNPROVED.get(table, {}):
                continue
            changed = {
                "INTEGER": f"coalesce({column}, 0) + 1",
                "TEXT": f"coalesce({column}, '') || 'x'",
                "BLOB": f"CAST(coalesce({column}, x'') || x'00' AS BLOB)",
            }[kind]
            connection.execute(
                f"UPDATE {table} SET {column} = {changed} WHERE ({keys}) ="
                f" (SELECT {keys} FROM {table} ORDER BY {last} LIMIT 1)"
            )
            assert connection.execute("SELECT changes()").fetchone() == (1,)
            told = said(connection) or ""
            in_key = column in keys.split(", ")
            if not told or not (in_key or any(f"{o} " in told for o in owners)):
                unseen.append((column, told))
    assert unseen == []


def key(connection: Connection, table: str, order: str = "") -> str:
    """Return the columns of a table's key, as SQL."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return ", ".join(f"{row[1]}{order}" for row in found if row[5])


@pytest.mark.parametrize("table", sorted(set(TABLES) - NOT_AT_ALL))
def test_a_row_less_is_named(file: Path, table: str) -> None:
    """The first row of any table, and the last, is missed."""
    with changing(file) as connection:
        keys = key(connection, table)
        for order in ("", " DESC"):
            by = key(connection, table, order)
            connection.execute(
                f"DELETE FROM {table} WHERE ({keys}) = (SELECT {keys} FROM {table}"
                f" ORDER BY {by} LIMIT 1)"
            )
            assert said(connection), order


@pytest.mark.parametrize("table", sorted(set(TABLES) - NOT_AT_ALL))
def test_a_row_more_is_named(file: Path, table: str) -> None:
    """A copy of a row under a key that is free is found in any table."""
    with changing(file) as connection:
        unique = {
            name
            for _, index, is_unique, *_ in connection.execute(
                f"PRAGMA index_list({table})"
            ).fetchall()
            if is_unique
            for _, _, name in connection.execute(f"PRAGMA index_info({index})")
        }
        keys = {*key(connection, table).split(", "), *unique}
        free = {
            "INTEGER": "{} + 1000",
            "TEXT": "{} || '9'",
            "BLOB": "CAST({} || x'09' AS BLOB)",
        }
        shown = ", ".join(
            free[kind].format(name) if name in keys else name
            for name, kind in columns(connection, table).items()
        )
        connection.execute(f"INSERT INTO {table} SELECT {shown} FROM {table} LIMIT 1")
        assert said(connection)


@pytest.mark.parametrize("table", sorted(set(TABLES) - NOT_AT_ALL - {"tip"}))
def test_two_rows_that_change_places_are_named(file: Path, table: str) -> None:
    """The contents of two rows exchanged under their keys are found."""
    with changing(file) as connection:
        keys = key(connection, table)
        one, two = connection.execute(
            f"SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 2"
        ).fetchall()
        names = keys.split(", ")
        ninth: dict[type, object] = {int: 9000, str: "9", bytes: b"9"}
        free = [value + ninth[type(value)] for value in one]
        where = " AND ".join(f"{name}=?" for name in names)
        put = ", ".join(f"{name}=?" for name in names)
        for old, new in ((one, free), (two, one), (free, two)):
            connection.execute(f"UPDATE {table} SET {put} WHERE {where}", (*new, *old))
        assert said(connection)
