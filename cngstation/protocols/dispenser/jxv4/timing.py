"""The JX-V4 clockwork: how far apart frames begin and how long answers are awaited.

A dispenser looks at what it received on a 100 ms tick and empties its buffer then;
a frame that comes before that is appended to the old one and lost.
Source: public firmware for the tick, the rules follow from it.
"""

from dataclasses import dataclass

from cngstation.protocols.dispenser.wire_speed import WireSpeed

TICK_US = 100_000
# 110 ms by the tick rule, and 1 ms, a USB frame, by which an adapter may delay the
# earlier frame more than the later one.
FRAME_SPACING_US = 111_000
ANSWER_ALLOWANCE_US = 250_000


@dataclass(frozen=True, slots=True)
class LineSpeed(WireSpeed):
    """When a frame of the host may begin, and how long its answer is awaited."""

    def answer_limit_us(self, request_bytes: int, longest_answer_bytes: int) -> int:
        """Return how long after a request's start its answer is given up."""
        return self.wire_us(request_bytes + longest_answer_bytes) + ANSWER_ALLOWANCE_US

    def spacing_us(self, frame_bytes: int, *, answered: bool) -> int:
        """Return the least time from a frame's start to the next frame's.

        The answer to a frame shows that its tick is over; behind a frame that nobody
        answers the tick must be waited for.
        """
        if answered:
            return FRAME_SPACING_US
        return max(FRAME_SPACING_US, self.wire_us(frame_bytes) + TICK_US)
