"""Receipts are found without their number: the newest, or those of a card."""

from cngstation.domain.payment import PaymentMode
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ReceiptRow
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import CALL, FEE, World

MONEY = PaymentMode.PREPAID_MONEY


def _issued(world: World, number: int) -> tuple[Chip, ActReply]:
    chip = Chip(bytes([4, 0x11, 0x22, number]))
    reply = world.issue(chip, MONEY, 1_000)
    assert isinstance(reply, ActReply)
    return chip, reply


def _list(world: World, card_key: str = "", limit: int = 50) -> tuple[ReceiptRow, ...]:
    query = counter.ReceiptQuery(limit=limit, card_key=card_key)
    return world.must(world.answers.receipts.list_receipts(query, CALL)).rows


def test_receipts_are_listed_newest_first_and_by_card(world: World) -> None:
    """Each with what tells it from another, and how its print stands."""
    assert _list(world) == ()
    first_chip, first = _issued(world, 1)
    _, second = _issued(world, 2)
    topped = world.top_up(first.card_key, first_chip, 700)
    assert isinstance(topped, ActReply)
    numbers = [first.receipt_no, second.receipt_no, topped.receipt_no]
    rows = _list(world)
    assert [row.receipt_no for row in rows] == sorted(numbers, reverse=True)
    assert [row.receipt_no for row in _list(world, limit=1)] == [topped.receipt_no]
    of_first = _list(world, first.card_key)
    assert [row.receipt_no for row in of_first] == [
        topped.receipt_no, first.receipt_no,
    ]  # fmt: skip
    newest, oldest = of_first
    assert (newest.kind, newest.cash_e4, newest.card_key) == (
        "top_up", 7_0000, first.card_key,
    )  # fmt: skip
    assert (oldest.kind, oldest.plate) == ("issue", "川A12345")
    assert oldest.cash_e4 == FEE.e4 + 10_0000
    assert (newest.prints, newest.outcome) == (0, "waiting")


def test_the_page_of_a_card_names_the_receipt_of_its_last_top_up(world: World) -> None:
    """What a customer wants again is mostly that one."""
    chip, issued = _issued(world, 1)
    topped = world.top_up(issued.card_key, chip, 700)
    assert isinstance(topped, ActReply)
    shown = world.present(chip)
    assert isinstance(shown, tuple)
    assert shown[1].last_top_up is not None
    assert shown[1].last_top_up.receipt_no == topped.receipt_no


def test_a_wish_that_waits_already_is_no_second_one(world: World) -> None:
    """A printer that stands still brings out one copy, not one for each wish."""
    _, issued = _issued(world, 1)
    wish = counter.ReceiptRequest(receipt_no=issued.receipt_no)
    for _ in range(3):
        world.must(world.answers.receipts.print_receipt(wish, CALL))
    sql = "SELECT wanted FROM receipt"
    assert world.view.execute(sql).fetchall() == [(1,)]
    asked = "SELECT count(*) FROM audit WHERE act='receipt.print'"
    assert world.view.execute(asked).fetchone() == (0,)
