"""Acts at a real counter that are cut off, or wanted twice: money moves once."""

import asyncio
from itertools import product
from pathlib import Path

import pytest
from ulid import ULID

from cngstation.cli.demo_hands import PatientHands
from cngstation.cli.demo_station import DemoStation
from cngstation.errors import StationError
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState, CounterBoard
from cngstation.services.card_on_reader import NotOurCard
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import (
    Screen,
    cashier_of,
    counter_screen,
    daemons,
    hands_at,
    issue_of,
    prepared_station,
    query,
    until,
)
from tests.e2e.station_proof import purse_of, wrongs

ADDED_FEN = 10_000
BLOCKS = (1, 2, 3)
TORN = ("before", "after", "garbage")


async def test_a_top_up_torn_at_any_block_is_finished_at_the_next_tap(
    tmp_path: Path,
) -> None:
    """The card leaves in each write of a block, which is then whole, torn or not there.

    The cashier is told what became of the money; the same card laid down again is
    finished by itself, with a receipt, and the money is on it once.
    """
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "counter"),
        counter_screen(station) as desk,
        cashier_of(station) as cashier,
        hands_at(station.reader_control) as hands,
    ):
        assert await cashier.issue(issue_of(0, prepaid=0))
        for done, (block, torn) in enumerate(product(BLOCKS, TORN)):
            desk.forget()
            reports = (block + done) % 2 == 0
            order = await _laid_down(desk, hands, cashier.uid(0))
            await hands.call(
                "pull_during_write", nth_write=block, block=torn, reader_reports=reports
            )
            reply = await desk.client.call(counter.CARD_TOP_UP, order, timeout_s=120)
            _says_that_the_money_is_safe(reply)
            shown = await desk.until(
                counter.OPEN_ROWS_CHANGED, lambda shown: bool(shown.rows)
            )
            open_row = shown.rows[0]
            assert (open_row.kind, open_row.intent_id) == ("top_up", order.intent_id)
            assert "Lay the same card" in open_row.cure
            desk.forget()
            await hands.call("insert", uid=cashier.uid(0))
            settled = await desk.until(counter.ACT_SETTLED)
            assert (settled.intent_id, settled.state) == (
                order.intent_id,
                ActState.DONE,
            )
            printed = await desk.until(
                counter.RECEIPT_PRINTED,
                lambda outcome, no=settled.receipt_no: outcome.receipt_no == no,
            )
            assert printed.outcome == "printed"
            # The reader told of the torn card's leaving too.
            desk.forget(counter.CARD_REMOVED)
            await hands.call("remove")
            await desk.until(counter.CARD_REMOVED)
            purse = purse_of(station, cashier.uid(0))
            assert purse is not None
            assert (purse.balance, purse.wseq) == ((done + 1) * ADDED_FEN, done + 2)
        assert await _tills(station) == len(BLOCKS) * len(TORN) * ADDED_FEN + 2_000
    proof = verify_file(station.database)
    assert (proof.proved, proof.open_rows) == (True, 0)
    assert wrongs(station) == []


async def test_two_screens_top_up_the_same_card_once(tmp_path: Path) -> None:
    """Of two at the same moment one is done; the other is told why, and took nothing.

    The same act sent twice, by whichever screen, is the same act.
    """
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "counter"),
        counter_screen(station) as first,
        counter_screen(station) as second,
        cashier_of(station) as cashier,
        hands_at(station.reader_control) as hands,
    ):
        assert await cashier.issue(issue_of(0, prepaid=0))
        order = await _laid_down(first, hands, cashier.uid(0))
        other = order.model_copy(update={"intent_id": str(ULID())})
        outcomes = await asyncio.gather(
            first.client.call(counter.CARD_TOP_UP, order, timeout_s=120),
            second.client.call(counter.CARD_TOP_UP, other, timeout_s=120),
            return_exceptions=True,
        )
        (done,) = (found for found in outcomes if isinstance(found, ActReply))
        (refused,) = (found for found in outcomes if isinstance(found, StationError))
        assert done.state is ActState.DONE
        assert "no money was taken" in refused.sentence()
        same = order if done.intent_id == order.intent_id else other
        again = await second.client.call(counter.CARD_TOP_UP, same, timeout_s=120)
        assert again == done
        await hands.call("remove")
        purse = purse_of(station, cashier.uid(0))
        assert purse is not None
        assert (purse.balance, purse.wseq) == (ADDED_FEN, 2)
        assert await _tills(station) == ADDED_FEN + 2_000
    assert query(station, "SELECT kind FROM finding") == []
    assert wrongs(station) == []


async def test_a_damaged_card_does_not_end_the_counter(tmp_path: Path) -> None:
    """A card whose purse is whole and whose info sector is not is shown as unreadable.

    The daemon lives on, refuses what is asked of the card, and serves the next one.
    """
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "counter") as started,
        counter_screen(station) as desk,
        cashier_of(station) as cashier,
        hands_at(station.reader_control) as hands,
    ):
        for card in (0, 1):
            assert await cashier.issue(issue_of(card))
        uid = cashier.uid(0)
        image = station.cards_dir / f"{uid}.mfd"
        whole = image.read_bytes()
        info = 3 * 4 * 16  # the first block of sector 3
        image.write_bytes(whole[:info] + bytes(16) + whole[info + 16 :])
        desk.forget()
        await hands.call("insert", uid=uid)
        view = await desk.until(counter.CARD_PRESENTED)
        assert view.on_reader is counter.CardOnReaderState.UNREADABLE
        with pytest.raises(NotOurCard, match="damaged"):
            await _quote(desk, "031601000001")
        await hands.call("swap", uid=cashier.uid(1))
        sound = await desk.until(
            counter.CARD_PRESENTED, lambda view: view.uid == cashier.uid(1)
        )
        assert sound.standing == "normal"
        assert started[0].process.returncode is None


async def _laid_down(
    desk: Screen[CounterBoard], hands: PatientHands, uid: str
) -> counter.TopUp:
    """Lay a card down and return the top-up that the screen would confirm."""
    await hands.call("insert", uid=uid)
    view = await desk.until(
        counter.CARD_PRESENTED,
        lambda view: (view.uid, view.standing) == (uid, "normal"),
    )
    desk.forget()
    quote = await _quote(desk, view.card_key)
    return counter.TopUp(
        intent_id=str(ULID()),
        card_key=view.card_key,
        before_purse=quote.before_purse,
        money_fen=ADDED_FEN,
        quantity_hundredths=0,
        cash_fen=quote.cash_fen,
    )


async def _quote(desk: Screen[CounterBoard], card_key: str) -> counter.Quote:
    question = counter.QuoteRequest(
        card_key=card_key, money_fen=ADDED_FEN, quantity_hundredths=0
    )
    return await desk.client.call(counter.CARD_QUOTE, question)


def _says_that_the_money_is_safe(reply: ActReply) -> None:
    sentence = reply.text.format_map({fact.name: fact.value for fact in reply.facts})
    assert reply.state is ActState.PENDING
    assert "100.00 yuan are taken and safe in the books" in sentence
    assert "Lay the same card on the reader again" in sentence


async def _tills(station: DemoStation) -> int:
    """Return what acts put into the till, in fen, once every one has been posted."""
    await until(
        lambda: not query(station, "SELECT 1 FROM intent WHERE state <> 'DONE'")
    )
    found = query(
        station,
        "SELECT sum(amount) AS e4 FROM posting JOIN entry USING (seq)"
        " WHERE account = 'till:till-1:cash' AND intent_id <> ''",
    )
    return int(found[0]["e4"]) // 100
