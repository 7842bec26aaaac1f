"""What a simulated JX-V4 line saw: exchanges, rounds, and the least time they take.

W of a round is the sum over its exchanges of the larger of 110 ms (the spacing that the
dispensers' main-loop tick demands) and request wire + turnaround really taken + answer
wire. A round is one pass over all guns: it ends where a poll begins after every gun
has been polled. Share of the line's limit = W / measured cycle.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

from cngstation.simulators.jxv4_frames import POLL
from cngstation.simulators.wire import Sent

LEAST_EXCHANGE_US = 110_000
# About an hour of one line; an answer on the control socket stays below 64 KiB.
KEPT_EXCHANGES = 20_000
KEPT_ROUNDS = 20_000
EXCHANGES_PER_ANSWER = 300
_HEAD_BYTES = 7
_AROUND_BODY_BYTES = 11
_LONGEST_BODY = 256
_LOOK_BACK = 8  # a late answer belongs to one of the last few requests


@dataclass(slots=True)
class Exchange:
    """One frame of the host and what came back; times in us since the line opened."""

    number: int
    at_us: int
    gun: int
    command: int
    request_bytes: int
    request_end_us: int
    turnaround_us: int | None = None
    answer_bytes: int = 0

    def least_us(self, byte_us: float) -> int:
        """Return this exchange's part of W."""
        wire = round((self.request_bytes + self.answer_bytes) * byte_us)
        return max(LEAST_EXCHANGE_US, wire + (self.turnaround_us or 0))

    def as_facts(self) -> dict[str, Any]:
        """Return the exchange for the control socket."""
        return {
            "no": self.number,
            "at_us": self.at_us,
            "gun": self.gun,
            "command": f"{self.command:02X}",
            "request_bytes": self.request_bytes,
            "turnaround_us": self.turnaround_us,
            "answer_bytes": self.answer_bytes,
        }


class LineLog:
    """Reads the host's frames off the wire and joins the answers to them."""

    def __init__(self, guns: frozenset[int], byte_s: float, opened: float) -> None:
        self._guns = guns
        self._byte_s = byte_s
        self._opened = opened
        self._held = bytearray()
        self._held_until = 0.0
        self._round: list[Exchange] = []
        self._polled: set[int] = set()
        self._rounds: deque[tuple[int, int]] = deque(maxlen=KEPT_ROUNDS)
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT_EXCHANGES)
        self.received = 0
        self.answered = 0
        self.stray_bytes = 0
        self.least_gap_us: int | None = None

    def host_sent(self, data: bytes, start: float) -> None:
        """Take what the host put on the wire from `start` on."""
        self._held += data
        self._held_until = start + len(data) * self._byte_s
        while (size := self._frame_size()) is not None and size <= len(self._held):
            begin = self._held_until - len(self._held) * self._byte_s
            self._frame(bytes(self._held[:size]), begin)
            del self._held[:size]

    def answered_by(self, gun: int, sent: Sent) -> None:
        """Join an answer to the last frame that the host sent to its gun."""
        start = self._us(sent.start)
        for exchange in islice(reversed(self.exchanges), _LOOK_BACK):
            # A microsecond of rounding; an answer may begin as the request ends.
            if exchange.gun == gun and exchange.request_end_us <= start + 1:
                if exchange.turnaround_us is None:
                    exchange.turnaround_us = max(start - exchange.request_end_us, 0)
                    exchange.answer_bytes = sent.byte_count
                    self.answered += 1
                return

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
            "stray_bytes": self.stray_bytes,
            "least_gap_us": self.least_gap_us,
        }

    def _frame_size(self) -> int | None:
        """Skip to a frame's start; return its length when that has come."""
        while self._held:
            begins = self._held.startswith(b"\xaa\xff"[: len(self._held)])
            if begins and len(self._held) < _HEAD_BYTES:
                return None
            body = int.from_bytes(self._held[5:7], "big")
            if begins and body <= _LONGEST_BODY:
                return body + _AROUND_BODY_BYTES
            del self._held[0]
            self.stray_bytes += 1
        return None

    def _frame(self, frame: bytes, begin: float) -> None:
        exchange = Exchange(
            number=self.received,
            at_us=self._us(begin),
            gun=frame[2],
            command=frame[4],
            request_bytes=len(frame),
            request_end_us=self._us(begin + len(frame) * self._byte_s),
        )
        self.received += 1
        if self.exchanges:
            gap = exchange.at_us - self.exchanges[-1].at_us
            self.least_gap_us = min(gap, self.least_gap_us or gap)
        self._count_round(exchange)
        self.exchanges.append(exchange)

    def _count_round(self, exchange: Exchange) -> None:
        if exchange.command == POLL:
            if self._polled >= self._guns:
                byte_us = self._byte_s * 1e6
                least = sum(one.least_us(byte_us) for one in self._round)
                cycle = exchange.at_us - self._round[0].at_us
                self._rounds.append((least, cycle))
                self._round = []
                self._polled = set()
            self._polled.add(exchange.gun)
        self._round.append(exchange)

    def _us(self, moment: float) -> int:
        return round((moment - self._opened) * 1e6)
