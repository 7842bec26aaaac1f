"""Cards that leave unpaid, and monitors that die: every fill once, every debt named."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from cngstation.cli.demo_cashier import Cashier
from cngstation.cli.demo_station import DemoStation, demo_station
from cngstation.domain.card_life import CardStateRefused
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.card_acts import (
    ACT_QUOTE,
    CARD_ACTS,
    ActOrder,
    ActQuoteRequest,
)
from cngstation.rpc.contract.counter import ActState, CounterBoard
from cngstation.rpc.contract.figures import OpenRow, OpenRowsNow
from cngstation.services.verify_books import verify_file
from tests.e2e.live_station import (
    Gun,
    Screen,
    cashier_of,
    counter_screen,
    guns_at,
    hands_at,
    issue_of,
    query,
    top_up_of,
    until,
)
from tests.e2e.station_proof import wrongs

PULLED_FUELLING, PULLED_DUE, WHILE_AWAY = 0, 1, 2
# Slow enough to do something in the middle of a fill.
SLOW = 150.0


async def test_a_card_that_leaves_unpaid_is_booked_named_and_refused(
    tmp_path: Path,
) -> None:
    """Pulled while fuelling, before the debit, and while no monitor ran: grey once.

    The row names nozzle and amount; the counter refuses the card and says the way
    out, settles it by the record, and it takes money again; the books are proved with
    the other rows counted as open.
    """
    async with demo_station(folder=tmp_path, language="en") as station:
        async with (
            cashier_of(station) as cashier,
            counter_screen(station) as desk,
            guns_at(*station.nozzles) as guns,
        ):
            for card in (PULLED_FUELLING, PULLED_DUE, WHILE_AWAY):
                assert await cashier.issue(issue_of(card))
            await _pull_while_fuelling(cashier, guns[0])
            await until(lambda: len(_sales(station)) == 1, "the first grey sale")
            await _pull_without_a_monitor(station, cashier, guns[4])
            await until(lambda: len(_sales(station)) == 3, "the other grey sales")
            for gun in guns:
                await gun.reached("uploaded")
            for sale in _sales(station):
                assert sale["transaction_type"] == "grey"
                await _is_named(desk, sale)
            await _is_refused(station, desk, cashier)
            assert not await cashier.top_up(top_up_of(PULLED_DUE))
            await _is_settled(station, desk, cashier)
            assert await cashier.top_up(top_up_of(PULLED_FUELLING))
        await station.stop()
    assert [s["debited"] for s in _sales(station)] == [0, 0, 0]
    assert _sales(station)[0]["stop_reason"] in {"card_removed", "drive_off"}
    proof = verify_file(station.database)
    assert (proof.proved, proof.open_rows) == (True, 2)
    assert wrongs(station) == []


async def _pull_while_fuelling(cashier: Cashier, gun: Gun) -> None:
    await gun.begin(cashier.uid(PULLED_FUELLING), 1_500, SLOW)
    while not (await gun.do("state"))["quantity"]:
        await gun.do("wait", until="uploaded", timeout_s=0.1)
    await gun.do("card_out")


async def _pull_without_a_monitor(
    station: DemoStation, cashier: Cashier, gun: Gun
) -> None:
    """Two cards leave the same nozzle while nobody is there to decide a debit."""
    await station.stop_one("forecourt")
    for card in (PULLED_DUE, WHILE_AWAY):
        await gun.begin(cashier.uid(card), 700 + card)
        await gun.reached("awaiting_debit")
        await gun.do("card_out")
    assert (await gun.do("state"))["waiting_records"] == 2
    assert len(_sales(station)) == 1
    await station.start_daemon("forecourt")


async def _is_named(desk: Screen[CounterBoard], sale: dict[str, Any]) -> None:
    """The counter's screen has a row with the card, the nozzle and the amount."""
    found: list[OpenRow] = []

    def shown() -> bool:
        told = [h.body for h in desk.heard if h.event is counter.OPEN_ROWS_CHANGED]
        rows = [body.rows for body in told if isinstance(body, OpenRowsNow)]
        newest = rows[-1] if rows else ()
        found[:] = [row for row in newest if row.subject == sale["card_key"]]
        return bool(found)

    await until(shown, "the row of the grey card")
    facts = {fact.name: fact.value for fact in found[0].facts}
    sentence = found[0].text.format_map(facts)
    assert found[0].kind == "grey_card"
    assert f"nozzle {sale['nozzle_no']}" in sentence
    assert f"{sale['amount_e4'] // 10_000}." in sentence
    assert "Settle the grey card" in found[0].cure


async def _is_refused(
    station: DemoStation, desk: Screen[CounterBoard], cashier: Cashier
) -> None:
    async with hands_at(station.reader_control) as hands:
        uid = cashier.uid(PULLED_FUELLING)
        desk.forget()
        await hands.call("insert", uid=uid)
        view = await desk.until(counter.CARD_PRESENTED, lambda view: view.uid == uid)
        assert (view.standing, bool(view.grey)) == ("grey", True)
        assert "settle it first" in view.way_out
        with pytest.raises(CardStateRefused, match=r"grey.*settle it first.*No money"):
            await desk.client.call(
                counter.CARD_QUOTE,
                counter.QuoteRequest(
                    card_key=view.card_key, money_fen=10_000, quantity_hundredths=0
                ),
            )
        await hands.call("remove")


async def _is_settled(
    station: DemoStation, desk: Screen[CounterBoard], cashier: Cashier
) -> None:
    """Tap, what it would do, and done: the fill goes off the card."""
    sale = _sales(station)[0]
    async with hands_at(station.reader_control) as hands:
        uid = cashier.uid(PULLED_FUELLING)
        desk.forget()
        await hands.call("insert", uid=uid)
        view = await desk.until(counter.CARD_PRESENTED, lambda view: view.uid == uid)
        asked = ActQuoteRequest(
            kind="settle_grey",
            card_key=view.card_key,
            amount_purse=0,
            of_intent_id="",
            fields=(),
        )
        quoted = await desk.client.call(ACT_QUOTE, asked)
        due = quoted.before_purse - quoted.after_purse
        assert due == sale["amount_e4"] // 100
        order = ActOrder(
            intent_id="GREY-SETTLED",
            card_key=view.card_key,
            before_purse=quoted.before_purse,
            amount_purse=0,
            cash_fen=quoted.cash_fen,
            refund_fen=quoted.refund_fen,
            of_intent_id="",
            reason="",
            fields=(),
            approval=None,
        )
        reply = await desk.client.call(CARD_ACTS["settle_grey"], order)
        assert reply.state == ActState.DONE
        assert "can fill again" in reply.text
        await desk.until(counter.CARD_PRESENTED, lambda v: v.standing == "normal")
        await hands.call("remove")


async def test_a_monitor_killed_in_a_fill_books_it_once_and_debits_the_card(
    tmp_path: Path,
) -> None:
    """Killed while fuelling and while awaiting the debit: the next one finishes both.

    The board is live again without anybody touching anything, and nothing is open.
    """
    async with demo_station(folder=tmp_path, language="en") as station:
        async with (
            cashier_of(station) as cashier,
            guns_at(station.nozzles[1], station.nozzles[5]) as (fuelling, due),
        ):
            for card in (0, 1):
                assert await cashier.issue(issue_of(card))
            await fuelling.begin(cashier.uid(0), 900, SLOW)
            await due.begin(cashier.uid(1), 500)
            await due.reached("awaiting_debit")
            os.kill(station.pid_of("forecourt"), signal.SIGKILL)
            assert (await fuelling.do("state"))["stage"] == "fuelling"
            assert (await due.do("state"))["stage"] in {"awaiting_debit", "debiting"}
            for gun in (fuelling, due):
                await gun.reached("uploaded")
                await gun.do("card_out")
        await station.stop()
    sales = _sales(station)
    assert sorted(sale["quantity_milli"] for sale in sales) == [5_000, 9_000]
    assert {sale["transaction_type"] for sale in sales} == {"normal"}
    proof = verify_file(station.database)
    assert (proof.proved, proof.open_rows) == (True, 0)
    assert wrongs(station) == []


def _sales(station: DemoStation) -> list[dict[str, Any]]:
    return query(station, "SELECT * FROM sale ORDER BY seq")
