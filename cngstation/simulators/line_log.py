"""What a simulated JX-V4 line saw.

The least time of an exchange is the larger of 110 ms (the spacing that the dispensers'
main-loop tick demands) and request wire + turnaround really taken + answer wire. A
round is one pass over all guns.
"""

from itertools import islice
from typing import Any

from cngstation.simulators.exchange_log import Exchange, ExchangeLog
from cngstation.simulators.jxv4_frames import POLL
from cngstation.simulators.wire import Sent

LEAST_EXCHANGE_US = 110_000
_HEAD_BYTES = 7
_AROUND_BODY_BYTES = 11
_LONGEST_BODY = 256
_LOOK_BACK = 8  # a late answer belongs to one of the last few requests


class LineLog(ExchangeLog):
    """Reads the host's frames off the wire and joins the answers to them."""

    place_name = "gun"

    def __init__(self, guns: frozenset[int], byte_s: float, opened: float) -> None:
        super().__init__(guns, byte_s, opened)
        self._held = bytearray()
        self._held_until = 0.0

    def least_us(self, exchange: Exchange, byte_us: float) -> int:
        """Return an exchange's part of W."""
        wire = round((exchange.request_bytes + exchange.answer_bytes) * byte_us)
        return max(LEAST_EXCHANGE_US, wire + (exchange.turnaround_us or 0))

    def host_sent(self, data: bytes, start: float) -> None:
        """Take what the host put on the wire from `start` on."""
        self._held += data
        self._held_until = start + len(data) * self._byte_s
        while (size := self._frame_size()) is not None and size <= len(self._held):
            begin = self._held_until - len(self._held) * self._byte_s
            gun, command = self._held[2], self._held[4]
            self._heard(gun, command, size, begin, is_poll=command == POLL)
            del self._held[:size]

    def answered_by(self, gun: int, sent: Sent) -> None:
        """Join an answer to the last frame that the host sent to its gun."""
        start = self._us(sent.start)
        for exchange in islice(reversed(self.exchanges), _LOOK_BACK):
            # A microsecond of rounding; an answer may begin as the request ends.
            if exchange.place == gun and exchange.request_end_us <= start + 1:
                self._join(exchange, sent)
                return

    def page(self, since: int) -> dict[str, Any]:
        """Add when the line opened, by the monotonic clock that processes share."""
        return {**super().page(since), "opened_us": round(self._opened * 1e6)}

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
