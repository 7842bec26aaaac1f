"""What a technician wants to know of a line: answers, losses, times, and raw bursts.

A burst is what was heard between two transmissions. Its first bytes are kept as they
came, because they show how a dispenser's answer was read wrongly.
"""

from collections import Counter, deque
from dataclasses import dataclass, field, fields

from cngstation.protocols.dispenser.canonical import FaultKind, Link
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    Event,
    LinkChanged,
    ProtocolFault,
)

KEPT_BURSTS = 64
KEPT_TIMES = 256
MINUTES_AN_HOUR = 60
_MINUTE_US = 60_000_000
# The longest head of an answer, read at four times its speed, and some noise before.
KEPT_BYTES = 32


@dataclass(slots=True)
class LineCounts:
    """What went over a line in some time."""

    asked: int = 0
    timeouts: int = 0  # requests that no valid answer came to
    asked_again: int = 0  # requests to a nozzle whose last one got none
    bad_checksums: int = 0
    noise_bytes: int = 0

    def add(self, other: "LineCounts") -> None:
        """Count what another time had too."""
        for field_of in fields(self):
            name = field_of.name
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Burst:
    """The first bytes heard behind a transmission to `gun`; `missed`: no answer."""

    gun: int
    sent: bytes
    data: bytearray = field(default_factory=bytearray)
    missed: bool = False

    @property
    def is_echo(self) -> bool:
        """Whether it begins with our own bytes."""
        size = min(len(self.sent), KEPT_BYTES)
        return bytes(self.data[:size]) == self.sent[:size]


class LineWatch:
    """Counts what went over one line since it began; bounded."""

    def __init__(self) -> None:
        self.byte_us = 0  # of one character; times behind a request need it
        self.asked: Counter[int] = Counter()
        self.missed: Counter[int] = Counter()
        self.faults: Counter[FaultKind] = Counter()
        self._recent: deque[tuple[int, ProtocolFault]] = deque(maxlen=KEPT_TIMES)
        self.links: dict[int, Link] = {}
        self.bursts: deque[Burst] = deque(maxlen=KEPT_BURSTS)
        self.turnarounds_us: deque[int] = deque(maxlen=KEPT_TIMES)
        self.received_bytes = 0
        self.since_start = LineCounts()
        self._minutes: deque[tuple[int, LineCounts]] = deque(maxlen=MINUTES_AN_HOUR)
        self._unanswered: set[int] = set()
        self._sent_us = 0
        self._wire_us = 0
        self._burst: Burst | None = None
        self._number = 0

    def sent(self, gun: int, data: bytes, sent_us: int) -> None:
        """Note a transmission."""
        self.asked[gun] += 1
        self._count(
            sent_us, LineCounts(asked=1, asked_again=int(gun in self._unanswered))
        )
        self._unanswered.discard(gun)
        self._number += 1
        self._sent_us, self._wire_us = sent_us, len(data) * self.byte_us
        self._burst = Burst(gun, data)
        self.bursts.append(self._burst)

    def received(self, data: bytes, now_us: int) -> None:
        """Note bytes."""
        self.received_bytes += len(data)
        burst = self._burst
        if burst is None:
            return
        if not burst.data:
            behind_us = now_us - self._sent_us - self._wire_us
            self.turnarounds_us.append(max(behind_us, 0))
        if len(burst.data) < KEPT_BYTES:
            burst.data += data[: KEPT_BYTES - len(burst.data)]

    def heard(self, event: Event) -> None:
        """Note an event of the dialogue."""
        match event:
            case AnswerMissed(gun):
                self.missed[gun] += 1
                self._unanswered.add(gun)
                self._count(self._sent_us, LineCounts(timeouts=1))
                if self._burst is not None and self._burst.gun == gun:
                    self._burst.missed = True
            case ProtocolFault(kind, _gun, count):
                self.faults[kind] += count
                self._recent.append((self._number, event))
                self._count_fault(kind, count)
            case LinkChanged(gun, link):
                self.links[gun] = link

    def last_hour(self, now_us: int) -> LineCounts:
        """Return what went over the line in the sixty minutes up to now."""
        first = now_us // _MINUTE_US - MINUTES_AN_HOUR
        total = LineCounts()
        for minute, counts in self._minutes:
            if minute > first:
                total.add(counts)
        return total

    def _count_fault(self, kind: FaultKind, count: int) -> None:
        if kind in {FaultKind.BAD_CRC, FaultKind.BAD_TRAILER}:
            self._count(self._sent_us, LineCounts(bad_checksums=count))
        elif kind is FaultKind.NOISE:
            self._count(self._sent_us, LineCounts(noise_bytes=count))

    def _count(self, at_us: int, counts: LineCounts) -> None:
        minute = at_us // _MINUTE_US
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, LineCounts()))
        self._minutes[-1][1].add(counts)
        self.since_start.add(counts)

    def recent(self, kind: FaultKind) -> int:
        """Return how often a kind of fault was seen within the kept bursts."""
        first = self._number - KEPT_BURSTS
        return sum(
            fault.count
            for number, fault in self._recent
            if number > first and fault.kind is kind
        )
