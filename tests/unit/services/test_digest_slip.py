"""The digest on paper: by itself where it shall be, in parts, copies marked."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.config import load_config
from cngstation.domain.digest import Section
from cngstation.domain.two_people import ONE_HAND
from cngstation.language import use_language
from cngstation.protocols.receipt.slip import render
from cngstation.services.digest_slip import KIND, MOST_ON_PAPER, ROWS_A_SLIP
from cngstation.services.keep_digest import DigestKeeper, digest_keeper
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit, digests, receipts
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.receipts import Receipt
from tests.small_station import CASHIER, HandClock, hire, opened
from tests.unit.daemons.test_process import write_config

GOLDEN = Path(__file__).parents[2] / "golden"
DAY_MS = 86_400_000


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that stands in the morning of 2026-11-21."""
    return HandClock()


@pytest.fixture
async def db(tmp_path: Path, clock: HandClock) -> AsyncIterator[Database]:
    """Return an open file."""
    async with opened(tmp_path / "s.db", clock) as database:
        await database.write(hire)
        yield database


def _keeper(clock: HandClock, *, on_paper: bool = True) -> DigestKeeper:
    return DigestKeeper(clock, cut_off_minute=0, wrong_tries=3, on_paper=on_paper)


def _acts(tx: Transaction) -> None:
    """An act of two people, one of both in one hand, a forced shift."""
    actor = Actor("02", "pts/1")
    audit.record(
        tx, actor, "row.explain.approve", "nozzle 3", reason="the roll was torn",
        before="01", after="17",
    )  # fmt: skip
    audit.record(tx, actor, ONE_HAND, "01 + 02", after="01")
    audit.record(tx, CASHIER, "shift.force", "shift 7", reason="left early, ill")
    audit.record(
        tx, CASHIER, "parameter.set", "limits.card_fee_yuan",
        before="0.00", after="10.00",
    )  # fmt: skip
    for _ in range(3):
        audit.record(tx, CASHIER, "session.login", "op09", outcome="refused")


async def _slips(db: Database) -> list[Receipt]:
    numbers = await db.read(
        lambda c: c.execute(
            "SELECT receipt_no FROM receipt WHERE kind=? ORDER BY seq", (KIND,)
        ).fetchall()
    )
    found = [await db.read(lambda c, n=n: receipts.find(c, n)) for (n,) in numbers]
    return [each for each in found if each]


@pytest.mark.parametrize("on_paper", [True, False])
async def test_a_day_that_has_turned_is_printed_once(
    db: Database, clock: HandClock, tmp_path: Path, *, on_paper: bool
) -> None:
    """With the digest in one transaction, over any restart; a further one is a copy."""
    await db.write(_acts)
    clock.forward(DAY_MS)
    for _ in range(2):
        await _keeper(clock, on_paper=on_paper).look_once(db)
    closed = await db.read(lambda c: digests.of_day(c, "2026-11-21"))
    assert closed
    made = await _slips(db)
    assert [(each.wanted, each.content["digest_seq"]) for each in made] == (
        [(1, closed.seq)] if on_paper else []
    )
    if not on_paper:
        return
    number = made[0].receipt_no
    assert await db.write(lambda tx: receipts.begin_print(tx, number))
    again = await db.write(lambda tx: _keeper(clock).put_on_paper(tx, closed, CASHIER))
    assert again == number
    (asked,) = await _slips(db)
    assert (asked.originals, asked.wanted) == (1, 1)
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 32, two_copies=True)
    assert [slip.copy_mark for slip in slips(asked, paper)] == ["COPY 1"]
    assert verify_file(tmp_path / "s.db").first_bad is None


def test_it_is_printed_where_a_parameter_says_so(tmp_path: Path) -> None:
    """Not by default, and not without a printer."""
    config = load_config(write_config(tmp_path))
    wishes = (("", False), ("", True), ("/dev/cng/printer", False))
    for port, wish in (*wishes, ("/dev/cng/printer", True)):
        printer = config.printer.model_copy(update={"port": port, "daily_digest": wish})
        made = digest_keeper(
            config.model_copy(update={"printer": printer}), HandClock()
        )
        assert made.on_paper is bool(port and wish)
    assert not config.printer.daily_digest


@pytest.mark.parametrize(("columns", "language"), [(32, "en"), (48, "zh_CN")])
async def test_the_slip_as_printed(
    db: Database, clock: HandClock, columns: Any, language: str
) -> None:
    """Sums, rows with both people, place in the books, a line to sign."""
    await db.write(_acts)
    clock.forward(DAY_MS)
    await _keeper(clock).look_once(db)
    (receipt,) = await _slips(db)
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", columns, two_copies=True)
    use_language(language)
    try:
        (slip,) = slips(receipt, paper)
    finally:
        use_language("en")
    text = "\n".join(line.text.rstrip() for line in render(slip, columns)) + "\n"
    text = text.replace(receipt.content["books_head"], "0123456789abcdef")
    golden = GOLDEN / f"receipt_digest_{columns}.txt"
    assert text == golden.read_text("utf-8")


async def test_an_empty_day_and_a_bad_one(db: Database, clock: HandClock) -> None:
    """Nothing is said; many rows take several slips, and the rest is in the books."""
    empty = digests.Digest("2026-11-20", 1, 0, ())
    keeper = _keeper(clock)
    await db.write(lambda tx: keeper.put_on_paper(tx, empty, STATION))
    await db.write(_acts)
    today = await db.read(lambda c: keeper.of(c, "2026-11-21"))
    full = replace(today.rows[0], before="0.00", after="1.00", second_no="02")
    rows = [replace(full, section=each) for each in Section] * ROWS_A_SLIP
    many = replace(today, rows=tuple(rows[: MOST_ON_PAPER + 7]))
    await db.write(lambda tx: keeper.put_on_paper(tx, many, STATION))
    paper = PaperSettings("Shudu Gas", "North Gate", "till-1", 32, two_copies=False)
    nothing, bad = [slips(each, paper) for each in await _slips(db)]
    text = "\n".join(line.text for line in render(nothing[0], 32))
    assert "Nothing of this day" in text
    assert "not closed yet" in text
    assert [slip.part for slip in bad] == ["1/4", "2/4", "3/4", "4/4"]
    assert MOST_ON_PAPER == 4 * ROWS_A_SLIP
    assert [bool(slip.footer) for slip in bad] == [False, False, False, True]
    last = "\n".join(line.text for line in render(bad[-1], 32))
    assert "7 more rows are in the books" in last
