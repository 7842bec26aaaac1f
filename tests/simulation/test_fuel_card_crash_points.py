"""Acts on a fuel card, cut off in every command: the money is there once.

The station's own engine and driver, the virtual card, and no line between them. The
card is pulled, its answer is lost, the reader dies or the power goes, in each command.
"""

import shutil
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.drivers.card_reader import CardGone, CardTraits, ReaderHealth
from cngstation.drivers.fuel_purse_card import FuelPurseCard
from cngstation.drivers.purse_card import CardReading
from cngstation.errors import DeviceUnavailable, OutcomeUnknown, StationError
from cngstation.moments import SystemClock
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.simulators.fuel_card import FuelCard
from cngstation.simulators.fuel_card_memory import Memory
from tests.fuel_cards import (
    COUNTER_TERMINAL,
    FUEL_UID,
    MOMENT,
    NUMBER,
    PLACE,
    counter_keys,
    dispenser,
    memory_in,
    new_card,
)
from tests.simulation.money_cards import PowerCut
from tests.simulation.money_proof import Holder, Proof
from tests.simulation.money_world import World

FIRST, ADDED, OWED = 10_000, 5_000, 1_230
KEY = NUMBER[4:]
ACT = "ACT-UNDER-TEST"
MONEY = PaymentMode.PREPAID_MONEY


class Fault(StrEnum):
    """What goes wrong with a command."""

    PULLED = "pulled"  # the card leaves; the command is not carried out
    LEFT = "left"  # carried out; nobody hears it, and the card leaves
    ANSWER_LOST = "answer_lost"  # carried out; nobody hears it, and the card stays
    READER_DIES = "reader_dies"  # not carried out; the reader does not answer any more
    CUT_BEFORE = "cut_before"  # the power goes before the command
    CUT_AFTER = "cut_after"  # ... after it


_CARRIED_OUT = {Fault.LEFT, Fault.ANSWER_LOST, Fault.CUT_AFTER}


class Field:
    """A reader over one card that fails in the command that one says."""

    NAME: ClassVar[str] = "field"
    health = ReaderHealth(online=True, firmware="", last_fault="")
    traits = CardTraits(has_sectors=False, takes_apdus=True)

    def __init__(self, memory: Memory) -> None:
        self.card = FuelCard(memory)
        self.is_here = True
        self.is_selected = False
        self.fault: Fault | None = None
        self.countdown = 0

    def put(self, _chip: object) -> None:
        """Lay the card on the reader again."""
        self.is_here = True

    def arm(self, fault: Fault, countdown: int) -> None:
        """Fail after so many good commands."""
        self.fault, self.countdown = fault, countdown

    async def find_card(self) -> bytes | None:
        """Select whatever is in the field."""
        self.is_selected = self.is_here
        self.card.reset()
        return FUEL_UID if self.is_here else None

    async def reselect(self, uid: bytes) -> None:
        """Select this very card again."""
        if await self.find_card() != uid:
            raise CardGone

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Send a command, or fail in it."""
        if not self.is_selected:
            raise CardGone
        if self.fault is not None and self.countdown:
            self.countdown -= 1
        elif self.fault is not None:
            fault, self.fault = self.fault, None
            self._fail(fault, apdu, changes_card=changes_card)
        return self.card.perform(apdu)

    def _fail(self, fault: Fault, apdu: bytes, *, changes_card: bool) -> None:
        if fault in _CARRIED_OUT:
            self.card.perform(apdu)
        self.is_selected = False
        if fault in {Fault.CUT_BEFORE, Fault.CUT_AFTER}:
            raise PowerCut
        self.is_here = fault in {Fault.ANSWER_LOST, Fault.READER_DIES}
        if changes_card:
            raise OutcomeUnknown(device="field")
        if fault is Fault.READER_DIES:
            raise DeviceUnavailable(device="field", why="it does not answer")
        raise CardGone

    async def close(self) -> None:
        """Do nothing."""


class FuelWorld(World):
    """A station whose one card is a fuel card."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="fuel-"))
        self.memory = memory_in(new_card(self.folder))
        self.memory.on_line, self.memory.off_line = 3, 9
        self.field = Field(self.memory)
        super().__init__()

    async def _put_together(self) -> None:
        await super()._put_together()
        # A station that starts anew knows nothing of what was read before.
        self.card = FuelPurseCard(
            self.field,
            counter_keys(),
            COUNTER_TERMINAL,
            SystemClock(),
        )
        self.reader: Any = self.field
        self.watch._reader, self.watch._card = self.reader, self.card

    def reading(self, _chip: object) -> CardReading:
        """Read the card without fault."""
        self.field.put(None)
        return self.must(self.card.read(FUEL_UID))

    def close(self) -> None:
        """End the station and remove its files."""
        super().close()
        shutil.rmtree(self.folder)


class TheCard:
    """Stands for the one card where a chip is asked for."""

    uid = FUEL_UID


CHIP: Any = TheCard()


@pytest.fixture
def world() -> Iterator[FuelWorld]:
    """A station with a file and a card of its own."""
    made = FuelWorld()
    yield made
    made.close()


def issue(world: World) -> object:
    """Issue the card, for money."""
    return world.issue(CHIP, MONEY, FIRST, ACT)


def top_up(world: World) -> object:
    """Top the card up as it was shown before the first try."""
    return world.top_up(KEY, CHIP, ADDED, before=FIRST, act=ACT)


def proved(world: World, *, at_dispensers: bool = False) -> None:
    """Count the money on the card, in the acts and in the books: it must agree."""
    if at_dispensers:
        world.require_proved()  # no dispenser here brings records of such a card
    else:
        key = KEY if world.intents() else ""
        Proof([Holder(CHIP, MONEY, ACT, key)]).check(world)


def _issued(world: World) -> None:
    done = world.issue(CHIP, MONEY, FIRST)
    assert isinstance(done, ActReply)
    assert (done.state, done.card_key) == (ActState.DONE, KEY)


def cut_off(fault: Fault, at: int, act: Callable[[FuelWorld], object]) -> bool:
    """Cut an act off in a command, finish it by the next tap, and prove the money."""
    world = FuelWorld()
    try:
        before, added = 0, FIRST
        if act is top_up:
            _issued(world)
            before, added = FIRST, ADDED
        world.field.arm(fault, at)
        act(world)
        struck = world.field.fault is None
        world.field.fault = None
        proved(world)
        shown = world.present(CHIP)
        assert not isinstance(shown, StationError | PowerCut), shown
        state = world.find(ACT).state
        assert state in {ActState.DONE, ActState.UNKNOWN}
        came = added if state is ActState.DONE else 0
        assert world.balance_on(CHIP) == before + came
        proved(world)
        act(world)  # the screen asks again with the same id
        assert world.find(ACT).state is ActState.DONE
        assert world.balance_on(CHIP) == before + added
        assert world.reading(CHIP).state is CardState.OURS
        assert world.memory.on_line == 3 + (2 if act is top_up else 1)
        proved(world)
    finally:
        world.close()
    return struck


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("act", [issue, top_up], ids=["issue", "top_up"])
def test_an_act_cut_off_in_every_command(
    fault: Fault, act: Callable[[FuelWorld], object]
) -> None:
    """Looks, proofs, files, load and proof again: the next tap ends it, once."""
    at = 0
    while cut_off(fault, at, act):
        at += 1
    # Two readings of ten commands and a write of ten; an issue has three files more.
    assert at == 30 if act is top_up else at > 35


def settled(world: FuelWorld, *, act: str = ACT) -> object:
    """Free the grey card with what two people typed."""
    return world.act("settle_grey_by_hand", KEY, CHIP, amount=OWED, act=act)


@pytest.mark.parametrize("fault", list(Fault))
def test_a_grey_card_freed_is_debited_once(fault: Fault) -> None:
    """Cut off in every command of it: grey with all its money, or free without."""
    at, states = 0, set()
    while True:
        world = FuelWorld()
        try:
            _issued(world)
            dispenser(PLACE).lock(world.field.card, MOMENT)
            world.present(CHIP)
            world.field.arm(fault, at)
            settled(world)
            struck = world.field.fault is None
            world.field.fault = None
            world.present(CHIP)
            state = world.find(ACT).state
            states.add(state)
            freed = state is ActState.DONE
            assert world.memory.lock_state == (0 if freed else 1)
            assert world.balance_on(CHIP) == FIRST - (OWED if freed else 0)
            if not freed:
                settled(world)
            assert world.find(ACT).state is ActState.DONE
            assert (world.memory.lock_state, world.balance_on(CHIP)) == (
                0,
                FIRST - OWED,
            )
            assert world.memory.on_line == 5
            proved(world, at_dispensers=True)
        finally:
            world.close()
        if not struck:
            break
        at += 1
    assert at > 20
    assert ActState.DONE in states


def test_an_undone_act_leaves_the_card_as_it_was(world: FuelWorld) -> None:
    """Torn before its load and given back: the money goes back and nothing came."""
    _issued(world)
    world.field.arm(Fault.PULLED, 26)  # the load
    told = top_up(world)
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
    back = world.give_back(ACT, CHIP)
    assert isinstance(back, ActReply)
    assert world.balance_on(CHIP) == FIRST
    proved(world)


def test_an_old_image_of_a_card_is_named(world: FuelWorld) -> None:
    """A card whose counter went back moves no money, here or at the next tap."""
    _issued(world)
    assert isinstance(top_up(world), ActReply)
    world.memory.on_line -= 1
    world.memory.balance -= ADDED
    told = world.top_up(KEY, CHIP, ADDED, before=FIRST, act="ANOTHER-ACT")
    assert isinstance(told, StationError)
    assert told.code == "refusal.card_disagrees"
    assert world.balance_on(CHIP) == FIRST
