"""Schema versions: each whole or not at all, a newer file refused."""

from dataclasses import asdict
from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.errors import SchemaMismatch, StorageError
from cngstation.services.verify_books import verify_file
from cngstation.storage import card_marks, cards, customers, migrations, registers
from cngstation.storage.card_marks import CardMark
from cngstation.storage.customers import Company
from cngstation.storage.database import Database, Transaction
from cngstation.storage.migrations import current_version, known_migrations, migrate
from cngstation.storage.sqlite import Connection, connect, sqlite3
from tests.new_files import migrate_or_copy
from tests.small_station import (
    CARD,
    MORNING,
    HandClock,
    a_card,
    a_vehicle,
    opened,
)

FIRST = "CREATE TABLE schema_migration (version INTEGER PRIMARY KEY, name TEXT," \
    " applied_at_ms INTEGER, program TEXT) STRICT;"  # fmt: skip


def tables(connection: Connection) -> set[str]:
    """Return the names of the tables."""
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")
    return {row[0] for row in found}


def known(monkeypatch: pytest.MonkeyPatch, *sql: str) -> None:
    """Let the program know these migrations alone."""
    given = [(n, f"m{n}", text) for n, text in enumerate(sql, 1)]
    monkeypatch.setattr(migrations, "known_migrations", lambda: given)


def test_a_file_that_tests_copy_is_what_the_migrations_make(tmp_path: Path) -> None:
    """Tables, rows and settings of a new file in tests are those of the product."""
    made = []
    for make in (migrate, migrate_or_copy, migrate_or_copy):
        path = tmp_path / f"{len(made)}.db"
        connection = connect(path)
        assert make(connection, path, MORNING) == [n for n, _, _ in known_migrations()]
        settings = [
            connection.execute(f"PRAGMA {name}").fetchone()
            for name in ("journal_mode", "page_size", "auto_vacuum", "foreign_keys")
        ]
        rows = {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()
            for name in tables(connection)
        }
        made.append((settings, rows, migrations.schema(connection)))
        connection.close()
    assert made[1] == made[2] == made[0]
    assert migrate_or_copy(connect(path), path, MORNING + 1) == []


def test_a_new_file_gets_every_version_once(tmp_path: Path) -> None:
    """A second run applies nothing; the record names version, program and time."""
    path = tmp_path / "s.db"
    connection = connect(path)
    versions = [version for version, _, _ in known_migrations()]
    assert migrate(connection, path, MORNING) == versions
    assert migrate(connection, path, MORNING + 1) == []
    rows = connection.execute("SELECT version, applied_at_ms FROM schema_migration")
    assert rows.fetchall() == [(version, MORNING) for version in versions]
    connection.close()


def test_versions_have_no_gap() -> None:
    """The migrations are numbered 1, 2, 3 ... in the order of their names."""
    versions = [version for version, _, _ in known_migrations()]
    assert versions == list(range(1, len(versions) + 1))


def test_a_migration_and_its_record_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that fails half-way leaves neither its tables nor its record."""
    path = tmp_path / "s.db"
    known(monkeypatch, FIRST, "CREATE TABLE a (x);\nCREATE TABLE a (x);")
    connection = connect(path)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(connection, path, MORNING)
    assert tables(connection) == {"schema_migration"}
    assert current_version(connection, path, 2) == 1
    assert not connection.in_transaction
    known(monkeypatch, FIRST, "CREATE TABLE a (x);")
    assert migrate(connection, path, MORNING) == [2]
    connection.close()


async def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    """A file of a newer program is not opened and not changed."""
    path = tmp_path / "s.db"
    connection = connect(path)
    migrate(connection, path, MORNING)
    connection.execute("INSERT INTO schema_migration VALUES (9999, 'x', 0, '9.9')")
    before = tables(connection)
    with pytest.raises(SchemaMismatch, match="version 9999"):
        await Database.open(path, HandClock())
    assert tables(connection) == before
    connection.close()


def test_a_statement_without_its_end_is_not_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forgotten semicolon fails loudly instead of leaving a table out."""
    path = tmp_path / "s.db"
    known(monkeypatch, FIRST + "\nCREATE TABLE a (x)")
    connection = connect(path)
    with pytest.raises(ValueError, match="CREATE TABLE a"):
        migrate(connection, path, MORNING)
    assert tables(connection) == set()
    connection.close()


def test_every_table_is_strict(tmp_path: Path) -> None:
    """No column takes another type than its own."""
    connection = connect(tmp_path / "s.db")
    migrate(connection, tmp_path / "s.db", MORNING)
    loose = [
        row[1]
        for row in connection.execute("PRAGMA table_list")
        if row[2] == "table" and not row[5] and not row[1].startswith("sqlite_")
    ]
    connection.close()
    assert loose == []


_SEALED = ("phone_sealed", "phone_digest")


async def test_cards_are_taken_over_into_the_table_with_holders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, what refers to them and their proof stay; nothing is told anew."""
    path = tmp_path / "s.db"
    names = [name for _, name, _ in known_migrations()]
    before = known_migrations()[: names.index("crew_cards")]
    later = {"holder", "key_version"}
    row = {name: value for name, value in asdict(a_card()).items() if name not in later}

    def unit(tx: Transaction) -> None:
        company = asdict(Company("0001", "蜀都出租", "", "028-81234567", "sdcz"))
        old = {n: v for n, v in company.items() if n not in {*_SEALED}}
        registers.add(tx, "company", old)
        customers.add_vehicle(tx, a_vehicle())
        registers.add(tx, "card", row)
        mark = CardMark(
            CARD, "report_loss", CardState.NORMAL, CardState.LOST, "", 0, "01", "", "t"
        )
        card_marks.add(tx, mark)

    with monkeypatch.context() as then:
        then.setattr(migrations, "known_migrations", lambda: before)
        async with opened(path) as db:
            await db.write(unit)
    connection = connect(path)
    facts = "SELECT count(*) FROM register_change"
    told = connection.execute(facts).fetchone()
    applied = migrate(connection, path, MORNING)
    assert applied[0] == before[-1][0] + 1
    assert connection.execute(facts).fetchone() == told
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert cards.find(connection, CARD) == a_card()
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        connection.execute("DELETE FROM card")
    for wrong in ("holder = '王'", "vehicle_id = NULL", "vehicle_id = 77"):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(f"UPDATE card SET {wrong}")
    connection.close()
    assert verify_file(path).first_bad is None


def test_a_version_that_tears_a_reference_is_not_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """References are not looked at while tables are built anew, but before the end."""
    path = tmp_path / "s.db"
    two = (
        "CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT;\n"
        "CREATE TABLE b (x INTEGER REFERENCES a (x)) STRICT;\n"
        "INSERT INTO a VALUES (1);\nINSERT INTO b VALUES (1);\n"
    )
    known(monkeypatch, FIRST, two, "DELETE FROM a;\n")
    connection = connect(path)
    with pytest.raises(StorageError, match="a row of b refers to none"):
        migrate(connection, path, MORNING)
    assert current_version(connection, path, 3) == 2
    assert connection.execute("SELECT x FROM a").fetchall() == [(1,)]
    connection.close()
