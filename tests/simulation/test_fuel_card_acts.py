"""Every act on a registered card, on a fuel card and cut off in its commands.

The station's own engine and driver, the virtual card, and no line between them.
"""

from typing import Any

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.counter import ActReply, ActState
from tests.fuel_cards import MOMENT, PLACE, dispenser
from tests.simulation.card_cases import plan_dearer
from tests.simulation.money_world import World
from tests.simulation.other_technology import lost_classic, replaced, tapped_after
from tests.simulation.test_fuel_card_crash_points import (
    ACT,
    CHIP,
    FIRST,
    KEY,
    MONEY,
    Fault,
    FuelWorld,
    proved,
)

ADDED = 5_000
EVERY_NTH = 3  # commands; an act has some forty


def _dearer(world: World) -> dict[str, Any]:
    plan_dearer(world)
    return {}


def _topped_up(world: World) -> dict[str, Any]:
    world.top_up(KEY, CHIP, ADDED, act="TOP-UP-BEFORE")
    return {"of": "TOP-UP-BEFORE", "amount": 2_000}


def _cancelled(world: World) -> dict[str, Any]:
    told = world.act("cancel", KEY, CHIP)
    assert isinstance(told, ActReply), told
    assert told.state is ActState.DONE
    return {}


def _nothing(_world: World) -> dict[str, Any]:
    return {}


DATE = {"cylinder_due": "2030-01-31", "certificate": "CERT-0042"}
KINDS = {
    "reverse_top_up": _topped_up,
    "cancel": _nothing,
    "wipe": _cancelled,
    "edit": lambda world: {"fields": {"plate": "川B54321"}},
    "cylinder_date": lambda world: {"fields": DATE},
    "rewrite_price": _dearer,
}
AFTER = {"reverse_top_up": FIRST + ADDED - 2_000, "cancel": 0, "wipe": 0}


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_act_cut_off_is_ended_by_the_next_tap(kind: str, fault: Fault) -> None:
    """Looks, proofs, files and the move: it is done once, or not at all."""
    at = 0
    while _ends_well(kind, fault, at):
        at += EVERY_NTH
    assert at > 12


def _ends_well(kind: str, fault: Fault, at: int) -> bool:
    world = FuelWorld()
    try:
        issued = world.issue(CHIP, MONEY, FIRST)
        assert isinstance(issued, ActReply)
        given = KINDS[kind](world)
        world.act(kind, KEY, CHIP, act=ACT, arm=_arm(world, fault, at), **given)
        struck = tapped_after(world, CHIP)
        end = world.find(ACT)
        assert end.state in {ActState.DONE, ActState.UNKNOWN}, end
        if end.state is ActState.UNKNOWN:
            again = world.act(kind, KEY, CHIP, **given)
            assert isinstance(again, ActReply), again
            assert again.state is ActState.DONE
        assert world.balance_on(CHIP) == AFTER.get(kind, FIRST)
        assert world.memory.balance == AFTER.get(kind, FIRST)
        state = CardState.BLANK if kind == "wipe" else CardState.OURS
        assert world.reading(CHIP).state is state
        proved(world, at_dispensers=kind == "wipe")
        return struck
    finally:
        world.close()


def _arm(world: FuelWorld, fault: Fault, at: int) -> Any:
    return lambda: world.field.arm(fault, at)


@pytest.mark.parametrize("fault", list(Fault))
def test_a_replacement_cut_off_is_ended_by_the_next_tap(fault: Fault) -> None:
    """A lost card of another technology is replaced by a fuel card, once."""
    at = 0
    while _is_replaced(fault, at):
        at += EVERY_NTH
    assert at > 12


def _is_replaced(fault: Fault, at: int) -> bool:
    world = FuelWorld()
    try:
        struck, key = replaced(world, CHIP, MONEY, fault, at)
        assert key == KEY
        return struck
    finally:
        world.close()


def test_a_mode_that_the_card_does_not_keep_is_named() -> None:
    """A card of gas is not replaced by a fuel card; no money has moved."""
    world = FuelWorld()
    try:
        key = lost_classic(world, PaymentMode.PREPAID_QUANTITY)
        till = world.account("till:1:cash")
        told = world.act("replace", key, CHIP)
        assert isinstance(told, StationError), told
        assert told.code == "refusal.mode_not_on_card"
        assert world.account("till:1:cash") == till
        assert world.value("SELECT state FROM card", key) == "lost"
        world.require_proved()
    finally:
        world.close()


@pytest.mark.parametrize(
    ("kind", "code"),
    [("settle_grey", "refusal.no_grey_record"), ("clear_credit", "refusal.not_credit")],
)
def test_what_such_a_card_cannot_have_is_named(kind: str, code: str) -> None:
    """No record of its fills comes and it holds no credit: nothing is written."""
    world = FuelWorld()
    try:
        issued = world.issue(CHIP, MONEY, FIRST)
        assert isinstance(issued, ActReply)
        if kind == "settle_grey":
            dispenser(PLACE).lock(world.field.card, MOMENT)
            world.present(CHIP)
        held = world.memory.balance, world.memory.on_line, world.memory.lock_state
        told = world.act(kind, KEY, CHIP)
        assert isinstance(told, StationError), told
        assert told.code == code
        now = world.memory.balance, world.memory.on_line, world.memory.lock_state
        assert now == held
        assert len(world.intents()) == 1
        proved(world, at_dispensers=True)
    finally:
        world.close()
