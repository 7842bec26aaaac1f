"""Our JX-V4 dialogue against the simulated dispensers, with everything going wrong."""

import itertools
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    Link,
    TransactionType,
)
from cngstation.protocols.dispenser.dialogue import (
    LinkChanged,
    Question,
    RecordReread,
    Request,
)
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    CardVerdict,
    Downloads,
    ListKind,
    Order,
    OrderKind,
    OrderOutcome,
    PriceTable,
)
from cngstation.simulators.jxv4_faults import BAD_CRC, LOSE_ACK, WRONG_GUN
from cngstation.simulators.jxv4_memory import Counters
from cngstation.simulators.jxv4_transaction import (
    PETROCHINA,
    FillOrder,
    GunSettings,
)
from tests.simulation.jxv4_world import MS, PRICES, World
from tests.unit.simulators.cards import STATION


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def uploaded(world: World) -> bool:
    return all(
        gun.memory.open is None and not gun.memory.records.waiting_count()
        for gun in world.guns.values()
    )


def card_no(number: int) -> str:
    return f"00005101{number:08}"


def base(numbers: list[str], version: int = 3) -> CardList:
    return CardList(ListKind.BASE, version, tuple(numbers), "2025-06-01", "2026-06-01")


def prices(*fen: int, version: int = 7) -> Downloads:
    table = PriceTable(version, tuple(100 * one for one in fen), "2025-06-01 00:00:00")
    return Downloads({}, table)


def test_duty_settings_lock_and_identity(world: World) -> None:
    """Orders are done, and what they bring about is told and acknowledged."""
    world.dialogue.order(Order(1, OrderKind.LOCK))
    world.dialogue.order(Order(2, OrderKind.END_SHIFT))
    gun = world.guns[1]
    gun.duty.change((260, 2, 2_500, 2_250), gun.clock.read(world.seconds))
    world.run(1)
    assert world.service.outcomes == [OrderOutcome.DONE] * 2
    assert gun.memory.counters.is_locked
    assert world.guns[2].memory.counters.is_off_duty
    world.dialogue.order(Order(1, OrderKind.UNLOCK))
    world.dialogue.order(Order(2, OrderKind.END_SHIFT))
    world.run(4)
    assert world.service.outcomes[2:] == [OrderOutcome.DONE, OrderOutcome.REFUSED]
    (shift,), (change,) = world.service.shifts, world.service.parameters
    assert (shift.gun, shift.record.is_off_duty) == (2, True)
    assert (change.gun, change.change.after) == (1, 2_250)
    assert world.service.states[2].status.off_duty
    assert not world.service.states[1].status.locked


@pytest.mark.parametrize("lost", ["lose_request", "lose_answer"])
def test_a_lost_order_is_read_from_the_state(world: World, lost: str) -> None:
    """Heard or not, it went out once and nobody guesses."""
    world.run(2)
    world.faults = type(world.faults)(**{lost: 1.0})
    world.dialogue.order(Order(1, OrderKind.LOCK))
    world.run_until(lambda: 0x5F in world.commands())
    world.run(0.2)
    world.faults = type(world.faults)()
    world.run(3)
    expected = OrderOutcome.DONE if lost == "lose_answer" else OrderOutcome.UNKNOWN
    assert world.service.outcomes == [expected]
    assert world.guns[1].memory.counters.is_locked is (lost == "lose_answer")
    assert world.commands().count(0x5F) == 1


def test_a_grey_card_is_unlocked_where_its_fill_is_known(tmp_path: Path) -> None:
    """The record goes first, then the unlock; a record of type 2 collects it."""
    settings = GunSettings(1, STATION, PRICES, unlocks_grey=True)
    world = World(tmp_path, settings=settings)
    uid = world.card(1)
    world.fill(1, uid)
    world.run_until(lambda: world.guns[1].nozzle.status == 0xA5)
    world.leave(1)
    assert world.run_until(lambda: (1, 1_027) in world.service.records)
    world.guns[2].insert(uid, world.seconds)
    assert world.run_until(lambda: (2, 1_027) in world.service.records)
    grey, made_up = (world.service.records[gun, 1_027] for gun in (1, 2))
    assert grey.transaction_type is TransactionType.GREY
    assert made_up.transaction_type is TransactionType.MAKE_UP_DEBIT
    assert (made_up.related_grey_seq, made_up.quantity_milli) == (1_027, 0)
    assert made_up.debited_hundredths * 100 == grey.amount_e4
    world.leave(2)
    world.fill(1, uid)
    assert world.run_until(lambda: (1, 1_028) in world.service.records)


@pytest.mark.parametrize(
    ("verdict", "refused"),
    [(CardVerdict.MAY_FILL, ""), (CardVerdict.BLACKLISTED, "blacklist")],
)
def test_the_station_says_whether_a_card_may_fill(
    tmp_path: Path, verdict: CardVerdict, refused: str
) -> None:
    """5CH goes to the service and its verdict back."""
    settings = GunSettings(1, STATION, PRICES, asks_about_cards="check")
    world = World(tmp_path, settings=settings)
    world.service.verdict = verdict
    gun = world.guns[1]
    gun.insert(world.card(1), world.seconds)
    assert world.run_until(lambda: not gun.nozzle.waits_for)
    assert gun.nozzle.refused == refused


FAULTS = {
    "lose_request": 0.2,
    "lose_answer": 0.2,
    "bit_error": 0.002,
    "byte_loss": 0.002,
    "byte_repeat": 0.002,
    "noise": 0.5,
    "truncate": 0.2,
    "duplicate": 0.5,
    "delay": 0.2,
    "glue": 0.2,
}


@pytest.mark.parametrize("fault", [*FAULTS, WRONG_GUN, "aa_inside", BAD_CRC, LOSE_ACK])
def test_each_fault_leaves_every_record_booked_once(tmp_path: Path, fault: str) -> None:
    """Twelve fills at three guns: none lost, none twice, none changed."""
    world = World(tmp_path, guns=3, seed=11)
    uids = [world.card(n) for n in range(1, 4)]
    if fault in FAULTS:
        world.faults = type(world.faults)(**{fault: FAULTS[fault]})
    else:
        world.answer_faults.set(fault, 0.2)
    for _ in range(4):
        for gun, uid in enumerate(uids, start=1):
            world.fill(gun, uid)
        assert world.run_until(lambda: uploaded(world), 120)
        for gun in world.guns:
            world.leave(gun)
    numbers = range(1_027, 1_031)
    assert sorted(world.service.records) == sorted(
        itertools.product(world.guns, numbers)
    )
    assert not world.service.different
    kinds = {record.transaction_type for record in world.service.records.values()}
    assert kinds == {TransactionType.NORMAL}


def test_a_lost_acknowledgement_brings_the_same_record_again(world: World) -> None:
    """It is acknowledged again and known by its content."""
    world.answer_faults.set(LOSE_ACK, 1)
    world.fill(1, world.card(1))
    assert world.run_until(lambda: world.service.uploads == 3)
    world.answer_faults.set(LOSE_ACK, 0)
    assert world.run_until(lambda: uploaded(world))
    assert list(world.service.records) == [(1, 1_027)]
    assert not world.service.different


def test_a_monitor_killed_between_commit_and_acknowledgement(world: World) -> None:
    """The record comes again to the next one and is booked once."""
    world.fill(1, world.card(1))
    world.service.is_killed = True
    assert world.run_until(lambda: bool(world.service.records))
    assert 0x52 not in world.commands()
    world.service.is_killed = False
    world.restart_host()
    assert world.run_until(lambda: uploaded(world))
    assert world.service.uploads == 2
    assert list(world.service.records) == [(1, 1_027)]


def test_a_power_cut_in_a_fill_leaves_a_grey_record(world: World) -> None:
    """Stop reason 5; it is uploaded when the gun is back."""
    gun = world.guns[1]
    gun.insert(world.card(1), world.seconds)
    gun.nozzle.begin(FillOrder(5_000, 100, 420, 1_985), world.seconds)
    world.run(3)
    world.cut_power(1)
    assert world.run_until(lambda: (1, 1_027) in world.service.records)
    record = world.service.records[1, 1_027]
    assert record.transaction_type is TransactionType.GREY
    assert record.stop_code == 5
    assert 2_500 <= record.quantity_milli <= 3_500


def test_a_record_that_is_never_taken_is_skipped_and_read_again(world: World) -> None:
    """Ten tries last 40 s; then its number is a gap that 58H closes."""
    world.service.accepts = False
    world.fill(1, world.card(1))
    world.run_until(lambda: world.service.uploads == 1)
    began_us = world.now_us
    world.run_until(lambda: uploaded(world), 120)
    assert world.service.uploads == 10
    assert world.now_us - began_us > 36_000 * MS
    world.service.accepts = True
    world.dialogue.request(Request(1, Question.RECORD, 1_027))
    world.run(2)
    (reread,) = [e for e in world.service.events if isinstance(e, RecordReread)]
    assert reread.answer is not None
    assert reread.answer.amount_e4 == 491_100


def test_numbers_and_totals_go_round(tmp_path: Path) -> None:
    """After the largest u32 comes 1; totals begin again at 0."""
    top = 0xFFFFFFFF
    fresh = Counters(last_trans_no=top - 1, total_quantity=top, total_amount=top)
    world = World(tmp_path, guns=1, fresh=fresh)
    uid = world.card(1)
    for _ in range(2):
        world.fill(1, uid)
        assert world.run_until(lambda: uploaded(world))
        world.leave(1)
    assert list(world.service.records) == [(1, top), (1, 1)]
    total = world.service.records[1, top].gun_total_quantity_milli
    assert total == 10 * 1_233


def test_a_cleared_memory_uses_its_numbers_again(world: World) -> None:
    """The same number with another content is not taken for a repeat."""
    uid = world.card(1)
    world.fill(1, uid)
    world.run_until(lambda: uploaded(world) and bool(world.service.records))
    world.leave(1)
    world.guns[1].clear_memory()
    world.guns[1].memory.counters.last_trans_no = 1_026
    world.fill(1, uid, 2_000)
    assert world.run_until(lambda: bool(world.service.different))
    (second,) = world.service.different
    assert (second.device_seq, second.quantity_milli) == (1_027, 20_000)


def test_a_gun_that_is_off_line_keeps_its_ring(world: World) -> None:
    """It goes offline, fills on, and delivers in order when it is back."""
    uid = world.card(1)
    world.guns[1].is_off_line = True
    world.run(12)
    offline = [e for e in world.service.events if isinstance(e, LinkChanged)]
    assert offline[-1] == LinkChanged(1, Link.OFFLINE)
    for _ in range(5):
        gun = world.guns[1]
        gun.insert(uid, world.seconds)
        world.leave(1)
    world.guns[1].is_off_line = False
    assert world.run_until(lambda: len(world.service.records) == 5)
    numbers = [number for _, number in world.service.records]
    assert numbers == list(range(1_027, 1_032))


def test_a_backlog_takes_two_frames_a_record(world: World) -> None:
    """Poll and acknowledgement follow each other, without a pause."""
    uids = {gun: world.card(gun) for gun in world.guns}
    for gun, uid in uids.items():
        world.guns[gun].is_off_line = True
        for _ in range(40):
            world.guns[gun].insert(uid, world.seconds)
            world.leave(gun)
    for dispenser in world.guns.values():
        dispenser.is_off_line = False
    world.run_until(lambda: bool(world.service.records))
    began_us, frames = world.now_us, len(world.sent)
    assert world.run_until(lambda: len(world.service.records) == 80)
    assert len(world.sent) - frames <= 2.1 * 79
    assert world.now_us - began_us < 79 * 250 * MS


def test_a_clock_that_is_set_costs_one_answer(tmp_path: Path) -> None:
    """One silent poll, no suspicion, and the dispenser has our time."""
    world = World(tmp_path, guns=1)
    world.guns[1].clock._reading = world.guns[1].clock.read(0).replace(hour=3)
    world.run(4)
    assert world.guns[1].ear.ignored["clock_set"] == 1
    links = [e.link for e in world.service.events if isinstance(e, LinkChanged)]
    assert links == [Link.ONLINE]


def test_the_adapter_fills_what_the_station_authorises(tmp_path: Path) -> None:
    """Calling, authorised within 5.00 units, debited, and its record comes."""
    settings = GunSettings(1, STATION, PRICES, variant=PETROCHINA)
    world = World(tmp_path, guns=1, settings=settings)
    gun = world.guns[1]

    def state() -> FuellingState | None:
        seen = world.service.states.get(1)
        return seen.status.state if seen else None

    gun.insert(world.card(1), world.seconds)
    assert world.run_until(lambda: state() is FuellingState.CALLING)
    world.dialogue.order(Order(1, OrderKind.AUTHORISE, preset_quantity_milli=5_000))
    assert world.run_until(lambda: state() is FuellingState.AUTHORISED)
    gun.nozzle.begin(FillOrder(5_000, 100, 420, 1_985), world.seconds)
    assert world.run_until(lambda: state() is FuellingState.FUELLING)
    assert world.run_until(lambda: (1, 1_027) in world.service.records)
    assert world.service.records[1, 1_027].quantity_milli == 5_000
    assert world.service.outcomes == [OrderOutcome.DONE]
    world.leave(1)
    assert world.run_until(lambda: state() is FuellingState.IDLE)


def test_the_adapter_stops_a_fill(tmp_path: Path) -> None:
    """72H closes the valve; what has flowed is debited."""
    settings = GunSettings(1, STATION, PRICES, variant=PETROCHINA)
    world = World(tmp_path, guns=1, settings=settings)
    gun = world.guns[1]
    gun.insert(world.card(1), world.seconds)
    world.dialogue.order(Order(1, OrderKind.AUTHORISE))
    assert world.run_until(lambda: bool(world.service.outcomes))
    gun.nozzle.begin(FillOrder(50_000, 100, 420, 1_985), world.seconds)
    world.run(3)
    world.dialogue.order(Order(1, OrderKind.STOP))
    assert world.run_until(lambda: (1, 1_027) in world.service.records)
    assert world.service.records[1, 1_027].quantity_milli < 5_000


def test_frames_of_all_kinds_keep_their_distance(tmp_path: Path) -> None:
    """Orders, lists, records, questions and polls: 110 ms apart, all of them."""
    settings = GunSettings(1, STATION, PRICES, asks_about_cards="blacklist")
    world = World(tmp_path, guns=8, settings=settings)
    numbers = [card_no(n) for n in range(500, 560)]
    offered = Downloads({ListKind.BASE: base(numbers)}, prices(500, 480, 470).prices)
    world.dialogue.offer(offered)
    world.service.verdict = CardVerdict.NOT_LISTED
    for gun in (1, 2):
        world.guns[gun].insert(world.card(gun), world.seconds)
        world.dialogue.order(Order(gun + 4, OrderKind.LOCK))
        world.dialogue.request(Request(gun, Question.TOTALS))
    world.run(40)
    starts = [at for at, _ in world.sent]
    assert min(b - a for a, b in itertools.pairwise(starts)) >= 110 * MS
    assert {0x51, 0x53, 0x54, 0x56, 0x57, 0x59, 0x5E, 0x5F} <= set(world.commands())
