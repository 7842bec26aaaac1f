"""Every cut of a top-up and of an issue: what is on the disk, said, and recovered.

The rows are those of the sequence hold, write, read back, finish. Each case reaches its
cut, lays the card on the reader again and requires that the money is there once.
"""

from dataclasses import dataclass

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.counter import ActReply, ActState
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_world import FEE, World, price_of
from tests.simulation.prepaid_card import (
    ACT,
    ADDED,
    FIRST,
    MONEY,
    PREPAID,
    new_card,
    require,
)
from tests.simulation.world_parts import CommitFault


@dataclass(frozen=True)
class Cut:
    """Where a top-up is cut off, and what has to be found then."""

    name: str
    place: str  # commit, write or command
    fault: Fault | CommitFault
    countdown: int
    disk: str | None  # the act's state after the cut; None: it was never accepted
    said: type  # what the cashier gets
    on_card: str  # before, after or torn
    again: ActState  # how the act stands after the card was laid on again


_POWER, _TOLD, _ERROR = PowerCut, ActReply, StationError
CUTS = [
    Cut("before S2: the card is pulled at the first look", "command", Fault.PULLED, 3,
        None, _ERROR, "before", ActState.UNKNOWN),
    Cut("before S2: the power goes at the first look", "command", Fault.CUT_BEFORE, 3,
        None, _POWER, "before", ActState.UNKNOWN),
    Cut("S2: the power goes before COMMIT 1", "commit", CommitFault.CUT_BEFORE, 0,
        None, _POWER, "before", ActState.UNKNOWN),
    Cut("S2: COMMIT 1 raises and is not durable", "commit", CommitFault.ERROR_LOST, 0,
        None, _ERROR, "before", ActState.UNKNOWN),
    Cut("S2: COMMIT 1 raises and is durable", "commit", CommitFault.ERROR_DURABLE, 0,
        "INDOUBT", _ERROR, "before", ActState.DONE),
    Cut("S2-S4: the power goes after COMMIT 1", "commit", CommitFault.CUT_AFTER, 0,
        "INDOUBT", _POWER, "before", ActState.DONE),
    Cut("S3: the card is gone at the second look", "command", Fault.PULLED, 18,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S3: the reader dies at the second look", "command", Fault.READER_DIES, 20,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S3: the reader talks nonsense", "command", Fault.NONSENSE, 20,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: the card is pulled before a block", "write", Fault.PULLED, 0,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: torn in the first block", "write", Fault.TORN, 0,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: torn in the second block", "write", Fault.TORN, 1,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: torn in the last block", "write", Fault.TORN, 2,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: pulled between the blocks", "write", Fault.ANSWER_LOST, 1,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S4: the power goes in the last block", "write", Fault.CUT_INSIDE, 2,
        "INDOUBT", _POWER, "before", ActState.DONE),
    Cut("S4: the power goes before the last block", "write", Fault.CUT_BEFORE, 2,
        "INDOUBT", _POWER, "before", ActState.DONE),
    Cut("S4-S6: written, the answer is lost", "write", Fault.ANSWER_LOST, 2,
        "INDOUBT", _TOLD, "after", ActState.DONE),
    Cut("S4-S6: written, the power goes", "write", Fault.CUT_AFTER, 2,
        "INDOUBT", _POWER, "after", ActState.DONE),
    Cut("S5: the card is gone at the reading back", "command", Fault.PULLED, 32,
        "INDOUBT", _TOLD, "after", ActState.DONE),
    Cut("S5: the card stays and did not take it", "write", Fault.NOT_HEARD, 2,
        "INDOUBT", _TOLD, "before", ActState.DONE),
    Cut("S6: the power goes before COMMIT 2", "commit", CommitFault.CUT_BEFORE, 1,
        "INDOUBT", _POWER, "after", ActState.DONE),
    Cut("S6: COMMIT 2 raises and is not durable", "commit", CommitFault.ERROR_LOST, 1,
        "INDOUBT", _ERROR, "after", ActState.DONE),
    Cut("S6: COMMIT 2 raises and is durable", "commit", CommitFault.ERROR_DURABLE, 1,
        "DONE", _ERROR, "after", ActState.DONE),
    Cut("S6-S8: the power goes after COMMIT 2", "commit", CommitFault.CUT_AFTER, 1,
        "DONE", _POWER, "after", ActState.DONE),
]  # fmt: skip


@pytest.mark.parametrize("mode", PREPAID)
@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
def test_top_up_cut_off_anywhere(world: World, cut: Cut, mode: PaymentMode) -> None:
    """Wherever a top-up is cut, the next tap ends it and the money is there once."""
    chip, key = new_card(world, mode)
    _arm(world, cut)
    told = world.top_up(key, chip, ADDED, act=ACT)

    assert isinstance(told, cut.said), told
    if isinstance(told, ActReply):
        assert told.state is ActState.PENDING
        assert "not finished" in told.text
        assert "Lay the same card on the reader again" in told.text
    state = {act["intent_id"]: act["state"] for act in world.intents()}.get(ACT)
    assert state == cut.disk
    wanted = {"before": FIRST, "after": FIRST + ADDED}[cut.on_card]
    assert world.balance_on(chip) == wanted
    cash = price_of(mode, ADDED).e4
    taken = world.account("till:1:cash") - (price_of(mode, FIRST) + FEE).e4
    assert taken == (cash if cut.disk else 0)
    require(world, chip, mode)

    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut), shown
    assert world.find(ACT).state is cut.again
    done = cut.again is ActState.DONE
    assert world.balance_on(chip) == FIRST + (ADDED if done else 0)
    require(world, chip, mode)

    # The screen asks again with the same id: it gets the same act, or makes it now.
    repeated = world.top_up(key, chip, ADDED, before=FIRST, act=ACT)
    assert isinstance(repeated, ActReply)
    assert repeated.state is ActState.DONE
    assert repeated.receipt_no > 0
    assert world.balance_on(chip) == FIRST + ADDED
    require(world, chip, mode)


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.REFUSED])
@pytest.mark.parametrize("kind", ["issue", "top_up"])
def test_every_block_write_can_fail(kind: str, fault: Fault) -> None:
    """At every block write a fault leaves money that is found again.

    A chip that a tear has killed is scrapped; its money stays in the books.
    """
    writes = {"issue": 9, "top_up": 3}[kind]
    struck = [_fails_at(kind, fault, "write", at) for at in range(writes + 1)]
    assert struck == [True] * writes + [False]


@pytest.mark.parametrize(
    "fault",
    [Fault.PULLED, Fault.READER_DIES, Fault.NONSENSE, Fault.REFUSED, Fault.CUT_BEFORE],
)
@pytest.mark.parametrize("kind", ["issue", "top_up"])
def test_every_part_of_an_act_can_fail(kind: str, fault: Fault) -> None:
    """Looking, opening, reading and reading back may fail: the next tap goes on."""
    at = 0
    while _fails_at(kind, fault, "command", at):
        at += 3
    assert at > 30


def _fails_at(kind: str, fault: Fault, place: str, countdown: int) -> bool:
    world = World()
    try:
        return _ends_well(world, kind, fault, place, countdown)
    finally:
        world.close()


def _ends_well(
    world: World, kind: str, fault: Fault, place: str, countdown: int
) -> bool:
    chip = Chip(bytes.fromhex("04a1b2c3"))
    key = ""
    if kind == "top_up":
        chip, key = new_card(world, MONEY)
    world.reader.arm(fault, countdown, writes=place == "write")
    if kind == "issue":
        world.issue(chip, MONEY, FIRST, ACT)
    else:
        world.top_up(key, chip, ADDED, act=ACT)
    struck = world.reader.fault is None or world.starts > 1
    world.reader.arm(None, writes=True)
    world.require_proved()
    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut), shown
    end = world.find(ACT)
    assert end.state in {ActState.DONE, ActState.UNKNOWN, ActState.SCRAPPED}
    if end.state is ActState.SCRAPPED:
        assert "Report it lost and replace it" in end.text
        assert fault in {Fault.TORN, Fault.CUT_INSIDE}
        assert kind == "issue"
        assert world.account(f"card:{end.card_key}") == -100 * FIRST
    elif end.state is ActState.DONE:
        wanted = FIRST if kind == "issue" else FIRST + ADDED
        assert world.balance_on(chip) == wanted
        assert world.account(f"card:{end.card_key}") == -100 * wanted
    world.require_proved()
    return struck


@pytest.mark.parametrize("fault", list(CommitFault))
@pytest.mark.parametrize("countdown", [0, 1])
@pytest.mark.parametrize("mode", list(PaymentMode))
def test_issue_cut_off_at_its_commits(
    world: World, mode: PaymentMode, countdown: int, fault: CommitFault
) -> None:
    """An issue that is cut at a commit is finished by the same chip, in every mode."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    amount = FIRST if mode.prepaid else 0
    world.database.fault, world.database.countdown = fault, countdown
    told = world.issue(chip, mode, amount, ACT)
    assert isinstance(told, PowerCut | StationError)
    world.present(chip)
    if world.find(ACT).state is ActState.UNKNOWN:
        assert world.account("till:1:cash") == 0
        world.issue(chip, mode, amount, ACT)
    assert world.find(ACT).state is ActState.DONE
    assert world.reading(chip).state is CardState.OURS
    require(world, chip, mode)


def _arm(world: World, cut: Cut) -> None:
    if isinstance(cut.fault, CommitFault):
        world.database.fault = cut.fault
        world.database.countdown = cut.countdown
    else:
        world.reader.arm(cut.fault, cut.countdown, writes=cut.place == "write")
