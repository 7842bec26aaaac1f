"""The three connections on Unix sockets; imported after the first frame."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cngstation.errors import StationError
from cngstation.rpc import session as own
from cngstation.rpc.client import Happened, RpcClient
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.method import Contract, Method, Rep, Req
from cngstation.rpc.reconnect import ReconnectingClient, Up
from tui.link import News, Part, PartDown, PartUp, Released, Told

_CONTRACTS: dict[Part, Contract[Any]] = {
    Part.COUNTER: COUNTER,
    Part.FORECOURT: FORECOURT,
    Part.UPLINK: UPLINK,
}
# Whoever types quickly is there before the connection is.
_LOGIN_WAIT_S = 3
_OFFERED_BY = {
    method.name: part
    for part, contract in _CONTRACTS.items()
    for method in contract.methods
}


class SocketLink:
    """Keeps a connection to each daemon under a folder of sockets."""

    def __init__(self, folder: Path, *, terminal: str) -> None:
        self._folder = folder
        self._terminal = terminal
        self._clients: dict[Part, ReconnectingClient[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._hear: Callable[[News], None] = lambda _news: None

    def start(self, hear: Callable[[News], None]) -> None:
        """Connect to all three, and again whenever one is lost."""
        self._hear = hear
        for part, contract in _CONTRACTS.items():
            client = self._reconnecting(part, contract)
            self._clients[part] = client
            self._tasks.append(asyncio.create_task(client.run(), name=f"link {part}"))

    def _reconnecting(
        self, part: Part, contract: Contract[Any]
    ) -> ReconnectingClient[Any]:
        path = self._folder / f"{part}.sock"
        return ReconnectingClient(
            lambda: RpcClient(path, contract, program="tui"),
            on_up=partial(self._up, part),
            on_down=lambda reason: self._hear(PartDown(part, reason)),
            on_event=partial(self._event, part),
        )

    def _up(self, part: Part, up: Up[Any]) -> None:
        if up.refusal is not None:
            self._hear(PartDown(part, up.refusal))
        else:
            self._hear(PartUp(part, up.snapshot))

    def _event(self, part: Part, happened: Happened) -> None:
        self._hear(Told(part, happened.event.name, happened.body))

    async def login(
        self, login_name: str, password: str, released_by: Released = None
    ) -> own.SessionState:
        """Log in at the counter and attach the token everywhere."""
        release = None
        if released_by is not None:
            name, secret, reason = released_by
            release = own.Release(
                login_name=name, password=SecretStr(secret), reason=reason
            )
        request = own.Login(
            login_name=login_name,
            password=SecretStr(password),
            terminal=self._terminal,
            release=release,
        )
        counter = self._clients[Part.COUNTER]
        await counter.wait_until_up(_LOGIN_WAIT_S)
        logged_in = await counter.call(own.LOGIN, request)
        await self._attach(logged_in.token)
        return logged_in

    async def _attach(self, token: SecretStr) -> None:
        """Give the token to all; a daemon that is away gets it when it is back."""
        attached = (client.attach(token) for client in self._clients.values())
        results = await asyncio.gather(*attached, return_exceptions=True)
        for part, result in zip(self._clients, results, strict=True):
            if isinstance(result, StationError):
                self._hear(PartDown(part, result))
            elif isinstance(result, BaseException):
                raise result
        self._token = token

    async def logout(self) -> None:
        """End the session; a lost counter ends it by its expiry."""
        for client in self._clients.values():
            client.forget_token()
        await self._clients[Part.COUNTER].call(own.LOGOUT, own.Nothing())

    async def lock(self) -> None:
        """Lock the session, which every daemon shares."""
        await self._clients[Part.COUNTER].call(own.LOCK, own.Nothing())

    async def touch(self) -> None:
        """Say that keys are pressed here: events alone do not keep a session open."""
        await self._clients[Part.COUNTER].call(own.TOUCH, own.Nothing())

    async def unlock(self, password: str) -> own.SessionState:
        """Unlock the session and take new snapshots."""
        request = own.Unlock(password=SecretStr(password))
        state = await self._clients[Part.COUNTER].call(own.UNLOCK, request)
        await self._attach(self._token)
        return state

    async def attach_again(self) -> None:
        """Give the token to all once more, and take their snapshots."""
        await self._attach(self._token)

    async def call(
        self, method: Method[Req, Rep], request: Req, *, timeout_s: int = 10
    ) -> Rep:
        """Ask the daemon that offers the method."""
        client = self._clients[_OFFERED_BY[method.name]]
        return await client.call(method, request, timeout_s=timeout_s)

    async def close(self) -> None:
        """Cancel the connections and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
