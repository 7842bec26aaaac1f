"""Receipts on paper: one original at most, waiting ones printed, troubles told once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.drivers.receipt_printer import PrinterOutOfPaper, SlipOutcomeUnknown
from cngstation.errors import DeviceError
from cngstation.services import print_receipts
from cngstation.services.print_receipts import (
    PaperSettings,
    PrintDesk,
    PrintOutcome,
    slips,
)
from cngstation.storage import receipts
from cngstation.storage.database import Database, Transaction
from cngstation.storage.receipts import Receipt
from tests.small_station import MORNING, book, opened

CONTENT = {
    "kind": "top_up", "card_no": "01000001", "plate": "川A12345",
    "company": "蜀都出租", "payment_mode": "prepaid_money", "unit": "CNY",
    "before_purse": 100, "change_purse": 5_000, "after_purse": 5_100,
    "cash_e4": 50_0000, "fee_e4": 0, "price_e4": 4_5000, "operator_no": "01",
    "at_ms": MORNING,
}  # fmt: skip
PAPER = PaperSettings("Shudu Gas", "North Gate", "till-1", 48, two_copies=False)


class Printer:
    """A printer that keeps what it prints and has the troubles a test gives it."""

    def __init__(self) -> None:
        self.jobs: list[bytes] = []
        self.troubles: list[DeviceError] = []
        self.asked = 0

    async def status(self) -> object:
        """Say how it is."""
        self.asked += 1
        if self.troubles:
            raise self.troubles[0]
        return None

    async def print_slip(self, job: bytes) -> None:
        """Print, or fail."""
        if self.troubles:
            raise self.troubles.pop(0)
        self.jobs.append(job)

    async def close(self) -> None:
        """Do nothing."""


class Counter:
    """A desk at work, and what it told."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.printer = Printer()
        self.health: list[str] = []
        self.outcomes: list[tuple[int, str]] = []

    async def changed(self, trouble: DeviceError | None) -> None:
        """Note the printer's health."""
        self.health.append(trouble.code if trouble else "well")

    async def printed(self, outcome: PrintOutcome) -> None:
        """Note how a print ended."""
        trouble = outcome.trouble
        self.outcomes.append((outcome.receipt_no, trouble.code if trouble else "well"))

    async def work(self, prints: int) -> None:
        """Run the desk until so many prints ended."""
        desk = PrintDesk(
            self.db, self.printer, PAPER, changed=self.changed, printed=self.printed
        )
        task = asyncio.create_task(desk.run())
        for _ in range(400):
            if len(self.outcomes) >= prints or task.done():
                break
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.01)
        assert not task.done(), task.exception()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def receipt(self, number: int = 1) -> Receipt:
        """Return a receipt as the file has it."""
        found = await self.db.read(lambda c: receipts.find(c, number))
        assert found is not None
        return found


@pytest.fixture
async def counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counter]:
    """Return a counter with two receipts that wait."""
    monkeypatch.setattr(print_receipts, "LOOK_MS", 1)
    monkeypatch.setattr(print_receipts, "RETRY_MS", 1)

    def two(tx: Transaction) -> None:
        for name in "ab":
            book(tx, name)
            receipts.make(tx, name, "top_up", CONTENT, wanted=1)

    async with opened(tmp_path / "s.db") as db:
        await db.write(two)
        yield Counter(db)


async def test_what_waits_is_printed_in_order(counter: Counter) -> None:
    """Each once, as an original, and the printer is told to be well once."""
    await counter.work(2)
    assert counter.outcomes == [(1, "well"), (2, "well")]
    assert len(counter.printer.jobs) == 2
    assert b"COPY" not in b"".join(counter.printer.jobs)
    assert counter.health == ["well"]
    found = await counter.receipt()
    assert (found.originals, found.copies, found.wanted) == (1, 0, 0)
    assert found.outcome == "printed"


async def test_a_second_print_says_that_it_is_a_copy(counter: Counter) -> None:
    """There is one original; every further paper has its number."""
    await counter.work(2)
    for count in (1, 2):
        await counter.db.write(lambda tx: receipts.ask_for_print(tx, 1))
        counter.outcomes.clear()
        await counter.work(1)
        assert f"COPY {count}".encode() in counter.printer.jobs[-1]


async def test_without_paper_nothing_is_counted(counter: Counter) -> None:
    """Certainly not printed: the same original is printed when there is paper."""
    counter.printer.troubles = [PrinterOutOfPaper(), PrinterOutOfPaper()]
    await counter.work(4)
    assert [code for _, code in counter.outcomes] == ["printer.out_of_paper"] * 2 + [
        "well"
    ] * 2
    assert counter.health == ["printer.out_of_paper", "well"]
    assert b"COPY" not in counter.printer.jobs[0]
    assert (await counter.receipt()).originals == 1


async def test_what_is_perhaps_printed_is_not_printed_again(counter: Counter) -> None:
    """Two originals would be two receipts: the next paper is a copy, if asked for."""
    counter.printer.troubles = [SlipOutcomeUnknown(why="it no longer answers")]
    await counter.work(2)
    assert len(counter.printer.jobs) == 1
    found = await counter.receipt()
    assert (found.originals, found.wanted, found.outcome) == (1, 0, "unknown")
    await counter.db.write(lambda tx: receipts.ask_for_print(tx, 1))
    counter.outcomes.clear()
    await counter.work(1)
    assert b"COPY 1" in counter.printer.jobs[-1]


async def test_a_print_cut_off_by_the_end_is_unknown_at_the_start(
    counter: Counter,
) -> None:
    """Nobody knows whether it is on paper; it is not called printing for ever."""
    await counter.db.write(lambda tx: receipts.begin_print(tx, 1))
    await counter.work(1)
    assert (await counter.receipt(1)).outcome == "unknown"
    assert counter.outcomes == [(2, "well")]


async def test_an_idle_printer_is_asked_how_it_is(counter: Counter) -> None:
    """The status line tells of missing paper before the next sale."""
    await counter.work(2)
    counter.printer.troubles = [PrinterOutOfPaper()]
    counter.outcomes.clear()
    desk_work = asyncio.create_task(counter.work(1))
    await asyncio.sleep(0.2)
    desk_work.cancel()
    await asyncio.gather(desk_work, return_exceptions=True)
    assert counter.printer.asked >= 1
    assert "printer.out_of_paper" in counter.health


def test_a_slip_for_each_hand() -> None:
    """Customer's copy and stub; gas has its price, an issue its fee."""
    gas = {
        **CONTENT, "payment_mode": "prepaid_quantity", "unit": "m3", "fee_e4": 20_0000,
    }  # fmt: skip
    receipt = Receipt(7, "a", "issue", gas, 1, 2, 0, "")
    two = PaperSettings("c", "s", "t", 32, two_copies=True)
    first, second = slips(receipt, two)
    assert (first.part, second.part) == ("Customer copy", "Stub")
    assert first.copy_mark == "COPY 3"
    shown = {getattr(row, "label", ""): getattr(row, "value", "") for row in first.rows}
    assert shown["Receipt no."] == "00000007"
    assert shown["Added"] == "50.00 m3"
    assert shown["Price"] == "4.50"
    assert shown["Card fee"] == "20.00"
    assert shown["Received"] == "50.00 yuan"
    assert shown["Time"] == "2026-11-21 09:42:17"
