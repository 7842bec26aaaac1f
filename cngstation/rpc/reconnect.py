"""Keeps a screen connected: tries again, attaches its token, takes a new snapshot.

down --connect, hello--> (attach, if there is a token) --> subscribe --> up
 ^------------- wait 50 ms, 100 ms ... 2 s, with jitter -------------------'
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from pydantic import SecretStr

from cngstation.errors import NotLoggedIn, StationError, VersionMismatch
from cngstation.rpc import session as own
from cngstation.rpc.client import Happened, RpcClient
from cngstation.rpc.failures import (
    BadReply,
    CallTimeout,
    NotConnected,
    PeerRefused,
)
from cngstation.rpc.method import Method, Rep, Req, Snap
from cngstation.rpc.timing import pause

_FIRST_WAIT_MS = 50
_LONGEST_WAIT_MS = 2_000  # a cashier waits two seconds after a restart, not more


@dataclass(frozen=True, slots=True)
class Up(Generic[Snap]):
    """What a connection begins with; a snapshot, or why the daemon gives none yet."""

    session: own.SessionState | None
    snapshot: Snap | None
    refusal: StationError | None


class ReconnectingClient(Generic[Snap]):
    """Makes one connection after the other, for as long as `run` runs.

    Args:
        make: makes a client that is not connected yet.
        on_up: told at every new connection and after every `attach`.
        on_down: told why, once for each reason, not at every try.
        on_event: told everything that happens.
    """

    def __init__(
        self,
        make: Callable[[], RpcClient[Snap]],
        *,
        on_up: Callable[[Up[Snap]], None],
        on_down: Callable[[StationError], None],
        on_event: Callable[[Happened], None],
    ) -> None:
        self._make = make
        self._on_up = on_up
        self._on_down = on_down
        self._on_event = on_event
        self._token: SecretStr | None = None
        self._turned = asyncio.Event()  # it went up, or down for another reason
        self._why_down: StationError | None = None
        self._client: RpcClient[Snap] | None = None
        self._told: str | None = None
        self._failures = 0

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            client = self._make()
            try:
                await self._stay(client)
            except StationError as reason:
                self._client = None
                self._tell_down(reason)
            finally:
                self._client = None
                await client.close()
            await pause(_wait_ms(self._failures))
            self._failures += 1

    async def wait_until_up(self, wait_s: int) -> None:
        """Wait for the connection, at most so long; at once over when it is refused.

        As at the start, when the screen is quicker than the daemon or its socket.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self._client is None and not self._is_refused():
                    self._turned.clear()
                    await self._turned.wait()

    async def call(
        self, method: Method[Req, Rep], request: Req, *, timeout_s: int = 10
    ) -> Rep:
        """Ask over the present connection; a lost call is never sent again by itself.

        Raises:
            StationError: as `RpcClient.call`.
        """
        return await self._present().call(method, request, timeout_s=timeout_s)

    async def attach(self, token: SecretStr) -> None:
        """Use a token on this connection and on every later one; `on_up` tells.

        Raises:
            StationError: the connection was lost; the token is kept for the next.
        """
        self._token = token
        if self._client is not None:
            await self._begin(self._client)

    def forget_token(self) -> None:
        """Attach no more, as after a logout."""
        self._token = None

    def _present(self) -> RpcClient[Snap]:
        if self._client is None:
            if self._why_down is not None and self._is_refused():
                raise self._why_down
            raise NotConnected(part=self._make().part, why="it is being reconnected")
        return self._client

    def _is_refused(self) -> bool:
        """Tell whether another try would be refused for the same reason."""
        return isinstance(self._why_down, VersionMismatch | PeerRefused)

    async def _stay(self, client: RpcClient[Snap]) -> None:
        await client.connect()
        self._client, self._why_down = client, None
        self._turned.set()
        await self._begin(client)
        self._told = None
        self._failures = 0
        async with contextlib.aclosing(client.events()) as events:
            async for happened in events:
                self._on_event(happened)

    async def _begin(self, client: RpcClient[Snap]) -> None:
        """Attach and subscribe; a daemon that wants a login first is up as well."""
        session = None
        try:
            if self._token is not None:
                session = await client.call(own.ATTACH, own.Attach(token=self._token))
            snapshot = await client.subscribe()
        except StationError as refusal:
            if client.ended is not None or isinstance(refusal, CallTimeout | BadReply):
                raise
            if isinstance(refusal, NotLoggedIn):
                self._token = None
            self._on_up(Up(session, None, refusal))
        else:
            self._on_up(Up(session, snapshot, None))

    def _tell_down(self, reason: StationError) -> None:
        self._why_down = reason
        self._turned.set()
        if self._told != reason.code:
            self._told = reason.code
            self._on_down(reason)


def _wait_ms(failures: int) -> int:
    """Return a wait that grows, somewhere in its upper half: not all at once."""
    longest = min(_FIRST_WAIT_MS << min(failures, 10), _LONGEST_WAIT_MS)
    return random.randint(longest // 2, longest)  # noqa: S311 - spreads load, no secret
