"""Loss, blacklist and activation: by number, with right, reason and second person."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain.card_life import CardState
from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.contract.marks import Approval, Marked, MarkOrder
from cngstation.services.mark_card import KINDS
from cngstation.storage import operators
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, World
from tests.simulation.world_parts import PASSWORD

FIRST = 10_000
OWN = SecretStr(PASSWORD)
SECOND = Approval(login_name="name02", password=OWN, own_password=OWN)


def test_a_lost_card_comes_back_as_it_was(world: World) -> None:
    """Loss and its withdrawal give the state before, whatever that was."""
    chip, key = _card(world)
    for marks, state in (
        (("report_loss",), "lost"),
        (("withdraw_loss",), "normal"),
        (("suspend", "report_loss", "withdraw_loss"), "inactive"),
        (("activate",), "normal"),
        (("blacklist", "report_loss", "withdraw_loss"), "black"),
        (("unblacklist",), "normal"),
    ):
        for mark in marks:
            told = _mark(world, mark, key)
            assert isinstance(told, Marked), told
        assert world.value("SELECT state FROM card", key) == state
    assert world.top_up(key, chip, 100).state is ActState.DONE
    world.require_proved()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_mark_is_written_down(world: World, name: str) -> None:
    """Each mark has its row with reason, states and people, and its audit."""
    _, key = _card(world)
    undoes = {"withdraw_loss": "report_loss", "unblacklist": "blacklist"}
    if before := undoes.get(name, "suspend" if name == "activate" else ""):
        _mark(world, before, key)
    assert isinstance(_mark(world, name, key), Marked)
    row = world.view.execute(
        "SELECT mark, reason, operator_no, second_operator_no FROM card_mark"
        " ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    second = "02" if KINDS[name].two_people else ""
    assert row == (name, "because of this", "01", second)
    acts = world.view.execute(
        "SELECT act, operator_no, reason FROM audit WHERE subject=?"
        " AND act LIKE ? ORDER BY seq",
        (key, f"card.{name}%"),
    ).fetchall()
    told = [(f"card.{name}", "01", "because of this")]
    if second:
        told.append((f"card.{name}.approve", "02", "because of this"))
    assert acts == told
    world.require_proved()


@pytest.mark.parametrize(
    ("approval", "code"),
    [
        (None, "refusal.second_person_missing"),
        (("name01", PASSWORD), "refusal.same_person"),
        (("name03", PASSWORD), "refusal.right"),
        (("name02", "wrong"), "refusal.login"),
        (("nobody", PASSWORD), "refusal.login"),
    ],
)
def test_two_people_are_two(
    world: World, approval: tuple[str, str] | None, code: str
) -> None:
    """No second person, the same one, one without the right: nothing happens."""
    _, key = _card(world)
    _mark(world, "blacklist", key)
    given = approval and Approval(
        login_name=approval[0], password=SecretStr(approval[1]), own_password=OWN
    )
    refused = _mark(world, "unblacklist", key, approval=given or None)
    assert isinstance(refused, StationError)
    assert refused.code == code
    assert world.value("SELECT state FROM card", key) == "black"


def test_wrong_passwords_of_a_second_person_lock_as_at_a_login(world: World) -> None:
    """The third wrong password makes the right one wait too."""
    _, key = _card(world)
    _mark(world, "blacklist", key)
    wrong = SECOND.model_copy(update={"password": SecretStr("wrong")})
    codes = [
        _mark(world, "unblacklist", key, approval=given).code
        for given in (wrong, wrong, wrong, SECOND)
    ]
    assert codes == ["refusal.login"] * 2 + ["refusal.login_wait"] * 2


def test_a_second_person_who_was_retired_meanwhile_approves_nothing(
    world: World,
) -> None:
    """What was checked is asked once more in the transaction of the act."""
    _, key = _card(world)
    _mark(world, "blacklist", key)

    async def retired() -> None:
        world.database.meanwhile = None
        await world.database.write(
            lambda tx: operators.change(tx, "02", reason="left", state="retired")
        )

    world.database.meanwhile = retired
    refused = _mark(world, "unblacklist", key)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.operator_state"


def test_a_loss_takes_effect_after_the_hours_of_the_station(world: World) -> None:
    """The mark says from when on it may be relied on; at once where nothing is set."""
    _, key = _card(world)
    now = _mark(world, "report_loss", key)
    _mark(world, "withdraw_loss", key)
    marks = world.answers.marks._parts.marks
    marks._rules = replace(marks._rules, loss_effective_hours=24)
    later = _mark(world, "report_loss", key)
    assert isinstance(now, Marked)
    assert isinstance(later, Marked)
    waits = later.takes_effect_at_ms - now.takes_effect_at_ms
    assert 24 * 3_600_000 <= waits < 25 * 3_600_000


def test_marks_that_want_a_reason_are_not_made_without(world: World) -> None:
    """Blacklist, suspension: why is asked for before anything is done."""
    _, key = _card(world)
    for name in ("blacklist", "suspend"):
        refused = _mark(world, name, key, reason=" ")
        assert isinstance(refused, StationError)
        assert refused.code == "refusal.reason_missing"


def test_a_mark_that_the_state_forbids_names_the_way_out(world: World) -> None:
    """A card reported lost is not reported lost again, and one in use not activated."""
    _, key = _card(world)
    refused = _mark(world, "activate", key)
    assert isinstance(refused, StationError)
    assert "nothing has to be cured" in refused.sentence()
    _mark(world, "report_loss", key)
    refused = _mark(world, "report_loss", key)
    assert isinstance(refused, StationError)
    assert "withdraw the loss or replace it" in refused.sentence()
    unknown = _mark(world, "report_loss", "002809999999")
    assert isinstance(unknown, StationError)
    assert unknown.code == "refusal.unknown_card"


def test_a_card_whose_issue_was_cut_off_is_not_activated(world: World) -> None:
    """What activates such a card is the end of its issue."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    world.reader.arm(Fault.PULLED, 2, writes=True)
    told = world.issue(chip, PaymentMode.PREPAID_MONEY, FIRST)
    assert isinstance(told, ActReply)
    refused = _mark(world, "activate", told.card_key)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.act_open"
    assert world.value("SELECT state FROM card", told.card_key) == CardState.INACTIVE


def _mark(
    world: World,
    name: str,
    key: str,
    *,
    reason: str = "because of this",
    approval: Approval | None = SECOND,
) -> Any:
    order = MarkOrder(card_key=key, reason=reason, approval=approval)
    return world.run(world.answers.marks.marking(name)(order, CALL))


def _card(world: World) -> tuple[Chip, str]:
    chip = Chip(bytes.fromhex("04a1b2c3"))
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, FIRST)
    assert isinstance(issued, ActReply)
    return chip, issued.card_key
