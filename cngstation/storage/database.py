"""The one writer of a daemon: whole units of work, committed together in groups.

A unit is a function of a `Transaction` and changes nothing else. Units that wait are
run in one BEGIN IMMEDIATE. Where one of them fails, all is rolled back and each is run
again in a savepoint of its own, so that a unit that fails undoes only itself.
A caller's cancellation never stops a unit that has been handed over.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from cngstation.errors import CommitUncertain, DatabaseBusy, NoRoom, StorageError
from cngstation.moments import Clock, Instant, seconds
from cngstation.storage import chain
from cngstation.storage.kept import Kept
from cngstation.storage.migrations import migrate
from cngstation.storage.pauses import Pauses
from cngstation.storage.room import Room
from cngstation.storage.sqlite import (
    FAILURES,
    Connection,
    aiosqlite,
    connect,
    is_busy,
    safe_version,
    sqlite3,
)

T = TypeVar("T")

# More units than this in one transaction would hold the other daemons up.
LARGEST_GROUP = 64
_ROWS = frozenset({"finding", "finding_closed"})


class Transaction:
    """What a unit of work sees: the connection, the moment, and the chain's tip."""

    def __init__(self, connection: Connection, now: Instant, kept: Kept) -> None:
        self.connection = connection
        self.now = now
        self.kept = kept
        # What a unit read and the next need not: gone with a row opened or closed.
        self.read_once: dict[str, Any] = {}
        kept.begin(connection)
        self.tip = chain.read_tip(connection)

    def prove(self, kind: str, ref: str, body: chain.Body) -> int:
        """Chain a fact and queue it for head office; return its `seq`."""
        self.tip = chain.append(self.connection, self.tip, kind, ref, body)
        if kind in _ROWS:
            self.read_once.clear()
        return self.tip.seq

    def stamp(self) -> dict[str, int | str]:
        """Return the three clock readings as a proved row carries them."""
        return {
            "at_ms": self.now.wall_ms,
            "mono_ms": self.now.mono_ms,
            "boot_id": self.now.boot_id,
        }

    def run(self, unit: Callable[[Self], T]) -> T:
        """Run a unit in a savepoint of its own."""
        tip = self.tip
        self.connection.execute("SAVEPOINT unit")
        try:
            result = unit(self)
        except BaseException as error:
            self.require_open(error)
            self.connection.execute("ROLLBACK TO unit")
            self.connection.execute("RELEASE unit")
            self.tip = tip
            self.read_once.clear()
            self.kept.forget()
            raise
        self.connection.execute("RELEASE unit")
        return result

    def require_open(self, why: BaseException | None = None) -> None:
        """Refuse to go on where SQLite has ended the transaction by itself.

        It does so when the disk is full or fails; what else was in the group is gone
        too, whatever the unit says.
        """
        if not self.connection.in_transaction:
            said = f"the transaction was broken off: {why}"
            raise sqlite3.OperationalError(said) from why

    def close(self) -> None:
        """Store the tip; the commit follows."""
        fits = self.kept.fits(self.connection)
        chain.write_tip(self.connection, self.tip)
        if fits:
            self.kept.seal(self.connection)


_Unit = Callable[[Transaction], Any]
_Outcome = tuple[Any, BaseException | None]


@dataclass(slots=True)
class _Waiting:
    unit: _Unit
    answer: asyncio.Future[Any]


class Database:
    """A daemon's connections to the station's file: one that writes, one that reads."""

    def __init__(
        self,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        clock: Clock,
        room: Room | None = None,
    ) -> None:
        self._room = room
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._kept = Kept()
        self._waiting: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._failed: CommitUncertain | None = None
        self._closing = False
        self._task = asyncio.create_task(self._commit_groups(), name="commit groups")

    @classmethod
    async def open(cls, path: Path, clock: Clock, room: Room | None = None) -> Self:
        """Open the file, bringing its schema to this version.

        Without `room` units are begun however full the disk is.

        Raises:
            SchemaMismatch: the file is newer than the program.
            DatabaseBusy: another program held it for too long.
            StorageError: the file cannot be opened.
        """
        await asyncio.to_thread(_prepare, path, clock.now().wall_ms)
        writer = await _connected(path, read_only=False)
        try:
            reader = await _connected(path, read_only=True)
        except BaseException:
            # Its thread would keep the process from ending.
            await writer.close()
            raise
        return cls(writer, reader, clock, room)

    @property
    def failed(self) -> CommitUncertain | None:
        """The failure after which this process must end and be started anew."""
        return self._failed

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Run a unit and return its result once it is durable.

        Raises:
            DatabaseBusy: the lock was not to be had; nothing was begun.
            NoRoom: the disk is full; nothing was begun.
            CommitUncertain: the disk failed; the daemon must restart.
            Whatever the unit itself raised; then nothing of it is recorded.
        """
        if self._closing:
            raise StorageError(why="the program is ending")
        waiting = _Waiting(unit, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._news.set()
        result: T = await waiting.answer
        return result

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Answer a question from committed data, in one read transaction.

        Raises:
            DatabaseBusy: another program kept everybody out, as in a recovery.
            StorageError: the file cannot be read.
            Whatever the question itself raised.
        """
        pauses = Pauses()
        while True:
            try:
                return await self._on_thread(self._reader, _snapshot, question)
            except FAILURES as error:
                if not is_busy(error):
                    raise StorageError(why=str(error)) from error
                await asyncio.sleep(seconds(pauses.next_ms()))

    async def data_version(self) -> int:
        """Return a number that changes whenever another connection commits.

        Raises:
            DatabaseBusy: another program kept everybody out, as in a recovery.
            StorageError: the file cannot be read.
        """
        try:
            return await self._on_thread(self._reader, _data_version)
        except FAILURES as error:
            busy = DatabaseBusy(wait_ms=0)
            raise busy if is_busy(error) else StorageError(why=str(error)) from error

    async def close(self) -> None:
        """Finish what was handed over, then close both connections."""
        self._closing = True
        self._news.set()
        await self._task
        await self._reader.close()
        await self._writer.close()

    async def _commit_groups(self) -> None:
        while not (self._closing and not self._waiting):
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                # Whoever is about to ask gets into this group.
                await asyncio.sleep(0)
                size = min(len(self._waiting), LARGEST_GROUP)
                group = [self._waiting.popleft() for _ in range(size)]
                await self._commit(group)

    async def _commit(self, group: list[_Waiting]) -> None:
        if self._failed is not None:
            outcome: list[_Outcome] | StorageError = self._failed
        else:
            outcome = await self._begin_and_run(group)
        if isinstance(outcome, CommitUncertain):
            self._failed = outcome
        for index, waiting in enumerate(group):
            if waiting.answer.done():
                continue  # its caller was cancelled; the unit was done all the same
            if isinstance(outcome, StorageError):
                waiting.answer.set_exception(outcome)
                continue
            result, error = outcome[index]
            if error is not None:
                waiting.answer.set_exception(error)
            else:
                waiting.answer.set_result(result)

    async def _begin_and_run(
        self, group: list[_Waiting]
    ) -> list[_Outcome] | StorageError:
        units = [waiting.unit for waiting in group]
        pauses = Pauses()
        if self._room is not None:
            try:
                self._room.require()
            except NoRoom as full:
                return full
        while True:
            outcome = await self._on_thread(
                self._writer, _run_group, units, self._clock.now(), self._kept
            )
            if outcome is not None:
                return outcome
            try:
                await asyncio.sleep(seconds(pauses.next_ms()))
            except DatabaseBusy as busy:
                return busy

    async def _on_thread(
        self,
        connection: aiosqlite.Connection,
        work: Callable[..., T],
        *arguments: object,
    ) -> T:
        # aiosqlite has no public way to run one function on its thread, and a hop
        # per statement is ten times slower; this line is the only use of it.
        done: T = await connection._execute(  # type: ignore[no-untyped-call]
            work, connection._conn, *arguments
        )
        return done


async def _connected(path: Path, *, read_only: bool) -> aiosqlite.Connection:
    return await aiosqlite.Connection(
        lambda: _until_free(lambda: connect(path, read_only=read_only)), 64
    )


def _prepare(path: Path, now_ms: int) -> None:
    connection = _until_free(lambda: connect(path))
    try:
        _until_free(lambda: migrate(connection, path, now_ms))
    finally:
        connection.close()


def _until_free(work: Callable[[], T]) -> T:
    """Do what opening needs; three daemons start at once and stand in each other's way.

    Raises:
        DatabaseBusy: another program held the file for too long.
        StorageError: the file cannot be opened.
    """
    pauses = Pauses()
    while True:
        try:
            return work()
        except FAILURES as error:
            if not is_busy(error):
                raise StorageError(why=str(error)) from error
            time.sleep(seconds(pauses.next_ms()))


def _snapshot(connection: Connection, question: Callable[[Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return question(connection)
    finally:
        # After an error of the disk SQLite has ended the transaction by itself.
        if connection.in_transaction:
            connection.execute("COMMIT")


def _data_version(connection: Connection) -> int:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _run_group(
    connection: Connection, units: list[_Unit], now: Instant, kept: Kept
) -> list[_Outcome] | StorageError | None:
    """Run units in one transaction; None when the lock was not to be had."""
    ways = (_run_together, _run_apart) if len(units) > 1 else (_run_apart,)
    for run in ways:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except FAILURES as error:
            return None if is_busy(error) else CommitUncertain(why=str(error))
        try:
            transaction = Transaction(connection, now, kept)
            outcomes = run(transaction, units)
            if outcomes is not None:
                transaction.close()
                connection.execute("COMMIT")
                return outcomes
            connection.execute("ROLLBACK")
            kept.forget()
        except BaseException as error:  # noqa: BLE001 - else all wait for ever
            # A commit that raised may still be durable: nothing is tried again here.
            return CommitUncertain(why=str(error) or type(error).__name__)
    raise AssertionError("units that run apart always have outcomes")


def _run_together(
    transaction: Transaction, units: list[_Unit]
) -> list[_Outcome] | None:
    """Run units without the price of savepoints; None when one of them failed."""
    outcomes: list[_Outcome] = []
    for unit in units:
        try:
            outcomes.append((unit(transaction), None))
        except sqlite3.IntegrityError:
            transaction.require_open()
            return None
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it is met again when run apart
            transaction.require_open(error)
            return None
        transaction.require_open()
    return outcomes


def _run_apart(transaction: Transaction, units: list[_Unit]) -> list[_Outcome]:
    return [_run_unit(transaction, unit) for unit in units]


def _run_unit(transaction: Transaction, unit: _Unit) -> _Outcome:
    try:
        return transaction.run(unit), None
    except sqlite3.IntegrityError as error:
        return None, StorageError(why=str(error))
    except sqlite3.Error:
        raise
    except StopIteration as error:
        # The one exception that a future refuses to carry.
        return None, RuntimeError(f"a unit of work let a StopIteration out: {error}")
    except Exception as error:  # noqa: BLE001 - the unit's own failure is its caller's
        return None, error


__all__ = ["Database", "Transaction", "safe_version"]
