"""Who is on the other end of a connection, and who decides what they may do."""

import socket
import struct
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from cngstation.rpc.session import Login

_UCRED = struct.Struct("iII")  # unix(7): pid_t pid, uid_t uid, gid_t gid


@dataclass(frozen=True, slots=True)
class Peer:
    """The Linux process that connected, as the kernel knows it."""

    pid: int
    uid: int
    gid: int


def peer_of(connected: socket.socket) -> Peer:
    """Ask the kernel who made the other end of a Unix socket."""
    data = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(data)
    return Peer(pid=pid, uid=uid, gid=gid)


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked, and whether it shows that somebody sits at the screen."""

    method: str
    by_hand: bool


@dataclass(frozen=True)
class Session:
    """An operator at work; the authority adds what it needs in a subclass."""

    session_id: str
    operator: str
    terminal: str
    rights: tuple[str, ...]
    expires_at_ms: int
    token: SecretStr = field(repr=False)
    must_change_password: bool = False


class Authority(Protocol):
    """Decides who may do what. Refusals are StationErrors and are sent as they are."""

    async def login(self, credentials: Login, peer: Peer) -> Session:
        """Begin a session for the uid of the peer."""

    async def resume(self, token: SecretStr, peer: Peer) -> Session:
        """Find the session of a token; it is good for the uid that made it alone.

        Raises:
            NotLoggedIn: no such session, it has ended, or it belongs to another uid.
        """

    async def allowed(self, session: Session, right: str, call: Call) -> None:
        """Return if this operator has this right now; asked at every call.

        `LOGGED_IN` asks only that the session is alive and not locked, and
        `OWN_LOGIN` not even that its password is more than a one-time one.
        """

    async def holds(self, session: Session, right: str) -> bool:
        """Tell whether what takes a right may be shown to this operator now."""

    async def lock(self, session: Session) -> None:
        """Refuse everything until the password is given again."""

    async def unlock(self, session: Session, password: SecretStr) -> Session:
        """End the lock."""

    async def logout(self, session: Session) -> None:
        """End the session on every connection."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a handler knows about the caller; no session only where none is needed."""

    session: Session | None
    peer: Peer
    connection_id: int
