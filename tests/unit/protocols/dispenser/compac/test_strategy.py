"""Compac dispensers on a fake clock, against the simulated register bank."""

from collections.abc import Callable

import pytest

from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    FuellingState,
    Link,
    StopReason,
    TransactionType,
)
from cngstation.protocols.dispenser.compac.entry import ENTRY
from cngstation.protocols.dispenser.dialogue import (
    Dialogue,
    DownloadAdvanced,
    LinkChanged,
    OrderAnswered,
    ProtocolFault,
    Question,
    Request,
    RequestFailed,
    StatusReceived,
    TotaliserJumped,
    TotalsReceived,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    Order,
    OrderKind,
    OrderOutcome,
    PriceTable,
)
from cngstation.simulators.compac_dispenser import CompacDispenser
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.units import Unit
from tests.unit.protocols.dispenser.compac import vectors
from tests.unit.protocols.dispenser.plain_station import (
    PlainStation,
    only,
    records,
    states,
)

BAUD = 9_600
WRITE = 6


def dialogue(guns: int = 1, **options: int) -> Dialogue:
    nozzles = tuple(NozzleSetup(gun, Unit.KG) for gun in range(1, guns + 1))
    return ENTRY.dialogue(LineSetup(BAUD, nozzles, options))


def station(
    *nozzles: PlainNozzle, offset: int = -1, **options: int
) -> tuple[PlainStation, list[CompacDispenser]]:
    hoses = [CompacDispenser(nozzle, offset) for nozzle in nozzles]
    line = dialogue(len(nozzles), **options)
    return PlainStation(line, list(hoses), baud=BAUD, bits=11), hoses


def fill(at: PlainStation, nozzle: PlainNozzle, volume: int = 12_345) -> None:
    nozzle.lift()
    nozzle.begin(volume, 5_000.0, at.now_s)


def test_the_first_frames_are_the_constructed_ones() -> None:
    """Registers 100 to 131, then the lock; with an offset of 0 the numbers alone."""
    at, _ = station(PlainNozzle(1))
    at.run(0.5)
    assert at.sent[0] == vectors.READ_LIVE
    at, _ = station(PlainNozzle(1), offset=0, register_offset=0)
    at.run(0.5)
    assert at.sent[0][2:4] == (100).to_bytes(2, "big")
    assert states(at.events) == [FuellingState.IDLE]


def test_a_fill_is_seen_and_told_of_once() -> None:
    """Its number is the totaliser behind it, its figures are the dispenser's."""
    nozzle = PlainNozzle(1, total_volume=1_000_000, total_amount=398_000)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle)
    events = at.run(30)
    (sale,) = records(events)
    assert sale.transaction_type is TransactionType.NO_CARD
    assert (sale.is_numbered_by_total, sale.is_watched) == (True, True)
    assert (sale.quantity_milli, sale.price_e4, sale.amount_e4) == (
        12_345,
        39_800,
        491_300,
    )
    assert (sale.device_seq, sale.gun_total_quantity_milli) == (1_012_340, 1_012_340)
    assert (sale.pressure_before_kpa, sale.pressure_after_kpa) == (3_500, 15_800)
    assert (sale.stop_reason, sale.unit) == (StopReason.QUANTITY_PRESET, Unit.KG)
    assert FuellingState.FUELLING in states(events)
    assert only(TotaliserJumped, at.events) == []


def test_live_figures_rise_while_gas_flows() -> None:
    """Three times a second, with the pressure."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle)
    statuses = [event.status for event in only(StatusReceived, at.run(2.4))]
    live = [s for s in statuses if s.state is FuellingState.FUELLING]
    assert len(live) >= 5
    assert live[-1].quantity_milli > live[0].quantity_milli > 0
    assert live[-1].pressure_kpa == 3_500 + live[-1].quantity_milli // 100 * 100


def test_two_equal_fills_are_two() -> None:
    """The same figures again are told of by their totaliser."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(10)
    for _ in range(2):
        fill(at, nozzle, 5_000)
        at.run(20)
        nozzle.hang_up()
    assert [sale.device_seq for sale in records(at.events)] == [5_000, 10_000]


def test_a_fill_across_a_restart_has_the_same_number() -> None:
    """A program that begins in the middle of a fill tells of it as one that ran on."""
    nozzle = PlainNozzle(1, total_volume=50_000)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle, 20_000)
    at.run(1)
    at.restart(dialogue())
    at.run(30)
    at.restart(dialogue())
    at.run(30)
    sales = records(at.events)
    assert {sale.device_seq for sale in sales} == {70_000}
    assert {sale.quantity_milli for sale in sales} == {20_000}
    assert [sale.is_watched for sale in sales] == [True, False]


def test_of_fills_that_nobody_saw_the_last_is_told_of() -> None:
    """Its totaliser shows the book that another one was before it."""
    nozzle = PlainNozzle(1, total_volume=50_000)
    at, _ = station(nozzle)
    at.run(10)
    at.lose = lambda frame: True
    at.run(15)
    nozzle.sell(3_000)
    nozzle.sell(4_000)
    at.lose = lambda frame: False
    at.run(40)
    (sale,) = records(at.events)
    assert (sale.device_seq, sale.quantity_milli) == (57_000, 4_000)
    assert sale.gun_total_quantity_milli == 53_000 + sale.quantity_milli


def test_a_fill_whose_end_was_not_seen_has_no_ends_figures() -> None:
    """Stop and pressures in the registers are those of the fill behind it."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle, 10_000)
    at.run(1)
    at.lose = lambda frame: True
    at.run(2)
    nozzle.flow(at.now_s)
    nozzle.sell(500)
    at.lose = lambda frame: False
    at.run(30)
    cut, whole = records(at.events)
    assert 0 < cut.quantity_milli < 10_000
    assert (cut.pressure_after_kpa, cut.stop_reason) == (None, StopReason.POWER_LOSS)
    assert (whole.quantity_milli, whole.stop_code) == (500, 1)
    assert whole.pressure_after_kpa is not None


def test_a_sale_is_told_again_until_it_is_committed() -> None:
    """A service that does not answer is asked again; nothing is lost meanwhile."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.commits = False
    at.run(10)
    fill(at, nozzle, 1_000)
    at.run(20)
    assert len(records(at.events)) >= 2
    at.commits = True
    at.run(10)
    told = len(records(at.events))
    at.run(20)
    assert len(records(at.events)) == told


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (OrderKind.LOCK, OrderOutcome.DONE),
        (OrderKind.UNLOCK, OrderOutcome.DONE),
        (OrderKind.AUTHORISE, OrderOutcome.REFUSED),
        (OrderKind.STOP, OrderOutcome.REFUSED),
        (OrderKind.END_SHIFT, OrderOutcome.REFUSED),
    ],
)
def test_it_obeys_its_lock_alone(kind: OrderKind, outcome: OrderOutcome) -> None:
    """There is no other register to write; the lock shows in the next status."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(2)
    order = Order(1, kind)
    at.dialogue.order(order)
    events = at.run(2)
    assert only(OrderAnswered, events) == [OrderAnswered(order, outcome)]
    assert nozzle.is_locked is (kind is OrderKind.LOCK)
    assert only(StatusReceived, events)[-1].status.locked is nozzle.is_locked


def test_a_lock_stops_a_fill_and_the_fill_is_a_sale() -> None:
    """What had flowed is told of, stopped by the station."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle, 50_000)
    at.run(1)
    at.dialogue.order(Order(1, OrderKind.LOCK))
    at.run(20)
    (sale,) = records(at.events)
    assert 0 < sale.quantity_milli < 50_000
    assert sale.stop_code == 4


@pytest.mark.parametrize(
    ("taken", "outcome"), [(True, OrderOutcome.DONE), (False, OrderOutcome.UNKNOWN)]
)
def test_a_lock_without_an_answer_is_read_and_not_sent_again(
    taken: bool, outcome: OrderOutcome
) -> None:
    """The register says what became of it."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(2)
    if taken:
        at.spoil = lambda frame: None if frame[1] == WRITE else frame
    else:
        at.lose = lambda frame: frame[1] == WRITE
    order = Order(1, OrderKind.LOCK)
    at.dialogue.order(order)
    assert only(OrderAnswered, at.run(3)) == [OrderAnswered(order, outcome)]
    assert sum(frame[1] == WRITE for frame in at.sent) == 1


def test_an_exception_refuses_an_order() -> None:
    """The dispenser's own no is no time-out."""
    at, (hose,) = station(PlainNozzle(1))
    at.run(2)
    hose.exception = 4
    order = Order(1, OrderKind.LOCK)
    at.dialogue.order(order)
    answered = only(OrderAnswered, at.run(1))
    assert answered == [OrderAnswered(order, OrderOutcome.REFUSED)]


def test_exceptions_to_polls_take_it_off_the_line() -> None:
    """A dispenser that refuses every read is not heard; a refused lock register is."""
    at, (hose,) = station(PlainNozzle(1))
    at.run(2)
    hose.exception = 2
    events = at.run(15)
    assert only(LinkChanged, events)[-1].link is Link.OFFLINE
    assert {f.kind for f in only(ProtocolFault, events)} == {FaultKind.BAD_BODY}
    hose.exception = 0
    assert only(LinkChanged, at.run(5))[-1].link is Link.ONLINE


def test_a_price_goes_to_a_dispenser_at_rest() -> None:
    """During a fill it waits; in force when the register shows it."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle, 10_000)
    at.run(0.5)
    table = PriceTable(3, (42_000,), "2026-01-01 00:00:00")
    at.dialogue.offer(Downloads(prices=table))
    assert only(DownloadAdvanced, at.run(1)) == []
    forced = [one.is_in_force for one in only(DownloadAdvanced, at.run(10))]
    assert (forced, nozzle.price) == ([False, True], 420)
    (sale,) = records(at.events)
    assert sale.price_e4 == 39_800
    later = PriceTable(4, (43_000,), "2099-01-01 00:00:00")
    at.dialogue.offer(Downloads(prices=later))
    at.run(10)
    assert nozzle.price == 420


def test_a_refused_price_is_told_with_its_exception() -> None:
    """And one that the register cannot hold; until another one is in force."""
    at, (hose,) = station(PlainNozzle(1))
    hose.write_exception = 3
    table = PriceTable(3, (42_000,), "2026-01-01 00:00:00")
    at.dialogue.offer(Downloads(prices=table))
    at.run(60)
    refused = [one.refused for one in only(DownloadAdvanced, at.events)]
    assert refused[:1] == ["no 3"]
    assert len(refused) == len(set(refused)), "each reason is told once"
    hose.write_exception = 0
    forced = [one for one in only(DownloadAdvanced, at.run(20)) if one.is_in_force]
    assert [one.refused for one in forced] == [""]
    dear = PriceTable(4, (6_553_600_00,), "2026-01-01 00:00:00")
    at.dialogue.offer(Downloads(prices=dear))
    assert {one.refused for one in only(DownloadAdvanced, at.run(5))} == {
        "does_not_fit"
    }


def test_questions_get_totals_alone() -> None:
    """Totals come with the next registers; records and an identity there are none."""
    at, _ = station(PlainNozzle(1, total_volume=77_770, total_amount=30_000))
    at.run(1)
    for question in Question:
        at.dialogue.request(Request(1, question))
    events = at.run(2)
    (totals,) = only(TotalsReceived, events)
    assert (totals.answer.device_seq, totals.answer.gun_total_quantity_milli) == (
        None,
        77_770,
    )
    assert len(only(RequestFailed, events)) == 2


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda frame: frame[:-3], FaultKind.HALF_FRAME),
        (lambda frame: frame[:-1] + b"\x00", FaultKind.BAD_CRC),
        (lambda frame: vectors.sealed(b"\x02" + frame[1:-2]), FaultKind.WRONG_GUN),
        (
            lambda frame: vectors.sealed(b"\x09" + frame[1:-2]),
            FaultKind.WRONG_ADDRESS,
        ),
        (lambda frame: vectors.registers([1]), FaultKind.UNEXPECTED_COMMAND),
    ],
)
def test_answers_without_sense_are_named(
    spoil: Callable[[bytes], bytes], kind: FaultKind
) -> None:
    """Half a frame, a bad CRC, another's answer: the link suffers, nothing else."""
    at, _ = station(PlainNozzle(1), PlainNozzle(2))
    at.run(2)
    at.spoil = lambda frame: spoil(frame) if frame[0] == 1 else frame
    events = at.run(15)
    assert kind in {fault.kind for fault in only(ProtocolFault, events)}
    links = [one for one in only(LinkChanged, events) if one.gun == 1]
    assert links[-1].link is Link.OFFLINE
    assert records(at.events) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: b"\x01\x03\xf0\x55" + frame,
        lambda frame: frame + frame,
        lambda frame: frame + b"\x00\xff\x01",
    ],
)
def test_noise_and_doubled_answers_change_nothing(
    spoil: Callable[[bytes], bytes],
) -> None:
    """The good answer is found in them, once."""
    nozzle = PlainNozzle(1)
    at, _ = station(nozzle)
    at.spoil = spoil
    at.run(10)
    fill(at, nozzle, 2_000)
    at.run(20)
    assert len(records(at.events)) == 1
    assert only(LinkChanged, at.events) == [LinkChanged(1, Link.ONLINE)]
