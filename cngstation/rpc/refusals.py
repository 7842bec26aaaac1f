"""What was refused at a socket, for the log: the first at once, the rest as counts.

Whoever floods a socket writes one row a minute for each kind of refusal, not one row
for each try.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cngstation.errors import BadRequest, NotLoggedIn, StationError
from cngstation.moments import Clock
from cngstation.rpc.authority import Peer
from cngstation.rpc.failures import (
    PeerRefused,
    SlowPeer,
    SlowReader,
    TooManyConnections,
)

WINDOW_MS = 60_000
MOST_KEPT = 256
OTHERS = "others"
# A rule of the trade that says no is no attack; these are.
_TOLD = (
    BadRequest,
    NotLoggedIn,
    PeerRefused,
    SlowPeer,
    SlowReader,
    TooManyConnections,
)

Refused = Callable[[Peer, StationError], None]
_log = structlog.get_logger()


def untold(peer: Peer, error: StationError) -> None:
    """Tell nobody."""
    del peer, error


@dataclass(slots=True)
class _Window:
    ends_mono_ms: int
    count: int = 0


class RefusalLog:
    """Tells the log who was refused, and why."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[int, str], _Window] = {}

    def __call__(self, peer: Peer, error: StationError) -> None:
        """Note a refusal."""
        if not isinstance(error, _TOLD):
            return
        now_ms = self._clock.now().mono_ms
        key = (peer.uid, error.code)
        if key not in self._windows and len(self._windows) >= MOST_KEPT:
            key = (-1, OTHERS)
        window = self._windows.get(key)
        if window is not None and now_ms < window.ends_mono_ms:
            window.count += 1
            return
        self.tell_rest()
        self._windows[key] = _Window(now_ms + WINDOW_MS)
        _log.warning(
            "socket.refused",
            uid=peer.uid,
            pid=peer.pid,
            code=error.code,
            why=error.sentence(),
        )

    def tell_rest(self) -> None:
        """Tell how often what was told already came again, where its time is over."""
        now_ms = self._clock.now().mono_ms
        over = [k for k, one in self._windows.items() if now_ms >= one.ends_mono_ms]
        for uid, code in over:
            window = self._windows.pop((uid, code))
            if window.count:
                _log.warning(
                    "socket.refused_again", uid=uid, code=code, times=window.count
                )
