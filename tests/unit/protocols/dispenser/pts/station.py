"""A dialogue and a simulated controller on a fake clock."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import (
    Event,
    RecordReceived,
    StatusReceived,
    Transmission,
)
from cngstation.protocols.dispenser.pts.dialogue import PtsDialogue
from cngstation.protocols.dispenser.pts.points import Point as PointState
from cngstation.simulators.pts_controller import Controller
from cngstation.simulators.pts_point import Point
from cngstation.units import Unit

T = TypeVar("T")
BEGIN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
WALL_MS = 1_795_248_000_000
SECOND_US = 1_000_000


class Station:
    """A dialogue and a controller that answers 20 ms after each message."""

    def __init__(self, *points: Point, gun: int | None = None) -> None:
        self.now_us = 0
        self.points = {point.number: point for point in points}
        self.controller = Controller(list(points), self.clock)
        states = [PointState(one, unit=Unit.M3) for one in self.points]
        self.dialogue = PtsDialogue(states)
        self.dialogue.line_opened(0)
        self.events: list[Event] = []
        self.sent: list[dict[str, Any]] = []
        self.spoil: Callable[[bytes], bytes | None] = lambda body: body
        self.commits = True
        self.late_us = 0  # so much later an authorisation is done, and not answered
        self._late: list[tuple[int, dict[str, Any]]] = []

    def clock(self) -> datetime:
        return BEGIN + timedelta(microseconds=self.now_us)

    def run(self, seconds: float) -> list[Event]:
        """Let time pass; return what happened in it."""
        begun, until_us = len(self.events), self.now_us + int(seconds * SECOND_US)
        while self.now_us < until_us:
            step = self.dialogue.next_transmission(self.now_us, WALL_MS)
            self._hear(self.dialogue.tick(self.now_us))
            self._do_what_is_late()
            if isinstance(step, Transmission):
                self.dialogue.sent(self.now_us)
                message = json.loads(step.data)
                self.sent += message["Packets"]
                body = self._answer(message)
                self.now_us += 20_000
                if body is not None:
                    self._hear(self.dialogue.receive(body, self.now_us))
            else:
                self.now_us = max(min(step.until_us, until_us), self.now_us + 1_000)
        return self.events[begun:]

    def _answer(self, message: dict[str, Any]) -> bytes | None:
        kinds = {packet["Type"] for packet in message["Packets"]}
        if self.late_us and "PumpAuthorize" in kinds:
            self._late.append((self.now_us + self.late_us, message))
            return None
        reply = self.controller.answer(message, self.now_us / SECOND_US)
        return self.spoil(json.dumps(reply).encode())

    def _do_what_is_late(self) -> None:
        while self._late and self._late[0][0] <= self.now_us:
            self.controller.answer(self._late.pop(0)[1], self.now_us / SECOND_US)

    def _hear(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, RecordReceived) and self.commits:
                self.dialogue.answer_record(
                    event.gun, event.record.device_seq, self.now_us, accepted=True
                )

    def count(self, kind: str) -> int:
        return sum(packet["Type"] == kind for packet in self.sent)


def only(kind: type[T], events: list[Event]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def states(events: list[Event]) -> list[FuellingState]:
    seen: list[FuellingState] = []
    for event in only(StatusReceived, events):
        if event.status.state not in seen[-1:]:
            seen.append(event.status.state)
    return seen


def records(events: list[Event]) -> list[SaleRecord]:
    return [event.record for event in only(RecordReceived, events)]


def fill(station: Station, point: Point, volume: int = 12_345) -> None:
    point.is_lifted = True
    station.run(1.2)
    point.begin(volume, 6_000.0, station.now_us / SECOND_US, station.clock())
