"""Chain and proved rows: what is stored is what is hashed, and re-made as it was."""

import hashlib
from pathlib import Path

import pytest

from cngstation.domain.ledger import Posting
from cngstation.errors import LedgerImbalance, StorageError
from cngstation.storage import audit, chain, facts, findings
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit
from tests.small_station import CASHIER, book, opened, posted


def test_the_head_is_the_documented_hash() -> None:
    """h(n) = SHA-256(0x00, h(n-1), body): pinned, for others recompute it."""
    text = chain.canonical({"b": "川", "a": [1, "x"]})
    assert text == '{"a":[1,"x"],"b":"川"}'
    expected = hashlib.sha256(b"\0" + bytes(32) + text.encode()).digest()
    assert chain.link(bytes(32), text.encode()) == expected


async def test_a_fact_is_chained_and_queued_together(tmp_path: Path) -> None:
    """Chain and outbox grow by one row each, numbered by the tip."""
    async with opened(tmp_path / "s.db") as db:
        first = await db.write(lambda tx: book(tx, "a"))
        second = await db.write(lambda tx: audit.record(tx, CASHIER, "x", "y"))
        out = await db.read(
            lambda c: c.execute("SELECT seq, chain_seq, kind FROM outbox").fetchall()
        )
        tip = await db.read(chain.read_tip)
    assert (first, second) == (1, 2)
    assert out == [(1, 1, "entry"), (2, 2, "audit")]
    assert (tip.seq, tip.outbox_seq) == (2, 2)


async def test_numbers_are_not_given_twice_after_a_delete(tmp_path: Path) -> None:
    """Outbox numbers come from the tip and not from the highest row."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: book(tx, "a"))
        await db.write(lambda tx: tx.connection.execute("DELETE FROM outbox"))
        await db.write(lambda tx: book(tx, "b"))
        seqs = await db.read(lambda c: c.execute("SELECT seq FROM outbox").fetchall())
    assert seqs == [(2,)]


async def test_an_entry_that_does_not_balance_is_not_booked(tmp_path: Path) -> None:
    """The sum in every unit is zero, or nothing of the entry is stored."""
    lame = posted("a", Posting("x", Unit.CNY, 5), Posting("y", Unit.KG, -5))
    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(LedgerImbalance, match="a does not sum to zero"):
            await db.write(lambda tx: facts.post(tx, lame))
        tip = await db.read(chain.read_tip)
        assert await db.read(lambda c: facts.entry_seq(c, "a")) is None
    assert tip.seq == 0


async def test_a_number_too_large_for_the_file_is_the_units_failure(
    tmp_path: Path,
) -> None:
    """An amount beyond 64 bits is refused and stops nothing else."""
    huge = posted("a", Posting("x", Unit.CNY, 2**64), Posting("y", Unit.CNY, -(2**64)))
    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(TypeError, match="64-bit"):
            await db.write(lambda tx: facts.post(tx, huge))
        assert await db.write(lambda tx: book(tx, "b")) == 1


@pytest.mark.parametrize("table", ["chain", "entry", "posting", "audit"])
async def test_fixed_rows_cannot_be_changed_by_accident(
    tmp_path: Path, table: str
) -> None:
    """The seat belts: UPDATE, DELETE and INSERT OR REPLACE abort."""

    async def refused(sql: str) -> None:
        with pytest.raises(StorageError, match="append-only"):
            await db.write(lambda tx: tx.connection.execute(sql))

    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: book(tx, "a"))
        await db.write(lambda tx: audit.record(tx, CASHIER, "x", "y"))
        await refused(f"UPDATE {table} SET seq=seq")
        await refused(f"DELETE FROM {table}")
        await refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


async def test_the_body_is_made_again_from_the_tables(tmp_path: Path) -> None:
    """Bytes come back as hex, parts in their order: the text is the same."""

    def unit(tx: Transaction) -> None:
        entry = posted(
            "a", Posting("y", Unit.KG, -7), Posting("x", Unit.KG, 7),
            Posting("x", Unit.CNY, 0),
        )  # fmt: skip
        lot = {
            "card_key": "c", "unit": "kg", "quantity_milli": 7, "money_e4": 1,
            "price_e4": 2,
        }  # fmt: skip
        seq = facts.post(tx, entry, lots=[lot])
        use = {"lot_seq": seq, "quantity_milli": 3, "money_e4": 1}
        facts.post(tx, posted("b"), lot_uses=[use])

    def made(connection: Connection) -> list[str]:
        return [
            chain.canonical(body)
            for _, body in facts.stored_bodies(connection, "entry")
        ]

    async with opened(tmp_path / "s.db") as db:
        await db.write(unit)
        bodies = await db.read(made)
        balance = await db.read(lambda c: facts.balance(c, "x", Unit.KG))
    assert '"postings":[["y","kg",-7],["x","kg",7],["x","CNY",0]]' in bodies[0]
    assert '"lots":[{"card_key":"c"' in bodies[0]
    assert '"lot_uses":[{"lot_seq":1' in bodies[1]
    assert balance == 7


async def test_findings_open_once_and_close_by_a_row(tmp_path: Path) -> None:
    """A second finding of the kind waits for the first to be closed."""
    async with opened(tmp_path / "s.db") as db:
        first = await db.write(lambda tx: findings.open_once(tx, "k", "s", {"a": 1}))
        assert first == 1
        again = await db.write(lambda tx: findings.open_once(tx, "k", "s", {"a": 2}))
        assert again is None
        other = await db.write(lambda tx: findings.open_once(tx, "k", "t", {}))
        assert other == 2
        await db.write(lambda tx: findings.close_finding(tx, 1, "seen", "01"))
        left = await db.read(findings.open_findings)
        assert [found.subject for found in left] == ["t"]
        assert await db.write(lambda tx: findings.open_once(tx, "k", "s", {})) == 4
        with pytest.raises(StorageError, match="UNIQUE"):
            await db.write(lambda tx: findings.close_finding(tx, 1, "twice", "01"))
        with pytest.raises(StorageError, match="FOREIGN KEY"):
            await db.write(lambda tx: findings.close_finding(tx, 99, "no such", "01"))
