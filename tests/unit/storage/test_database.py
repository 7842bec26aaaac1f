"""The writer of a daemon: units stand alone, groups commit once, failures are told."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from cngstation.errors import CommitUncertain, DatabaseBusy, StorageError
from cngstation.services.verify_books import verify_file
from cngstation.storage import chain, database, pauses, receipts
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection, connect, sqlite3
from tests.small_station import HandClock, book, opened


def entries(connection: Connection) -> list[str]:
    """Return the ids of the entries, in order."""
    found = connection.execute("SELECT entry_id FROM entry ORDER BY seq")
    return [row[0] for row in found]


def refuse(tx: Transaction) -> None:
    """Do everything that a unit does, then fail."""
    book(tx, "undone")
    receipts.make(tx, "undone", "top_up", {}, wanted=1)
    raise ValueError("no")


async def test_a_unit_that_raises_undoes_only_itself(tmp_path: Path) -> None:
    """Rows, tip, outbox and receipt numbers of a failed unit leave no trace."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        results = await asyncio.gather(
            db.write(lambda tx: book(tx, "a")),
            db.write(refuse),
            db.write(lambda tx: book(tx, "b")),
            return_exceptions=True,
        )
        tip = await db.read(chain.read_tip)
        assert results[0] == 1
        assert isinstance(results[1], ValueError)
        assert results[2] == 2
        assert await db.read(entries) == ["a", "b"]
        assert (tip.seq, tip.outbox_seq, tip.receipt_no) == (2, 2, 0)
    assert verify_file(path).proved


async def test_units_that_wait_are_committed_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty-four units that ask at once take one commit, the sixty-fifth a second."""
    stored: list[int] = []
    real = chain.write_tip

    def counted(connection: Connection, tip: chain.Tip) -> None:
        stored.append(tip.seq)
        real(connection, tip)

    monkeypatch.setattr(chain, "write_tip", counted)
    async with opened(tmp_path / "s.db") as db:
        await asyncio.gather(
            *(db.write(lambda tx, n=n: book(tx, f"e{n}")) for n in range(65))
        )
    assert stored == [64, 65]


async def test_a_constraint_that_fails_is_the_units_own_failure(
    tmp_path: Path,
) -> None:
    """The same entry id twice refuses the second unit and harms no other."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: book(tx, "a"))
        with pytest.raises(StorageError, match="UNIQUE"):
            await db.write(lambda tx: book(tx, "a"))
        await db.write(lambda tx: book(tx, "b"))
        assert await db.read(entries) == ["a", "b"]
        assert db.failed is None


async def test_a_stop_iteration_reaches_its_caller(tmp_path: Path) -> None:
    """The exception that no future carries does not leave the callers waiting."""

    def careless(tx: Transaction) -> Any:
        return next(iter(()))

    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(db.write(careless), 60)
        assert await db.write(lambda tx: book(tx, "a")) == 1


@pytest.mark.parametrize(
    "fault",
    [sqlite3.OperationalError("disk I/O error"), SystemExit(1), KeyboardInterrupt()],
)
async def test_a_failing_disk_stops_everything_after(
    tmp_path: Path, fault: BaseException
) -> None:
    """What is no unit's own failure is CommitUncertain for all; nothing runs after."""
    path = tmp_path / "s.db"

    def fail(tx: Transaction) -> None:
        raise fault

    async with opened(path) as db:
        results = await asyncio.wait_for(
            asyncio.gather(
                db.write(lambda tx: book(tx, "a")),
                db.write(fail),
                return_exceptions=True,
            ),
            2,
        )
        assert all(isinstance(result, CommitUncertain) for result in results)
        assert db.failed is results[1]
        ran: list[Transaction] = []
        with pytest.raises(CommitUncertain):
            await db.write(ran.append)
        assert ran == []
    assert verify_file(path).rows == 0


async def test_an_error_from_commit_is_not_read_as_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A COMMIT that raised is CommitUncertain even though the rows may be there."""

    def committed_then_failed(connection: Connection, tip: chain.Tip) -> None:
        real(connection, tip)
        connection.execute("COMMIT")

    real = chain.write_tip
    async with opened(tmp_path / "s.db") as db:
        monkeypatch.setattr(chain, "write_tip", committed_then_failed)
        with pytest.raises(CommitUncertain):
            await db.write(lambda tx: book(tx, "a"))
        assert db.failed is not None
        assert await db.read(entries) == ["a"]
        monkeypatch.undo()
        with pytest.raises(CommitUncertain):
            await db.write(lambda tx: book(tx, "b"))
        assert await db.read(entries) == ["a"]


async def test_a_file_without_its_tip_fails_loudly(tmp_path: Path) -> None:
    """A damaged file ends the writer with a failure; nobody waits for ever."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        with_hands = connect(path)
        with_hands.execute("DELETE FROM tip")
        with_hands.close()
        with pytest.raises(CommitUncertain):
            await asyncio.wait_for(db.write(lambda tx: book(tx, "a")), 60)


async def test_a_broken_off_transaction_is_never_gone_on_with(tmp_path: Path) -> None:
    """After SQLite rolled all back by itself, no later unit is committed alone."""

    def broken_off(tx: Transaction) -> None:
        tx.connection.execute("ROLLBACK")
        raise ValueError("the unit hides what happened")

    path = tmp_path / "s.db"
    async with opened(path) as db:
        results = await asyncio.gather(
            db.write(lambda tx: book(tx, "a")),
            db.write(broken_off),
            db.write(lambda tx: book(tx, "b")),
            return_exceptions=True,
        )
        assert all(isinstance(result, CommitUncertain) for result in results)
        assert "broken off: the unit hides what happened" in str(results[0])
        assert await db.read(entries) == []


async def test_a_unit_that_hides_the_end_of_the_transaction_ends_all(
    tmp_path: Path,
) -> None:
    """It returns as if nothing were; what follows it would be committed row by row."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        results = await asyncio.gather(
            db.write(lambda tx: book(tx, "a")),
            db.write(lambda tx: tx.connection.execute("ROLLBACK") and None),
            db.write(lambda tx: book(tx, "b")),
            return_exceptions=True,
        )
        assert all(isinstance(result, CommitUncertain) for result in results)
        assert await db.read(entries) == []


async def test_a_busy_file_is_tried_again(tmp_path: Path) -> None:
    """A unit waits for another program's transaction and then runs."""
    path = tmp_path / "s.db"
    async with opened(path) as db:
        other = connect(path)
        other.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(db.write(lambda tx: book(tx, "a")))
        await asyncio.sleep(0.05)
        assert not asked.done()
        other.execute("COMMIT")
        other.close()
        assert await asked == 1


async def test_a_file_busy_for_too_long_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the longest wait the unit was not begun, and the next one works."""
    monkeypatch.setattr(pauses, "LONGEST_WAIT_MS", 40)
    path = tmp_path / "s.db"
    async with opened(path) as db:
        other = connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy):
            await db.write(lambda tx: book(tx, "a"))
        assert db.failed is None
        other.execute("ROLLBACK")
        other.close()
        assert await db.write(lambda tx: book(tx, "a")) == 1


async def test_a_busy_read_is_tried_again_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader kept out is patient, then says so in the product's own words."""
    monkeypatch.setattr(pauses, "LONGEST_WAIT_MS", 40)
    tries = 0

    def locked(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(DatabaseBusy):
            await db.read(locked)
        assert tries > 2
        with pytest.raises(StorageError, match="no such table"):
            await db.read(lambda c: c.execute("SELECT * FROM missing"))
        assert await db.read(entries) == []


async def test_a_questions_own_error_is_not_hidden(tmp_path: Path) -> None:
    """What SQLite ended by itself is not committed over the first error."""

    def broken_off(connection: Connection) -> None:
        connection.execute("ROLLBACK")
        raise ValueError("the first error")

    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(ValueError, match="the first error"):
            await db.read(broken_off)
        assert await db.read(entries) == []


async def test_readers_cannot_write(tmp_path: Path) -> None:
    """A question that tries to change something is refused."""
    async with opened(tmp_path / "s.db") as db:
        with pytest.raises(StorageError, match="readonly"):
            await db.read(lambda c: c.execute("UPDATE tip SET seq=9"))


async def test_a_read_sees_one_moment(tmp_path: Path) -> None:
    """What another connection commits between two statements is not seen."""
    path = tmp_path / "s.db"

    def question(connection: Connection) -> tuple[int, int]:
        count = "SELECT count(*) FROM vehicle_type"
        first = connection.execute(count).fetchone()[0]
        other = connect(path)
        other.execute("INSERT INTO vehicle_type VALUES ('09', 'x', 0)")
        other.close()
        return first, connection.execute(count).fetchone()[0]

    async with opened(path) as db:
        first, second = await db.read(question)
    assert first == second


async def test_closing_finishes_what_was_handed_over(tmp_path: Path) -> None:
    """Units that wait at the end are committed; later ones are refused."""
    db = await Database.open(tmp_path / "s.db", HandClock())
    asked = asyncio.create_task(db.write(lambda tx: book(tx, "a")))
    await asyncio.sleep(0)
    await db.close()
    assert await asked == 1
    with pytest.raises(StorageError, match="ending"):
        await db.write(lambda tx: book(tx, "b"))


async def test_an_open_that_fails_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread left behind would keep the daemon from ending and being restarted."""
    real = connect

    def no_reader(path: Path, *, read_only: bool = False) -> Connection:
        if read_only:
            raise sqlite3.OperationalError("unable to open database file")
        return real(path)

    monkeypatch.setattr(database, "connect", no_reader)
    before = threading.active_count()
    with pytest.raises(StorageError, match="unable to open"):
        await Database.open(tmp_path / "s.db", HandClock())
    for _ in range(100):
        if threading.active_count() <= before + 1:  # the executor keeps one
            break
        await asyncio.sleep(0.01)
    names = [t.name for t in threading.enumerate() if "connection_worker" in t.name]
    assert names == []


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b""])
async def test_what_is_no_database_is_refused_in_words(
    tmp_path: Path, content: bytes
) -> None:
    """Another file's content is a StorageError; an empty file becomes a new one."""
    path = tmp_path / "s.db"
    path.write_bytes(content)
    if content:
        with pytest.raises(StorageError, match="not a database"):
            await Database.open(path, HandClock())
    else:
        async with opened(path) as db:
            assert await db.write(lambda tx: book(tx, "a")) == 1


_WRITER = """
import asyncio, sys
from pathlib import Path
from cngstation.moments import SystemClock
from cngstation.storage.database import Database
from tests.small_station import book
async def main():
    name, path = sys.argv[1], Path(sys.argv[2])
    db = await Database.open(path, SystemClock())
    async def one(n):
        await db.write(lambda tx: book(tx, f"{name}-{n}"))
        print(f"{name}-{n}", flush=True)
    await asyncio.gather(*(one(n) for n in range(int(sys.argv[3]))))
    await db.close()
asyncio.run(main())
"""


def writer(name: str, path: Path, count: int) -> "subprocess.Popen[str]":
    """Start a process that books so many entries and prints each when durable."""
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, name, str(path), str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_three_writers_make_one_gapless_chain(tmp_path: Path) -> None:
    """Three processes that open a new file at once and write share one chain."""
    path = tmp_path / "s.db"
    writers = [writer(name, path, 150) for name in "abc"]
    for process in writers:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    proof = verify_file(path)
    assert proof.first_bad is None
    assert proof.rows == 450


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """SIGKILL amid commits loses nothing that was told to be durable."""
    path = tmp_path / "s.db"
    for round_no in range(3):
        process = writer(f"r{round_no}", path, 5_000)
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(1 + 90 * round_no)]
        process.kill()
        rest, _ = process.communicate(timeout=120)
        told += rest.split("\n")[:-1]  # a line without its end was cut off
        connection = connect(path, read_only=True)
        there = set(entries(connection))
        connection.close()
        assert told[0]
        assert set(filter(None, told)) <= there
    assert verify_file(path).first_bad is None
