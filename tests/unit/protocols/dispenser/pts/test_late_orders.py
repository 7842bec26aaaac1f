"""An authorisation that comes late lets nobody fill."""

import pytest

from cngstation.protocols.dispenser.canonical import FaultKind, FuellingState
from cngstation.protocols.dispenser.dialogue import OrderAnswered, ProtocolFault
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.pts.orders import CERTAIN_AFTER_US
from cngstation.simulators.pts_point import Point
from tests.unit.protocols.dispenser.pts.station import (
    SECOND_US,
    Station,
    only,
    records,
    states,
)

ORDER = Order(1, OrderKind.AUTHORISE, preset_amount_e4=199_000)


def station_with(point: Point, *, late_s: float) -> Station:
    """Return a station whose authorisation is under way, to be done so much later."""
    station = Station(point)
    station.run(1)
    station.late_us = int(late_s * SECOND_US)
    station.dialogue.order(ORDER)
    return station


@pytest.mark.parametrize("late_s", [0.1, 6.0, 30.0])
def test_what_was_not_answered_in_time_is_taken_back(late_s: float) -> None:
    """It ends as unknown, once; whenever it comes, nobody can fill a second later."""
    point = Point(1, is_automatic=False)
    station = station_with(point, late_s=late_s)
    answers = only(OrderAnswered, station.run(5.5))
    assert answers == [OrderAnswered(ORDER, OrderOutcome.UNKNOWN)]
    station.run(max(late_s - 5.5, 0) + 1.2)
    assert not point.is_authorised
    assert (point.preset_amount, point.preset_volume) == (0, 0)
    assert FuellingState.AUTHORISED in states(station.events)
    assert (station.count("PumpAuthorize"), station.count("PumpStop")) == (1, 1)
    faults = [one.kind for one in only(ProtocolFault, station.events)]
    assert faults.count(FaultKind.LATE_REPLY) == 1


@pytest.mark.parametrize("phase_s", [0.0, 0.2, 0.4, 0.6, 0.8])
def test_a_fill_that_a_late_one_began_is_stopped_and_booked(phase_s: float) -> None:
    """The nozzle was up: gas flows for half a second, and is a sale."""
    point = Point(1, is_automatic=False)
    station = station_with(point, late_s=1_000)
    station.run(8 + phase_s)
    point.is_lifted = True
    point.authorise(0, 0)
    point.begin(30_000, 1_000.0, station.now_us / SECOND_US, station.clock())
    (sale,) = records(station.run(3))
    assert sale.quantity_milli < 600
    assert point.fill is None


def test_where_a_stop_is_refused_the_pump_is_locked() -> None:
    """A controller may know a stop of a fill alone."""
    point = Point(1, is_automatic=False)
    station = station_with(point, late_s=7)
    station.controller.stops_authorised = False
    station.run(8.5)
    assert point.is_locked
    assert station.count("PumpLock") == 1


def test_an_answer_behind_who_asked_is_no_leave_to_fill() -> None:
    """The screen was told that nothing is known: what is done then is taken back."""
    point = Point(1, is_automatic=False)
    station = Station(point)
    station.run(1)
    station.dialogue.order(ORDER)
    station.dialogue.next_transmission(station.now_us, 0)
    assert not station.dialogue.withdraw(ORDER)
    message = {"Id": 2, "Type": "PumpAuthorize", "Data": {"Pump": 1, "Nozzle": 1}}
    station.controller.answer({"Protocol": "jsonPTS", "Packets": [message]}, 1.0)
    body = (
        b'{"Protocol":"jsonPTS","Packets":[{"Id":%d,"Type":"PumpAuthorizeConfirmation"'
        b',"Data":{"Pump":1,"Transaction":1}}]}'
    )
    station.dialogue.receive(body % 2, station.now_us + 1)
    station.run(1)
    assert (point.is_authorised, station.count("PumpStop")) == (False, 1)


def test_one_that_is_answered_stays_and_ends_a_doubt() -> None:
    """Who asks again and is answered may fill; the first one is watched no more."""
    point = Point(1, is_automatic=False)
    station = station_with(point, late_s=100)
    station.run(6)
    station.late_us = 0
    station.dialogue.order(ORDER)
    station.run(5)
    assert (point.is_authorised, station.count("PumpStop")) == (True, 0)


def test_a_fill_that_went_on_before_is_not_stopped() -> None:
    """The controller refuses to authorise it; that its answer is lost harms nobody."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    point.is_lifted = True
    point.begin(900_000, 1_000.0, station.now_us / SECOND_US, station.clock())
    station.run(1)
    station.late_us = 1
    station.dialogue.order(ORDER)
    station.run(10)
    assert point.fill is not None
    assert station.count("PumpStop") == 0


def test_a_pump_heard_at_rest_for_long_is_certain_again() -> None:
    """Silence does not count: the time begins again when the pump is heard."""
    point = Point(1, is_automatic=False)
    station = station_with(point, late_s=1_000)
    station.run(10)
    point.is_offline = True
    station.run(60)
    point.is_offline = False
    station.run(CERTAIN_AFTER_US / SECOND_US - 2)
    point.authorise(0, 0)
    station.run(1)
    assert not point.is_authorised
    station.run(CERTAIN_AFTER_US / SECOND_US + 2)
    point.authorise(0, 0)
    station.run(3)
    assert point.is_authorised
