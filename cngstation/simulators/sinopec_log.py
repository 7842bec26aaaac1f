"""What a simulated Sinopec line saw.

The least time of an exchange is the larger of 20 ms (the spacing that the dispensers'
look at their buffers demands) and request wire + turnaround really taken + answer wire
+ 3.5 characters of silence. A round is one pass over all dispensers.
"""

from typing import Any

from cngstation.simulators.exchange_log import Exchange, ExchangeLog
from cngstation.simulators.sinopec_frames import POLL
from cngstation.simulators.wire import Sent

LEAST_EXCHANGE_US = 20_000
SILENT_CHARACTERS = 3.5
_MARK = 0xFA


class SinopecLog(ExchangeLog):
    """Notes the host's writes, each of them a frame, and joins the answers to them."""

    place_name = "address"

    def __init__(self, addresses: frozenset[int], byte_s: float, opened: float) -> None:
        super().__init__(addresses, byte_s, opened)
        self.unasked = 0

    def least_us(self, exchange: Exchange, byte_us: float) -> int:
        """Return an exchange's part of W."""
        if exchange.turnaround_us is None:
            # Behind a frame that nobody answers the dispenser looks at it first.
            return round(exchange.request_bytes * byte_us) + LEAST_EXCHANGE_US
        count = exchange.request_bytes + exchange.answer_bytes + SILENT_CHARACTERS
        return max(LEAST_EXCHANGE_US, round(count * byte_us) + exchange.turnaround_us)

    def host_sent(self, data: bytes, start: float) -> None:
        """Take what the host put on the wire from `start` on."""
        if len(data) < 7 or data[0] != _MARK:
            self.stray_bytes += len(data)
            return
        address, command = data[1], data[6]
        self._heard(address, command, len(data), start, is_poll=command == POLL)

    def answered_by(self, sent: Sent, *, is_asked: bool) -> None:
        """Join an answer to the last frame of the host."""
        if not is_asked or not self.exchanges:
            self.unasked += 1
            return
        self._join(self.exchanges[-1], sent)

    def limits(self) -> dict[str, Any]:
        """Add the answers that nobody asked for."""
        return {**super().limits(), "frames_unasked": self.unasked}
