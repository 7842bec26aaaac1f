"""One nozzle of each protocol behind a wire that goes wrong; time is a number.

The wire, the device and its faults are those of the simulators; the other side is the
product's dialogue, which begins anew when a test restarts it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cngstation.protocols.dispenser.canonical import (
    Link,
    NoFill,
    NozzleStatus,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    DownloadAsked,
    Event,
    LinkChanged,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    StatusReceived,
    TotaliserJumped,
    TotalsReceived,
    Transmission,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.simulators.answer_faults import WRONG_GUN, of_another
from cngstation.simulators.wire_faults import Heard, Spoiler
from cngstation.units import Unit

SECOND = 1_000_000
WALL_MS = 1_795_225_337_000  # 2026-11-21 09:42:17 in China
TODAY = datetime(2026, 11, 21, 9, 42, 17, tzinfo=UTC)
TOP = 0xFFFFFFFF
PRICE_FEN = 398
FLOW_MILLI_PER_S = 1_000
NUMBERS, TOTALS = "numbers", "totals"  # what is about to go round
GUNS = {"sinopec": 101}
BITS = {"dart": 11, "compac": 11}
BAUDS = {"unipump": 57_600, "pts": 0}
TURNAROUND_US = 10_000
PIECE = 24  # bytes that arrive at once

Told = SaleRecord | TotaliserJumped | Totals


class Fill(NamedTuple):
    """What a fill comes to."""

    quantity_milli: int
    amount_e4: int


def priced(milli: int) -> Fill:
    return Fill(milli, (milli // 10 * PRICE_FEN + 50) // 100 * 100)


class FarEnd(ABC):
    """What a test does with a nozzle, and what the books are told of it."""

    protocol: str

    told: list[Told]

    @abstractmethod
    def run(self, seconds: float) -> None: ...

    @abstractmethod
    def begin(self, milli: int) -> None:
        """Take the nozzle out; a vehicle that takes so much is there."""

    @abstractmethod
    def end(self) -> None:
        """Put everything back."""

    @abstractmethod
    def cut_power(self) -> Fill:
        """Lose the power in a fill and get it back; return what had flowed."""

    @abstractmethod
    def clear_memory(self) -> None: ...

    @abstractmethod
    def set_fault(self, name: str, share: float) -> None: ...

    @abstractmethod
    def restart_host(self, *, dies: bool = False) -> None:
        """Begin anew; `dies` ends this one between commit and acknowledgement."""

    @abstractmethod
    def ask_totals(self) -> None: ...

    @abstractmethod
    def read_again(self, number: int) -> SaleRecord | NoFill | None: ...

    @abstractmethod
    def happened(self) -> int:
        """Return how often the faults that were set have struck."""


class LineFarEnd(FarEnd):
    """Behind a line that one dialogue drives, request by request."""

    def __init__(self, protocol: str, folder: Path, *, near: str, seed: int) -> None:
        self.protocol = protocol
        self.folder = folder
        self.gun = GUNS.get(protocol, 1)
        self.now_us = SECOND
        self.told = []
        self.status: NozzleStatus | None = None
        self.link = Link.OFFLINE
        self.reread: SaleRecord | NoFill | None = None
        self.spoiler = Spoiler(seed)
        self._seed = seed
        self._wrong_gun = self._wrong_left = 0
        self._arrivals: list[tuple[int, bytes]] = []
        self._commits = True
        self.baud = BAUDS.get(protocol, 9_600)
        self.byte_us = 0
        if self.baud:
            self.byte_us = BITS.get(protocol, 10) * SECOND // self.baud
        self._prepare(near=near)
        self.restart_host()

    @abstractmethod
    def _prepare(self, *, near: str) -> None: ...

    @abstractmethod
    def _hear(self, data: bytes) -> Iterable[bytes]: ...

    @property
    def seconds(self) -> float:
        return self.now_us / SECOND

    def restart_host(self, *, dies: bool = False) -> None:
        self._commits = not dies
        if dies:
            return
        setup = LineSetup(self.baud, (NozzleSetup(self.gun, Unit.M3),))
        self.dialogue = PROTOCOLS[self.protocol].dialogue(setup)
        self.dialogue.line_opened(self.now_us)

    def run(self, seconds: float) -> None:
        until_us = self.now_us + int(seconds * SECOND)
        while self.now_us < until_us:
            self._deliver()
            wall_ms = WALL_MS + self.now_us // 1_000
            step = self.dialogue.next_transmission(self.now_us, wall_ms)
            self._take(self.dialogue.tick(self.now_us))
            if isinstance(step, Transmission):
                self.dialogue.sent(self.now_us)
                self._carry(step.data)
                continue
            next_us = min([step.until_us, until_us, *(at for at, _ in self._arrivals)])
            self.now_us = max(next_us, self.now_us + 1)

    def _carry(self, data: bytes) -> None:
        heard = self.spoiler.request(data)
        if heard is None:
            return
        began_us = self.now_us
        self.now_us += len(data) * self.byte_us
        for answer in self._hear(heard):
            for piece, late_s in self._on_the_way(answer):
                at_us = self.now_us + TURNAROUND_US + int(late_s * SECOND)
                self._arrivals += self._dribble(piece, at_us)
        self.now_us = began_us

    def _dribble(self, data: bytes, at_us: int) -> list[tuple[int, bytes]]:
        if not self.byte_us:
            return [(at_us, data)]
        pieces = [(n, data[n : n + PIECE]) for n in range(0, len(data), PIECE)]
        return [(at_us + (n + len(piece)) * self.byte_us, piece) for n, piece in pieces]

    def _on_the_way(self, answer: bytes) -> list[Heard]:
        self._wrong_left -= bool(self._wrong_left)
        if self._wrong_gun and not self._wrong_left:
            self._wrong_left = self._wrong_gun
            self.spoiler.counts[WRONG_GUN] += 1
            answer = of_another(self.protocol, answer)
        return self.spoiler.answer(answer)

    def _deliver(self) -> None:
        due = sorted(
            (a for a in self._arrivals if a[0] <= self.now_us), key=lambda a: a[0]
        )
        self._arrivals = [a for a in self._arrivals if a[0] > self.now_us]
        for _, data in due:
            self._take(self.dialogue.receive(data, self.now_us))

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case RecordReceived(gun, record):
                    self.told.append(record)
                    if self._commits:
                        self.dialogue.answer_record(
                            gun, record.device_seq, self.now_us, accepted=True
                        )
                case TotaliserJumped():
                    self.told.append(event)
                case TotalsReceived():
                    self.told.append(event.answer)
                case StatusReceived():
                    self.status = event.status
                case RecordReread():
                    self.reread = event.answer
                case LinkChanged():
                    self.link = event.link
                case DownloadAsked():
                    self.dialogue.answer_download(event, self.now_us, accepted=True)

    def set_fault(self, name: str, share: float) -> None:
        if name == WRONG_GUN:
            self._wrong_gun = round(1 / share) if share else 0
        else:
            self.spoiler.faults.set({name: share})

    def ask_totals(self) -> None:
        self.dialogue.request(Request(self.gun, Question.TOTALS))
        self.run(3)

    def read_again(self, number: int) -> SaleRecord | NoFill | None:
        self.dialogue.request(Request(self.gun, Question.RECORD, number))
        self.run(3)
        return self.reread

    def happened(self) -> int:
        return sum(self.spoiler.counts.values())
