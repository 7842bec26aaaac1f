"""A dialogue against simulated pumps on a fake clock: no port, no waiting."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cngstation.protocols.dispenser.canonical import NozzleStatus, SaleRecord
from cngstation.protocols.dispenser.dialogue import (
    Dialogue,
    Event,
    OrderAnswered,
    ProtocolFault,
    RecordReceived,
    StatusReceived,
    Transmission,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderOutcome
from cngstation.simulators.plain_dispenser import Kept, PlainDispenser

WALL_MS = 1_748_737_815_000  # 2025-06-01 08:30:15 in China
SECOND = 1_000_000
BYTE_US = 1_100
TURNAROUND_US = 5_000


class Device(Protocol):
    """A simulated pump as the wire has it."""

    works: PlainDispenser

    def hear(self, data: bytes, now: float) -> bytes | None: ...


def works(
    folder: Path, gun: int, *, late_total_s: float = 0.0, must_be_reset: bool = True
) -> PlainDispenser:
    """Return the works of a pump whose totaliser shows 1 234.56."""
    fresh = Kept(total_quantity=123_456, total_amount=491_355)
    return PlainDispenser(
        folder / f"side-{gun}",
        fresh=fresh,
        late_total_s=late_total_s,
        must_be_reset=must_be_reset,
    )


@dataclass
class Wire:
    """What goes wrong between both, by chance from a seed; shares from 0 to 1."""

    seed: int = 0
    lose_request: float = 0.0
    lose_answer: float = 0.0
    bit_error: float = 0.0
    duplicate: float = 0.0
    noise: float = 0.0
    truncate: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def draws(self, share: float) -> bool:
        return share > 0 and self.chance.random() < share

    def spoil(self, data: bytes) -> bytes:
        if self.draws(self.truncate):
            data = data[: self.chance.randrange(len(data))]
        if self.draws(self.bit_error) and data:
            at = self.chance.randrange(len(data))
            flipped = data[at] ^ 1 << self.chance.randrange(8)
            data = data[:at] + bytes([flipped]) + data[at + 1 :]
        if self.draws(self.duplicate):
            data += data
        if self.draws(self.noise):
            data = self.chance.randbytes(3) + data
        return data


@dataclass
class SideBench:
    """Runs the line; records are accepted unless `accepts` is False."""

    dialogue: Dialogue
    devices: Mapping[int, Device]
    wire: Wire = field(default_factory=Wire)
    accepts: bool = True
    now_us: int = SECOND
    events: list[Event] = field(default_factory=list)
    sent: list[Transmission] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dialogue.line_opened(self.now_us)

    def run(self, seconds: float) -> "SideBench":
        until_us = self.now_us + int(seconds * SECOND)
        while self.now_us < until_us:
            self._deliver()
            step = self.dialogue.next_transmission(self.now_us, WALL_MS)
            self.take(self.dialogue.tick(self.now_us))
            if isinstance(step, Transmission):
                self.sent.append(step)
                self.dialogue.sent(self.now_us)
                self._carry(step)
                continue
            next_us = min([step.until_us, *(at for at, _ in self.answers)])
            self.now_us = max(next_us, self.now_us + 1)
        return self

    def _carry(self, step: Transmission) -> None:
        if self.wire.draws(self.wire.lose_request):
            return
        heard_us = self.now_us + len(step.data) * BYTE_US
        for device in self.devices.values():
            answer = device.hear(step.data, heard_us / SECOND)
            if answer is None or self.wire.draws(self.wire.lose_answer):
                continue
            spoiled = self.wire.spoil(answer)
            at_us = heard_us + TURNAROUND_US + len(spoiled) * BYTE_US
            at_us += 400_000 if self.wire.draws(self.wire.late) else 0
            self.answers.append((at_us, spoiled))

    def _deliver(self) -> None:
        due = sorted(answer for answer in self.answers if answer[0] <= self.now_us)
        self.answers = [answer for answer in self.answers if answer[0] > self.now_us]
        for _, data in due:
            self.take(self.dialogue.receive(data, self.now_us))

    def take(self, events: list[Event]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, RecordReceived):
                self.dialogue.answer_record(
                    event.gun,
                    event.record.device_seq,
                    self.now_us,
                    accepted=self.accepts,
                )

    # Hands

    def lift(self, gun: int = 1) -> None:
        self.devices[gun].works.lift(self.now_us / SECOND)

    def fill(self, limit: int, gun: int = 1) -> None:
        self.devices[gun].works.fill(limit, 500, self.now_us / SECOND)

    def hang_up(self, gun: int = 1) -> None:
        self.devices[gun].works.hang_up(self.now_us / SECOND)

    def give(self, order: Order, seconds: float = 2.0) -> OrderOutcome:
        self.dialogue.order(order)
        self.run(seconds)
        outcomes = [e.outcome for e in self.of(OrderAnswered) if e.order == order]
        return outcomes[-1]

    # What came of it

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def status(self, gun: int = 1) -> NozzleStatus:
        return [e.status for e in self.of(StatusReceived) if e.gun == gun][-1]

    def records(self, gun: int = 1) -> list[SaleRecord]:
        return [e.record for e in self.of(RecordReceived) if e.gun == gun]

    def faults(self) -> Counter:
        counted: Counter = Counter()
        for event in self.of(ProtocolFault):
            counted[event.kind] += event.count
        return counted
