"""What a writer remembers between units is forgotten whenever it could be stale."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import connect
from tests.small_station import book, opened


def remember(tx: Transaction) -> None:
    """Change the file and remember something of it."""
    rows = tx.kept.rows(tx.connection)
    book(tx, f"e{tx.tip.seq}")
    rows["x"] = tx.tip.seq
    tx.kept.seal(tx.connection)


def recall(tx: Transaction) -> Any:
    """Return what is remembered."""
    return tx.kept.rows(tx.connection).get("x")


async def reads(tx_file: Database) -> Any:
    """Ask in a group of its own."""
    return await tx_file.write(recall)


async def test_it_is_remembered_over_groups_and_reads(tmp_path: Path) -> None:
    """Nothing else was changed: the next group has it, and the one after."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(remember)
        assert await reads(db) == 1
        assert await reads(db) == 1
        await db.write(remember)
        assert await reads(db) == 2


async def test_another_units_change_is_noticed(tmp_path: Path) -> None:
    """A row changed beside it, in the same group or a later one."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(remember)
        await db.write(lambda tx: book(tx, "other"))
        assert await reads(db) is None
        _, _, found = await asyncio.gather(
            db.write(remember), db.write(lambda tx: book(tx, "b")), db.write(recall)
        )
        assert found is None


async def test_another_connections_commit_is_noticed(tmp_path: Path) -> None:
    """Another daemon, or a hand, changed the file in between."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        await db.write(remember)
        other = connect(path)
        other.execute("UPDATE vehicle_type SET name='x' WHERE code='01'")
        other.close()
        assert await reads(db) is None


async def test_what_was_rolled_back_is_not_remembered(tmp_path: Path) -> None:
    """A unit of the group fails before it changes anything: all was run again."""
    seen: list[Any] = []

    def fail(tx: Transaction) -> None:
        seen.append(recall(tx))
        raise ValueError("no")

    def noted(tx: Transaction) -> None:
        seen.append(recall(tx))
        remember(tx)

    async with opened(tmp_path / "s.db") as db:
        results = await asyncio.gather(
            db.write(noted), db.write(fail), return_exceptions=True
        )
        assert isinstance(results[1], ValueError)
        # First together, then each apart: the first run's memory is gone with it.
        assert seen == [None, 1, None, 1]
        assert await reads(db) is None


async def test_a_failed_units_rows_are_not_remembered(tmp_path: Path) -> None:
    """A unit that remembers, and then fails, is undone with its memory."""

    def undone(tx: Transaction) -> None:
        remember(tx)
        raise ValueError("no")

    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(ValueError, match="no"):
            await db.write(undone)
        assert await reads(db) is None
