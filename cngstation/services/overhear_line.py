"""Listens to a line with every protocol's tap and says which protocol it is.

A protocol is believed when its checksums hold often enough that noise could not do
it; among those the one that explains most of the bytes is the line's.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.overheard import Overheard, Tap
from cngstation.protocols.dispenser.registry import PROTOCOLS

# A frame that is chance has at most some 56 bits behind it; two of them have more.
LEAST_PROOF_BITS = 64
# Short frames of one protocol turn up in the bodies of another one, but seldom.
LEAST_BITS_PER_BYTE = 0.05


def heard_protocols() -> list[str]:
    """Return the protocols that can be listened to."""
    return [name for name, entry in PROTOCOLS.items() if entry.tap is not None]


@dataclass(slots=True)
class Score:
    """How well one protocol explains what was heard."""

    protocol: str
    frames: int = 0
    odd_frames: int = 0
    explained_bytes: int = 0
    proof_bits: int = 0
    faults: Counter[FaultKind] = field(default_factory=Counter)

    @property
    def bad_checksums(self) -> int:
        """Frames whose checksum or end was wrong."""
        return self.faults[FaultKind.BAD_CRC] + self.faults[FaultKind.BAD_TRAILER]


class Ear:
    """Hears one line as several protocols at once."""

    def __init__(self, protocols: Sequence[str]) -> None:
        self._taps: dict[str, Tap] = {}
        for name in protocols:
            make = PROTOCOLS[name].tap
            if make is not None:
                self._taps[name] = make()
        self._scores = {name: Score(name) for name in self._taps}
        self.heard_bytes = 0

    def hear(self, data: bytes) -> dict[str, list[Overheard]]:
        """Take bytes; return what each protocol makes of them."""
        self.heard_bytes += len(data)
        told = {}
        for name, tap in self._taps.items():
            frames = tap.feed(data)
            self._count(name, frames)
            told[name] = frames
        return told

    def scores(self) -> list[Score]:
        """Return the scores, the protocol that explains most first."""
        by_share = sorted(
            self._scores.values(),
            key=lambda one: (one.explained_bytes, one.proof_bits),
            reverse=True,
        )
        return sorted(by_share, key=self._is_believed, reverse=True)

    def verdict(self) -> str | None:
        """Return the line's protocol, or None while none is believed."""
        first = self.scores()[0]
        return first.protocol if self._is_believed(first) else None

    def keep_only(self, protocol: str) -> None:
        """Listen to one protocol from now on; the other scores stay as they are."""
        self._taps = {protocol: self._taps[protocol]}

    def _is_believed(self, score: Score) -> bool:
        enough = max(LEAST_PROOF_BITS, LEAST_BITS_PER_BYTE * self.heard_bytes)
        return score.proof_bits >= enough

    def _count(self, name: str, frames: Iterable[Overheard]) -> None:
        score = self._scores[name]
        for frame in frames:
            score.frames += 1
            score.odd_frames += frame.is_odd
            score.proof_bits += frame.proof_bits
            if frame.proof_bits:
                score.explained_bytes += len(frame.raw)
        faults = self._taps[name].faults
        score.faults += faults
        faults.clear()
