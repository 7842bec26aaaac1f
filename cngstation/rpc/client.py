"""The client of the local socket: one object is one connection.

It imports pydantic and nothing heavier: the screen loads it before its first frame.
Trying again belongs to `cngstation.rpc.reconnect`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Generic

from cngstation.errors import BadRequest, Disconnected, StationError
from cngstation.protocols.ndjson import Fault, LineSplitter, decode_object
from cngstation.rpc import last_words
from cngstation.rpc import session as own
from cngstation.rpc.failures import (
    BadReply,
    CallTimeout,
    DidNotStart,
    NotConnected,
    SlowReader,
    TooManyCalls,
)
from cngstation.rpc.method import Contract, Event, Message, Method, Rep, Req, Snap
from cngstation.rpc.wire import (
    read_answered,
    read_closing,
    read_failed,
    read_told,
    request_line,
)

_CONNECT_S = 5
_MOST_WAITING = 64  # calls; a screen has two or three under way
# Above the first the client reads only while a call waits, so that the server puts
# newer figures in place of older ones; above the second it ends the connection.
_ENOUGH_EVENTS = 256
_MOST_EVENTS = 8_192  # one read of 256 KiB brings at most 5,000


@dataclass(frozen=True, slots=True)
class Happened:
    """An event that came, with its declaration to match on."""

    event: Event[Any]
    body: Message


class RpcClient(Generic[Snap]):
    """One connection to a daemon; `part` is the daemon's name in sentences."""

    def __init__(
        self, path: Path, contract: Contract[Snap], *, program: str = "cngstation"
    ) -> None:
        self.part = path.stem
        self.ended: StationError | None = None
        self._path = path
        self._contract = contract
        self._program = program
        self._subscribe = Method(
            own.SUBSCRIBE,
            own.Nothing,
            contract.snapshot,
            right=contract.subscribe_right,
            changes=False,
        )
        self._ids = count(1)
        self._waiting: dict[int, tuple[Method[Any, Any], asyncio.Future[Any]]] = {}
        self._events: deque[Happened] = deque()
        self._news = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._server_is_newer = False

    async def connect(self) -> own.Hello:
        """Connect, compare versions, and return what the daemon says about itself.

        Raises:
            NotConnected: nobody listens, or nobody answers.
            VersionMismatch: the daemon understands no contract that we do.
            StationError: the daemon said why it does not take us.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_S):
                self._transport, _ = await loop.create_unix_connection(
                    lambda: _Lines(self), str(self._path)
                )
                ours = own.hello_of(self._program, self._contract)
                theirs = await self.call(own.HELLO, ours, timeout_s=_CONNECT_S)
            own.agree(reader=ours, other=theirs)
        except (OSError, TimeoutError, CallTimeout) as error:
            await self.close()
            why = getattr(error, "strerror", None) or "it does not answer"
            if said := last_words.heard(self._path):
                raise DidNotStart(part=self.part, why=said) from error
            raise NotConnected(part=self.part, why=why) from error
        except Disconnected as error:
            raise self._end_reason() from error
        except StationError:
            await self.close()
            raise
        self._server_is_newer = own.version_of(theirs.contract) > self._contract.version
        return theirs

    def _end_reason(self) -> StationError:
        if self.ended is None or isinstance(self.ended, Disconnected):
            return NotConnected(part=self.part, why="it closed the connection")
        return self.ended

    async def call(
        self, method: Method[Req, Rep], request: Req, *, timeout_s: int = 10
    ) -> Rep:
        """Ask the daemon and return its answer.

        Raises:
            NotConnected: there is no connection; nothing was sent.
            TooManyCalls: too many calls wait here already; nothing was sent.
            CallTimeout: no answer in time; the act may still be done.
            Disconnected: the connection ended meanwhile; the act may be done.
            BadReply: the answer does not fit the contract; the act may be done.
            StationError: the daemon's own refusal or failure, as it was raised there.
        """
        if self._transport is None or self.ended is not None:
            raise NotConnected(part=self.part, why="there is no connection")
        if len(self._waiting) >= _MOST_WAITING:
            raise TooManyCalls(part=self.part, waiting=len(self._waiting))
        request_id = next(self._ids)
        line = request_line(request_id, method.name, request)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Rep] = loop.create_future()
        late = partial(self._give_up, answer, method.name, timeout_s)
        deadline = loop.call_later(timeout_s, late)
        self._waiting[request_id] = (method, answer)
        self._transport.resume_reading()
        self._transport.write(line)
        try:
            return await answer
        finally:
            deadline.cancel()
            del self._waiting[request_id]
            self._pace()

    def _give_up(
        self, answer: asyncio.Future[Any], method_name: str, wait_s: int
    ) -> None:
        late = CallTimeout(part=self.part, method=method_name, wait_s=wait_s)
        _fail(answer, late)

    async def subscribe(self) -> Snap:
        """Return the whole present state; from then on `events` tells what changes.

        An event may tell again what the snapshot has already.
        """
        return await self.call(self._subscribe, own.Nothing())

    async def events(self) -> AsyncGenerator[Happened, None]:
        """Give out what happens, until this side closes the connection.

        Raises:
            StationError: the daemon's reason for ending it, or Disconnected.
        """
        while True:
            while self._events:
                happened = self._events.popleft()
                self._pace()
                yield happened
            if self.ended is not None:
                if self._transport is None:
                    return
                raise self.ended
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """End the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._end(Disconnected(part=self.part))
        await asyncio.sleep(0)

    # From the transport.

    def take_line(self, line: bytes | Fault) -> None:
        """Give a line to whoever waits for it."""
        message = decode_object(line) if isinstance(line, bytes) else line
        if isinstance(message, Fault) or isinstance(line, Fault):
            self.lose(BadReply(part=self.part, why=f"a line {message}"))
        elif "error" in message:
            self._take_error(line)
        elif "result" in message:
            self._take_result(line, message.get("id"))
        elif message.get("method") == own.CLOSING:
            self._take_closing(line)
        else:
            self._take_event(line, message.get("method"))

    def _take_result(self, line: bytes, request_id: object) -> None:
        waiting = self._waiting.get(request_id) if isinstance(request_id, int) else None
        if waiting is None or waiting[1].done():
            return  # its caller has given up
        method, answer = waiting
        try:
            answer.set_result(read_answered(method, line, newer=self._server_is_newer))
        except BadRequest as problem:
            why = str(problem.facts["why"])
            _fail(answer, BadReply(part=self.part, why=why))

    def _take_error(self, line: bytes) -> None:
        try:
            request_id, error = read_failed(line)
        except BadRequest as problem:
            self.lose(BadReply(part=self.part, why=str(problem.facts["why"])))
            return
        if request_id is None:
            self.lose(error)
        elif request_id in self._waiting:
            _fail(self._waiting[request_id][1], error)

    def _take_closing(self, line: bytes) -> None:
        try:
            self.lose(read_closing(line))
        except BadRequest as problem:
            self.lose(BadReply(part=self.part, why=str(problem.facts["why"])))

    def _take_event(self, line: bytes, name: object) -> None:
        event = self._contract.events_by_name.get(str(name))
        if event is None:
            if not self._server_is_newer:
                self.lose(BadReply(part=self.part, why="an event nobody knows"))
            return
        try:
            body = read_told(event, line, newer=self._server_is_newer)
        except BadRequest as problem:
            self.lose(BadReply(part=self.part, why=str(problem.facts["why"])))
            return
        self._events.append(Happened(event, body))
        self._news.set()
        if len(self._events) >= _MOST_EVENTS:
            self.lose(SlowReader(waiting=len(self._events)))
        self._pace()

    def _pace(self) -> None:
        """Read on unless enough events wait and no call does."""
        if self._transport is None or self.ended is not None:
            return
        if len(self._events) < _ENOUGH_EVENTS or self._waiting:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def lose(self, reason: StationError) -> None:
        """End a connection that the other side has ended or broken."""
        if self._transport is not None:
            self._transport.abort()
        self._end(reason)

    def _end(self, reason: StationError) -> None:
        if self.ended is None:
            self.ended = reason
        for _, answer in self._waiting.values():
            _fail(answer, Disconnected(part=self.part))
        self._news.set()


def _fail(answer: asyncio.Future[Any], error: StationError) -> None:
    if not answer.done():
        answer.set_exception(error)


class _Lines(asyncio.Protocol):
    """Cuts what comes into lines for its client."""

    def __init__(self, client: RpcClient[Any]) -> None:
        self._client = client
        self._lines = LineSplitter()

    def data_received(self, data: bytes) -> None:
        self._lines.feed(data)
        while self._client.ended is None:
            line = self._lines.next_line()
            if line is None:
                return
            self._client.take_line(line)

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lose(Disconnected(part=self._client.part))
