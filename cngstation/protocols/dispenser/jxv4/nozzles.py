"""What the bus remembers of each nozzle, and whose turn it is.

    answered                       -> ONLINE, misses 0
    3 answers missed in a row      -> SUSPECT (one missing answer is normal)
    10 s without a valid answer    -> OFFLINE

A cycle polls every nozzle that is not offline once, and one that is: a dead nozzle
costs its time-out once a cycle however many of them are dead.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cngstation.protocols.dispenser.canonical import DebitRequest, Link
from cngstation.protocols.dispenser.jxv4.mapping import FIRMWARE_UNITS
from cngstation.units import Unit

MISSES_TO_SUSPECT = 3
OFFLINE_AFTER_US = 10_000_000
# Without an answer of the service the nozzle is polled again and repeats itself; by
# then it must not have shown "off line", which it does after 10 s.
UNDECIDED_LIMIT_US = 5_000_000


@dataclass(frozen=True, slots=True)
class NozzleSettings:
    """One nozzle of a bus: its gun number and the meaning of its unit codes."""

    gun: int
    units: Mapping[int, Unit] = field(default_factory=lambda: dict(FIRMWARE_UNITS))

    def __post_init__(self) -> None:
        if not 1 <= self.gun <= 255:
            raise ValueError("a gun number is 1 to 255; 0 is the host")


@dataclass(frozen=True, slots=True)
class Undecided:
    """A record or debit request that the service has and has not answered yet."""

    since_us: int
    device_seq: int
    transaction: int = 0
    request: DebitRequest | None = None
    card: bytes = b""


@dataclass(slots=True)
class Nozzle:
    """One nozzle's link and what it waits for."""

    settings: NozzleSettings
    link: Link = Link.SUSPECT
    misses: int = 0
    heard_us: int | None = None
    undecided: Undecided | None = None
    rests_until_us: int = 0

    @property
    def gun(self) -> int:
        return self.settings.gun

    @property
    def asked_again_us(self) -> int:
        """The moment from which it may be polled whatever the service does."""
        if self.undecided is None:
            return self.rests_until_us
        return max(self.rests_until_us, self.undecided.since_us + UNDECIDED_LIMIT_US)

    def may_be_asked(self, now_us: int) -> bool:
        """Tell whether a poll now would not spend one of its upload tries."""
        return self.undecided is None and now_us >= self.rests_until_us

    def forget_undecided(self, now_us: int) -> None:
        """Give up waiting for a service that does not decide."""
        if self.undecided is not None and now_us >= self.asked_again_us:
            self.undecided = None

    def answered(self, now_us: int) -> bool:
        """Note a valid answer; return whether the link changed."""
        self.misses = 0
        self.heard_us = now_us
        return self._turn(Link.ONLINE)

    def missed(self) -> bool:
        """Note a missing answer; return whether the link changed."""
        self.misses += 1
        if self.link is Link.ONLINE and self.misses >= MISSES_TO_SUSPECT:
            return self._turn(Link.SUSPECT)
        return False

    def grow_silent(self, now_us: int) -> bool:
        """Let time pass; return whether the link changed."""
        if self.heard_us is None:
            self.heard_us = now_us
        if now_us - self.heard_us >= OFFLINE_AFTER_US:
            return self._turn(Link.OFFLINE)
        return False

    def _turn(self, link: Link) -> bool:
        changed = self.link is not link
        self.link = link
        return changed


@dataclass(frozen=True, slots=True)
class Turn:
    """A nozzle's turn; the first of a cycle tells how long the last cycle took."""

    nozzle: Nozzle
    cycle_us: int | None = None


class Turns:
    """Deals out the turns of one poll cycle after another."""

    def __init__(self, nozzles: Iterable[Nozzle]) -> None:
        self._nozzles = list(nozzles)
        self._offline_order = deque(self._nozzles)
        self._queue: deque[Nozzle] = deque()
        self._begun_us: int | None = None
        self.restart()

    def restart(self) -> None:
        """Begin a cycle in which every nozzle has a turn, also the offline ones."""
        self._queue = deque(self._nozzles)
        self._begun_us = None

    def next(self, now_us: int) -> Turn | None:
        """Return whose turn it is; None if no nozzle may be asked now.

        A nozzle that may not be asked loses its turn.
        """
        nozzle = self._take(now_us)
        if nozzle is not None and self._begun_us is not None:
            return Turn(nozzle)
        if nozzle is None:
            self._queue = deque(self._cycle())
            nozzle = self._take(now_us)
        if nozzle is None:
            return None
        begun_us, self._begun_us = self._begun_us, now_us
        return Turn(nozzle, None if begun_us is None else now_us - begun_us)

    def _take(self, now_us: int) -> Nozzle | None:
        while self._queue:
            nozzle = self._queue.popleft()
            if nozzle.may_be_asked(now_us):
                return nozzle
        return None

    def _cycle(self) -> Iterator[Nozzle]:
        yield from (n for n in self._nozzles if n.link is not Link.OFFLINE)
        for nozzle in list(self._offline_order):
            self._offline_order.rotate(-1)
            if nozzle.link is Link.OFFLINE:
                yield nozzle
                return
