"""The till: float, drops, pay-outs, counts; closed, it neither takes nor gives."""

from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState, TillView
from cngstation.rpc.contract.marks import Approval
from cngstation.services.approve import (
    ReasonMissing,
    SamePerson,
    SecondPersonMissing,
)
from cngstation.services.explain_row import NoSuchRow, RowClosesItself
from cngstation.services.keep_till import (
    CashNotCounted,
    MoreThanInTill,
    NoAmount,
    PayOutReasonMissing,
    TillIsOpen,
    TillNotOpen,
)
from cngstation.services.log_in import RightMissing
from cngstation.services.open_rows import open_rows
from cngstation.services.take_payment import UnknownTender
from cngstation.services.till_state import TillClosed
from cngstation.storage import findings
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, FEE, PASSWORD, World

MONEY = PaymentMode.PREPAID_MONEY
CASH = "till:1:cash"


class Till:
    """The till of a world as its contract offers it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._answers = world.answers.till

    def open(self, fen: int, act: str = "") -> TillView | StationError:
        """Open with a float."""
        wanted = counter.TillOpening(act_id=act or self._world.new_id(), float_fen=fen)
        return self._world.run(self._answers.open(wanted, CALL))  # type: ignore[return-value]

    def cash(
        self, name: str, fen: int, reason: str = "", act: str = ""
    ) -> TillView | StationError:
        """Drop, pay in or pay out."""
        wanted = counter.TillCash(
            act_id=act or self._world.new_id(), amount_fen=fen, reason=reason
        )
        method = getattr(self._answers, name)
        return self._world.run(method(wanted, CALL))  # type: ignore[no-any-return]

    def close(self, act: str = "", **counted: int) -> TillView | StationError:
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


def _card(world: World) -> tuple[Chip, str]:
    chip = Chip(b"\x04\x11\x22\x33")
    reply = world.issue(chip, MONEY, 1_000)
    assert isinstance(reply, ActReply), reply
    return chip, reply.card_key


def test_a_day_at_the_till_ends_with_nothing_in_it(world: World, till: Till) -> None:
    """Float, sale, drop, pay-out, change; the count hands all over, by tender."""
    opened = till.open(20_000)
    assert isinstance(opened, TillView)
    assert (opened.state, opened.float_e4) == ("opened", 2_000_000)
    chip, key = _card(world)
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
    assert not _rows(world)
    world.require_proved()


def _rows(world: World) -> list[str]:
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
    assert _rows(world) == [kind]
    world.require_proved()


def test_a_tender_that_was_not_counted_is_taken_as_booked(
    world: World, till: Till
) -> None:
    """Only the cash has to be counted; the rest is compared if it is."""
    till.open(0)
    chip, key = _card(world)
    world.top_up(key, chip, 5_000, tender="wechat", tender_ref="1")
    assert isinstance(till.close(wechat=5_000), CashNotCounted)
    closed = till.close(cash=1_000 + FEE.fen)
    assert isinstance(closed, TillView)
    counts = {count.tender: count for count in closed.counts}
    assert counts["wechat"].counted_e4 is None
    assert world.account("bank:wechat") == 500_000
    assert not _rows(world)


def test_a_closed_till_takes_no_money_and_gives_none(world: World, till: Till) -> None:
    """Acts that move no money of the till go on."""
    chip, key = _card(world)
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
    chip, key = _card(world)
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


# What goes back when nobody stands at an open till.


def _taken_back_in_doubt(world: World, till: Till, tender: str) -> tuple[Chip, str]:
    """Leave a top-up of 50 yuan taken back by 30, its answer lost."""
    till.open(20_000)
    chip, key = _card(world)
    number = {"tender": tender, "tender_ref": "W1" if tender != "cash" else ""}
    world.top_up(key, chip, 5_000, act="ACT-GIVEN", **number)
    told = world.act(
        "reverse_top_up",
        key,
        chip,
        of="ACT-GIVEN",
        amount=3_000,
        act="ACT-BACK",
        arm=lambda: world.reader.arm(Fault.ANSWER_LOST, 2, writes=True),
    )
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
    return chip, key


@pytest.mark.parametrize(
    ("tender", "kept"), [("cash", "safe:cash"), ("wechat", "bank:wechat")]
)
def test_a_refund_after_the_closing_comes_out_of_the_safe(
    world: World, till: Till, tender: str, kept: str
) -> None:
    """The closed till stays at nought; a row says what is still to be given."""
    chip, _ = _taken_back_in_doubt(world, till, tender)
    till.close(cash=world.account(CASH) // 100)
    before = world.account(kept)
    settled = world.settle("ACT-BACK", chip)
    assert isinstance(settled, ActReply)
    assert (settled.state, settled.refund_fen) == (ActState.DONE, 3_000)
    assert "safe" in settled.text
    assert world.account(CASH) == world.account("till:1:wechat") == 0
    assert world.account(kept) == before - 300_000
    (row,) = open_rows(world.view)
    assert (row.kind, row.people) == ("refund_waits", 1)
    assert {"amount": "30.00", "tender": tender}.items() <= {
        (fact.name, fact.value) for fact in row.facts
    }
    assert "safe" in world.find("ACT-BACK").text
    opened = till.open(100)
    assert isinstance(opened, TillView)
    assert world.account(CASH) == 100_00
    world.require_proved()


def test_a_refund_at_an_open_till_comes_out_of_it(world: World, till: Till) -> None:
    """A session that was opened again gives what the one before could not."""
    chip, _ = _taken_back_in_doubt(world, till, "cash")
    till.close(cash=world.account(CASH) // 100)
    till.open(10_000)
    settled = world.settle("ACT-BACK", chip)
    assert isinstance(settled, ActReply)
    assert "safe" not in settled.text
    assert world.account(CASH) == 1_000_000 - 300_000
    assert not _rows(world)


def test_a_refund_that_a_fill_proves_is_named(world: World, till: Till) -> None:
    """Nobody stands at the till when a dispenser's record ends an act."""
    chip, _ = _taken_back_in_doubt(world, till, "cash")
    drawer, safe = world.account(CASH), world.account("safe:cash")
    world.upload(0, world.fill(chip, 100))
    assert world.find("ACT-BACK").state is ActState.DONE
    assert world.account(CASH) == drawer
    assert world.account("safe:cash") == safe - 300_000
    assert _rows(world) == ["refund_waits"]
    world.require_proved()


def test_a_company_has_its_money_back_while_the_till_is_closed(
    world: World, till: Till
) -> None:
    """What goes back to an account of the books asks no till."""
    till.open(0)
    chip, key = _card(world)
    world.run(
        world.answers.companies.top_up(
            counter.CompanyTopUp(
                act_id="ACT-FUNDS",
                company_no="0001",
                amount_fen=9_000,
                tender="cash",
                tender_ref="",
            ),
            CALL,
        )
    )
    world.top_up(key, chip, 5_000, act="ACT-GIVEN", tender="company")
    till.close(cash=world.account(CASH) // 100)
    done = world.act("reverse_top_up", key, chip, of="ACT-GIVEN", amount=5_000)
    assert isinstance(done, ActReply), done
    assert done.state is ActState.DONE
    assert world.account("company:0001") == -90_00_00
    assert world.account(CASH) == 0
    assert not _rows(world)


# Rows that only words close.


def _explain(world: World, row_id: str, reason: str, second: str = "") -> Any:
    approval = Approval(login_name=f"name{second}", password=SecretStr(PASSWORD))
    wanted = counter.RowExplanation(
        row_id=row_id, reason=reason, approval=approval if second else None
    )
    return world.run(world.answers.rows.explain(wanted, CALL))


def test_a_row_is_closed_once_and_with_a_reason(world: World, till: Till) -> None:
    """Who closed it and why is proved with the books."""
    till.open(20_000)
    till.close(cash=19_900)
    (row,) = open_rows(world.view)
    assert isinstance(_explain(world, row.row_id, " "), ReasonMissing)
    assert _rows(world) == ["till_short"]
    done = _explain(world, row.row_id, "a note of 1 yuan fell behind the drawer")
    assert isinstance(done, counter.RowExplained)
    assert not _rows(world)
    found = world.view.execute("SELECT reason, operator_no FROM finding_closed")
    assert found.fetchall() == [("a note of 1 yuan fell behind the drawer", "01")]
    for gone in (row.row_id, "0", "x", "9" * 30):
        assert isinstance(_explain(world, gone, "again"), NoSuchRow)
    world.require_proved()


def test_a_row_that_something_else_closes_is_not_closed_by_words(
    world: World,
) -> None:
    """A broken card waits for its replacement."""
    _finding(world, "waste_card")
    (row,) = open_rows(world.view)
    assert row.people == 0
    assert isinstance(_explain(world, row.row_id, "no matter"), RowClosesItself)
    assert _rows(world) == ["waste_card"]


def test_where_two_people_decide_two_people_close(world: World) -> None:
    """One alone, or twice the same, closes nothing."""
    _finding(world, "card_rolled_back")
    (row,) = open_rows(world.view)
    assert row.people == 2
    assert isinstance(_explain(world, row.row_id, "seen"), SecondPersonMissing)
    assert isinstance(_explain(world, row.row_id, "seen", "01"), SamePerson)
    assert isinstance(_explain(world, row.row_id, "seen", "03"), RightMissing)
    assert _rows(world) == ["card_rolled_back"]
    assert isinstance(_explain(world, row.row_id, "seen", "02"), counter.RowExplained)
    assert not _rows(world)


def _finding(world: World, kind: str) -> None:
    world.must(
        world.database.write(
            lambda tx: findings.open_finding(tx, kind, "01000231", {"number": 1})
        )
    )
