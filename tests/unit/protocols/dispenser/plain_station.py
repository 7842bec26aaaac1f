"""A line of requests and answers on a fake clock, with a simulated far end."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from cngstation.protocols.dispenser.canonical import FuellingState, SaleRecord
from cngstation.protocols.dispenser.dialogue import (
    Dialogue,
    Event,
    RecordReceived,
    StatusReceived,
    Transmission,
)

T = TypeVar("T")
WALL_MS = 1_795_248_000_000
SECOND_US = 1_000_000


class Device(Protocol):
    """The far end."""

    def hear(self, data: bytes, now: float) -> list[bytes]: ...


class PlainStation:
    """A dialogue whose frames reach the devices, and come back, in wire time."""

    def __init__(
        self, dialogue: Dialogue, devices: list[Device], *, baud: int, bits: int
    ) -> None:
        self.dialogue = dialogue
        self.devices = devices
        self.byte_us = bits * SECOND_US / baud
        self.now_us = 0
        self.events: list[Event] = []
        self.sent: list[bytes] = []
        self.spoil: Callable[[bytes], bytes | None] = lambda frame: frame
        self.lose: Callable[[bytes], bool] = lambda frame: False
        self.commits = True
        dialogue.line_opened(0)

    @property
    def now_s(self) -> float:
        return self.now_us / SECOND_US

    def restart(self, dialogue: Dialogue) -> None:
        """Let another program begin, that remembers nothing."""
        self.dialogue = dialogue
        dialogue.line_opened(self.now_us)

    def run(self, seconds: float) -> list[Event]:
        """Let time pass; return what happened in it."""
        begun, until_us = len(self.events), self.now_us + int(seconds * SECOND_US)
        while self.now_us < until_us:
            step = self.dialogue.next_transmission(self.now_us, WALL_MS)
            self._hear(list(self.dialogue.tick(self.now_us)))
            if isinstance(step, Transmission):
                self.dialogue.sent(self.now_us)
                self._carry(step.data)
            else:
                self.now_us = max(min(step.until_us, until_us), self.now_us + 500)
        return self.events[begun:]

    def _carry(self, data: bytes) -> None:
        self.sent.append(data)
        self.now_us += int(len(data) * self.byte_us)
        if self.lose(data):
            return
        for device in self.devices:
            for answer in device.hear(data, self.now_s):
                heard = self.spoil(answer)
                if heard is not None:
                    self.now_us += int(len(heard) * self.byte_us) + 10_000
                    self._hear(list(self.dialogue.receive(heard, self.now_us)))

    def _hear(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, RecordReceived) and self.commits:
                self.dialogue.answer_record(
                    event.gun, event.record.device_seq, self.now_us, accepted=True
                )


def only(kind: type[T], events: list[Event]) -> list[T]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def states(events: list[Event]) -> list[FuellingState]:
    """Return the states that were shown, without repetitions."""
    seen: list[FuellingState] = []
    for event in only(StatusReceived, events):
        if event.status.state not in seen[-1:]:
            seen.append(event.status.state)
    return seen


def records(events: list[Event]) -> list[SaleRecord]:
    """Return the records that were told of."""
    return [event.record for event in only(RecordReceived, events)]
