"""The dialogue with a PTS-2 controller: fills, questions, options."""

from typing import Any

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    Link,
    NoFill,
    SaleRecord,
    TransactionType,
)
from cngstation.protocols.dispenser.dialogue import (
    LinkChanged,
    Question,
    RecordReread,
    Request,
    RequestFailed,
    StatusReceived,
    TotalsReceived,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.pts.dialogue import PtsDialogue
from cngstation.protocols.dispenser.pts.entry import ENTRY
from cngstation.protocols.dispenser.pts.points import Point as PointState
from cngstation.simulators.pts_point import Point
from cngstation.units import Unit
from tests.unit.protocols.dispenser.pts.station import (
    Station,
    fill,
    only,
    records,
    states,
)


def test_a_fill_is_seen_reported_and_closed_after_the_commit() -> None:
    """Called, filling, ended; the record has the pump's figures; then it is closed."""
    point = Point(1, last_number=41, total_volume=1_000_000, pressure=2_900_000)
    station = Station(point)
    assert only(LinkChanged, station.run(2)) == [LinkChanged(1, Link.ONLINE)]
    fill(station, point)
    events = station.run(4)
    assert states(station.events) == [
        FuellingState.IDLE,
        FuellingState.CALLING,
        FuellingState.FUELLING,
        FuellingState.IDLE,
        FuellingState.CALLING,
    ]
    (sale,) = records(events)
    assert (sale.device_seq, sale.transaction_type) == (42, TransactionType.NO_CARD)
    assert (sale.quantity_milli, sale.price_e4, sale.amount_e4) == (
        12_345,
        39_800,
        491_300,
    )
    assert sale.gun_total_quantity_milli == 1_012_345
    assert (sale.started_at, sale.ended_at) == (
        "2026-11-21 08:00:03",
        "2026-11-21 08:00:05",
    )
    assert (sale.pressure_before_kpa, sale.pressure_after_kpa) == (19_995, 19_995)
    assert b'"Volume":12.345' in sale.raw_frame
    assert not sale.is_offline
    assert point.open is None
    assert station.count("PumpCloseTransaction") == 1


def test_a_transaction_without_totals_has_none() -> None:
    """None is not nought."""
    point = Point(1, total_volume=1_000_000, tells_total=False)
    station = Station(point)
    station.run(2)
    fill(station, point)
    (sale,) = records(station.run(4))
    assert sale.quantity_milli == 12_345
    assert (sale.gun_total_quantity_milli, sale.gun_total_amount_e4) == (None, None)


def test_live_figures_are_the_points() -> None:
    """Quantity, amount, price and pressure while gas flows."""
    point = Point(1, pressure=1_000_000)
    station = Station(point)
    station.run(1)
    fill(station, point)
    events = station.run(1.5)
    filling = [
        event.status
        for event in only(StatusReceived, events)
        if event.status.state is FuellingState.FUELLING
    ]
    assert len(filling) >= 3
    last = filling[-1]
    assert 0 < last.quantity_milli < 12_345
    assert last.amount_e4 == (last.quantity_milli * 398 + 500) // 1_000 * 100
    assert (last.price_e4, last.pressure_kpa) == (39_800, 6_895)


def test_nothing_is_closed_before_the_commit() -> None:
    """An undecided sale is told again, a refused one rests, then it is closed."""
    point = Point(1)
    station = Station(point)
    station.commits = False
    station.run(1)
    fill(station, point, 1_000)
    station.run(2)
    assert len(records(station.events)) == 1
    station.run(6)
    assert len(records(station.events)) == 2
    station.dialogue.answer_record(1, 1, station.now_us, accepted=False)
    assert records(station.run(3.5)) == []
    assert len(records(station.run(1))) == 1
    assert (station.count("PumpCloseTransaction"), point.open is None) == (0, False)
    station.dialogue.answer_record(1, 7, station.now_us, accepted=True)
    station.run(1)
    assert point.open is not None
    station.dialogue.answer_record(1, 1, station.now_us, accepted=True)
    station.run(1)
    assert point.open is None


def test_a_lost_closing_is_repeated() -> None:
    """The controller shows the sale again; it is closed and not told of again."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    fill(station, point, 1_000)

    def lose_closings(body: bytes) -> bytes | None:
        return None if b"PumpCloseTransaction" in body else body

    station.spoil = lose_closings
    station.run(8)
    station.spoil = lambda body: body
    station.run(8)
    assert len(records(station.events)) == 1
    assert station.count("PumpCloseTransaction") >= 2


def test_a_sale_that_closed_by_itself_is_fetched() -> None:
    """Its number stands in the next idle status; it is asked for and told of."""
    point = Point(1, closes_itself=True, last_number=7)
    station = Station(point)
    station.run(2)
    assert station.count("PumpGetTransactionInformation") == 0
    point.sell_at_once(5_000, station.clock())
    (sale,) = records(station.run(2))
    assert (sale.device_seq, sale.quantity_milli) == (8, 5_000)
    station.run(20)
    assert len(records(station.events)) == 1


def test_an_open_sale_that_only_the_controller_knows_is_told_of() -> None:
    """That its number was shown before does not mean that it is in the books."""
    point = Point(1, closes_itself=True)
    station = Station(point)
    point.sell_at_once(5_000, station.clock())
    station.run(2)
    assert records(station.events) == []
    point.open = point.kept[1]
    (sale,) = records(station.run(2))
    assert sale.device_seq == 1
    assert station.count("PumpCloseTransaction") == 1


def test_another_transaction_than_the_asked_one_is_no_answer() -> None:
    """The question fails; nothing of it is believed."""
    point = Point(1, closes_itself=True)
    station = Station(point)
    for _ in range(2):
        point.sell_at_once(5_000, station.clock())
    station.run(1)
    station.spoil = lambda body: body.replace(b'"Transaction": 1', b'"Transaction": 2')
    station.dialogue.request(Request(1, Question.RECORD, 1))
    events = station.run(1)
    assert only(RecordReread, events) == []
    assert len(only(RequestFailed, events)) == 1


def test_an_authorisation_that_moved_no_gas_is_no_sale() -> None:
    """Its number has no transaction; it is not asked for again and again."""
    point = Point(1, last_number=7)
    station = Station(point)
    station.run(2)
    point.authorise(0, 0)
    station.run(2)
    point.is_authorised = False
    station.run(20)
    assert records(station.events) == []
    assert station.count("PumpGetTransactionInformation") == 1


def test_numbers_begin_again_behind_the_last() -> None:
    """Transaction 1 follows 65 535; both are told of once."""
    point = Point(1, last_number=65_534, closes_itself=True)
    station = Station(point)
    station.run(1)
    for _ in range(2):
        point.sell_at_once(1_000, station.clock())
        station.run(6)
    assert [sale.device_seq for sale in records(station.events)] == [65_535, 1]


def test_a_point_that_the_controller_cannot_reach_goes_off_line_and_comes_back() -> (
    None
):
    """Its last state stays; what it sold meanwhile is there to be asked for."""
    point = Point(1, last_number=3)
    station = Station(point)
    station.run(2)
    point.is_offline = True
    away = station.run(15)
    assert [change.link for change in only(LinkChanged, away)] == [
        Link.SUSPECT,
        Link.OFFLINE,
    ]
    assert only(StatusReceived, away) == []
    point.sell_at_once(2_000, station.clock())
    point.sell_at_once(3_000, station.clock())
    point.is_offline = False
    back = station.run(3)
    assert [change.link for change in only(LinkChanged, back)] == [Link.ONLINE]
    station.dialogue.request(Request(1, Question.TOTALS))
    station.dialogue.request(Request(1, Question.RECORD, 4))
    answers = station.run(2)
    (totals,) = only(TotalsReceived, answers)
    assert totals.answer.device_seq == 5
    assert totals.answer.gun_total_quantity_milli == 5_000
    (reread,) = only(RecordReread, answers)
    assert isinstance(reread.answer, SaleRecord)
    assert (reread.answer.device_seq, reread.answer.quantity_milli) == (4, 2_000)
    assert reread.answer.is_offline


def test_questions_that_have_no_answer_fail() -> None:
    """A number without a fill, one too old, one that is none; no identity."""
    point = Point(1, last_number=3)
    station = Station(point)
    station.run(1)
    for question in (
        Request(1, Question.RECORD, 2),
        Request(1, Question.RECORD, 5_000),
        Request(1, Question.RECORD, 70_000),
        Request(1, Question.IDENTITY),
    ):
        station.dialogue.request(question)
    answers = station.run(1)
    found = [event.answer for event in only(RecordReread, answers)]
    assert found == [NoFill(), None]
    failed = {event.request.question for event in only(RequestFailed, answers)}
    assert failed == {Question.RECORD, Question.IDENTITY}
    fill(station, point)
    station.dialogue.request(Request(1, Question.TOTALS))
    assert len(only(RequestFailed, station.run(1))) == 1
    with pytest.raises(LocalProtocolError, match="gun 9"):
        station.dialogue.request(Request(9, Question.TOTALS))


def test_totals_that_never_come_fail() -> None:
    """The controller confirms and then shows only its status."""
    station = Station(Point(1))
    station.run(1)
    station.dialogue.request(Request(1, Question.TOTALS))
    station.spoil = lambda body: body.replace(b'"PumpTotals"', b'"PumpPrices"')
    station.run(2)
    assert only(TotalsReceived, station.events) == []
    assert len(only(RequestFailed, station.run(5))) == 1


def test_a_point_without_sensors_is_asked_for_measurements_once() -> None:
    """The controller's error ends it until the line is opened again."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    fill(station, point)
    station.run(3)
    assert station.count("PumpGetAdditionalMeasurements") == 1
    assert records(station.events)[0].pressure_before_kpa is None


def test_many_points_share_messages() -> None:
    """One hundred and twenty pumps are asked in four messages a cycle."""
    points = [Point(number) for number in range(1, 121)]
    station = Station(*points)
    links = only(LinkChanged, station.run(0.9))
    assert len(links) == 120
    assert station.count("PumpGetStatus") == 120


@pytest.mark.parametrize(
    "options", [{"nozzle": 0}, {"nozzle": "1"}, {"measurements": 2}, {"colour": 1}]
)
def test_options_that_are_none_are_refused(options: dict[str, Any]) -> None:
    """A wrong switch is refused at start."""
    setup = LineSetup(0, (NozzleSetup(1, Unit.M3),), options)
    with pytest.raises(ValueError, match=next(iter(options))):
        ENTRY.dialogue(setup)


def test_a_controller_has_points_each_once() -> None:
    """The same number twice, or none at all, is no line."""
    assert (ENTRY.guns.start, ENTRY.guns.stop) == (1, 121)
    with pytest.raises(ValueError, match="each once"):
        PtsDialogue([PointState(1), PointState(1)])
    with pytest.raises(ValueError, match="each once"):
        PtsDialogue([])
