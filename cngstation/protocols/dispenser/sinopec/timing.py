"""The Sinopec clockwork: when a host frame may begin and how long answers are awaited.

A dispenser begins its answer within 20 ms of the frame or not at all, and looks at
what it received as often. Source: a public terminal program; 3.5 characters of silence
before a frame are the common practice of such lines.
"""

from dataclasses import dataclass

from cngstation.protocols.dispenser.wire_speed import WireSpeed

FRAME_SPACING_US = 20_000
ANSWER_ALLOWANCE_US = 100_000
# An adapter hands bytes over in lumps of up to 16 ms.
SILENCE_WITHIN_US = 40_000
# A byte is older than this when a program hears of it: a UART waits four characters
# for more, a USB adapter for its next frame.
LEAST_LAG_US = 1_000
_SILENT_TENTHS = 35


@dataclass(frozen=True, slots=True)
class LineSpeed(WireSpeed):
    """When a frame of the host may begin, and how long its answer is awaited."""

    @property
    def silence_us(self) -> int:
        """What is still to wait when an answer is heard, before the next frame."""
        return max(self.wire_us(_SILENT_TENTHS) // 10 - LEAST_LAG_US, 0)

    def begins_within_us(self, request_bytes: int) -> int:
        """Return how long after a request's start its answer must have begun."""
        return self.wire_us(request_bytes) + ANSWER_ALLOWANCE_US

    def ends_within_us(self, request_bytes: int, longest_answer: int) -> int:
        """Return how long after a request's start its answer is given up."""
        return self.begins_within_us(request_bytes) + self.wire_us(longest_answer)

    def spacing_us(self, frame_bytes: int, *, answered: bool) -> int:
        """Return the least time from a frame's start to the next frame's.

        Behind a frame that nobody answers the dispenser's look at it is waited for.
        """
        if answered:
            return FRAME_SPACING_US
        return self.wire_us(frame_bytes) + FRAME_SPACING_US
