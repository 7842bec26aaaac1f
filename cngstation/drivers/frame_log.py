"""The last frames of a line, as the technician looks at them after a fault.

What arrives between two transmissions is one entry, whether it was a frame or noise:
a reply cut in pieces by the adapter reads as one, and garbage is seen as it came.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cngstation.protocols.dispenser.entry import shown_whole

KEPT_FRAMES = 200
# A reply is at most some hundred bytes; of a babbling line the beginning will do.
LONGEST_ENTRY = 1024


class Direction(StrEnum):
    """Which way bytes went."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class LoggedFrame:
    """Bytes and the monotonic microsecond at which they began."""

    at_us: int
    direction: Direction
    data: bytes


class FrameLog:
    """Keeps the last `KEPT_FRAMES` entries of one line, their secrets blanked."""

    def __init__(self, conceal: Callable[[bytes], bytes] = shown_whole) -> None:
        self._conceal = conceal
        self._frames: deque[LoggedFrame] = deque(maxlen=KEPT_FRAMES)
        self._arriving = bytearray()
        self._arriving_since_us = 0

    def sent(self, data: bytes, at_us: int) -> None:
        """Note a transmission."""
        self._arrived()
        self._frames.append(LoggedFrame(at_us, Direction.SENT, self._conceal(data)))

    def received(self, data: bytes, at_us: int) -> None:
        """Note bytes; they join those that came since the last transmission."""
        if not self._arriving:
            self._arriving_since_us = at_us
        self._arriving += data[: LONGEST_ENTRY - len(self._arriving)]

    def frames(self) -> list[LoggedFrame]:
        """Return the entries, oldest first."""
        self._arrived()
        return list(self._frames)

    def _arrived(self) -> None:
        if self._arriving:
            data = self._conceal(bytes(self._arriving))
            self._arriving.clear()
            since_us = self._arriving_since_us
            self._frames.append(LoggedFrame(since_us, Direction.RECEIVED, data))
