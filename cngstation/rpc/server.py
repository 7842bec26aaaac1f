"""The server of the local socket: places, users, tasks, and the event publisher."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Generic

from cngstation.errors import StationError
from cngstation.rpc.authority import Authority, CallContext, Peer, peer_of
from cngstation.rpc.connection import Connection, Limits
from cngstation.rpc.dialogue import Handlers, Report, Service
from cngstation.rpc.failures import PeerRefused, ServerClosing, TooManyConnections
from cngstation.rpc.listening import open_socket, passed_socket
from cngstation.rpc.method import Body, Contract, Event, Snap
from cngstation.rpc.refusals import Refused
from cngstation.rpc.timing import ended, pause
from cngstation.rpc.wire import event_line

_BACKLOG = 128
_MOST_LINGERING = 64  # a flood of refused connections must not take every descriptor
_FINISH_MS = 600  # for acts under way; with the next two, close() ends within 1 s
_PARTING_MS = 150  # for the last line to be read
_CANCELLED_MS = 100

Admits = Callable[[Peer], bool]
AskKernel = Callable[[socket.socket], Peer]


class RpcServer(Generic[Snap]):
    """Offers a contract on a Unix socket.

    Args:
        path: where to listen, unless systemd passed a socket.
        contract: what is offered.
        handlers: one for each method of the contract.
        authority: decides about logins and, at every call, about rights.
        snapshot: makes the whole present state for a new subscriber.
        program: name and version, told to clients.
        admits: tells whether a Linux user may connect at all.
        report: logs an exception that nobody foresaw; the client is told no details.
        refused: logs who was refused, and why.
        limits: what one client may take.
        ask_kernel: finds the process at the other end; tests put their own.
    """

    def __init__(
        self,
        path: Path,
        contract: Contract[Snap],
        handlers: Handlers,
        authority: Authority,
        snapshot: Callable[[CallContext], Awaitable[Snap]],
        *,
        program: str,
        admits: Admits,
        report: Report,
        refused: Refused,
        limits: Limits | None = None,
        ask_kernel: AskKernel = peer_of,
    ) -> None:
        handlers.check(contract)
        self.limits = limits or Limits()
        self.service: Service[Any] = Service(
            program, contract, handlers, authority, snapshot, report, refused
        )
        self._path = path
        self._admits = admits
        self._ask_kernel = ask_kernel
        self._connections: set[Connection] = set()
        self._lingering: set[Connection] = set()
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        self._ids = count(1)
        self._server: asyncio.Server | None = None
        self._own_file: os.stat_result | None = None
        self._checks: asyncio.Task[None] | None = None

    async def start(self, environ: Mapping[str, str] = os.environ) -> None:
        """Listen on the socket that systemd passed, or on one of our own.

        Raises:
            SocketInUse: another process answers at the path.
            OSError: the path cannot be bound.
        """
        listening = passed_socket(self._path, environ)
        if listening is None:
            listening = open_socket(self._path)
            self._own_file = self._path.stat()
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: Connection(self, next(self._ids)), sock=listening, backlog=_BACKLOG
        )
        self._checks = asyncio.create_task(self._check_watchers())

    def publish(self, event: Event[Body], body: Body, *, key: str = "") -> None:
        """Tell every subscriber of an event; `key` names a live figure among others.

        Raises:
            ValueError: the event is not in the contract, or is longer than a line.
        """
        line = self._event_line(event, body)
        figure = (event.name, key) if event.replaceable else None
        for connection in [c for c in self._connections if c.subscribed]:
            connection.send_event(line, figure)

    async def publish_to(self, right: str, event: Event[Body], body: Body) -> None:
        """Tell an event to those subscribers alone who have a right now.

        Raises:
            ValueError: as `publish`.
        """
        line = self._event_line(event, body)
        figure = (event.name, "") if event.replaceable else None
        for connection in [c for c in self._connections if c.subscribed]:
            if await connection.may_see(right) and connection.subscribed:
                connection.send_event(line, figure)

    def _event_line(self, event: Event[Body], body: Body) -> bytes:
        if self.service.contract.events_by_name.get(event.name) is not event:
            raise ValueError(f"{event.name} is not an event of the contract")
        return event_line(event.name, event.model.model_validate(body))

    async def close(self) -> None:
        """Finish what is under way, tell the clients, and end; within one second.

        An act that does not finish in its part of that second is cancelled, which is
        no worse for it than the power cut that it has to survive anyway.
        """
        if self._server is None:
            return
        self._server.close()
        if self._checks is not None:
            self._checks.cancel()
        for connection in self._connections:
            connection.stop_taking()
        await ended(list(self._tasks), _FINISH_MS)
        for connection in list(self._connections):
            connection.drop(ServerClosing(part=self._path.stem))
        await self._clients_go(_PARTING_MS)
        for task in self._tasks:
            task.cancel()
        await ended(list(self._tasks), _CANCELLED_MS)
        await self._server.wait_closed()
        self._server = None
        self._remove_file()

    async def _clients_go(self, wait_ms: int) -> None:
        steps = 10
        for _ in range(steps):
            if not (self._connections or self._lingering):
                return
            await pause(wait_ms // steps)
        for connection in self._connections | self._lingering:
            connection.abort()
        await asyncio.sleep(0)

    def _remove_file(self) -> None:
        """Remove our socket, but not that of a successor at the same path."""
        if self._own_file is None:
            return
        try:
            present = self._path.stat()
        except FileNotFoundError:
            return
        if os.path.samestat(present, self._own_file):
            self._path.unlink(missing_ok=True)

    async def _check_watchers(self) -> None:
        """See to it that nobody goes on watching after the session has ended."""
        while True:
            await pause(self.limits.recheck_ms)
            for connection in [c for c in self._connections if c.is_watched]:
                try:
                    await connection.check_watcher()
                except Exception as error:  # noqa: BLE001 - the top of a task
                    self.service.report("check of a watcher", error)

    # What connections ask of their host.

    def admit(self, connection: Connection) -> StationError | None:
        """Take a new connection in, or say why not."""
        most = self.limits.connections
        if not self._admits(connection.peer):
            refusal: StationError = PeerRefused(uid=connection.peer.uid)
        elif len(self._connections | set(self._tasks.values())) >= most:
            # An act whose client has left still takes its place.
            refusal = TooManyConnections(most=most)
        else:
            self._connections.add(connection)
            return None
        return refusal

    def forget(self, connection: Connection) -> None:
        """Know that a connection is gone."""
        self._connections.discard(connection)
        self._lingering.discard(connection)

    def release(self, connection: Connection) -> int:
        """Give its place away; return for how many ms its last line may wait."""
        self._connections.discard(connection)
        self._lingering.add(connection)
        return self.limits.linger_ms if len(self._lingering) <= _MOST_LINGERING else 0

    def peer_of(self, transport: asyncio.Transport) -> Peer:
        """Ask the kernel who is at the other end."""
        return self._ask_kernel(transport.get_extra_info("socket"))

    def work(self, connection: Connection) -> None:
        """Answer the lines of a connection in a task that outlives it."""
        task = asyncio.get_running_loop().create_task(connection.answer_lines())
        self._tasks[task] = connection
        task.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, Exception)
            self.service.report("a connection", error)
