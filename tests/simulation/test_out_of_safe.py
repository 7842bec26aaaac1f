"""What a till cannot give is drawn from the safe; rows that only a person closes."""

from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain.payment import PaymentMode
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState, TillView
from cngstation.rpc.contract.marks import Approval
from cngstation.services.approve import (
    ReasonMissing,
    SamePerson,
    SecondPersonMissing,
)
from cngstation.services.check_rights import RightMissing
from cngstation.services.explain_row import NoSuchRow, RowClosesItself
from cngstation.services.open_rows import open_rows
from cngstation.storage import findings, journal
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, World
from tests.simulation.test_till import Till, a_card, rows_of
from tests.simulation.world_parts import PASSWORD

MONEY = PaymentMode.PREPAID_MONEY
CASH = "till:1:cash"


@pytest.fixture
def till(world: World) -> Till:
    """The till of the world."""
    return Till(world)


# What goes back when nobody stands at an open till.


def _taken_back_in_doubt(world: World, till: Till, tender: str) -> tuple[Chip, str]:
    """Leave a top-up of 50 yuan taken back by 30, its answer lost."""
    till.open(20_000)
    chip, key = a_card(world)
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
    assert not rows_of(world)


def test_a_refund_that_a_fill_proves_is_named(world: World, till: Till) -> None:
    """Nobody stands at the till when a dispenser's record ends an act."""
    chip, _ = _taken_back_in_doubt(world, till, "cash")
    drawer, safe = world.account(CASH), world.account("safe:cash")
    world.upload(0, world.fill(chip, 100))
    assert world.find("ACT-BACK").state is ActState.DONE
    assert world.account(CASH) == drawer
    assert world.account("safe:cash") == safe - 300_000
    assert rows_of(world) == ["refund_waits"]
    world.require_proved()


def test_cash_of_an_undone_act_comes_out_of_the_safe_too(
    world: World, till: Till
) -> None:
    """Whoever undoes it while the till is closed: the closed till stays at nought."""
    till.open(0)
    chip, key = a_card(world)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 500, act="ACT-OPEN")
    world.reader.arm(None, writes=True)
    till.close(cash=world.account(CASH) // 100)
    safe = world.account("safe:cash")
    intent = journal.find(world.view, "ACT-OPEN")
    assert intent is not None
    world.must(
        world.database.write(lambda tx: world.acts.undo(tx, intent, "it was overtaken"))
    )
    assert world.account(CASH) == 0
    assert world.account("safe:cash") == safe - 50_000
    assert rows_of(world) == ["refund_waits"]
    world.require_proved()


def test_a_company_has_its_money_back_while_the_till_is_closed(
    world: World, till: Till
) -> None:
    """What goes back to an account of the books asks no till."""
    till.open(0)
    chip, key = a_card(world)
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
    assert not rows_of(world)


# Rows that only words close.


def _explain(world: World, row_id: str, reason: str, second: str = "") -> Any:
    password = SecretStr(PASSWORD)
    approval = Approval(
        login_name=f"name{second}", password=password, own_password=password
    )
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
    assert rows_of(world) == ["till_short"]
    done = _explain(world, row.row_id, "a note of 1 yuan fell behind the drawer")
    assert isinstance(done, counter.RowExplained)
    assert not rows_of(world)
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
    assert rows_of(world) == ["waste_card"]


def test_where_two_people_decide_two_people_close(world: World) -> None:
    """One alone, or twice the same, closes nothing."""
    _finding(world, "card_rolled_back")
    (row,) = open_rows(world.view)
    assert row.people == 2
    assert isinstance(_explain(world, row.row_id, "seen"), SecondPersonMissing)
    assert isinstance(_explain(world, row.row_id, "seen", "01"), SamePerson)
    assert isinstance(_explain(world, row.row_id, "seen", "03"), RightMissing)
    assert rows_of(world) == ["card_rolled_back"]
    assert isinstance(_explain(world, row.row_id, "seen", "02"), counter.RowExplained)
    assert not rows_of(world)


def _finding(world: World, kind: str) -> None:
    world.must(
        world.database.write(
            lambda tx: findings.open_finding(tx, kind, "01000231", {"number": 1})
        )
    )
