"""What a simulated line of requests and answers saw, and the least time it takes.

The least time of an exchange is the wire time of request and answer, the turnaround
that was really taken, and the silence that the protocol demands; of frames that are to
be spaced apart, at least that spacing. Share of the line's limit = the sum of these
over the time from the first request to the last.
"""

from dataclasses import dataclass

from cngstation.simulators.wire import Sent


@dataclass(slots=True)
class _Exchange:
    start: float
    least_s: float
    is_answered: bool = False


class PlainLog:
    """Joins each answer to the request before it."""

    def __init__(self, byte_s: float, quiet_s: float, spacing_s: float) -> None:
        self._byte_s = byte_s
        self._quiet_s = quiet_s
        self._spacing_s = spacing_s
        self._exchanges: list[_Exchange] = []

    def restart(self) -> None:
        """Count from here."""
        self._exchanges.clear()

    def host_sent(self, data: bytes, start: float) -> None:
        """Take a request."""
        least_s = max(len(data) * self._byte_s, self._spacing_s)
        self._exchanges.append(_Exchange(start, least_s))

    def answered(self, sent: Sent) -> None:
        """Take an answer."""
        if self._exchanges and not self._exchanges[-1].is_answered:
            last = self._exchanges[-1]
            whole_s = sent.start + sent.byte_count * self._byte_s - last.start
            last.least_s = max(whole_s + self._quiet_s, self._spacing_s)
            last.is_answered = True

    def limits(self) -> dict[str, float | int]:
        """Return the least time and the time taken, in seconds, and the counts."""
        whole = self._exchanges[:-1]
        taken_s = self._exchanges[-1].start - whole[0].start if whole else 0.0
        return {
            "exchanges": len(whole),
            "answered": sum(one.is_answered for one in whole),
            "least_s": sum(one.least_s for one in whole),
            "taken_s": taken_s,
        }
