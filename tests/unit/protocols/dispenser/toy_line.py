"""A polled line on a fake clock, with a protocol of three-byte frames made up here.

request   gun, 'p' poll | 't' totals | 'g' go | 's' say only, 0
answer    gun, 'P' | 'T' | 'G', figure
"""

import itertools
from collections import Counter
from collections.abc import Callable

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import (
    DeviceKind,
    FaultKind,
    FuellingState,
    NozzleStatus,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    Event,
    ProtocolFault,
    Question,
    Request,
    StatusReceived,
    TotalsReceived,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.polled_line import PolledLine
from cngstation.protocols.dispenser.polled_strategy import (
    Ask,
    NoAnswer,
    Pace,
    Script,
    Strategy,
    Tell,
    Visit,
    asked,
)

MS = 1_000
SECOND = 1_000 * MS
WALL_MS = 1_748_737_815_000
# Three bytes of 11 bits at 9600 baud and back, and 60 ms.
LIMIT_US = 2 * (33 * SECOND // 9_600) + 60 * MS
FILLING = 9


class ThreeBytes:
    """Finds `gun, capital letter, figure`."""

    def __init__(self) -> None:
        self.faults: Counter[FaultKind] = Counter()
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        self._held += data
        found = []
        while len(self._held) >= 3:
            if self._held[1:2].isalpha():
                found.append(self._held[:3])
                self._held = self._held[3:]
            else:
                self.faults[FaultKind.NOISE] += 1
                self._held = self._held[1:]
        return found

    def reset(self) -> None:
        if self._held:
            self.faults[FaultKind.HALF_FRAME] += 1
        self._held = b""


class Toy(Strategy[bytes]):
    """A protocol with a poll, totals, one order, and frames that nobody answers."""

    def __init__(self, tries: int = 1) -> None:
        self.pace = Pace(9_600, 11, spacing_us=20 * MS, allowance_us=60 * MS)
        self.reader = ThreeBytes()
        self.tries = tries
        self.tells = False
        self.again: list[int] = []

    def gun_of(self, frame: bytes) -> int | None:
        return frame[0] or None

    def answers(self, ask: Ask, frame: bytes) -> bool:
        return frame[1:2] == ask.data[1:2].upper()

    def heard_again(self, gun: int) -> None:
        self.again.append(gun)

    def poll(self, visit: Visit) -> Script[bytes, None]:
        frame = yield from asked(Ask(bytes([visit.gun]) + b"p\0", 3, tries=self.tries))
        if frame[2] == 255:
            raise RemoteProtocolError(why="a state that is none")
        if self.tells:
            yield Tell(bytes([visit.gun]) + b"s\0")
        visit.report(StatusReceived(visit.gun, status(frame[2])))

    def question(self, visit: Visit, request: Request) -> Script[bytes, None] | None:
        if request.question is not Question.TOTALS:
            return None
        return self._totals(visit, request)

    def _totals(self, visit: Visit, request: Request) -> Script[bytes, None]:
        frame = yield from asked(
            Ask(bytes([visit.gun]) + b"t\0", 3, answer_may_repeat=True)
        )
        visit.report(TotalsReceived(request, Totals(frame[2], 0, 0, 0, 0)))

    def order(self, visit: Visit, order: Order) -> Script[bytes, OrderOutcome] | None:
        if order.kind is not OrderKind.STOP:
            return None
        return self._stop(visit)

    def _stop(self, visit: Visit) -> Script[bytes, OrderOutcome]:
        try:
            yield from asked(Ask(bytes([visit.gun]) + b"g\0", 3, tries=3))
        except NoAnswer:
            frame = yield from asked(Ask(bytes([visit.gun]) + b"p\0", 3))
            is_idle = frame[2] == 0
            return OrderOutcome.DONE if is_idle else OrderOutcome.UNKNOWN
        return OrderOutcome.DONE


def status(figure: int) -> NozzleStatus:
    filling = figure == FILLING
    return NozzleStatus(
        state=FuellingState.FUELLING if filling else FuellingState.IDLE,
        device_kind=DeviceKind.CNG,
        locked=False,
        off_duty=False,
        awaiting_debit=False,
        other_side_busy=False,
        faults=frozenset(),
        price_e4=0,
        quantity_milli=figure,
        amount_e4=0,
        shift_no=0,
        employee_card=None,
        card_no=None,
        plate=None,
        pressure_kpa=None,
        raw=b"",
    )


Answers = Callable[[Transmission], bytes]


def well(sent: Transmission) -> bytes:
    """Answer everything; a confirmed order repeats its request."""
    return sent.data[:1] + sent.data[1:2].upper() + b"\0"


def silent(_sent: Transmission) -> bytes:
    return b""


class Wire:
    """A line on a fake clock, with a script for its far end."""

    def __init__(self, guns: int = 1, strategy: Toy | None = None) -> None:
        self.strategy = strategy or Toy()
        self.line = PolledLine(range(1, guns + 1), self.strategy)
        self.now_us = SECOND
        self.sent: list[tuple[int, Transmission]] = []
        self.events: list[Event] = []
        self.line.line_opened(self.now_us)

    def send(self) -> Transmission:
        """Let time pass until the next transmission."""
        while True:
            step = self.line.next_transmission(self.now_us, WALL_MS)
            self.events += self.line.tick(self.now_us)
            if isinstance(step, Transmission):
                self.sent.append((self.now_us, step))
                return step
            assert isinstance(step, Wait)
            assert step.until_us > self.now_us
            self.now_us = step.until_us

    def hear(self, data: bytes, after_us: int = 10 * MS) -> list[Event]:
        self.now_us += after_us
        heard = self.line.receive(data, self.now_us)
        self.events += heard
        return heard

    def run(self, until_us: int, answers: Answers = well) -> None:
        while self.now_us < until_us:
            if answer := answers(self.send()):
                self.hear(answer)

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def polls(self, gun: int) -> list[int]:
        return [at for at, sent in self.sent if sent.gun == gun]

    def faults(self) -> Counter[FaultKind]:
        self.run(self.now_us + 2 * SECOND)
        counted: Counter[FaultKind] = Counter()
        for event in self.of(ProtocolFault):
            assert isinstance(event, ProtocolFault)
            counted[event.kind] += event.count
        return counted


def gaps(moments: list[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise(moments)]
