"""A registered prepaid card, its top-up, and the proof that its money is there once."""

from collections.abc import Sequence
from typing import Any

from cngstation.domain.payment import PaymentMode
from cngstation.rpc.contract.counter import ActReply, ActState
from tests.simulation.money_cards import Chip
from tests.simulation.money_proof import Holder, Proof, started
from tests.simulation.money_world import World

MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY
PREPAID = [MONEY, GAS]
FIRST, ADDED = 10_000, 5_000
ACT = "ACT-UNDER-TEST"


def new_card(
    world: World, mode: PaymentMode, uid: str = "04a1b2c3"
) -> tuple[Chip, str]:
    """Issue a card; return its chip and its key."""
    chip = Chip(bytes.fromhex(uid))
    issued = world.issue(chip, mode, FIRST)
    assert isinstance(issued, ActReply)
    assert issued.state is ActState.DONE
    return chip, issued.card_key


def require(
    world: World, chip: Chip, mode: PaymentMode, records: Sequence[Any] = ()
) -> None:
    """Require that what was done to this one card is there once, and all of it."""
    acts = world.intents()
    key = acts[-1]["card_key"] if acts else ""
    holder = Holder(chip, mode, ACT, key)
    proof = Proof([holder])
    for record in records:
        holder.fills.append((0, record))
        proof.brought.add((0, started(record)))
    proof.check(world)
