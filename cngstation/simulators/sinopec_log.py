"""What a simulated Sinopec line saw: exchanges, rounds, and the least time they take.

W of a round is the sum over its exchanges of the larger of 20 ms (the spacing that the
dispensers' look at their buffers demands) and request wire + turnaround really taken +
answer wire + 3.5 characters of silence. A round is one pass over all dispensers. Share
of the line's limit = W / measured cycle.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any

from cngstation.simulators.sinopec_frames import POLL
from cngstation.simulators.wire import Sent

LEAST_EXCHANGE_US = 20_000
SILENT_CHARACTERS = 3.5
KEPT = 20_000
EXCHANGES_PER_ANSWER = 300
_MARK = 0xFA


@dataclass(slots=True)
class Exchange:
    """One frame of the host and what came back; times in us since the line opened."""

    number: int
    at_us: int
    address: int
    command: int
    request_bytes: int
    request_end_us: int
    turnaround_us: int | None = None
    answer_bytes: int = 0

    def least_us(self, byte_us: float) -> int:
        """Return this exchange's part of W."""
        if self.turnaround_us is None:
            # Behind a frame that nobody answers the dispenser looks at it first.
            return round(self.request_bytes * byte_us) + LEAST_EXCHANGE_US
        count = self.request_bytes + self.answer_bytes + SILENT_CHARACTERS
        return max(LEAST_EXCHANGE_US, round(count * byte_us) + self.turnaround_us)

    def as_facts(self) -> dict[str, Any]:
        """Return the exchange for the control socket."""
        return {
            "no": self.number,
            "at_us": self.at_us,
            "address": self.address,
            "command": f"{self.command:02X}",
            "request_bytes": self.request_bytes,
            "turnaround_us": self.turnaround_us,
            "answer_bytes": self.answer_bytes,
        }


class SinopecLog:
    """Notes the host's writes, each of them a frame, and joins the answers to them."""

    def __init__(self, addresses: frozenset[int], byte_s: float, opened: float) -> None:
        self._addresses = addresses
        self._byte_s = byte_s
        self._opened = opened
        self._round: list[Exchange] = []
        self._polled: set[int] = set()
        self._rounds: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self.received = self.answered = self.unasked = self.stray_bytes = 0
        self.least_gap_us: int | None = None

    def host_sent(self, data: bytes, start: float) -> None:
        """Take what the host put on the wire from `start` on."""
        if len(data) < 7 or data[0] != _MARK:
            self.stray_bytes += len(data)
            return
        exchange = Exchange(
            number=self.received,
            at_us=self._us(start),
            address=data[1],
            command=data[6],
            request_bytes=len(data),
            request_end_us=self._us(start + len(data) * self._byte_s),
        )
        self.received += 1
        if self.exchanges:
            gap = exchange.at_us - self.exchanges[-1].at_us
            self.least_gap_us = min(gap, self.least_gap_us or gap)
        if exchange.command == POLL:
            self._count_round(exchange)
        self._round.append(exchange)
        self.exchanges.append(exchange)

    def answered_by(self, sent: Sent, *, is_asked: bool) -> None:
        """Join an answer to the last frame of the host."""
        if not is_asked or not self.exchanges:
            self.unasked += 1
            return
        exchange = self.exchanges[-1]
        if exchange.turnaround_us is None:
            turnaround_us = self._us(sent.start) - exchange.request_end_us
            exchange.turnaround_us = max(turnaround_us, 0)
            exchange.answer_bytes = sent.byte_count
            self.answered += 1

    def since(self, number: int) -> list[dict[str, Any]]:
        """Return the exchanges from a number on, as many as an answer carries."""
        later = (one for one in self.exchanges if one.number >= number)
        return [
            one.as_facts()
            for _, one in zip(range(EXCHANGES_PER_ANSWER), later, strict=False)
        ]

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
            "frames_unasked": self.unasked,
            "stray_bytes": self.stray_bytes,
            "least_gap_us": self.least_gap_us,
        }

    def _count_round(self, exchange: Exchange) -> None:
        if self._polled >= self._addresses:
            byte_us = self._byte_s * 1e6
            least = sum(one.least_us(byte_us) for one in self._round)
            self._rounds.append((least, exchange.at_us - self._round[0].at_us))
            self._round, self._polled = [], set()
        self._polled.add(exchange.address)

    def _us(self, moment: float) -> int:
        return round((moment - self._opened) * 1e6)
