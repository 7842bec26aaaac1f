"""What a simulated line saw: exchanges, rounds, and the least time they take.

W of a round is the sum over its exchanges of the least time that each can take on this
line; see the log of each protocol. Share of the line's limit = W / measured cycle.
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any

from cngstation.simulators.wire import Sent

# About an hour of one line; an answer on the control socket stays below 64 KiB.
KEPT = 20_000
EXCHANGES_PER_ANSWER = 300


@dataclass(slots=True)
class Exchange:
    """One frame of the host and what came back; times in us since the line opened.

    `place` is the gun or the address that the frame is for.
    """

    number: int
    at_us: int
    place: int
    command: int
    request_bytes: int
    request_end_us: int
    turnaround_us: int | None = None
    answer_bytes: int = 0

    def answered(self, start_us: int, byte_count: int) -> bool:
        """Join the first answer to it; False if it has one."""
        if self.turnaround_us is not None:
            return False
        self.turnaround_us = max(start_us - self.request_end_us, 0)
        self.answer_bytes = byte_count
        return True


class ExchangeLog(ABC):
    """Joins answers to the host's frames; `place_name` is what a place is called."""

    place_name: str

    def __init__(self, places: frozenset[int], byte_s: float, opened: float) -> None:
        self._places = places
        self._byte_s = byte_s
        self._opened = opened
        self._round: list[Exchange] = []
        self._polled: set[int] = set()
        self._rounds: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self.received = self.answered = self.stray_bytes = 0
        self.least_gap_us: int | None = None

    @abstractmethod
    def least_us(self, exchange: Exchange, byte_us: float) -> int:
        """Return an exchange's part of W."""

    def since(self, number: int) -> list[dict[str, Any]]:
        """Return the exchanges from a number on, as many as an answer carries."""
        later = (one for one in self.exchanges if one.number >= number)
        return [
            self._facts_of(one)
            for _, one in zip(range(EXCHANGES_PER_ANSWER), later, strict=False)
        ]

    def page(self, since: int) -> dict[str, Any]:
        """Return the exchanges from a number on, and where to go on."""
        found = self.since(since)
        following = found[-1]["no"] + 1 if found else since
        return {
            "exchanges": found,
            "next": following,
            "more": following < self.received,
        }

    def limits(self) -> dict[str, Any]:
        """Return medians over the rounds of the whole run, in us."""
        w = [least for least, _ in self._rounds]
        cycles = [cycle for _, cycle in self._rounds]
        return {
            "rounds": len(w),
            "median_w_us": round(median(w)) if w else None,
            "median_cycle_us": round(median(cycles)) if w else None,
            "frames_received": self.received,
            "frames_answered": self.answered,
            "stray_bytes": self.stray_bytes,
            "least_gap_us": self.least_gap_us,
        }

    def _heard(
        self, place: int, command: int, size: int, begin: float, *, is_poll: bool
    ) -> None:
        """Note a frame of the host; a round ends where a poll begins a new pass."""
        exchange = Exchange(
            number=self.received,
            at_us=self._us(begin),
            place=place,
            command=command,
            request_bytes=size,
            request_end_us=self._us(begin + size * self._byte_s),
        )
        self.received += 1
        if self.exchanges:
            gap = exchange.at_us - self.exchanges[-1].at_us
            self.least_gap_us = min(gap, self.least_gap_us or gap)
        if is_poll:
            self._count_round(exchange)
        self._round.append(exchange)
        self.exchanges.append(exchange)

    def _join(self, exchange: Exchange, sent: Sent) -> None:
        if exchange.answered(self._us(sent.start), sent.byte_count):
            self.answered += 1

    def _count_round(self, poll: Exchange) -> None:
        if self._polled >= self._places:
            byte_us = self._byte_s * 1e6
            least = sum(self.least_us(one, byte_us) for one in self._round)
            self._rounds.append((least, poll.at_us - self._round[0].at_us))
            self._round, self._polled = [], set()
        self._polled.add(poll.place)

    def _facts_of(self, exchange: Exchange) -> dict[str, Any]:
        return {
            "no": exchange.number,
            "at_us": exchange.at_us,
            self.place_name: exchange.place,
            "command": f"{exchange.command:02X}",
            "request_bytes": exchange.request_bytes,
            "turnaround_us": exchange.turnaround_us,
            "answer_bytes": exchange.answer_bytes,
        }

    def _us(self, moment: float) -> int:
        return round((moment - self._opened) * 1e6)
