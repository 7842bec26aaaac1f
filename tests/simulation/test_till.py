"""The till: float, drops, pay-outs, counts; closed, it neither takes nor gives."""

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState, TillView
from cngstation.services.act_result import ActIdTaken
from cngstation.services.keep_till import (
    CashNotCounted,
    MoreThanInTill,
    NoAmount,
    PayOutReasonMissing,
    TillIsOpen,
    TillNotOpen,
)
from cngstation.services.open_rows import open_rows
from cngstation.services.take_payment import UnknownTender
from cngstation.services.till_state import TillClosed
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_world import CALL, FEE, World

MONEY = PaymentMode.PREPAID_MONEY
CASH = "till:1:cash"


class Till:
    """The till of a world as its contract offers it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._answers = world.answers.till

    def open(self, fen: int, act: str = "") -> TillView | StationError | PowerCut:
        """Open with a float."""
        wanted = counter.TillOpening(act_id=act or self._world.new_id(), float_fen=fen)
        return self._world.run(self._answers.open(wanted, CALL))  # type: ignore[return-value]

    def cash(
        self, name: str, fen: int, reason: str = "", act: str = ""
    ) -> TillView | StationError | PowerCut:
        """Drop, pay in or pay out."""
        wanted = counter.TillCash(
            act_id=act or self._world.new_id(), amount_fen=fen, reason=reason
        )
        method = getattr(self._answers, name)
        return self._world.run(method(wanted, CALL))

    def close(
        self, act: str = "", **counted: int
    ) -> TillView | StationError | PowerCut:
        """Close with counts in fen."""
        counts = tuple(
            counter.TenderCount(tender=tender, counted_fen=fen)
            for tender, fen in counted.items()
        )
        wanted = counter.TillClosing(act_id=act or self._world.new_id(), counts=counts)
        return self._world.run(self._answers.close(wanted, CALL))  # type: ignore[return-value]


@pytest.fixture
def till(world: World) -> Till:
    """The till of the world."""
    return Till(world)


def a_card(world: World) -> tuple[Chip, str]:
    chip = Chip(b"\x04\x11\x22\x33")
    reply = world.issue(chip, MONEY, 1_000)
    assert isinstance(reply, ActReply), reply
    return chip, reply.card_key


def test_a_day_at_the_till_ends_with_nothing_in_it(world: World, till: Till) -> None:
    """Float, sale, drop, pay-out, change; the count hands all over, by tender."""
    opened = till.open(20_000)
    assert isinstance(opened, TillView)
    assert (opened.state, opened.float_e4) == ("opened", 2_000_000)
    chip, key = a_card(world)
    world.top_up(key, chip, 5_000, tender="wechat", tender_ref="1")
    assert isinstance(till.cash("drop", 700), TillView)
    assert isinstance(till.cash("pay_out", 300, "stamps"), TillView)
    view = till.cash("pay_in", 100)
    assert isinstance(view, TillView)
    assert [(m.kind, m.amount_e4, m.reason) for m in view.moves] == [
        ("till.pay_in", 10_000, ""),
        ("till.pay_out", -30_000, "stamps"),
        ("till.drop", -70_000, ""),
    ]
    assert view.counts == ()  # nobody is told what the count should be
    held = 20_000 + 1_000 + FEE.fen - 700 - 300 + 100
    closed = till.close(cash=held, wechat=5_000)
    assert isinstance(closed, TillView)
    assert closed.state == "closed"
    assert all(count.over_e4 == 0 for count in closed.counts)
    assert world.account(CASH) == world.account("till:1:wechat") == 0
    assert world.account("safe:cash") == (held - 20_000 + 700 - 100) * 100
    assert world.account("bank:wechat") == 500_000
    assert world.account("expense:pay_out") == 30_000
    assert not rows_of(world)
    world.require_proved()


def rows_of(world: World) -> list[str]:
    return [row.kind for row in open_rows(world.view)]


@pytest.mark.parametrize(
    ("counted", "kind", "over"),
    [(19_900, "till_short", -10_000), (20_250, "till_over", 25_000)],
)
def test_over_and_short_are_named(
    world: World, till: Till, counted: int, kind: str, over: int
) -> None:
    """A difference is an account, a row and a figure, never a silent correction."""
    till.open(20_000)
    closed = till.close(cash=counted)
    assert isinstance(closed, TillView)
    assert [count.over_e4 for count in closed.counts] == [over]
    assert world.account("expense:over_short") == -over
    assert world.account(CASH) == 0
    assert world.account("safe:cash") == counted * 100 - 20_000 * 100
    assert rows_of(world) == [kind]
    world.require_proved()


def test_a_tender_that_was_not_counted_is_taken_as_booked(
    world: World, till: Till
) -> None:
    """Only the cash has to be counted; the rest is compared if it is."""
    till.open(0)
    chip, key = a_card(world)
    world.top_up(key, chip, 5_000, tender="wechat", tender_ref="1")
    assert isinstance(till.close(wechat=5_000), CashNotCounted)
    closed = till.close(cash=1_000 + FEE.fen)
    assert isinstance(closed, TillView)
    counts = {count.tender: count for count in closed.counts}
    assert counts["wechat"].counted_e4 is None
    assert world.account("bank:wechat") == 500_000
    assert not rows_of(world)


def test_a_closed_till_takes_no_money_and_gives_none(world: World, till: Till) -> None:
    """Acts that move no money of the till go on."""
    chip, key = a_card(world)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 500, act="ACT-OPEN")
    world.reader.arm(None, writes=True)
    till.open(0)
    held = world.account(CASH)
    assert held == 0  # what came before the first session is in the safe
    till.close(cash=0)
    refused = world.give_back("ACT-OPEN", chip)
    assert isinstance(refused, TillClosed)
    assert "F10" in refused.sentence()
    settled = world.settle("ACT-OPEN", chip)
    assert isinstance(settled, ActReply)
    assert settled.state is ActState.DONE
    for tender, number in (("cash", ""), ("wechat", "1")):
        refused = world.top_up(key, chip, 500, tender=tender, tender_ref=number)
        assert isinstance(refused, TillClosed)
    assert isinstance(world.issue(Chip(b"\x04\x11\x22\x44"), MONEY, 0), TillClosed)
    assert isinstance(till.cash("drop", 1), TillClosed)
    till.open(0)
    assert isinstance(world.top_up(key, chip, 500), ActReply)
    world.require_proved()


def test_before_its_first_session_a_till_is_as_it_was(world: World, till: Till) -> None:
    """An older file goes on; the first opening hands over what was taken till then."""
    chip, key = a_card(world)
    assert isinstance(world.top_up(key, chip, 500), ActReply)
    world.top_up(key, chip, 900, tender="wechat", tender_ref="1")
    taken = world.account(CASH)
    assert taken == 1_500_00 + FEE.e4
    assert isinstance(till.cash("drop", 100), TillNotOpen)
    assert isinstance(till.close(cash=0), TillNotOpen)
    till.open(300)
    assert world.account(CASH) == 300_00
    assert world.account("safe:cash") == taken - 300_00
    assert world.account("bank:wechat") == 900_00
    world.require_proved()


def test_each_step_happens_once(world: World, till: Till) -> None:
    """A screen that asks again by the same number changes nothing."""
    for _ in range(2):
        opened = till.open(20_000, "ACT-TILL1")
        assert isinstance(opened, TillView)
    assert isinstance(till.open(20_000), TillIsOpen)
    for _ in range(2):
        assert isinstance(till.cash("drop", 700, act="ACT-TILL2"), TillView)
    assert world.account(CASH) == 19_300_00
    for _ in range(2):
        assert isinstance(till.close("ACT-TILL3", cash=19_300), TillView)
    assert isinstance(till.close(cash=0), TillNotOpen)
    assert world.account(CASH) == 0


def test_a_number_that_was_used_does_nothing_else(world: World, till: Till) -> None:
    """A retry asks for the very same; anything else by its number is refused."""
    assert isinstance(till.open(20_000, "ACT-TILL1"), TillView)
    assert isinstance(till.open(20_001, "ACT-TILL1"), ActIdTaken)
    assert isinstance(till.cash("drop", 20_000, act="ACT-TILL1"), ActIdTaken)
    assert isinstance(till.close("ACT-TILL1", cash=20_000), ActIdTaken)
    assert isinstance(till.cash("pay_out", 700, "ice", "ACT-TILL2"), TillView)
    assert isinstance(till.cash("pay_out", 700, "ice", "ACT-TILL2"), TillView)
    assert isinstance(till.cash("pay_out", 700, "tea", "ACT-TILL2"), ActIdTaken)
    assert isinstance(till.cash("drop", 700, act="ACT-TILL2"), ActIdTaken)
    _, key = a_card(world)
    assert key
    act = world.intents()[-1]["intent_id"]
    assert isinstance(till.close(act, cash=0), ActIdTaken)
    held = world.account(CASH) // 100
    assert isinstance(till.close("ACT-TILL3", cash=held, wechat=5), TillView)
    assert isinstance(till.close("ACT-TILL3", cash=held, wechat=5), TillView)
    for counted in ({"cash": held}, {"cash": held - 1, "wechat": 5}, {"cash": 0}):
        assert isinstance(till.close("ACT-TILL3", **counted), ActIdTaken)
    assert isinstance(till.open(held, "ACT-TILL3"), ActIdTaken)
    assert isinstance(till.open(held, "ACT-TILL1"), ActIdTaken)
    assert world.account(CASH) == 0
    assert isinstance(till.open(0, "ACT-TILL4"), TillView)
    assert isinstance(till.close("ACT-TILL5", cash=0), TillView)
    # A true retry that comes late still says what became of it, and does nothing.
    assert isinstance(till.open(20_000, "ACT-TILL1"), TillView)
    assert isinstance(till.close("ACT-TILL3", cash=held, wechat=5), TillView)
    world.require_proved()


def test_what_a_till_refuses(world: World, till: Till) -> None:
    """Each with its own sentence, and nothing has happened."""
    till.open(1_000)
    assert isinstance(till.cash("drop", 0), NoAmount)
    assert isinstance(till.cash("pay_out", 10, "  "), PayOutReasonMissing)
    assert isinstance(till.cash("drop", 1_001), MoreThanInTill)
    assert isinstance(till.close(cash=1_000, shells=1), UnknownTender)
    assert isinstance(till.close(cash=1_000, company=1), UnknownTender)
    assert world.account(CASH) == 1_000_00
    assert world.account("safe:cash") == -1_000_00
