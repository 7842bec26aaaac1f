"""No path reaches a dangerous effect with one identity: every one is walked here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation.domain.payment import PaymentMode
from cngstation.domain.rights import ROLES
from cngstation.errors import StationError
from cngstation.rpc.contract.card_acts import CARD_ACTS
from cngstation.rpc.contract.counter import COUNTER, ActReply
from cngstation.rpc.contract.marks import Approval, MarkOrder
from cngstation.services import mark_card
from cngstation.services.move_balance import KIND as REPLACE
from cngstation.services.replace_card import UNPROVED_RIGHT
from tests.simulation.money_cards import Chip
from tests.simulation.money_world import CALL, World
from tests.simulation.world_parts import PASSWORD

# What takes two people at this counter, by the act and its right.
TWO_PEOPLE = {
    "unblacklist": "card.unblacklist",
    "reverse_top_up": "card.reverse_top_up",
    "settle_grey_by_hand": "card.settle_grey_by_hand",
    "replace": "card.replace_unproved",  # of a balance that is typed or not proved
}


def _card(world: World) -> tuple[Chip, str]:
    chip = Chip(bytes.fromhex("04a1b2c3"))
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 10_000)
    assert isinstance(issued, ActReply)
    return chip, issued.card_key


def _mark(world: World, name: str, key: str, second: str = "") -> Any:
    approval = None
    if second:
        approval = Approval(login_name=f"name{second}", password=SecretStr(PASSWORD))
    order = MarkOrder(card_key=key, reason="because", approval=approval)
    return world.run(world.answers.marks.marking(name)(order, CALL))


def _unblacklist(world: World, second: str) -> Any:
    _, key = _card(world)
    _mark(world, "blacklist", key)
    return _mark(world, "unblacklist", key, second)


def _reverse(world: World, second: str) -> Any:
    chip, key = _card(world)
    world.top_up(key, chip, 5_000, act="THE-TOP-UP")
    given = {"of": "THE-TOP-UP", "amount": 100, "second": second}
    return world.act("reverse_top_up", key, chip, **given)


def _by_hand(world: World, second: str) -> Any:
    chip, key = _card(world)
    world.fill(chip, 1_000, leaves=True)
    return world.act("settle_grey_by_hand", key, chip, amount=100, second=second)


def _typed(world: World, second: str) -> Any:
    _, key = _card(world)
    _mark(world, "report_loss", key)
    fields = {"typed": "1"}
    new = Chip(bytes.fromhex("05a1b2c3"))
    return world.act("replace", key, new, fields=fields, amount=99, second=second)


def _unproved(world: World, second: str) -> Any:
    made = world.answers.card_acts._parts.replacements
    nozzles = tuple(d.setting.key for d in world.dispensers)
    made._rules = replace(made._rules, nozzles=nozzles)
    _, key = _card(world)
    _mark(world, "report_loss", key)
    return world.act("replace", key, Chip(bytes.fromhex("05a1b2c3")), second=second)


PATHS: dict[str, tuple[str, Callable[[World, str], Any]]] = {
    "unblacklist": ("unblacklist", _unblacklist),
    "reverse_top_up": ("reverse_top_up", _reverse),
    "settle_grey_by_hand": ("settle_grey_by_hand", _by_hand),
    "replace, typed": ("replace", _typed),
    "replace, not proved": ("replace", _unproved),
}


def test_the_list_is_what_the_services_say(world: World) -> None:
    """An act that takes two is in the list, and nothing else is."""
    marks = {
        kind.name: kind.right for kind in mark_card.KINDS.values() if kind.two_people
    }
    desk = world.answers.card_acts._parts.card_acts
    acts = {
        kind: desk.right_of(kind)
        for kind in CARD_ACTS
        if kind != REPLACE and desk.takes_two(kind)
    }
    assert {**marks, **acts, REPLACE: UNPROVED_RIGHT} == TWO_PEOPLE
    assert {act for act, _ in PATHS.values()} == TWO_PEOPLE.keys()


def test_every_right_of_an_act_is_in_the_table_of_rights() -> None:
    """No method asks for a right that nobody has, none of two people is a junior's."""
    every = frozenset().union(*ROLES.values())
    asked = {m.right for m in COUNTER.methods if m.right and m.right != "session.any"}
    assert asked <= every
    for right in TWO_PEOPLE.values():
        assert right not in ROLES["general"] | ROLES["junior"] | ROLES["middle"]


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize(
    ("second", "codes"),
    [
        ("", {"refusal.second_person_missing", "refusal.balance_unproved"}),
        ("01", {"refusal.same_person"}),
        ("03", {"refusal.right"}),
    ],
)
def test_one_identity_reaches_nothing(
    world: World, path: str, second: str, codes: set[str]
) -> None:
    """Nobody, oneself, somebody without the right: refused, the book is as it was."""
    _, walk = PATHS[path]
    told = walk(world, second)
    assert isinstance(told, StationError), told
    assert told.code in codes
    acts = [act["kind"] for act in world.intents()]
    assert set(acts) <= {"issue", "top_up"}
    done = world.view.execute(
        "SELECT count(*) FROM audit WHERE act LIKE '%.approve'"
    ).fetchone()
    assert done == (0,)
    world.require_proved()


@pytest.mark.parametrize("path", sorted(PATHS))
def test_two_people_reach_it_and_both_are_named(world: World, path: str) -> None:
    """With the second person it is done; the audit has both and the reason."""
    act, walk = PATHS[path]
    told = walk(world, "02")
    assert not isinstance(told, StationError), told
    rows = world.view.execute(
        "SELECT operator_no, reason FROM audit WHERE act IN (?, ?) ORDER BY seq",
        (f"card.{act}", f"card.{act}.approve"),
    ).fetchall()
    assert [number for number, _ in rows] == ["01", "02"]
    assert all(reason for _, reason in rows)
    world.require_proved()


def test_a_first_person_without_the_right_is_not_helped_by_the_second(
    world: World,
) -> None:
    """Both need the right at the moment of the act."""
    from cngstation.storage import operators

    _, key = _card(world)
    _mark(world, "blacklist", key)
    world.must(
        world.database.write(
            lambda tx: operators.change(tx, "01", reason="moved", role="middle")
        )
    )
    told = _mark(world, "unblacklist", key, "02")
    assert isinstance(told, StationError)
    assert told.code == "refusal.right"
    assert world.value("SELECT state FROM card", key) == "black"
