"""One command at a time on a reader's port: what is heard, lost, given up."""

import asyncio
import time
from collections.abc import Callable

import pytest

from cngstation.drivers.reader_line import ReaderLine
from cngstation.errors import DeviceUnavailable, LocalProtocolError
from cngstation.protocols.card_reader.outcomes import Answered, Unanswered

LOST = DeviceUnavailable(device="p", why="the port was lost or closed")
END = b"."
PATIENCE_MS = 30
FOR_EVER_S = 10


class Port:
    """A link that answers each write as told; `breaks` names what fails on it."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.unread = b""
        self.breaks = ""
        self.is_open = True
        self.news = asyncio.Event()

    def write(self, data: bytes) -> None:
        if self.breaks == "write":
            raise LOST
        if self.answers:
            answer = self.answers.pop(0)
            asyncio.get_running_loop().call_soon(self.arrive, answer)

    def arrive(self, data: bytes) -> None:
        self.unread += data
        self.news.set()

    async def read(self) -> bytes:
        if self.breaks == "read":
            raise LOST
        while not self.unread:
            self.news.clear()
            await self.news.wait()
        data, self.unread = self.unread, b""
        return data

    def discard_input(self) -> None:
        self.unread = b""

    async def close(self) -> None:
        self.is_open = False


class Talk:
    """A conversation in which a full stop ends the answer."""

    command_sent = True

    def __init__(self) -> None:
        self.deadline_ms: int | None = None
        self.to_send = self.heard = b""
        self.outcome: Answered | Unanswered | None = None

    def ask(self, command: bytes, now_ms: int, /) -> None:
        if self.deadline_ms is not None:
            raise LocalProtocolError(why="two at once")
        self.to_send, self.heard = command, b""
        self.deadline_ms = now_ms + PATIENCE_MS

    def receive(self, data: bytes, _now_ms: int, /) -> None:
        self.heard += data
        if self.heard.endswith(END):
            self.outcome = Answered(self.heard)
            self.deadline_ms = None

    def pass_time(self, now_ms: int, /) -> None:
        if self.deadline_ms is not None and now_ms >= self.deadline_ms:
            self.outcome = Unanswered()
            self.deadline_ms = None

    def take_bytes(self) -> bytes:
        pending, self.to_send = self.to_send, b""
        return pending

    def take_outcome(self) -> Answered | Unanswered | None:
        outcome, self.outcome = self.outcome, None
        return outcome

    def abandon(self) -> None:
        self.deadline_ms = None


Line = ReaderLine[bytes, Answered]


async def named() -> str:
    """Say what the reader is, without asking it."""
    return "R 1"


async def on(*ports: Port) -> Line:
    """Return a line that is open on the first port and opens the others after it."""
    waiting = list(ports)

    async def open_link() -> Port:
        if not waiting:
            raise LOST
        return waiting.pop(0)

    line = Line("R", open_link, Talk)
    await line.open(named)
    return line


async def test_an_answer_in_parts() -> None:
    """It ends when the conversation says so; the reader is online."""

    class ByteByByte(Port):
        async def read(self) -> bytes:
            data = await super().read()
            self.unread = data[1:]
            return data[:1]

    line = await on(ByteByByte(b"ab."))
    assert not line.health.online
    assert await line.ask(b"x") == Answered(b"ab.")
    assert line.health.online
    assert line.health.firmware == "R 1"
    assert line.may_have_arrived


async def test_what_came_before_a_command_is_not_its_answer() -> None:
    """It belongs to a command that was given up."""
    port = Port(b"new.")
    line = await on(port)
    port.arrive(b"old.")
    assert await line.ask(b"x") == Answered(b"new.")


async def test_silence_is_told_and_ends_with_the_next_answer() -> None:
    """The port stays open, for the reader may only be slow."""
    port = Port()
    line = await on(port)
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await line.ask(b"x")
    assert not line.health.online
    assert "does not answer" in line.health.last_fault
    assert line.may_have_arrived
    assert port.is_open
    port.answers = [b"a."]
    assert await line.ask(b"x") == Answered(b"a.")
    assert line.health.online


async def test_only_the_command_itself_may_have_arrived() -> None:
    """What goes before it, to wake the reader, is not the command."""

    class Waking(Talk):
        command_sent = False

    port = Port()

    async def open_link() -> Port:
        return port

    line = Line("R", open_link, Waking)
    await line.open(named)
    with pytest.raises(DeviceUnavailable):
        await line.ask(b"x")
    assert not line.may_have_arrived


async def test_noise_without_end_is_silence() -> None:
    """Bytes that end nothing do not push the deadline away."""

    class Noisy(Port):
        begun_s: float | None = None

        async def read(self) -> bytes:
            self.begun_s = self.begun_s or time.monotonic()
            assert time.monotonic() < self.begun_s + FOR_EVER_S
            return b"~"

    line = await on(Noisy())
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await line.ask(b"x")


async def test_what_came_while_the_program_stood_still_is_heard() -> None:
    """The answer and the end of the wait are seen at once: the answer counts."""

    class Standing(Port):
        stood = False

        async def read(self) -> bytes:
            if not self.stood:
                self.stood = True
                asyncio.get_running_loop().call_soon(self.arrive, b"a.")
                time.sleep(2 * PATIENCE_MS / 1000)
            return await super().read()

    line = await on(Standing())
    assert await line.ask(b"x") == Answered(b"a.")


async def test_a_command_that_is_cancelled_is_given_up() -> None:
    """The next one goes out as if nothing had been asked."""
    port = Port()
    line = await on(port)
    asking = asyncio.create_task(line.ask(b"x"))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    port.answers = [b"a."]
    assert await line.ask(b"y") == Answered(b"a.")


async def test_calls_at_once_go_one_after_the_other() -> None:
    """Each gets its own answer."""
    port = Port(b"1.", b"2.", b"3.")
    line = await on(port)
    heard = await asyncio.gather(*(line.ask(b"x") for _ in range(3)))
    assert heard == [Answered(b"1."), Answered(b"2."), Answered(b"3.")]


@pytest.mark.parametrize(("breaks", "arrived"), [("write", False), ("read", True)])
async def test_a_port_that_is_lost(breaks: str, *, arrived: bool) -> None:
    """It is closed at once; only what the port took may have arrived."""
    port = Port(b"a.")
    line = await on(port)
    await line.ask(b"x")
    port.breaks = breaks
    with pytest.raises(DeviceUnavailable, match="lost"):
        await line.ask(b"x")
    assert line.may_have_arrived is arrived
    assert not port.is_open
    assert not line.health.online
    assert "lost" in line.health.last_fault
    with pytest.raises(DeviceUnavailable, match="not open"):
        await line.ask(b"x")
    assert not line.may_have_arrived


async def test_opening_again_begins_anew() -> None:
    """The port before is closed, the conversation is another."""
    before, after = Port(b"a."), Port(b"b.")
    line = await on(before, after)
    await line.ask(b"x")
    await line.open(named)
    assert not before.is_open
    assert not line.health.online
    assert await line.ask(b"x") == Answered(b"b.")
    with pytest.raises(DeviceUnavailable):
        await line.open(named)
    assert not after.is_open
    assert "lost" in line.health.last_fault


async def test_each_opening_has_a_conversation_of_its_own() -> None:
    """What a reader was told before its port was lost it may have forgotten."""
    made: list[Talk] = []

    def new_talk() -> Talk:
        made.append(Talk())
        return made[-1]

    async def open_link() -> Port:
        return Port(b"a.")

    line = Line("R", open_link, new_talk)
    for _ in range(2):
        await line.open(named)
        await line.ask(b"x")
    assert [bool(talk.heard) for talk in made] == [False, True, True]


@pytest.mark.parametrize(
    "failure", [lambda: LOST, asyncio.CancelledError, KeyboardInterrupt]
)
async def test_an_opening_that_fails_leaves_the_port_free(
    failure: Callable[[], BaseException],
) -> None:
    """Whatever ended it: nobody else closes that port."""
    port = Port()

    async def open_link() -> Port:
        return port

    async def fail() -> str:
        raise failure()

    line = Line("R", open_link, Talk)
    with pytest.raises(type(failure())):
        await line.open(fail)
    assert not port.is_open
