"""Kept balances: made from old rows, kept with every posting, and proved."""

import asyncio
from pathlib import Path

import pytest

from cngstation.domain.ledger import Posting
from cngstation.services.verify_books import verify_file
from cngstation.storage import facts
from cngstation.storage.database import Transaction
from cngstation.storage.migrations import schema, schema_of
from cngstation.storage.sqlite import Connection, connect, sqlite3
from cngstation.units import Unit
from tests.furnished_station import furnish
from tests.small_station import book, opened, posted

TILL = "till:till-1:cash"
VERSION = 4


def kept(connection: Connection) -> dict[tuple[str, str], int]:
    """Return the kept balances."""
    found = connection.execute("SELECT * FROM account")
    return {(name, unit): balance for name, unit, balance in found}


def summed(connection: Connection) -> dict[tuple[str, str], int]:
    """Return what the postings of each account sum to, where that is not zero."""
    found = connection.execute(
        "SELECT account, unit, sum(amount) FROM posting GROUP BY account, unit"
        " HAVING sum(amount) <> 0"
    )
    return {(name, unit): total for name, unit, total in found}


def _columns(sql: str) -> set[str]:
    """Return the names of the columns of a table by what made it."""
    connection = sqlite3.connect(":memory:")
    connection.execute(sql)
    name = sql.split("(", maxsplit=1)[0].rsplit(maxsplit=1)[-1]
    found = connection.execute(f"PRAGMA table_info({name})").fetchall()
    connection.close()
    return {row[1] for row in found}


def _build_anew(connection: Connection, name: str, sql: str) -> None:
    """Make a table as it was, with the columns that it had."""
    columns = ", ".join(sorted(_columns(sql)))
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(f"CREATE TABLE kept AS SELECT {columns} FROM {name}")
    connection.execute(f"DROP TABLE {name}")
    connection.execute(sql)
    connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM kept")
    connection.execute("DROP TABLE kept")
    connection.execute("PRAGMA foreign_keys=ON")


def take_back(path: Path) -> None:
    """Make the file one of the version before the balances were kept."""
    connection = connect(path)
    before = schema_of(VERSION - 1)
    now = schema(connection)
    for kind, name in now.keys() - before.keys():
        if kind == "trigger":
            connection.execute(f"DROP TRIGGER {name}")
        elif kind == "index" and not name.startswith("sqlite_"):
            connection.execute(f"DROP INDEX {name}")
    connection.execute("PRAGMA foreign_keys=OFF")
    for kind, name in now.keys() - before.keys():
        if kind == "table":
            connection.execute(f"DROP TABLE {name}")
    connection.execute("PRAGMA foreign_keys=ON")
    for place in before.keys() - now.keys():
        connection.execute(before[place])
    for kind, name in now.keys() & before.keys():
        if kind == "table" and now[kind, name] != before[kind, name]:
            _build_anew(connection, name, before[kind, name])
    for place in before.keys() - schema(connection).keys():
        connection.execute(before[place])
    connection.execute("DELETE FROM schema_migration WHERE version >= ?", (VERSION,))
    assert schema(connection) == before
    connection.close()


async def test_a_balance_is_what_the_postings_sum_to(tmp_path: Path) -> None:
    """By account and unit; what comes back to zero is not kept."""
    path = tmp_path / "s.db"
    there = posted("a", Posting("x", Unit.KG, 7), Posting("y", Unit.KG, -7))
    back = posted("b", Posting("y", Unit.KG, 7), Posting("x", Unit.KG, -7))
    async with opened(path) as db:
        await db.write(lambda tx: facts.post(tx, there))
        await db.write(lambda tx: book(tx, "c"))
        assert await db.read(lambda c: facts.balance(c, "x", Unit.KG)) == 7
        assert await db.read(lambda c: facts.balance(c, "x", Unit.CNY)) == 0
        await db.write(lambda tx: facts.post(tx, back))
        assert await db.read(lambda c: facts.balance(c, "x", Unit.KG)) == 0
        assert await db.read(kept) == {
            ("income:gas", "CNY"): -50_0000,
            (TILL, "CNY"): 50_0000,
        }
    assert verify_file(path).proved


async def test_what_is_undone_is_not_in_the_balance(tmp_path: Path) -> None:
    """A unit that fails after its postings leaves the balances as they were."""

    def undone(tx: Transaction) -> None:
        book(tx, "a")
        raise ValueError

    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(ValueError, match=r"^$"):
            await db.write(undone)
        assert await db.read(kept) == {}


async def test_a_file_from_before_the_balances_is_proved_and_goes_on(
    tmp_path: Path,
) -> None:
    """Its rows are summed when it gets this version; not a row is lost."""
    path = tmp_path / "s.db"
    await furnish(path)
    take_back(path)
    before = verify_file(path)
    assert before.first_bad is None
    async with opened(path) as db:
        assert verify_file(path) == before
        sums = await db.read(summed)
        assert await db.read(kept) == sums
        assert len(sums) > 5
        await db.write(lambda tx: book(tx, "later"))
        assert await db.read(lambda c: facts.balance(c, TILL, "CNY")) == (
            sums[TILL, "CNY"] + 50_0000
        )
    assert verify_file(path).first_bad is None


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            f"UPDATE account SET balance = 1 WHERE name = '{TILL}'",
            f"account {TILL} is kept as 1 CNY",
        ),
        (f"DELETE FROM account WHERE name = '{TILL}'", f"account {TILL} is not kept"),
        ("INSERT INTO account VALUES ('x', 'CNY', 5)", "account x is kept as 5 CNY"),
        ("INSERT INTO account VALUES ('x', 'CNY', 0)", "account x is kept as 0 CNY"),
    ],
)
def test_a_kept_balance_that_was_changed_is_named(
    tmp_path: Path, sql: str, text: str
) -> None:
    """A till that is said to hold more or less than was booked is found."""
    path = tmp_path / "s.db"
    asyncio.run(furnish(path))
    connection = connect(path)
    assert connection.execute(sql).rowcount == 1
    connection.close()
    assert text in (verify_file(path).first_bad or "")
