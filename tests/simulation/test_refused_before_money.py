"""What is refused before money is held: dear prices, second cards, empty readers."""

from dataclasses import replace
from typing import Any

import pytest

from cngstation.domain.card_life import CardState
from cngstation.domain.payment import PaymentMode
from cngstation.protocols.card_image.purse import LARGEST_PRICE_FEN
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply
from cngstation.rpc.contract.figures import MOST_PRICE_E4
from cngstation.services.act_result import ActIdTaken
from cngstation.services.card_on_reader import NoCardOnReader
from cngstation.services.issue_card import SecondCard
from cngstation.services.price_top_up import LevelNotShown, PriceTooHigh, Wanted
from cngstation.storage import cards, prices
from cngstation.storage.database import Transaction
from cngstation.units import ZERO, Money, Price, Unit
from tests.simulation import money_world
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import CALL, RULES, World

MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY
TILL = "till:1:cash"


def _chip(number: int = 1) -> Chip:
    return Chip(bytes([4, 0x11, 0x22, number]))


def _price(world: World, e4: int) -> None:
    """Plan a price past the contract, as a file of an older program may have it."""

    def unit(tx: Transaction) -> None:
        prices.plan(
            tx, level=0, price=Price(e4), unit=Unit.M3, from_ms=tx.now.wall_ms,
            operator_no="01",
        )  # fmt: skip

    world.must(world.database.write(unit))


def test_no_card_is_sold_at_a_price_that_it_cannot_hold(world: World) -> None:
    """Neither planned nor issued; no money is held and no card registered."""
    _price(world, MOST_PRICE_E4 + 100)
    chip = _chip()
    assert isinstance(world.issue(chip, MONEY, 1_000), PriceTooHigh)
    assert world.account(TILL) == 0
    assert world.view.execute("SELECT count(*) FROM card").fetchone() == (0,)
    plan = counter.PricePlan.model_construct(
        level=0, price_e4=MOST_PRICE_E4 + 100, reason="why"
    )
    assert isinstance(world.run(world.answers.prices.plan(plan, CALL)), PriceTooHigh)
    _price(world, MOST_PRICE_E4)
    assert isinstance(world.issue(chip, MONEY, 1_000), ActReply)


def test_no_card_is_sold_at_a_level_that_no_nozzle_shows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card of gas is: its gas was priced at the counter."""
    shown = replace(RULES, levels_shown={Unit.M3: frozenset({1, 2})})
    monkeypatch.setattr(money_world, "RULES", shown)
    world.power_cut()
    refused = world.issue(_chip(1), MONEY, 1_000)
    assert isinstance(refused, LevelNotShown)
    assert refused.facts == {"level": 0, "shown": "1 2"}
    assert world.account(TILL) == 0
    assert world.view.execute("SELECT count(*) FROM card").fetchone() == (0,)
    assert isinstance(world.issue(_chip(2), GAS, 1_000), ActReply)
    others = replace(RULES, levels_shown={Unit.KG: frozenset({1})})
    monkeypatch.setattr(money_world, "RULES", others)
    world.power_cut()
    assert isinstance(world.issue(_chip(1), MONEY, 1_000), ActReply)


def test_the_contract_knows_what_a_card_can_hold() -> None:
    """The screen cannot import the card image: the two limits are kept the same."""
    assert MOST_PRICE_E4 == LARGEST_PRICE_FEN * 100


def test_a_second_card_of_a_vehicle_is_asked_for_twice(world: World) -> None:
    """Refused with the card that is in use; taken when it is confirmed."""
    first = world.issue(_chip(1), MONEY, 1_000, accept_second_card=False)
    assert isinstance(first, ActReply)
    till = world.account(TILL)
    refused = world.issue(_chip(2), MONEY, 1_000, accept_second_card=False)
    assert isinstance(refused, SecondCard)
    assert refused.facts["card_no"] == first.card_key[-8:]
    assert world.account(TILL) == till
    second = world.issue(_chip(2), MONEY, 1_000)
    assert isinstance(second, ActReply)
    for card_key in (first.card_key, second.card_key):
        world.must(
            world.database.write(
                lambda tx, key=card_key: cards.change(
                    tx, key, reason="test", state=CardState.CANCELLED
                )
            )
        )
    third = world.issue(_chip(3), MONEY, 1_000, accept_second_card=False)
    assert isinstance(third, ActReply)


def test_an_empty_reader_is_no_other_card(world: World) -> None:
    """The cashier is told to put the card on it, not that it is the wrong one."""
    answers, empty = world.answers.cards, world.reader
    empty.put(None)
    top_up = counter.TopUp(
        intent_id="ACT90001", card_key="002801000001", before_purse=0, money_fen=100,
        quantity_hundredths=0, cash_fen=100,
    )  # fmt: skip
    quote = counter.QuoteRequest(
        card_key="002801000001", money_fen=100, quantity_hundredths=0
    )
    issue = counter.Issue(
        intent_id="ACT90002", vehicle_id=1, kind="taxi", payment_mode=MONEY,
        price_level=0, money_fen=0, quantity_hundredths=0, cash_fen=1_000, remark="",
    )  # fmt: skip
    asked: list[Any] = [
        answers.read_card(Any, CALL),  # type: ignore[arg-type]
        answers.quote(quote, CALL),
        answers.top_up(top_up, CALL),
        answers.issue(issue, CALL),
    ]
    for question in asked:
        assert isinstance(world.run(question), NoCardOnReader)


def test_an_act_id_is_of_one_quantity(world: World) -> None:
    """Two quantities that cost the same fen are two acts, of a top-up and an issue."""
    _price(world, 4_000)  # 1.00 and 1.01 m3 cost 0.40
    chip = _chip()

    def issue(hundredths: int) -> object:
        request = counter.Issue(
            intent_id="ACT90001", vehicle_id=1, kind="taxi", payment_mode=GAS,
            price_level=0, money_fen=0, quantity_hundredths=hundredths,
            cash_fen=1_040, remark="",
        )  # fmt: skip
        world.reader.put(chip)
        return world.run(world.answers.cards.issue(request, CALL))

    done = issue(100)
    assert isinstance(done, ActReply)
    assert isinstance(issue(101), ActIdTaken)
    assert issue(100) == done

    def top_up(hundredths: int) -> object:
        request = counter.TopUp(
            intent_id="ACT90002", card_key=done.card_key, before_purse=100,
            money_fen=0, quantity_hundredths=hundredths, cash_fen=40,
        )  # fmt: skip
        return world.run(world.answers.cards.top_up(request, CALL))

    first = top_up(100)
    assert isinstance(first, ActReply)
    assert isinstance(top_up(101), ActIdTaken)
    assert top_up(100) == first


def test_an_act_of_an_older_program_answers_for_its_money() -> None:
    """Its plan does not say what was wanted; it is not refused for that."""
    wanted = Wanted(Money.from_fen(100), 0)
    assert wanted.is_in({})
    assert wanted.is_in(wanted.as_plan())
    assert not Wanted(ZERO, 100).is_in(wanted.as_plan())
