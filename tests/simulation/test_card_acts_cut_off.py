"""Every act on a card is cut off at each block, command and commit, and asked twice."""

from typing import Any

import pytest

from cngstation.errors import StationError
from cngstation.rpc.contract.card_acts import ActQuote
from cngstation.rpc.contract.counter import ActReply, ActState
from tests.simulation.card_cases import ACT, KINDS, armed, ready
from tests.simulation.money_cards import Fault, PowerCut
from tests.simulation.money_world import World
from tests.simulation.world_parts import CommitFault

SWEPT = [
    "settle_grey",
    "clear_credit",
    "reverse_top_up",
    "cancel",
    "wipe",
    "edit",
    "rewrite_limits",
]


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.REFUSED])
@pytest.mark.parametrize("kind", SWEPT)
def test_every_block_write_of_an_act_can_fail(kind: str, fault: Fault) -> None:
    """At every block write a fault leaves money and card where they are found again."""
    at = 0
    while _ends_well(kind, "write", fault, at):
        at += 1
    assert at >= 3


@pytest.mark.parametrize("fault", [Fault.PULLED, Fault.NONSENSE, Fault.CUT_BEFORE])
@pytest.mark.parametrize("kind", SWEPT)
def test_every_command_of_an_act_can_fail(kind: str, fault: Fault) -> None:
    """Looking, opening, reading and reading back may fail: the next tap goes on."""
    at = 0
    while _ends_well(kind, "command", fault, at):
        at += 4
    assert at > 20


@pytest.mark.parametrize("fault", list(CommitFault))
@pytest.mark.parametrize("countdown", [0, 1])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_commit_of_an_act_can_fail(
    kind: str, countdown: int, fault: CommitFault
) -> None:
    """Before and after each commit, durable or not: the act is found or was not."""
    assert _ends_well(kind, "commit", fault, countdown)


def _ends_well(kind: str, place: str, fault: Any, countdown: int) -> bool:
    world = World()
    try:
        case = ready(world, kind)
        starts = world.starts
        case.do(kind, act=ACT, arm=armed(world, place, fault, countdown))
        struck = world.starts > starts
        struck = struck or (place != "commit" and world.reader.fault is None)
        world.reader.arm(None, writes=True)
        world.database.fault = None
        world.require_proved()
        for _ in range(2):
            shown = world.present(case.chip)
            assert not isinstance(shown, StationError | PowerCut), shown
        end = world.find(ACT)
        assert end.state in {
            ActState.DONE,
            ActState.UNKNOWN,
            ActState.GIVEN_BACK,
        }, end
        if kind == "wipe" and end.state is ActState.GIVEN_BACK:
            # A tear in a trailer has killed the chip; its card stays out of use.
            assert fault in {Fault.TORN, Fault.CUT_INSIDE}
            assert world.value("SELECT state FROM card", case.key) == "cancelled"
        elif end.state is not ActState.DONE:
            # What was not accepted, or was undone, can be done anew.
            case.check()
            assert case.do(kind).state is ActState.DONE
        if kind == "wipe":
            world.require_proved()
        else:
            case.check()
        return struck
    finally:
        world.close()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_act_is_done_once_and_answers_for_itself(world: World, kind: str) -> None:
    """The same id again is the same act; the id with other figures is refused."""
    case = ready(world, kind)
    quoted = world.quote(kind, case.key, case.chip, **case.given)
    first = case.do(kind, act=ACT, quoted=quoted)
    assert isinstance(first, ActReply)
    assert first.state is ActState.DONE
    again = case.do(kind, act=ACT, quoted=quoted)
    assert isinstance(again, ActReply)
    assert again.receipt_no == first.receipt_no > 0
    other = case.do(kind, act=ACT, quoted=quoted, amount=77)
    assert isinstance(other, StationError)
    assert other.code == "refusal.act_id_taken"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_act_confirmed_on_other_figures_is_refused(world: World, kind: str) -> None:
    """What the card held when it was shown has to be what it holds now."""
    case = ready(world, kind)
    quoted = world.quote(kind, case.key, case.chip, **case.given)
    assert isinstance(quoted, ActQuote)
    for name in ("before_purse", "cash_fen", "refund_fen"):
        value = getattr(quoted, name) + 1
        told = case.do(kind, quoted=quoted.model_copy(update={name: value}))
        assert isinstance(told, StationError), name
        assert told.code in {"refusal.card_changed", "refusal.amount"}
