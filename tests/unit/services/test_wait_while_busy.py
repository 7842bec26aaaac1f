"""A database that is held by another program ends no daemon: its loops ask again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cngstation.errors import DatabaseBusy, StorageError
from cngstation.services import (
    print_receipts,
    wait_while_busy,
    watch_news,
    watch_outbox,
    watch_reader,
)
from cngstation.services.print_receipts import PrintDesk
from cngstation.services.wait_while_busy import while_busy
from cngstation.services.watch_outbox import OutboxWatch
from cngstation.services.watch_reader import ReaderWatch
from cngstation.storage import receipts
from cngstation.storage.database import Database, Transaction
from tests.small_station import book, opened
from tests.unit.services.test_print_receipts import CONTENT, PAPER, Printer
from tests.unit.services.test_watch_reader import CARD_ON, Field, Notes


class Stubborn:
    """A database of which every ask fails at first, as long as another holds it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._failed: dict[Any, int] = {}
        self.refused = 0

    async def _busy(self, what: Callable[..., Awaitable[Any]], work: Any) -> Any:
        # Every other ask is refused: each call site meets it sooner or later.
        self.refused += 1
        if self.refused % 2:
            raise DatabaseBusy(wait_ms=5_000)
        return await what(work)

    async def read(self, question: Any) -> Any:
        """Read, the second time."""
        return await self._busy(self._database.read, question)

    async def write(self, unit: Any) -> Any:
        """Write, the second time."""
        return await self._busy(self._database.write, unit)

    async def data_version(self) -> int:
        """Tell, the second time."""
        return await self._busy(lambda _: self._database.data_version(), None)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait."""
    monkeypatch.setattr(wait_while_busy, "PAUSE_MS", 1)
    for module in (print_receipts, watch_outbox, watch_news, watch_reader):
        monkeypatch.setattr(module, "LOOK_MS", 1)


async def until(true: Callable[[], bool]) -> None:
    """Wait for something."""
    async with asyncio.timeout(120):
        while not true():
            await asyncio.sleep(0.002)


async def test_only_a_busy_database_is_asked_again() -> None:
    """Any other failure is its caller's."""

    async def broken() -> None:
        raise StorageError(why="gone")

    with pytest.raises(StorageError, match="gone"):
        await while_busy(broken)


async def test_receipts_are_printed_once_however_busy_it_is(tmp_path: Path) -> None:
    """Each step waits for the lock; the paper is printed once and counted once."""

    def unit(tx: Transaction) -> None:
        book(tx, "a")
        receipts.make(tx, "a", "top_up", CONTENT, wanted=1)

    async def told(_: object) -> None:
        """Nobody listens."""

    async with opened(tmp_path / "s.db") as db:
        await db.write(unit)
        printer, stubborn = Printer(), Stubborn(db)
        desk = PrintDesk(stubborn, printer, PAPER, changed=told, printed=told)  # type: ignore[arg-type]
        task = asyncio.create_task(desk.run())
        await until(lambda: printer.jobs != [] and stubborn.refused > 12)
        assert not task.done()
        task.cancel()
        found = await db.read(lambda c: receipts.find(c, 1))
    assert found is not None
    assert len(printer.jobs) == 1
    assert (found.originals, found.copies, found.outcome) == (1, 0, "printed")


async def test_the_outbox_and_the_news_go_on(tmp_path: Path) -> None:
    """What is counted, and what others committed, is told once the lock is free."""
    async with opened(tmp_path / "s.db") as db:
        stubborn = Stubborn(db)
        figures: list[Any] = []
        news: list[Any] = []
        committed = Stubborn(db)

        async def on_news() -> None:
            await committed.read(lambda _: None)
            news.append(1)

        watch = OutboxWatch(stubborn, "network", figures.append)  # type: ignore[arg-type]
        tasks = [
            asyncio.create_task(watch.run()),
            asyncio.create_task(watch_news.watch_news(committed, on_news)),  # type: ignore[arg-type]
        ]
        await until(lambda: bool(figures and news))
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()


async def test_a_card_that_could_not_be_noted_is_shown_at_the_next_look() -> None:
    """The watch goes on, and presents the same card again."""

    class Busy(Notes):
        """Cannot note the first card."""

        tries = 0

        async def card_presented(self, reading: Any, port: Any) -> None:
            """Fail once."""
            self.tries += 1
            if self.tries == 1:
                raise DatabaseBusy(wait_ms=5_000)
            await super().card_presented(reading, port)

    field, notes = Field(), Busy()

    async def opening() -> Field:
        return field

    watch = ReaderWatch(opening, CARD_ON, notes)
    task = asyncio.create_task(watch.run())
    await until(lambda: notes.tries == 2)
    assert not task.done()
    task.cancel()
