"""What needs a person, and what waits for head office: counted, worded, never fatal."""

import asyncio
from pathlib import Path

import pytest

from cngstation.errors import StorageError
from cngstation.rpc.authority import CallContext, Peer
from cngstation.rpc.contract.uplink import UplinkFigure
from cngstation.services import watch_outbox
from cngstation.services.open_rows import WORDS, facts_of, open_rows
from cngstation.services.watch_news import watch_news
from cngstation.services.watch_outbox import OutboxWatch
from cngstation.storage import audit, findings, journal, prices
from cngstation.storage.database import Transaction
from cngstation.units import Price, Unit
from tests.furnished_station import top_up
from tests.small_station import CASHIER, MORNING, HandClock, book, opened

CALL = CallContext(None, Peer(1, 1000, 1000), 1)


async def test_open_acts_and_findings_are_rows(tmp_path: Path) -> None:
    """Acts first, each with its words, the act that cures it, and its facts."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(
            lambda tx: findings.open_once(
                tx, "grey_card", "c", {"nozzle": 1, "number": 7, "amount_e4": 9_0000}
            )
        )
        await db.write(lambda tx: journal.hold(tx, top_up("T1")))
        await db.write(lambda tx: findings.open_once(tx, "brand_new_kind", "s", {}))
        act, grey, other = await db.read(open_rows)
    assert act.text.format(**{f.name: f.value for f in act.facts}) == (
        "Top-up of 50.00 yuan to card 00000001 is not finished."
    )
    assert (act.intent_id, act.at_ms) == ("T1", MORNING)
    assert grey.text.format(**{f.name: f.value for f in grey.facts}) == (
        "Card c left nozzle 1 unpaid, fill 7: 90000 yuan".replace("90000", "9.00")
    )
    assert other.text == "{subject} needs a look."


async def test_no_row_is_one_that_the_contract_refuses(tmp_path: Path) -> None:
    """A row is met again at every start: long or dirty ones are cut and cleaned."""
    async with opened(tmp_path / "s.db") as db:
        await db.write(
            lambda tx: findings.open_once(
                tx, "card_disagrees", "s" * 400, {"why": "w\x1b" * 400}
            )
        )
        for n in range(250):
            await db.write(
                lambda tx, n=n: findings.open_once(tx, "odd", f"s{n}", {})  # type: ignore[misc]
            )
        rows = await db.read(open_rows)
    assert len(rows) == 200
    assert len(rows[0].subject) == 200
    assert max(len(fact.value) for fact in rows[0].facts) == 200


def test_words_fit_their_facts() -> None:
    """Every text and cure is a sentence of at most 200 characters."""
    for text, cure in WORDS.values():
        assert len(text) <= 200
        assert len(cure) <= 200
    assert facts_of([("n", 5)])[0].value == "5"


async def test_the_outbox_is_counted_from_its_oldest_row(tmp_path: Path) -> None:
    """Nothing waiting has no age; an audit row has its own; a price its neighbour's."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        watch = OutboxWatch(db, "networked", lambda figure: None)

        async def seen() -> tuple[int, int | None]:
            figure = await watch.snapshot(CALL)
            return figure.waiting, figure.oldest_at_ms

        async def sent(up_to: int) -> None:
            sql = f"UPDATE outbox SET sent_at_ms=1 WHERE seq <= {up_to}"
            await db.write(lambda tx: tx.connection.execute(sql))

        assert await seen() == (0, None)
        await db.write(lambda tx: book(tx, "a"))
        clock.forward(60_000)
        await db.write(lambda tx: audit.record(tx, CASHIER, "x", "y"))
        clock.forward(60_000)
        await db.write(
            lambda tx: prices.plan(
                tx, level=0, price=Price(1), unit=Unit.M3, from_ms=0, operator_no=""
            )
        )
        await db.write(lambda tx: book(tx, "b"))
        assert await seen() == (4, MORNING)
        await sent(1)
        assert await seen() == (3, MORNING + 60_000)
        await sent(2)
        assert await seen() == (2, MORNING + 120_000)
        await sent(4)
        assert await seen() == (0, None)
        single = await OutboxWatch(db, "single", lambda figure: None).snapshot(CALL)
    assert (single.waiting, single.oldest_at_ms) == (0, None)


async def test_a_look_at_the_outbox_costs_the_same_however_much_waits(
    tmp_path: Path,
) -> None:
    """A station without its link for a month looks each second all the same."""
    async with opened(tmp_path / "s.db") as db:
        steps: list[int] = []

        async def looked() -> None:
            reader = db._reader._conn
            count = 0

            def step() -> int:
                nonlocal count
                count += 1
                return 0

            reader.set_progress_handler(step, 1)
            figure = await OutboxWatch(db, "networked", lambda figure: None).snapshot(
                CALL
            )
            reader.set_progress_handler(None, 1)
            assert figure.waiting == 20 * (1 + 29 * len(steps))
            steps.append(count)

        def many(tx: Transaction, so_many: int) -> None:
            for _ in range(so_many):
                audit.record(tx, CASHIER, "x", "y")

        await db.write(lambda tx: many(tx, 20))
        await looked()
        await db.write(lambda tx: many(tx, 20 * 29))
        await looked()
    few, heap = steps
    assert heap <= few + 10


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE outbox SET sent_at_ms=1 WHERE seq=2",
        "UPDATE outbox SET sent_at_ms=1 WHERE seq>1",
        "UPDATE outbox SET sent_at_ms=NULL WHERE seq=1",
    ],
)
async def test_rows_are_sent_in_their_order(tmp_path: Path, sql: str) -> None:
    """What waits is counted from the first that does."""
    async with opened(tmp_path / "s.db") as db:
        for name in "abc":
            await db.write(lambda tx, name=name: book(tx, name))
        if "NULL" in sql:
            first = "UPDATE outbox SET sent_at_ms=1 WHERE seq=1"
            await db.write(lambda tx: tx.connection.execute(first))
        with pytest.raises(StorageError):
            await db.write(lambda tx: tx.connection.execute(sql))


async def test_only_changes_of_the_outbox_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same figure is told once."""
    monkeypatch.setattr(watch_outbox, "LOOK_MS", 1)
    told: list[UplinkFigure] = []
    async with opened(tmp_path / "s.db") as db:
        task = asyncio.create_task(OutboxWatch(db, "networked", told.append).run())
        await asyncio.sleep(0.05)
        await db.write(lambda tx: book(tx, "a"))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [figure.waiting for figure in told] == [0, 1]


async def test_news_are_what_anybody_committed(tmp_path: Path) -> None:
    """Told at the start and after a commit, and not when nothing happened."""
    told = 0

    async def on_news() -> None:
        nonlocal told
        told += 1

    async with opened(tmp_path / "s.db") as db:
        task = asyncio.create_task(watch_news(db, on_news))
        await asyncio.sleep(0.15)
        assert told == 1
        await db.write(lambda tx: book(tx, "a"))
        await asyncio.sleep(0.15)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert told == 2
