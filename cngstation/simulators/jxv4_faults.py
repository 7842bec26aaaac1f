"""Faults of a simulated JX-V4 gun itself: answers that mislead, deafness to some."""

import random
from collections import Counter

from cngstation.simulators.jxv4_frames import (
    PARAMETER,
    POLL,
    RECORD,
    SHIFT_RECORD,
    answer_frame,
)

WRONG_GUN, AA_INSIDE = "wrong_gun", "aa_inside"
BAD_CRC, LOSE_ACK = "bad_crc", "lose_ack"
ACKNOWLEDGEMENTS = frozenset({RECORD, SHIFT_RECORD, PARAMETER})
_GUN, _COMMAND, _BODY = 3, 4, 7
_TRAILER_BYTES = 4
# The ten meter figures of a status, which the CNG firmware leaves 0.
_UNUSED_FIGURES = slice(40, 80)


class AnswerFaults:
    """Draws, from a seed, which answers go out wrong and which frames are not heard."""

    def __init__(self, seed: int) -> None:
        self.shares = dict.fromkeys((WRONG_GUN, AA_INSIDE, BAD_CRC, LOSE_ACK), 0.0)
        self.counts: Counter[str] = Counter()
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        # Not for secrets: a run with faults must be repeatable.
        self._random = random.Random(seed)  # noqa: S311

    def set(self, name: str, share: float) -> None:
        """Change the share of one fault.

        Raises:
            ValueError: it is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"{name}={share} is not a share")
        self.shares[name] = share

    def spoil(self, frame: bytes) -> bytes:
        """Return the frame as the gun sends it."""
        gun, command = frame[_GUN], frame[_COMMAND]
        body = bytearray(frame[_BODY:-_TRAILER_BYTES])
        if self._draws(WRONG_GUN):
            gun = gun % 255 + 1
        if command == POLL and self._draws(AA_INSIDE):
            # AA FF <gun> looks like a host frame to the neighbours.
            body[_UNUSED_FIGURES] = b"\xaa\xff\x01\x00" * 10
        frame = answer_frame(gun, command, bytes(body))
        if self._draws(BAD_CRC):
            frame = frame[:-3] + bytes([frame[-3] ^ 0xFF]) + frame[-2:]
        return frame

    def misses(self, command: int) -> bool:
        """Tell whether a gun does not hear this acknowledgement."""
        return command in ACKNOWLEDGEMENTS and self._draws(LOSE_ACK)

    def _draws(self, name: str) -> bool:
        if not self.shares[name] or self._random.random() >= self.shares[name]:
            return False
        self.counts[name] += 1
        return True
