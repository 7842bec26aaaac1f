"""Requests that no screen of ours makes: refused in words, with nothing done."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from ulid import ULID

from cngstation.rpc.contract import counter
from cngstation.rpc.contract.figures import MOST_ASKED
from cngstation.services.act_result import ActIdTaken
from cngstation.services.issue_card import UnknownKind
from tests.e2e.live_station import (
    cashier_of,
    counter_screen,
    daemons,
    hands_at,
    issue_of,
    prepared_station,
)
from tests.e2e.station_proof import purse_of

ISSUE = counter.Issue(
    intent_id=str(ULID()),
    vehicle_id=1,
    kind="taxi",
    payment_mode="prepaid_money",
    price_level=0,
    money_fen=0,
    quantity_hundredths=0,
    cash_fen=2_000,
    remark="",
)
TOP_UP = counter.TopUp(
    intent_id=str(ULID()),
    card_key="031601000001",
    before_purse=0,
    money_fen=10_000,
    quantity_hundredths=0,
    cash_fen=10_000,
)


async def test_an_act_never_answers_for_another_act(tmp_path: Path) -> None:
    """An id asked for with another card, amount or vehicle gets no "done"."""
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "counter"),
        counter_screen(station) as desk,
        cashier_of(station) as cashier,
        hands_at(station.reader_control) as hands,
    ):
        call = desk.client.call
        assert await cashier.issue(issue_of(0, prepaid=0))
        await desk.until(counter.CARD_REMOVED)
        desk.forget()
        await hands.call("insert", uid=cashier.uid(0))
        await desk.until(counter.CARD_PRESENTED, lambda view: view.balance_purse == 0)
        done = await call(counter.CARD_TOP_UP, TOP_UP)
        assert await call(counter.CARD_TOP_UP, TOP_UP) == done
        for other in (
            {"money_fen": 9_000, "cash_fen": 9_000},
            {"card_key": "031601000002"},
        ):
            with pytest.raises(ActIdTaken):
                await call(counter.CARD_TOP_UP, TOP_UP.model_copy(update=other))
        taken = ISSUE.model_copy(update={"intent_id": TOP_UP.intent_id})
        with pytest.raises(ActIdTaken):
            await call(counter.CARD_ISSUE, taken)
        barter = ISSUE.model_copy(update={"payment_mode": "barter"})
        with pytest.raises(UnknownKind):
            await call(counter.CARD_ISSUE, barter)
        desk.forget(counter.CARD_REMOVED)
        await hands.call("remove")
        await desk.until(counter.CARD_REMOVED)
        purse = purse_of(station, cashier.uid(0))
        assert purse is not None
        assert purse.balance == TOP_UP.money_fen


@pytest.mark.parametrize("intent_id", ["", "unknown_card", "01JD.finish", "%" * 9])
def test_an_id_is_no_other_name_of_the_books(intent_id: str) -> None:
    """An id that could be read as another account or entry is not taken."""
    with pytest.raises(ValidationError):
        counter.TopUp.model_validate({**TOP_UP.model_dump(), "intent_id": intent_id})


@pytest.mark.parametrize("field", ["money_fen", "quantity_hundredths", "cash_fen"])
def test_no_amount_is_beyond_any_ledger(field: str) -> None:
    """An amount that no ledger holds is a bad request, and no failure inside."""
    beyond = {**TOP_UP.model_dump(), field: MOST_ASKED + 1}
    with pytest.raises(ValidationError):
        counter.TopUp.model_validate(beyond)


def test_no_price_is_dearer_than_a_card_can_hold() -> None:
    """A price of 655.36 is not planned: its card would be paid and never written."""
    counter.PricePlan(level=0, price_e4=6_553_500)
    with pytest.raises(ValidationError):
        counter.PricePlan(level=0, price_e4=6_553_600)
