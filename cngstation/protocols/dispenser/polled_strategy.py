"""What a protocol gives to a line on which a request has one answer.

A protocol subclasses `Strategy`: how fast, how to find frames, and a script for each
thing to say. A script is a generator: it yields `Ask` or `Tell`, gets the answer, and
reports what it means to its `Visit`. See `polled_line` for what the line does with it,
and `lanfeng` for the smallest one.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.dialogue import Event, Request
from cngstation.protocols.dispenser.forecourt import Downloads, Order, OrderOutcome
from cngstation.protocols.dispenser.turns import PolledNozzle
from cngstation.protocols.dispenser.wire_speed import WireSpeed

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)
R = TypeVar("R")


class NoAnswer(Exception):
    """No valid answer came in time; raised in a script where it asked."""


@dataclass(frozen=True, slots=True)
class Pace(WireSpeed):
    """The clockwork of a line.

    `spacing_us` is the least time from a frame's start to the next frame's, `quiet_us`
    that from an answer's end. An answer is awaited for the wire time of the request
    and of the longest answer, and `allowance_us`.
    """

    bits_per_byte: int
    spacing_us: int
    allowance_us: int
    quiet_us: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """A frame that is answered by at most `answer_bytes`.

    It is sent up to `tries` times to a nozzle that is heard, never more than once in
    an order or to one that is not. `answer_may_repeat`: the answer may be the request
    byte for byte, so that only a line known to echo takes the first such for an echo.
    """

    data: bytes
    answer_bytes: int
    tries: int = 1
    answer_may_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """A frame that nobody answers."""

    data: bytes


Script = Generator[Ask | Tell, F | None, R]


def asked(ask: Ask) -> Script[F, F]:
    """Ask in a script: `frame = yield from asked(Ask(...))`.

    Raises:
        NoAnswer: none came in time.
    """
    frame = yield ask
    assert frame is not None
    return frame


@dataclass(slots=True)
class Visit:
    """One nozzle's turn, as its script sees it; `now_us` moves on with each answer.

    With `has_more` the nozzle is polled again as soon as nobody else is due.
    """

    gun: int
    now_us: int
    wall_ms: int
    events: list[Event] = field(default_factory=list)
    has_more: bool = False

    def report(self, event: Event) -> None:
        """Tell the driver; a `StatusReceived` also sets the pace of the polls."""
        self.events.append(event)


class FrameReader(Protocol[F_co]):
    """Finds frames in any stream of bytes; never raises, holds less than 4 KiB."""

    faults: Counter[FaultKind]

    def feed(self, data: bytes) -> Iterable[F_co]: ...
    def reset(self) -> None:
        """Give up a frame that has begun, and count it."""


class Strategy(ABC, Generic[F]):
    """What a protocol adds to the line; a script that is None is not in the protocol.

    A script raises RemoteProtocolError for an answer without sense.
    """

    nozzle_type: ClassVar[type[PolledNozzle]] = PolledNozzle
    pace: Pace
    reader: FrameReader[F]

    @abstractmethod
    def gun_of(self, frame: F) -> int | None:
        """Return who sent a frame; None for an address that is no nozzle's."""

    @abstractmethod
    def answers(self, ask: Ask, frame: F) -> bool:
        """Tell whether a frame of the asked nozzle can be the answer."""

    @abstractmethod
    def poll(self, visit: Visit) -> Script[F, None]:
        """Hear what is new; reports statuses, and records until they are answered."""

    def question(self, visit: Visit, request: Request) -> Script[F, None] | None:
        """Ask, and report the answer."""
        del visit, request
        return None

    def order(self, visit: Visit, order: Order) -> Script[F, OrderOutcome] | None:
        """Give an order; after NoAnswer read the state, or let it end as UNKNOWN."""
        del visit, order
        return None

    def offer(self, downloads: Downloads) -> None:
        """Remember what the nozzles shall hold; polls bring it to them."""
        del downloads

    def heard_again(self, gun: int) -> None:
        """A nozzle answers for the first time, or after its answers were missed."""
        del gun

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """A reported record is committed, or cannot be taken now."""
        del gun, device_seq, now_us, accepted
