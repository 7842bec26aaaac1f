"""The slip of a till's closing: it adds up, is one original, and copies say so."""

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.hygiene import width
from cngstation.language import use_language
from cngstation.protocols.receipt.slip import Row, Slip, render
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, TillView
from cngstation.rpc.contract.till import TillCount
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.storage import receipts
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, FEE, World
from tests.simulation.test_till import Till, a_card

MONEY = PaymentMode.PREPAID_MONEY


@pytest.fixture
def till(world: World) -> Till:
    """The till of the world."""
    return Till(world)


def _a_day(world: World, till: Till) -> TillView:
    """Float 200; an issue, two top-ups, one of it taken back; drop, pay-outs."""
    till.open(20_000)
    chip, key = a_card(world)
    world.top_up(key, chip, 5_000, act="ACT-CASH-1")
    world.top_up(key, chip, 7_000, tender="wechat", tender_ref="1")
    done = world.act("reverse_top_up", key, chip, of="ACT-CASH-1", amount=2_000)
    assert isinstance(done, ActReply)
    till.cash("drop", 10_000)
    till.cash("pay_out", 300, "stamps")
    till.cash("pay_out", 200, "ice")
    till.cash("pay_in", 100)
    held = 20_000 + 1_000 + FEE.fen + 5_000 - 2_000 - 10_000 - 500 + 100
    closed = till.close(cash=held - 50)
    assert isinstance(closed, TillView)
    return closed


def _slip(world: World, number: int, *, columns: int = 48, two: bool = False) -> Slip:
    receipt = receipts.find(world.view, number)
    assert receipt is not None
    paper = PaperSettings("company", "station", "1", columns, two_copies=two)  # type: ignore[arg-type]
    (slip,) = slips(receipt, paper)
    return slip


def _said(slip: Slip) -> list[tuple[str, str]]:
    return [(row.label, row.value) for row in slip.rows if isinstance(row, Row)]


def test_a_closing_has_a_slip_that_adds_up(world: World, till: Till) -> None:
    """By tender: what it began with, what came and went, what was counted."""
    closed = _a_day(world, till)
    slip = _slip(world, closed.receipt_no, two=True)
    said = _said(slip)
    assert slip.title == "Closing of the till"
    at = said.index(("cash", ""))
    assert said[at : at + 10] == [
        ("cash", ""),
        ("Float", "200.00"),
        ("Received", "70.00"),
        ("Given back", "-20.00"),
        ("From the safe", "1.00"),
        ("To the safe", "-100.00"),
        ("Paid out", "-5.00"),
        ("By the books", "146.00"),
        ("Counted", "145.50"),
        ("Difference", "-0.50"),
    ]
    at = said.index(("WeChat", ""))
    assert said[at + 1 : at + 4] == [
        ("Received", "70.00"),
        ("By the books", "70.00"),
        ("Counted", "not counted"),
    ]
    assert ("Top-ups 2", "120.00") in said
    assert ("Card issues 1", "20.00") in said
    assert ("Taken back 1", "-20.00") in said
    assert [line.split(" ")[0] for line in slip.footer if line] == [
        "Cashier",
        "Checked",
    ]
    world.require_proved()


def test_a_session_counts_what_is_its_own(world: World, till: Till) -> None:
    """What was taken before it, and by the one before, is on another slip."""
    chip, key = a_card(world)
    first = _a_day_of(world, till, key, chip, 500)
    second = _a_day_of(world, till, key, chip, 900)
    assert second.receipt_no > first.receipt_no
    for closed, taken in ((first, "5.00"), (second, "9.00")):
        said = dict(_said(_slip(world, closed.receipt_no)))
        assert (said["Float"], said["Received"]) == ("3.00", taken)
        assert said["Top-ups 1"] == taken
        assert "Card issues 1" not in said
    assert dict(_said(_slip(world, second.receipt_no)))["Session"] == "1/2"


def _a_day_of(world: World, till: Till, key: str, chip: Chip, fen: int) -> TillView:
    till.open(300)
    world.top_up(key, chip, fen)
    closed = till.close(cash=300 + fen)
    assert isinstance(closed, TillView)
    return closed


def test_an_act_that_was_undone_comes_to_nothing(world: World, till: Till) -> None:
    """Its money came and went: both sides are on the slip, the act at nought."""
    till.open(0)
    chip, key = a_card(world)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 500, act="ACT-UNDONE")
    world.reader.arm(None, writes=True)
    world.give_back("ACT-UNDONE", chip)
    closed = till.close(cash=1_000 + FEE.fen)
    assert isinstance(closed, TillView)
    said = _said(_slip(world, closed.receipt_no))
    assert ("Given back", "-5.00") in said
    assert ("Top-ups 2", "0.00") in said


def test_the_same_closing_has_one_slip_and_a_copy_says_so(
    world: World, till: Till
) -> None:
    """A repeat makes none; the second paper is a copy."""
    till.open(300)
    for _ in range(2):
        closed = till.close("ACT-CLOSE1", cash=300)
        assert isinstance(closed, TillView)
    count = "SELECT count(*) FROM receipt WHERE kind='till_close'"
    assert world.view.execute(count).fetchone() == (1,)
    assert _slip(world, closed.receipt_no).copy_mark == ""
    number = closed.receipt_no
    request = counter.ReceiptRequest(receipt_no=number)
    world.must(world.answers.receipts.print_receipt(request, CALL))
    assert world.print_next() == (number, 0)
    assert _slip(world, number).copy_mark == "COPY 1"
    listed = world.must(
        world.answers.receipts.list_receipts(
            counter.ReceiptQuery(limit=5, card_key=""), CALL
        )
    )
    assert [(row.receipt_no, row.kind) for row in listed.rows] == [
        (number, "till_close")
    ]
    world.require_proved()


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("columns", [32, 48])
def test_the_slip_fits_the_paper(
    world: World, till: Till, columns: int, language: str
) -> None:
    """No figure is broken over two lines, in either language."""
    closed = _a_day(world, till)
    use_language(language)
    try:
        lines = render(_slip(world, closed.receipt_no, columns=columns), columns)  # type: ignore[arg-type]
    finally:
        use_language("en")
    assert {width(line.text) for line in lines} == {columns}
    texts = [line.text for line in lines]
    for figure in ("200.00", "-100.00", "146.00", "-0.50"):
        (line,) = [text for text in texts if text.endswith(f" {figure}")]
        assert line.strip() != figure


def test_the_counts_of_the_screen_are_those_of_the_slip(
    world: World, till: Till
) -> None:
    """Both say the same of every tender."""
    closed = _a_day(world, till)
    receipt = receipts.find(world.view, closed.receipt_no)
    assert receipt is not None
    of_slip = [
        TillCount(
            tender=one["tender"],
            expected_e4=one["expected_e4"],
            counted_e4=one["counted_e4"],
            over_e4=one["over_e4"],
        )
        for one in receipt.content["tenders"]
    ]
    assert tuple(of_slip) == closed.counts
    for one in receipt.content["tenders"]:
        begun = receipt.content["float_e4"] if one["tender"] == "cash" else 0
        moved = sum(amount for _, amount in receipt.content["moves"])
        moved = moved if one["tender"] == "cash" else 0
        total = begun + one["received_e4"] + one["given_e4"] + moved
        assert total == one["expected_e4"]
