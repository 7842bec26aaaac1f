"""One accepted connection: bytes in and out, its deadlines, its subscription.

Requests are answered one after the other by a task that belongs to the server and
not to the connection: a client that goes away does not stop an act on its money.
"""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from cngstation.errors import StationError
from cngstation.protocols.ndjson import LONGEST_LINE, LineSplitter
from cngstation.rpc.authority import Peer
from cngstation.rpc.dialogue import Dialogue, Service
from cngstation.rpc.failures import SlowPeer, SlowReader
from cngstation.rpc.outbox import Outbox, Overflow
from cngstation.rpc.timing import after
from cngstation.rpc.wire import closing_line


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take of a daemon."""

    connections: int = 16  # eight screens of a large station, and as many tools
    hello_ms: int = 5_000
    login_ms: int | None = None  # a screen may stand at its login for days
    line_ms: int = 10_000  # from the first byte of a line to its last
    requests_per_s: int = 1_000  # a screen makes below 50
    waiting_events: int = 256  # 64 nozzles, and a burst of facts behind a slow SSH
    linger_ms: int = 2_000  # for the reason of a drop to be read
    recheck_ms: int = 5_000  # how long a subscriber outlives its session


class Host(Protocol):
    """The server, as its connections see it."""

    limits: Limits
    service: Service[Any]

    def admit(self, connection: "Connection") -> StationError | None:
        """Take a new connection in, or say why not."""

    def forget(self, connection: "Connection") -> None:
        """Know that a connection is gone."""

    def peer_of(self, transport: asyncio.Transport) -> Peer:
        """Return who is at the other end."""

    def release(self, connection: "Connection") -> int:
        """Give its place away; return for how many ms its last line may wait."""

    def work(self, connection: "Connection") -> None:
        """Run the connection's `answer_lines` in a task of the server."""


class Connection(asyncio.Protocol):
    """One client, from accept to the end."""

    peer: Peer
    _transport: asyncio.Transport
    _dialogue: Dialogue

    def __init__(self, host: Host, connection_id: int) -> None:
        self.subscribed = False
        self.leaving = False
        self._connection_id = connection_id
        self._host = host
        self._limits = host.limits
        self._lines = LineSplitter()
        self._outbox = Outbox(host.limits.waiting_events)
        self._holding = False  # events wait for the snapshot to be sent
        self._working = False
        self._takes_requests = True
        self._writable = asyncio.Event()
        self._writable.set()
        self._awaits: Literal["hello", "login"] | None = None
        self._stage_end: asyncio.TimerHandle | None = None
        self._line_end: asyncio.TimerHandle | None = None
        self._linger_end: asyncio.TimerHandle | None = None
        self._second_ends = asyncio.get_running_loop().time()
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask who it is, and wait for its hello."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = self._host.peer_of(transport)
        self._dialogue = Dialogue(
            self._host.service, self.peer, self._connection_id, self
        )
        refusal = self._host.admit(self)
        if refusal is None:
            self._expect("hello", self._limits.hello_ms, "it did not say its versions")
        else:
            self.drop(refusal)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; what it asked for is finished without it."""
        self.leaving = True
        self.end()
        self._writable.set()
        for timer in (self._stage_end, self._line_end, self._linger_end):
            if timer is not None:
                timer.cancel()
        self._host.forget(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes; stop reading while more than a line of them waits."""
        if self.leaving:
            return
        self._lines.feed(data)
        if self._lines.buffered > LONGEST_LINE:
            self._transport.pause_reading()
        if not self._working and self._takes_requests:
            self._working = True
            self._host.work(self)

    def pause_writing(self) -> None:
        """Keep events: the client does not read as fast as they come."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Send what was kept."""
        self._writable.set()
        self._flush()

    async def answer_lines(self) -> None:
        """Answer whole lines until there is none, in the order in which they came."""
        try:
            while self._takes_requests and not self.leaving:
                line = self._lines.next_line()
                if line is None:
                    break
                self._line_is_whole()
                await self._keep_rate()
                reply = await self._dialogue.answer(line)
                await self._writable.wait()
                if not self.leaving:
                    self._finish(reply)
        finally:
            self._working = False
        if not self.leaving:
            self._watch_rest()
            self._transport.resume_reading()

    def _finish(self, reply: bytes) -> None:
        self._transport.write(reply)
        if self._dialogue.over:
            self._leave()
            return
        self._holding = False
        self._flush()
        self._next_stage()

    async def _keep_rate(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._second_ends:
            self._second_ends = now + 1
            self._answered = 0
        self._answered += 1
        if self._answered > self._limits.requests_per_s:
            await asyncio.sleep(self._second_ends - now)

    # Deadlines: hello, then login, and every line once it has begun.

    def _expect(
        self, stage: Literal["hello", "login"], wait_ms: int | None, why: str
    ) -> None:
        self._awaits = stage
        if wait_ms is not None:
            reason = SlowPeer(why=why, wait_ms=wait_ms)
            self._stage_end = after(wait_ms, lambda: self.drop(reason))

    def _next_stage(self) -> None:
        if self._awaits == "hello" and self._dialogue.greeted:
            self._stage_done()
            self._expect("login", self._limits.login_ms, "nobody logged in")
        if self._awaits == "login" and self._dialogue.session is not None:
            self._stage_done()

    def _stage_done(self) -> None:
        self._awaits = None
        if self._stage_end is not None:
            self._stage_end.cancel()
            self._stage_end = None

    def _watch_rest(self) -> None:
        if self._lines.buffered and self._line_end is None:
            wait_ms = self._limits.line_ms
            reason = SlowPeer(why="a line was not finished", wait_ms=wait_ms)
            self._line_end = after(wait_ms, lambda: self.drop(reason))

    def _line_is_whole(self) -> None:
        if self._line_end is not None:
            self._line_end.cancel()
            self._line_end = None

    # Events.

    def begin(self) -> None:
        """Keep every event from now on, and send none before the snapshot."""
        self.subscribed = True
        self._holding = True

    def end(self) -> None:
        """Keep and send no more events."""
        self.subscribed = False
        self._holding = False
        self._outbox.clear()

    def send_event(self, line: bytes, figure: Hashable | None) -> None:
        """Send an event now, or keep it while the client is behind."""
        if not self._holding and self._writable.is_set():
            self._transport.write(line)
            return
        try:
            self._outbox.put(line, figure)
        except Overflow:
            self.drop(SlowReader(waiting=len(self._outbox)))

    def _flush(self) -> None:
        if self._holding:
            return
        for line in self._outbox.take():
            self._transport.write(line)
            if not self._writable.is_set():
                return

    @property
    def is_watched(self) -> bool:
        """Tell whether somebody may sit before it who is told when that ends."""
        return self.subscribed or self._dialogue.sets_a_password

    async def check_watcher(self) -> None:
        """Drop a client whose session no longer allows it to see."""
        try:
            await self._dialogue.check_watcher(subscribed=self.subscribed)
        except StationError as refusal:
            if self.is_watched:
                self.drop(refusal)

    async def may_see(self, right: str) -> bool:
        """Tell whether a subscriber may be shown what takes a right."""
        return self.subscribed and await self._dialogue.may_see(right)

    # The end.

    def stop_taking(self) -> None:
        """Begin no further request; the one under way is answered."""
        self._takes_requests = False

    def drop(self, reason: StationError) -> None:
        """Say why, and end the connection."""
        if not self.leaving:
            self._host.service.refused(self.peer, reason)
            self._transport.write(closing_line(reason))
            self._leave()

    def _leave(self) -> None:
        """Close our half, so that the other side can read to the end what was said.

        Closing both would discard the reason whenever the client was still sending.
        """
        self.leaving = True
        self.end()
        self._writable.set()
        self._transport.resume_reading()
        self._transport.write_eof()
        self._linger_end = after(self._host.release(self), self.abort)

    def abort(self) -> None:
        """End now, whatever was not sent."""
        self._transport.abort()
