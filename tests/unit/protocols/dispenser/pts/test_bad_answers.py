"""The dialogue with a PTS-2 controller when answers are late, broken or missing."""

import json
from collections.abc import Callable

import pytest

from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    LinkChanged,
    OrderAnswered,
    ProtocolFault,
    Question,
    Request,
    RequestFailed,
    StatusReceived,
)
from cngstation.protocols.dispenser.forecourt import (
    Order,
    OrderKind,
    OrderOutcome,
)
from cngstation.simulators.pts_point import Point
from tests.unit.protocols.dispenser.pts.station import (
    WALL_MS,
    Station,
    fill,
    only,
    records,
)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda body: body[: len(body) // 2], FaultKind.BAD_BODY),
        (lambda body: body.replace(b'"Pump": 1', b'"Pump": 2'), FaultKind.WRONG_GUN),
        (lambda body: body.replace(b'"Id": ', b'"Id": 9'), FaultKind.LATE_REPLY),
        (lambda body: b"[" * 50_000, FaultKind.BAD_BODY),
        (
            lambda body: body.replace(b'"PumpIdleStatus"', b'"PumpTag2"'),
            FaultKind.BAD_BODY,
        ),
    ],
)
def test_answers_without_sense_count_as_missed(
    spoil: Callable[[bytes], bytes], kind: FaultKind
) -> None:
    """Half an answer, another pump's, a late one: named, and the link suffers."""
    station = Station(Point(1))
    station.run(2)
    station.spoil = spoil
    events = station.run(20)
    assert {fault.kind for fault in only(ProtocolFault, events)} == {kind}
    assert only(LinkChanged, events)[-1].link is Link.OFFLINE
    station.spoil = lambda body: body
    assert only(LinkChanged, station.run(6))[-1].link is Link.ONLINE


def test_a_late_answer_changes_nothing() -> None:
    """An answer to the message before is counted and not believed."""
    point = Point(1)
    station = Station(point)
    held: list[bytes] = []

    def keep(body: bytes) -> bytes | None:
        held.append(body)
        return held.pop(0) if len(held) > 1 else None

    station.run(1)
    station.spoil = keep
    station.run(30)
    kinds = {fault.kind for fault in only(ProtocolFault, station.events)}
    assert kinds == {FaultKind.LATE_REPLY}
    assert only(LinkChanged, station.events)[-1].link is Link.OFFLINE


def test_what_is_said_twice_is_heard_once() -> None:
    """A doubled packet gives one status and one record."""
    point = Point(1)
    station = Station(point)
    station.run(1)

    def double(body: bytes) -> bytes:
        message = json.loads(body)
        return json.dumps(message | {"Packets": message["Packets"] * 2}).encode()

    station.spoil = double
    before = len(only(StatusReceived, station.events))
    fill(station, point, 2_000)
    station.run(3)
    assert len(records(station.events)) == 1
    told = len(only(StatusReceived, station.events)) - before
    assert told == station.count("PumpGetStatus") - before


def test_a_closed_line_fails_what_waits() -> None:
    """Questions fail, unsent orders are refused, sent ones are unknown."""
    station = Station(Point(1))
    station.run(1)
    sent = Order(1, OrderKind.LOCK)
    station.dialogue.order(sent)
    station.dialogue.next_transmission(station.now_us, WALL_MS)
    waiting = Order(1, OrderKind.UNLOCK)
    station.dialogue.order(waiting)
    station.dialogue.request(Request(1, Question.TOTALS))
    station.dialogue.line_closed(station.now_us)
    events = station.dialogue.tick(station.now_us)
    assert set(only(OrderAnswered, events)) == {
        OrderAnswered(sent, OrderOutcome.UNKNOWN),
        OrderAnswered(waiting, OrderOutcome.REFUSED),
    }
    assert len(only(RequestFailed, events)) == 1


def test_a_lost_line_does_not_lose_a_sale() -> None:
    """Offered and undecided when the line went: told again when it is back."""
    point = Point(1)
    station = Station(point)
    station.commits = False
    station.run(1)
    fill(station, point, 1_000)
    station.run(2)
    station.dialogue.line_closed(station.now_us)
    station.dialogue.line_opened(station.now_us)
    station.commits = True
    station.run(8)
    assert [sale.device_seq for sale in records(station.events)] == [1, 1]
    assert point.open is None
