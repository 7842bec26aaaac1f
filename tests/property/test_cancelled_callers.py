"""A caller that gives up never leaves a transaction open nor undoes its unit."""

import asyncio
import random
from pathlib import Path

from cngstation.services.verify_books import verify_file
from cngstation.storage.sqlite import connect
from tests.small_station import book, opened

CANCELLATIONS = 300


async def test_a_cancelled_caller_changes_nothing(tmp_path: Path) -> None:
    """Of 300 callers cancelled at random moments every unit is booked, once."""
    path = tmp_path / "s.db"
    chance = random.Random(20261121)
    cancelled = 0
    async with opened(path) as db:
        for start in range(0, CANCELLATIONS, 10):
            asked = [
                asyncio.create_task(db.write(lambda tx, n=n: book(tx, f"e{n}")))
                for n in range(start, start + 10)
            ]
            # Each has handed its unit over; it is cancelled before, in or after it.
            await asyncio.sleep(0)
            in_turn = chance.sample(asked, len(asked))
            for task in in_turn[:3]:
                task.cancel()
            for task in in_turn[3:]:
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(chance.random() / 2_000)
                task.cancel()
            ended = await asyncio.gather(*asked, return_exceptions=True)
            cancelled += sum(isinstance(e, asyncio.CancelledError) for e in ended)
            await db.read(lambda c: c.execute("SELECT 1").fetchone())
        await db.write(lambda tx: None)
        other = connect(path)
        other.execute("BEGIN IMMEDIATE")  # nobody holds the lock
        booked = other.execute("SELECT count(*) FROM entry").fetchone()[0]
        other.close()
    assert booked == CANCELLATIONS
    assert cancelled > CANCELLATIONS // 10
    assert verify_file(path).proved


async def test_a_cancelled_reader_leaves_the_reader_usable(tmp_path: Path) -> None:
    """A question that nobody waits for any more ends its own transaction."""
    chance = random.Random(7)
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: book(tx, "a"))
        for _ in range(100):
            task = asyncio.create_task(
                db.read(lambda c: c.execute("SELECT count(*) FROM entry").fetchone())
            )
            await asyncio.sleep(chance.random() / 5_000)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await db.write(lambda tx: book(tx, "b"))
        count = "SELECT count(*) FROM entry"
        seen = await db.read(lambda c: c.execute(count).fetchone()[0])
    assert seen == 2
