"""The growing pauses of whoever waits for the lock of the station's file."""

import random

from cngstation.errors import DatabaseBusy

LONGEST_WAIT_MS = 5_000
_FIRST_PAUSE_MS = 1
_LONGEST_PAUSE_MS = 25


class Pauses:
    """The growing pauses of one wait for a lock, up to `LONGEST_WAIT_MS` in all."""

    def __init__(self) -> None:
        self._waited_ms = 0
        self._longest_ms = _FIRST_PAUSE_MS

    def next_ms(self) -> int:
        """Return how long to pause now.

        Raises:
            DatabaseBusy: the wait was long enough.
        """
        if self._waited_ms >= LONGEST_WAIT_MS:
            raise DatabaseBusy(wait_ms=self._waited_ms)
        # Jitter, so that writers that met once do not meet again and again.
        pause_ms = random.randint(1, self._longest_ms)  # noqa: S311 - no secret
        self._waited_ms += pause_ms
        self._longest_ms = min(2 * self._longest_ms, _LONGEST_PAUSE_MS)
        return pause_ms
