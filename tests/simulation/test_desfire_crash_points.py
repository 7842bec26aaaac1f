"""Acts on a DESFire card, cut off in every frame: the money is there once.

The station's own engine and driver, the virtual card, and no line between them. The
card is pulled, its answer is lost, the reader dies or the power goes, in each frame.
"""

import shutil
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.drivers.purse_card import CardReading
from cngstation.errors import DeviceUnavailable, OutcomeUnknown, StationError
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.counter import ActReply, ActState
from tests.desfire_field import UID, DesfireField
from tests.simulation.money_cards import MASTER_KEY, PowerCut
from tests.simulation.money_proof import Holder, Proof
from tests.simulation.money_world import World

FIRST, ADDED = 10_000, 5_000
ACT = "ACT-UNDER-TEST"
MODES = [PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY]


class Fault(StrEnum):
    """What goes wrong with a frame."""

    PULLED = "pulled"  # the card leaves; the frame is not carried out
    LEFT = "left"  # carried out; nobody hears it, and the card leaves
    ANSWER_LOST = "answer_lost"  # carried out; nobody hears it, and the card stays
    READER_DIES = "reader_dies"  # not carried out; the reader does not answer any more
    CUT_BEFORE = "cut_before"  # the power goes before the frame
    CUT_AFTER = "cut_after"  # ... after it


class FailingField(DesfireField):
    """Fails in the frame that one says."""

    fault: Fault | None = None
    countdown = 0

    def arm(self, fault: Fault, countdown: int) -> None:
        """Fail after so many good frames."""
        self.fault, self.countdown = fault, countdown

    def put(self, _chip: object) -> None:
        """Lay the card on the reader again."""
        self.insert()

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Send a frame, or fail in it."""
        fault = self.fault if self.selected else None
        if fault is not None and self.countdown:
            self.countdown -= 1
            fault = None
        if fault is None:
            return await super().transmit(apdu, changes_card=changes_card)
        self.fault = None
        if fault in {Fault.LEFT, Fault.ANSWER_LOST, Fault.CUT_AFTER}:
            await super().transmit(apdu, changes_card=changes_card)
        self.selected = False
        if fault in {Fault.CUT_BEFORE, Fault.CUT_AFTER}:
            raise PowerCut
        if fault in {Fault.PULLED, Fault.LEFT}:
            self.field.remove()
        if changes_card:
            raise OutcomeUnknown(device="field")
        if fault is Fault.READER_DIES:
            raise DeviceUnavailable(device="field", why="it does not answer")
        raise CardGone


class DesfireWorld(World):
    """A station whose one card is a DESFire."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="desfire-"))
        self.field = FailingField(self.folder)
        self.card = DesfirePurseCard(self.field, MASTER_KEY)
        super().__init__()

    async def _put_together(self) -> None:
        await super()._put_together()
        self.reader: Any = self.field
        self.watch._reader, self.watch._card = self.field, self.card

    def reading(self, _chip: object) -> CardReading:
        """Read the card without fault."""
        self.field.insert()
        return self.must(self.card.read(UID))

    def close(self) -> None:
        """End the station and remove its files."""
        super().close()
        self.field.field.remove()
        shutil.rmtree(self.folder)


class TheCard:
    """Stands for the one card where a chip is asked for."""

    uid = UID


CHIP: Any = TheCard()


@pytest.fixture
def world() -> Iterator[DesfireWorld]:
    """A station with a file and a card of its own."""
    made = DesfireWorld()
    yield made
    made.close()


def proved(world: World, mode: PaymentMode) -> None:
    """Count the money on the card, in the acts and in the books: it must agree."""
    acts = world.intents()
    key = acts[-1]["card_key"] if acts else ""
    Proof([Holder(CHIP, mode, ACT, key)]).check(world)


def cut_off(fault: Fault, at: int, act: Callable[[DesfireWorld], object]) -> bool:
    """Cut an act off in a frame, finish it by the next tap, and prove the money."""
    world, mode = DesfireWorld(), PaymentMode.PREPAID_MONEY
    try:
        before = _issued(world, mode) if act is top_up else 0
        world.field.arm(fault, at)
        act(world)
        struck = world.field.fault is None
        world.field.fault = None
        proved(world, mode)
        shown = world.present(CHIP)
        assert not isinstance(shown, StationError | PowerCut), shown
        state = world.find(ACT).state
        assert state in {ActState.DONE, ActState.UNKNOWN}
        added = ADDED if act is top_up else FIRST
        assert world.balance_on(CHIP) == before + (
            added if state is ActState.DONE else 0
        )
        proved(world, mode)
        act(world)  # the screen asks again with the same id
        assert world.find(ACT).state is ActState.DONE
        assert world.balance_on(CHIP) == before + added
        reading = world.reading(CHIP)
        assert (reading.state, reading.whole) == (CardState.OURS, True)
        proved(world, mode)
    finally:
        world.close()
    return struck


def _issued(world: World, mode: PaymentMode) -> int:
    done = world.issue(CHIP, mode, FIRST)
    assert isinstance(done, ActReply)
    assert done.state is ActState.DONE
    return FIRST


def issue(world: World) -> object:
    """Issue the card, for money."""
    return world.issue(CHIP, PaymentMode.PREPAID_MONEY, FIRST, ACT)


def top_up(world: World) -> object:
    """Top the card up as it was shown before the first try."""
    key = world.intents()[0]["card_key"]
    return world.top_up(key, CHIP, ADDED, before=FIRST, act=ACT)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("act", [issue, top_up], ids=["issue", "top_up"])
def test_an_act_cut_off_in_every_frame(
    fault: Fault, act: Callable[[DesfireWorld], object]
) -> None:
    """Looks, set-up, write, commit and reading back: the next tap ends it, once."""
    at = 0
    while cut_off(fault, at, act):
        at += 1
    # Two readings of six frames and a write of eleven; an issue is longer.
    assert at == 23 if act is top_up else at > 40


@pytest.mark.parametrize("mode", MODES)
def test_an_undone_act_leaves_the_card_as_it_was(
    world: DesfireWorld, mode: PaymentMode
) -> None:
    """Torn before its commit and given back: the money goes back and nothing came."""
    _issued(world, mode)
    key = world.intents()[0]["card_key"]
    world.field.arm(Fault.PULLED, 20)  # the commit
    told = world.top_up(key, CHIP, ADDED, before=FIRST, act=ACT)
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
    back = world.give_back(ACT, CHIP)
    assert isinstance(back, ActReply)
    assert world.balance_on(CHIP) == FIRST
    proved(world, mode)
