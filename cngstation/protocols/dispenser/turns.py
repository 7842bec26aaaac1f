"""Whose turn it is on a line whose nozzles are polled one after another.

    answered                       -> ONLINE, misses 0
    3 answers missed in a row      -> SUSPECT (one missing answer is normal)
    10 s without a valid answer    -> OFFLINE

    fuels, is called, awaits a debit, holds a card   is due every 300 ms
    is heard                                         is due every second
    has more to say than it said                     whenever nobody is due
    offline                                          one of all those, every second

Who is due first goes first. Where the wire is too slow for these times, every nozzle
is late by the same: the wire is never idle then, and a busy nozzle is still asked more
often than an idle one. The dead share the turns of one nozzle: they cost one time-out
a cycle however many they are.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    Link,
    NozzleStatus,
)

MISSES_TO_SUSPECT = 3
# The board is looked at; a fill that changes three times a second reads as a flow.
BUSY_POLL_US = 300_000
IDLE_POLL_US = 1_000_000
# Without an answer of the service the nozzle is polled again and repeats itself; by
# then it must not have shown "off line", which dispensers do after 10 s.
UNDECIDED_LIMIT_US = 5_000_000

_BUSY = frozenset(
    {
        FuellingState.CALLING,
        FuellingState.AUTHORISED,
        FuellingState.STARTED,
        FuellingState.SUSPENDED_STARTED,
        FuellingState.FUELLING,
        FuellingState.SUSPENDED_FUELLING,
    }
)


def poll_period_us(status: NozzleStatus) -> int:
    """Return how long after a poll with this answer the next one is due."""
    is_busy = status.state in _BUSY or status.awaiting_debit
    return BUSY_POLL_US if is_busy or status.card_no is not None else IDLE_POLL_US


@dataclass(frozen=True, slots=True)
class Undecided:
    """What the service has been told and has not answered yet.

    `matter` tells it from any other matter: an answer to another one is dropped.
    """

    since_us: int
    matter: object


@dataclass(slots=True)
class PolledNozzle:
    """One nozzle's link, what it waits for, and when it was polled."""

    offline_after_us: ClassVar[int] = 10_000_000

    gun: int
    link: Link = Link.SUSPECT
    misses: int = 0
    heard_us: int | None = None
    undecided: Undecided | None = None
    rests_until_us: int = 0
    period_us: int = IDLE_POLL_US
    has_more: bool = False
    polled_us: int = 0

    @property
    def due_us(self) -> int:
        """The moment of its next poll, if the service leaves it free."""
        return self.polled_us + self.period_us

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
        if self.misses > 1:
            self.has_more = False
        if self.link is Link.ONLINE and self.misses >= MISSES_TO_SUSPECT:
            return self._turn(Link.SUSPECT)
        return False

    def grow_silent(self, now_us: int) -> bool:
        """Let time pass; return whether the link changed."""
        if self.heard_us is None:
            self.heard_us = now_us
        if now_us - self.heard_us >= self.offline_after_us:
            return self._turn(Link.OFFLINE)
        return False

    def _turn(self, link: Link) -> bool:
        changed = self.link is not link
        self.link = link
        return changed


Nozzle = TypeVar("Nozzle", bound=PolledNozzle)


@dataclass(frozen=True, slots=True)
class Turn(Generic[Nozzle]):
    """A nozzle's turn; the first of a cycle tells how long the last cycle took."""

    nozzle: Nozzle
    cycle_us: int | None = None


class Turns(Generic[Nozzle]):
    """Deals out turns; a nozzle that may not be asked now has none.

    A cycle ends where a poll begins after every nozzle that is heard was polled.
    """

    def __init__(self, nozzles: Iterable[Nozzle]) -> None:
        self._nozzles = list(nozzles)
        self._probes = deque(self._nozzles)
        self._probed_us: int | None = None
        self._first: deque[Nozzle] = deque()
        self._begun_us: int | None = None
        self._unpolled: set[int] = set()
        self.cycles = 0
        self.restart()

    def restart(self) -> None:
        """Begin with a cycle in which the offline nozzles have turns too."""
        self._first = deque(self._nozzles)
        self._begun_us = None

    def due(self, now_us: int) -> Turn[Nozzle] | None:
        """Return whose turn it is; None if nobody is due."""
        if (first := self._first_turn(now_us)) is not None:
            return first
        candidates = [(n.due_us, n) for n in self._heard(now_us)]
        probe = self._probe(now_us)
        if probe is not None:
            candidates.append((self._probe_due_us(), probe))
        due = [candidate for candidate in candidates if candidate[0] <= now_us]
        return self._turn(min(due, key=_moment)[1], now_us) if due else None

    def spare(self, now_us: int) -> Turn[Nozzle] | None:
        """Return who has more to say while nobody is due, longest unpolled first."""
        more = [(n.polled_us, n) for n in self._heard(now_us) if n.has_more]
        if not more:
            return None
        return self._turn(min(more, key=_moment)[1], now_us)

    def waits_since(self, since_us: int, now_us: int) -> bool:
        """Tell whether a heard nozzle is due that was not polled since a moment."""
        return any(
            nozzle.due_us <= now_us and nozzle.polled_us < since_us
            for nozzle in self._heard(now_us)
        )

    def next_due_us(self) -> int:
        """Return the moment at which somebody is due, if nothing happens before."""
        heard = [
            max(n.due_us, n.asked_again_us)
            for n in self._nozzles
            if n.link is not Link.OFFLINE
        ]
        dead = [n.asked_again_us for n in self._nozzles if n.link is Link.OFFLINE]
        if dead:
            heard.append(max(self._probe_due_us(), min(dead)))
        return min(heard)

    def _first_turn(self, now_us: int) -> Turn[Nozzle] | None:
        turn = None
        while self._first and turn is None:
            if self._first[0].may_be_asked(now_us):
                turn = self._turn(self._first[0], now_us)
            self._first.popleft()
        return turn

    def _heard(self, now_us: int) -> list[Nozzle]:
        return [
            nozzle
            for nozzle in self._nozzles
            if nozzle.link is not Link.OFFLINE and nozzle.may_be_asked(now_us)
        ]

    def _probe(self, now_us: int) -> Nozzle | None:
        """Return the offline nozzle whose turn it would be."""
        for nozzle in self._probes:
            if nozzle.link is Link.OFFLINE and nozzle.may_be_asked(now_us):
                return nozzle
        return None

    def _probe_due_us(self) -> int:
        """Where nobody is heard there is nobody to whom a time-out would matter."""
        if self._probed_us is None:
            return 0
        is_alone = all(n.link is Link.OFFLINE for n in self._nozzles)
        return self._probed_us + (0 if is_alone else IDLE_POLL_US)

    def _turn(self, nozzle: Nozzle, now_us: int) -> Turn[Nozzle]:
        nozzle.polled_us = now_us
        if nozzle.link is Link.OFFLINE:
            self._probed_us = now_us
            self._probes.remove(nozzle)
            self._probes.append(nozzle)
        waiting = {n.gun for n in self._heard(now_us)} & self._unpolled
        self._unpolled.discard(nozzle.gun)
        if self._begun_us is not None and (waiting or self._first):
            return Turn(nozzle)
        begun_us, self._begun_us = self._begun_us, now_us
        self._unpolled = {
            n.gun for n in self._nozzles if n.link is not Link.OFFLINE
        } - {nozzle.gun}
        if begun_us is None:
            return Turn(nozzle)
        self.cycles += 1
        return Turn(nozzle, now_us - begun_us)


def _moment(candidate: tuple[int, object]) -> int:
    return candidate[0]
