"""Orders and prices for the pumps of a PTS-2 controller."""

import pytest

from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    LinkChanged,
    OrderAnswered,
    StatusReceived,
)
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    Order,
    OrderKind,
    OrderOutcome,
    PriceTable,
)
from cngstation.simulators.pts_controller import BUSY
from cngstation.simulators.pts_point import Point
from tests.unit.protocols.dispenser.pts.station import (
    Station,
    fill,
    only,
    records,
    states,
)


@pytest.mark.parametrize(
    ("kind", "before", "outcome"),
    [
        (OrderKind.LOCK, None, OrderOutcome.DONE),
        (OrderKind.UNLOCK, None, OrderOutcome.DONE),
        (OrderKind.AUTHORISE, None, OrderOutcome.DONE),
        (OrderKind.AUTHORISE, "authorised", OrderOutcome.REFUSED),
        (OrderKind.STOP, "filling", OrderOutcome.DONE),
        (OrderKind.STOP, None, OrderOutcome.REFUSED),
        (OrderKind.END_SHIFT, None, OrderOutcome.REFUSED),
    ],
)
def test_orders_end_as_the_controller_says(
    kind: OrderKind, before: str | None, outcome: OrderOutcome
) -> None:
    """Done, refused by an error code, or not in the protocol."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    if before == "filling":
        fill(station, point)
    if before == "authorised":
        point.authorise(0, 0)
    order = Order(1, kind)
    station.dialogue.order(order)
    assert only(OrderAnswered, station.run(1)) == [OrderAnswered(order, outcome)]


def test_a_pump_is_authorised_when_its_last_fill_is_in_the_books() -> None:
    """Until then an order is refused unsent: nobody could tell which fill it is for."""
    point = Point(1)
    station = Station(point)
    station.commits = False
    station.run(1)
    fill(station, point, 1_000)
    station.run(2)
    order = Order(1, OrderKind.AUTHORISE)
    for outcome, count in ((OrderOutcome.REFUSED, 0), (OrderOutcome.DONE, 1)):
        station.dialogue.order(order)
        answers = only(OrderAnswered, station.run(1))
        assert answers == [OrderAnswered(order, outcome)]
        assert station.count("PumpAuthorize") == count
        station.dialogue.answer_record(1, 1, station.now_us, accepted=True)
        station.run(1)


def test_a_preset_stops_the_fill() -> None:
    """An authorised amount is what the pump gives."""
    point = Point(1, is_automatic=False)
    station = Station(point)
    station.run(1)
    station.dialogue.order(Order(1, OrderKind.AUTHORISE, preset_amount_e4=199_000))
    station.run(1)
    assert states(station.events)[-1] is FuellingState.AUTHORISED
    fill(station, point, 50_000)
    (sale,) = records(station.run(5))
    assert (sale.device_seq, sale.quantity_milli, sale.amount_e4) == (
        1,
        5_000,
        199_000,
    )


def test_an_order_without_an_answer_is_sent_once() -> None:
    """It ends as unknown; the next status shows what became of it."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    station.spoil = lambda body: None
    order = Order(1, OrderKind.LOCK)
    station.dialogue.order(order)
    answers = station.run(6)
    assert only(OrderAnswered, answers) == [OrderAnswered(order, OrderOutcome.UNKNOWN)]
    station.spoil = lambda body: body
    station.run(7)
    assert station.count("PumpLock") == 1
    last = only(StatusReceived, station.events)[-1].status
    assert (last.state, last.locked) == (FuellingState.CLOSED, True)


def test_an_order_is_taken_back_while_another_message_is_out() -> None:
    """It waits for the answer before it, and is not sent then."""
    station = Station(Point(1))
    station.run(1)
    order = Order(1, OrderKind.AUTHORISE)
    station.dialogue.order(order)
    assert station.dialogue.withdraw(order)
    assert not station.dialogue.withdraw(order)
    station.run(3)
    assert station.count("PumpAuthorize") == 0


def test_an_order_to_a_pump_that_is_offline_is_refused_unsent() -> None:
    """The controller could give it to the pump when that comes back."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    point.is_offline = True
    station.run(13)
    assert only(LinkChanged, station.events)[-1] == LinkChanged(1, Link.OFFLINE)
    order = Order(1, OrderKind.AUTHORISE)
    station.dialogue.order(order)
    events = station.run(1)
    assert only(OrderAnswered, events) == [OrderAnswered(order, OrderOutcome.REFUSED)]
    assert station.count("PumpAuthorize") == 0


def test_a_price_goes_to_a_point_at_rest_at_its_time() -> None:
    """Never during a fill; in force when the pump shows it."""
    point = Point(1)
    station = Station(point)
    station.run(1)
    fill(station, point, 10_000)
    station.run(0.5)
    table = PriceTable(5, (42_000,), "2026-01-01 00:00:00")
    station.dialogue.offer(Downloads(prices=table))
    filling = station.run(1)
    assert only(DownloadAdvanced, filling) == []
    assert point.price == 398
    point.is_lifted = False
    after = station.run(5)
    forced = [one.is_in_force for one in only(DownloadAdvanced, after)]
    assert forced == [False, True]
    assert point.price == 420
    later = PriceTable(6, (43_000,), "2099-01-01 00:00:00")
    station.dialogue.offer(Downloads(prices=later))
    station.run(5)
    assert (point.price, station.count("PumpSetPrices")) == (420, 1)


def test_a_refused_price_is_told_as_the_controller_says_it() -> None:
    """Its code and its own words."""
    station = Station(Point(1))
    station.run(1)
    station.controller.refuses_prices = BUSY
    table = PriceTable(5, (42_000,), "2026-01-01 00:00:00")
    station.dialogue.offer(Downloads(prices=table))
    told = only(DownloadAdvanced, station.run(5))
    assert told[-1].refused == "no 42 JSONPTS_ERROR_PUMP_BUSY_FILLING"
    assert not told[-1].is_in_force
