"""Every act on a registered card, on a DESFire card and cut off in its frames.

The station's own engine and driver, the virtual card, and no line between them.
"""

from collections.abc import Callable
from typing import Any

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.counter import ActReply, ActState
from tests.simulation.card_cases import ACT, KINDS, Case, plan_dearer
from tests.simulation.money_cards import MASTER_KEY, Chip, Dispenser
from tests.simulation.other_technology import replaced, tapped_after
from tests.simulation.test_desfire_crash_points import CHIP, DesfireWorld, Fault

GAS = PaymentMode.PREPAID_QUANTITY
EVERY_NTH = 3  # frames; an act has some forty


class DesfireDispenser(Dispenser):
    """A nozzle that takes the card of a world."""

    world: DesfireWorld

    def _held(self, chip: Chip) -> tuple[Any, Any]:
        self.world.field.insert()
        return self.world.field, DesfirePurseCard(self.world.field, MASTER_KEY)


class DesfireCase(Case):
    """The one DESFire card of a world, made ready for an act."""

    def __post_init__(self) -> None:
        assert isinstance(self.world, DesfireWorld)
        self.chip = CHIP
        nozzle = DesfireDispenser(1)
        nozzle.world = self.world
        self.world.dispensers[0] = nozzle
        amount = self.amount if self.mode.prepaid else 0
        issued = self.world.issue(self.chip, self.mode, amount)
        assert isinstance(issued, ActReply)
        assert issued.state is ActState.DONE
        self.key = issued.card_key


def _dearer(case: Case) -> dict[str, Any]:
    plan_dearer(case.world)
    return {}


ON_DESFIRE: dict[str, tuple[PaymentMode, Callable[[Case], dict[str, Any]]]] = {
    **KINDS,
    "rewrite_price": (PaymentMode.PREPAID_MONEY, _dearer),
}


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("kind", sorted(ON_DESFIRE))
def test_an_act_cut_off_is_ended_by_the_next_tap(kind: str, fault: Fault) -> None:
    """Looks, write, commit and reading back: it is done once, or not at all."""
    at = 0
    while _ends_well(kind, fault, at):
        at += EVERY_NTH
    assert at > 12


def _ends_well(kind: str, fault: Fault, at: int) -> bool:
    world = DesfireWorld()
    try:
        mode, prepare = ON_DESFIRE[kind]
        case = DesfireCase(world, mode)
        case.given |= prepare(case)
        case.do(kind, act=ACT, arm=lambda: world.field.arm(fault, at))
        struck = tapped_after(world, CHIP)
        end = world.find(ACT)
        assert end.state in {ActState.DONE, ActState.UNKNOWN}, end
        if end.state is ActState.UNKNOWN:
            case.check()
            again = case.do(kind)
            assert isinstance(again, ActReply), again
            assert again.state is ActState.DONE
        if kind == "wipe":
            assert world.reading(CHIP).state is CardState.BLANK
            world.require_proved()
        else:
            assert world.reading(CHIP).whole
            case.check()
        return struck
    finally:
        world.close()


@pytest.mark.parametrize("fault", list(Fault))
def test_a_replacement_cut_off_is_ended_by_the_next_tap(fault: Fault) -> None:
    """A lost card of another technology is replaced by a DESFire card, once."""
    at = 0
    while _is_replaced(fault, at):
        at += EVERY_NTH
    assert at > 12


def _is_replaced(fault: Fault, at: int) -> bool:
    world = DesfireWorld()
    try:
        struck, _key = replaced(world, CHIP, GAS, fault, at)
        return struck
    finally:
        world.close()
