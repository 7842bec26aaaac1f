"""A JX-V4 line on a fake clock, with a script for its far end."""

from collections.abc import Callable
from typing import TypeVar

from cngstation.protocols.dispenser.canonical import (
    FaultKind,
)
from cngstation.protocols.dispenser.dialogue import (
    DownloadAsked,
    Event,
    ProtocolFault,
    Transmission,
)
from cngstation.protocols.dispenser.jxv4.dialogue import (
    BusDialogue,
)
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.jxv4.variant import OWN, Variant
from tests.unit.protocols.dispenser.jxv4 import vectors

WALL_MS = 1_748_737_815_000  # 2025-06-01 08:30:15 in China
MS = 1_000
SECOND = 1_000 * MS
SPACING = 111 * MS
POLL_LIMIT = 250 * MS + (24 + 158) * 10 * SECOND // 38_400
Answers = Callable[[Transmission], bytes]


def silent(_sent: Transmission) -> bytes:
    return b""


def idle(sent: Transmission) -> bytes:
    """Answer every poll with a status and nothing else."""
    return vectors.status(sent.gun) if sent.data[4] == 0x51 else b""


def fuelling(sent: Transmission) -> bytes:
    """Answer every poll with the status of a fill."""
    return vectors.status(sent.gun, 0xA4) if sent.data[4] == 0x51 else b""


class Bus:
    """A line on a fake clock, with a script for its far end."""

    def __init__(
        self, guns: int = 1, baud: int = 38_400, variant: Variant = OWN
    ) -> None:
        nozzles = [NozzleSettings(gun) for gun in range(1, guns + 1)]
        self.dialogue = BusDialogue(nozzles, LineSpeed(baud), variant)
        self.now_us = 1_000_000
        self.sent: list[tuple[int, Transmission]] = []
        self.events: list[Event] = []
        self.notes = True  # at once who is sent what
        self.dialogue.line_opened(self.now_us)

    def send(self) -> Transmission:
        """Let time pass until the next transmission."""
        for _ in range(1_000):
            step = self.dialogue.next_transmission(self.now_us, WALL_MS)
            self._take(self.dialogue.tick(self.now_us))
            if isinstance(step, Transmission):
                self.sent.append((self.now_us, step))
                return step
            self.now_us = max(self.now_us + 1, step.until_us)
        raise AssertionError("the dialogue never sends again")

    def poll(self) -> bytes:
        """Leave what is sent before the next poll unanswered; return the poll."""
        while (sent := self.send().data)[4] != 0x51:
            pass
        return sent

    def hear(self, data: bytes, after_us: int = 30 * MS) -> list[Event]:
        """Let bytes arrive; return the events that they bring about."""
        self.now_us += after_us
        events = self.dialogue.receive(data, self.now_us)
        self._take(events)
        return events

    def _take(self, events: list[Event]) -> None:
        self.events += events
        for asked in of_kind(events, DownloadAsked):
            if self.notes:
                self.dialogue.answer_download(asked, self.now_us, accepted=True)

    def run(self, until_us: int, far_end: Answers = idle) -> None:
        """Send and answer until a moment is past."""
        while self.now_us < until_us:
            data = far_end(self.send())
            if data:
                self.hear(data)

    def exchange(self, data: bytes) -> list[Event]:
        self.send()
        return self.hear(data)

    def commands(self) -> list[int]:
        return [sent.data[4] for _, sent in self.sent]

    def guns(self) -> list[int]:
        return [sent.gun for _, sent in self.sent]

    def faults(self) -> dict[FaultKind, int]:
        seen = [e for e in self.events if isinstance(e, ProtocolFault)]
        return {fault.kind: fault.count for fault in seen}


E = TypeVar("E")


def of_kind(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]
