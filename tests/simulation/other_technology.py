"""A lost MIFARE card that is replaced by the one card of a world of another kind."""

from typing import Any

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.contract.marks import MarkOrder
from tests.simulation.card_cases import ACT, FIRST
from tests.simulation.money_cards import Chip, PowerCut, Reader
from tests.simulation.money_world import CALL, World
from tests.simulation.world_parts import Watch


def lost_classic(world: World, mode: PaymentMode) -> str:
    """Issue a MIFARE card at the same counter, and report it lost; return its key."""
    there = world.reader, world.watch._reader, world.watch._card
    world.reader = Reader()
    beside = Watch(world.reader)
    world.watch._reader, world.watch._card = beside._reader, beside._card
    issued = world.issue(Chip(bytes.fromhex("04a1b2c3")), mode, FIRST)
    assert isinstance(issued, ActReply), issued
    world.reader, world.watch._reader, world.watch._card = there
    order = MarkOrder(card_key=issued.card_key, reason="lost", approval=None)
    world.must(world.answers.marks.marking("report_loss")(order, CALL))
    return issued.card_key


def replaced(
    world: Any, chip: Any, mode: PaymentMode, fault: Any, at: int
) -> tuple[bool, str]:
    """Replace it with a fault in the new card's field, tap twice, prove the end.

    Returns whether the fault struck, and the key of the new card.
    """
    key = lost_classic(world, mode)
    quoted = world.quote("replace", key, chip)
    given: dict[str, Any] = {"quoted": quoted, "act": ACT}
    world.act("replace", key, chip, arm=lambda: world.field.arm(fault, at), **given)
    struck = tapped_after(world, chip)
    end = world.find(ACT)
    if end.state is ActState.UNKNOWN:
        assert world.value("SELECT state FROM card", key) == "lost"
        end = world.act("replace", key, chip)
        assert isinstance(end, ActReply), end
    assert end.state is ActState.DONE
    assert world.balance_on(chip) == FIRST
    unit, each = ("m3", 10) if mode.in_quantity else ("CNY", 100)
    assert world.account(f"card:{key}", unit) == 0
    assert world.account(f"card:{end.card_key}", unit) == -each * FIRST
    assert world.value("SELECT state FROM card", key) == "replaced"
    world.require_proved()
    return struck, end.card_key


def tapped_after(world: Any, chip: Any) -> bool:
    """Mend the field and tap twice; return whether its fault had struck."""
    struck = world.field.fault is None
    world.field.fault = None
    world.require_proved()
    for _ in range(2):
        shown = world.present(chip)
        assert not isinstance(shown, StationError | PowerCut), shown
    return struck
