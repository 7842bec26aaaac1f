"""What the screens ask of the three daemons, whatever carries it.

The real one is `tui.socket_link`; tests put a station in memory here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cngstation.errors import StationError
    from cngstation.rpc.method import Method, Rep, Req
    from cngstation.rpc.session import SessionState


# Name, password and reason of who lets somebody in without a staff card.
Released = tuple[str, str, str] | None


class Part(StrEnum):
    """A daemon, by the stem of its socket's name."""

    COUNTER = "counter"
    FORECOURT = "forecourt"
    UPLINK = "uplink"


@dataclass(frozen=True, slots=True)
class PartUp:
    """A daemon answers; the snapshot is its whole present state."""

    part: Part
    snapshot: Any


@dataclass(frozen=True, slots=True)
class PartDown:
    """A daemon does not answer, or does not let us see what happens there."""

    part: Part
    reason: "StationError"


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a daemon, by its name in the contract."""

    part: Part
    name: str
    body: Any


News = PartUp | PartDown | Told


class Link(Protocol):
    """The connections of one screen; every method may raise a StationError."""

    def start(self, hear: Callable[[News], None]) -> None:
        """Connect, stay connected, and tell what is heard."""

    async def login(
        self, login_name: str, password: str, released_by: Released = None
    ) -> "SessionState":
        """Begin a session at the counter and carry it to the other daemons."""
        ...

    async def logout(self) -> None:
        """End the session everywhere."""

    async def lock(self) -> None:
        """Let nothing be done until the password is given again."""

    async def touch(self) -> None:
        """Say that somebody sits at the screen."""

    async def unlock(self, password: str) -> "SessionState":
        """End the lock."""
        ...

    async def attach_again(self) -> None:
        """Take new snapshots, because more is allowed now."""

    async def call(
        self, method: "Method[Req, Rep]", request: "Req", *, timeout_s: int = 10
    ) -> "Rep":
        """Ask the daemon that offers the method."""
        ...

    async def close(self) -> None:
        """End every connection."""
