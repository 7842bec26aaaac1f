"""Top-ups of cards without counters: cut anywhere, credited once or not at all.

What the card cannot prove is left open and the card is not written: after a fill the
balance alone says nothing.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.simulators import plain_card
from cngstation.storage import findings
from tests.furnished_station import fill
from tests.plain_cards import KEY, PlainWorld, plain_chip
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.world_parts import CommitFault

HELD, ADDED, FUEL = 10_000, 5_000, 5_000
ACT = "ACT-UNDER-TEST"
WHOLE = [
    Fault.PULLED, Fault.ANSWER_LOST, Fault.NOT_HEARD, Fault.NONSENSE, Fault.CUT_BEFORE,
    Fault.CUT_AFTER, Fault.READER_DIES,
]  # fmt: skip
TORN = [Fault.TORN, Fault.CUT_INSIDE]
COMMITS = [(fault, n) for fault in CommitFault for n in (0, 1)]


@pytest.fixture
def world() -> Iterator[PlainWorld]:
    """A station with a card of another maker in its register."""
    made = PlainWorld()
    made.register()
    yield made
    made.close()


def figures(chip: Chip) -> tuple[int, int]:
    """Return balance and consumed total as the maker's own dispenser reads them."""
    found = plain_card.figures(chip)
    assert found is not None
    return found


def cash(world: PlainWorld) -> int:
    """Return what the till took, in fen."""
    return world.account("till:1:cash") // 100


def test_a_top_up_and_a_fill(world: PlainWorld) -> None:
    """What is not described on the card stays; the maker's dispenser accepts it."""
    chip = plain_chip(HELD)
    before = chip.saved()
    done = world.top_up(KEY, chip, ADDED)
    assert isinstance(done, ActReply)
    assert done.state is ActState.DONE
    assert figures(chip) == (HELD + ADDED, 0)
    block = slice(16 * 37, 16 * 38)
    assert chip.saved()[: block.start] == before[: block.start]
    assert chip.saved()[block.stop :] == before[block.stop :]
    assert plain_card.fuel(chip, FUEL)
    again = world.top_up(KEY, chip, ADDED)
    assert isinstance(again, ActReply)
    assert again.state is ActState.DONE
    assert figures(chip) == (HELD + 2 * ADDED - FUEL, FUEL)
    assert cash(world) == 2 * ADDED
    world.require_proved()


@pytest.mark.parametrize("fault", WHOLE)
def test_a_write_cut_off_is_finished_once(world: PlainWorld, fault: Fault) -> None:
    """Without a fill in between the balance decides: once, whatever was cut."""
    chip = plain_chip(HELD)
    world.reader.arm(fault, 0, writes=True)
    world.top_up(KEY, chip, ADDED, act=ACT)
    world.reader.arm(None, 0, writes=True)
    world.present(chip)
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    assert figures(chip) == (HELD + ADDED, 0)
    assert cash(world) == ADDED
    world.require_proved()


@pytest.mark.parametrize(("fault", "countdown"), COMMITS)
def test_a_commit_cut_off(
    world: PlainWorld, fault: CommitFault, countdown: int
) -> None:
    """The next tap ends what was accepted; asked for again it is the same act."""
    chip = plain_chip(HELD)
    world.database.fault, world.database.countdown = fault, countdown
    world.top_up(KEY, chip, ADDED, act=ACT)
    world.present(chip)
    repeated = world.top_up(KEY, chip, ADDED, before=HELD, act=ACT)
    assert isinstance(repeated, ActReply)
    assert repeated.state is ActState.DONE
    assert figures(chip) == (HELD + ADDED, 0)
    assert cash(world) == ADDED
    world.require_proved()


@pytest.mark.parametrize("fault", TORN)
def test_a_torn_block_is_waste_with_its_money_in_the_books(
    world: PlainWorld, fault: Fault
) -> None:
    """There is one copy: its seal shows the damage, the account has the money."""
    chip = plain_chip(HELD)
    world.reader.arm(fault, 0, writes=True)
    world.top_up(KEY, chip, ADDED, act=ACT)
    assert plain_card.figures(chip) is None
    world.present(chip)
    assert world.find(ACT).state is ActState.SCRAPPED
    assert world.account(f"card:{KEY}") == -100 * ADDED
    world.require_proved()


@pytest.mark.parametrize("fault", WHOLE)
def test_after_a_fill_nothing_is_credited(world: PlainWorld, fault: Fault) -> None:
    """100, 50 written, the answer lost, 50 fuelled, the card reads 100: never again."""
    chip = plain_chip(HELD)
    world.reader.arm(fault, 0, writes=True)
    world.top_up(KEY, chip, ADDED, act=ACT)
    world.reader.arm(None, 0, writes=True)
    if fault in {Fault.NONSENSE, Fault.NOT_HEARD, Fault.READER_DIES}:
        world.reader.put(None)
    assert plain_card.fuel(chip, FUEL)
    left = chip.saved()
    for _ in range(3):
        world.present(chip)
        world.settle(ACT, chip)
        world.give_back(ACT, chip)
        assert world.find(ACT).state is ActState.PENDING
        assert chip.saved() == left
    assert cash(world) == ADDED
    rows = world.must(world.database.read(findings.open_findings))
    assert "intent_no_fence" in {row.kind for row in rows}
    refused = world.top_up(KEY, chip, ADDED)
    assert isinstance(refused, StationError)
    assert chip.saved() == left
    world.require_proved()


def test_a_fill_proves_nothing_of_it(world: PlainWorld) -> None:
    """Counters in a record of such a card are its maker's own: the act stays open."""
    chip = plain_chip(HELD)
    world.reader.arm(Fault.ANSWER_LOST, 0, writes=True)
    world.top_up(KEY, chip, ADDED, act=ACT)
    record = fill(
        1,
        KEY,
        station_no="00000001",
        card_top_up_count=1,
        card_consumption_count=1,
        balance_before_hundredths=HELD + ADDED,
        balance_after_hundredths=HELD + ADDED - 900,
    )
    world.must(world.book.book(world.dispensers[0].setting, record, "poll"))
    assert world.find(ACT).state is ActState.PENDING


@pytest.mark.parametrize("counts", ["none", "kept at one", "their own"])
def test_fills_of_such_a_card_are_no_old_image(world: PlainWorld, counts: str) -> None:
    """Whatever a dispenser says of counters that the card does not have."""
    chip, left = plain_chip(HELD), HELD
    world.present(chip)
    for number in range(1, 5):
        if number in {1, 3}:
            topped_up = world.top_up(KEY, chip, ADDED)
            assert isinstance(topped_up, ActReply)
            left += ADDED
        assert plain_card.fuel(chip, 900)
        own = {"none": (0, 0), "kept at one": (1, 1), "their own": (40, 70 + number)}
        record = fill(
            number,
            KEY,
            station_no="00000001",
            card_top_up_count=own[counts][0],
            card_consumption_count=own[counts][1],
            balance_before_hundredths=left,
            balance_after_hundredths=left - 900,
        )
        left -= 900
        world.must(world.book.book(world.dispensers[0].setting, record, "poll"))
        shown = world.present(chip)
        assert not isinstance(shown, StationError | PowerCut)
        assert shown[1].warnings == ()
    rows = world.must(world.database.read(findings.open_findings))
    assert [row.kind for row in rows] == []
    assert figures(chip) == (left, 4 * 900)
    world.require_proved()


def test_a_card_that_was_never_seen_says_nothing_by_its_counters(
    world: PlainWorld,
) -> None:
    """An imported card fills before it lies on the reader for the first time."""
    for number, count in enumerate((0, 0, 1, 1), 1):
        counts = {"card_top_up_count": count, "card_consumption_count": count}
        record = fill(number, KEY, station_no="00000001", **counts)
        world.must(world.book.book(world.dispensers[0].setting, record, "poll"))
    rows = world.must(world.database.read(findings.open_findings))
    assert "card_rolled_back" not in {row.kind for row in rows}


def test_a_total_that_fell_is_an_old_image(world: PlainWorld) -> None:
    """A dump put back: held for two people, not written."""
    chip = plain_chip(HELD)
    old = chip.saved()
    plain_card.fuel(chip, 1_000)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(KEY, chip, ADDED, act=ACT)
    chip.image[:] = old
    world.present(chip)
    assert world.find(ACT).state is ActState.PENDING
    assert chip.saved() == old
    rows = world.must(world.database.read(findings.open_findings))
    assert "intent_hold" in {row.kind for row in rows}


def test_a_zero_is_refused(world: PlainWorld) -> None:
    """Before and after would be the same: nothing could ever be proved."""
    chip = plain_chip(HELD)
    assert isinstance(world.top_up(KEY, chip, 0), StationError)
    assert world.intents() == []


STEP = st.one_of(
    st.tuples(st.just("top_up"), st.sampled_from([*WHOLE, None])),
    st.tuples(st.just("fuel"), st.sampled_from([1_000, ADDED])),
    st.tuples(st.just("tap"), st.none()),
    st.tuples(st.just("give_back"), st.none()),
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=2, max_size=8))
def test_the_card_never_has_more_than_was_paid(steps: list[tuple[str, object]]) -> None:
    """Whatever is cut, fuelled and tapped: on the card and fuelled is at most paid."""
    world = PlainWorld()
    try:
        world.register()
        chip = plain_chip(HELD)
        for what, how in steps:
            _step(world, chip, what, how)
            balance, consumed = figures(chip)
            assert balance + consumed <= HELD + cash(world)
            done = [act for act in world.intents() if act["state"] == "DONE"]
            assert balance + consumed >= HELD + ADDED * len(done)
        world.require_proved()
    finally:
        world.close()


def _step(world: PlainWorld, chip: Chip, what: str, how: object) -> None:
    acts = world.intents()
    if what == "top_up":
        fault = how if isinstance(how, Fault) else None
        world.reader.arm(fault, 0, writes=True)
        outcome = world.top_up(KEY, chip, ADDED)
        assert isinstance(outcome, ActReply | StationError | PowerCut)
        world.reader.arm(None, 0, writes=True)
    elif what == "fuel" and isinstance(how, int):
        plain_card.fuel(chip, how)
    elif what == "tap":
        world.present(chip)
    elif acts:
        world.give_back(acts[-1]["intent_id"], chip)
