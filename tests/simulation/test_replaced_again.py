"""Replacements that break, are lost, or are given back: marks and money stay whole."""

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.contract.marks import MarkOrder
from tests.simulation.card_cases import (
    FILL,
    FIRST,
    GAS,
    LENT,
    LENT_GAS,
    MONEY,
    Case,
)
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, World

ACT = "ACT-REPLACE"


def _mark(world: World, name: str, key: str) -> None:
    order = MarkOrder(card_key=key, reason="because", approval=None)
    world.must(world.answers.marks.marking(name)(order, CALL))


_CHIPS = iter(range(1, 10_000))


def _blank() -> Chip:
    return Chip(next(_CHIPS).to_bytes(4, "big"))


def _state(world: World, key: str) -> str:
    return str(world.value("SELECT state FROM card", key))


def _replaced(world: World, key: str) -> tuple[Chip, str]:
    _mark(world, "report_loss", key)
    new = _blank()
    told = world.act("replace", key, new)
    assert isinstance(told, ActReply), told
    assert told.state is ActState.DONE
    return new, told.card_key


def _cut_off(world: World, key: str) -> tuple[Chip, str]:
    """Begin a replacement whose new card leaves before anything is on it."""
    _mark(world, "report_loss", key)
    new = _blank()
    told = world.act(
        "replace",
        key,
        new,
        act=ACT,
        arm=lambda: world.reader.arm(Fault.PULLED, 3, writes=True),
    )
    world.reader.arm(None, writes=True)
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
    return new, told.card_key


def _break(chip: Chip) -> None:
    for block in range(4, 64):
        chip.write_block(block, bytes(range(16)))


# What a replacement may not lift.


@pytest.mark.parametrize(
    ("mark", "state"),
    [("blacklist", "black"), ("suspend", "inactive"), ("", "normal")],
)
def test_a_mark_survives_a_new_card_that_breaks(
    world: World, mark: str, state: str
) -> None:
    """Black, lost, the new card dies in the writing, lost again, replaced: black."""
    case = Case(world)
    if mark:
        _mark(world, mark, case.key)
    new, key = _cut_off(world, case.key)
    _break(new)
    world.present(new)
    assert world.find(ACT).state is ActState.SCRAPPED
    assert _state(world, key) == "waste"
    last, key = _replaced(world, key)
    assert _state(world, key) == state
    assert world.balance_on(last) == FIRST
    world.require_proved()


@pytest.mark.parametrize(
    ("mark", "state"),
    [("blacklist", "black"), ("suspend", "inactive"), ("", "normal")],
)
def test_a_mark_survives_a_new_card_that_is_lost_unwritten(
    world: World, mark: str, state: str
) -> None:
    """The new card never comes back: what was said of the old one is still so."""
    case = Case(world)
    if mark:
        _mark(world, mark, case.key)
    _, key = _cut_off(world, case.key)
    _, key = _replaced(world, key)
    assert _state(world, key) == state
    world.require_proved()


def test_a_black_card_that_breaks_in_an_act_stays_black(world: World) -> None:
    """Waste is what the chip is, black what its holder is."""
    case = Case(world)
    _mark(world, "blacklist", case.key)
    told = case.do(
        "cancel",
        act="ACT-CANCEL",
        arm=lambda: world.reader.arm(Fault.TORN, 1, writes=True),
    )
    assert isinstance(told, ActReply)
    world.reader.arm(None, writes=True)
    for block in (6, 10):
        case.chip.write_block(block, bytes(range(16)))
    world.present(case.chip)
    assert _state(world, case.key) == "waste"
    _, key = _replaced(world, case.key)
    assert _state(world, key) == "black"
    world.require_proved()


def test_a_mark_taken_back_before_the_loss_stays_taken_back(world: World) -> None:
    """What was said last of the card counts, over any number of replacements."""
    case = Case(world)
    _mark(world, "suspend", case.key)
    _, key = _replaced(world, case.key)
    _mark(world, "activate", key)
    _, key = _replaced(world, key)
    assert _state(world, key) == "normal"


# A record of the old card while its replacement is open.


@pytest.mark.parametrize("mode", [MONEY, GAS, LENT, LENT_GAS])
def test_a_late_record_is_the_cards_when_its_replacement_is_given_back(
    world: World, mode: PaymentMode
) -> None:
    """The balance never left the old card: the fill is paid from it, not lost."""
    case = Case(world, mode)
    late = world.fill(case.chip, FILL)
    new, _ = _cut_off(world, case.key)
    world.upload(0, late)
    back = world.give_back(ACT, new)
    assert isinstance(back, ActReply)
    assert back.state is ActState.GIVEN_BACK
    unit, scale = ("m3", 10) if mode.in_quantity else ("CNY", 100)
    left = scale * world.balance_on(case.chip) * (-1 if mode.prepaid else 1)
    assert world.account(f"card:{case.key}", unit) == left
    assert world.account("expense:loss") == 0
    assert not _lost_fills(world)
    last = _blank()
    told = world.act("replace", case.key, last)
    assert isinstance(told, ActReply), told
    assert world.balance_on(last) == world.balance_on(case.chip)
    world.present(last)
    world.require_proved()


@pytest.mark.parametrize("mode", [MONEY, GAS, LENT, LENT_GAS])
@pytest.mark.parametrize("breaks", [False, True])
def test_a_late_record_is_lost_when_its_replacement_goes_on(
    world: World, mode: PaymentMode, *, breaks: bool
) -> None:
    """The new card has the balance without it: a loss, and named as one."""
    case = Case(world, mode)
    late = world.fill(case.chip, FILL)
    new, key = _cut_off(world, case.key)
    world.upload(0, late)
    if breaks:
        _break(new)
    shown = world.present(new)
    assert not isinstance(shown, StationError), shown
    ended = ActState.SCRAPPED if breaks else ActState.DONE
    assert world.find(ACT).state is ended
    unit, scale = ("m3", 10) if mode.in_quantity else ("CNY", 100)
    first = FIRST if mode.prepaid else 0
    assert world.account(f"card:{case.key}", unit) == 0
    assert world.account(f"card:{key}", unit) == -scale * first
    if not mode.in_quantity:
        assert world.account("expense:loss") == late.amount_e4
    # Gas on credit is owed, by whichever card: nothing of it is lost.
    owed = late.amount_e4 if mode is LENT_GAS else 0
    assert world.account(f"receivable:{key}") == owed
    assert _lost_fills(world) == int(mode is not LENT_GAS)
    world.require_proved()


def _lost_fills(world: World) -> int:
    (count,) = world.view.execute(
        "SELECT count(*) FROM finding WHERE kind='fill_of_replaced_card'"
    ).fetchone()
    return int(count)
