"""When the line is free for a frame of ours, and what of it was passed over."""

from collections import Counter

from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from cngstation.protocols.dispenser.sinopec.frames import (
    LARGEST_NUMBER,
    Frame,
    FrameParser,
)
from cngstation.protocols.dispenser.sinopec.timing import (
    SILENCE_WITHIN_US,
    LineSpeed,
)


class Wire:
    """The two-wire line with its times; all of them monotonic microseconds."""

    def __init__(self, speed: LineSpeed) -> None:
        self.speed = speed
        self._parser = FrameParser()
        self._number = 0
        self._begun_us = self._free_from_us = self._heard_us = 0
        self._faults: Counter[tuple[FaultKind, int | None]] = Counter()

    @property
    def is_receiving(self) -> bool:
        """Whether a frame has begun to come and not ended."""
        return self._parser.has_begun

    @property
    def free_from_us(self) -> int:
        """From when a frame of ours may begin: nobody talks into what comes in."""
        if not self._parser.has_begun:
            return self._free_from_us
        return max(self._free_from_us, self._heard_us + SILENCE_WITHIN_US)

    def open(self, now_us: int) -> None:
        """Begin afresh."""
        self._parser.reset()
        self._free_from_us = now_us

    def next_number(self) -> int:
        """Return the number of our next frame."""
        self._number = self._number % LARGEST_NUMBER + 1
        return self._number

    def occupy(self, frame_bytes: int, now_us: int, *, answered: bool) -> None:
        """Say that a frame of ours begins now."""
        self._parser.reset()
        self._begun_us = now_us
        self._free_from_us = now_us + self.speed.spacing_us(
            frame_bytes, answered=answered
        )

    def sent(self, now_us: int) -> int:
        """Say that it really begins now; return by how much that is later."""
        late_us, self._begun_us = now_us - self._begun_us, now_us
        self._free_from_us += late_us
        return late_us

    def receive(self, data: bytes, now_us: int) -> list[Frame]:
        """Take received bytes; return the frames that they complete."""
        self._heard_us = now_us
        return self._parser.feed(data)

    def heard_whole(self, now_us: int) -> None:
        """Say that a valid frame ended now: the line is silent before ours begins."""
        silent_us = now_us + self.speed.silence_us
        self._free_from_us = max(self._free_from_us, silent_us)

    def give_up(self) -> None:
        """Wait no longer for the rest of a frame."""
        self._parser.reset()

    def fault(self, kind: FaultKind, gun: int | None) -> None:
        """Count a frame that was passed over."""
        self._faults[kind, gun] += 1

    def faults(self) -> list[ProtocolFault]:
        """Return what was passed over since the last call."""
        for kind, count in self._parser.faults.items():
            self._faults[kind, None] += count
        self._parser.faults.clear()
        found = [
            ProtocolFault(kind, gun, count)
            for (kind, gun), count in self._faults.items()
        ]
        self._faults.clear()
        return found
