"""The next frame goes before events are heard; none of them is lost or comes late."""

import asyncio
from collections.abc import Callable

import pytest

from cngstation.drivers import dispenser_line
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.errors import DeviceUnavailable
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import Link
from cngstation.protocols.dispenser.dialogue import (
    Event,
    LinkChanged,
    OrderAnswered,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.waiting import Waiting
from tests.unit.drivers.far_end import Service, running, until

AUTHORISE = Order(1, OrderKind.AUTHORISE)
ONLINE = LinkChanged(1, Link.ONLINE)
LONG_US = 3_600_000_000


class Script(Waiting):
    """A dialogue: sends what is due, and makes of bytes what it is told."""

    def __init__(self, heard: Callable[[], list[Event]]) -> None:
        super().__init__(frozenset({1}))
        self._heard = heard
        self.is_due = True
        self.waits = False  # for an answer, as behind every frame

    def line_opened(self, now_us: int) -> None: ...

    def line_closed(self, now_us: int) -> None: ...

    def next_transmission(self, now_us: int, wall_ms: int) -> Transmission | Wait:
        if self.orders and not self.waits:
            self.orders.popleft()
            return Transmission(1, b"order")
        if self.is_due:
            self.is_due = False
            return Transmission(1, b"poll")
        return Wait(now_us + LONG_US)

    def sent(self, now_us: int) -> None: ...

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        self.waits = False
        return self._heard()

    def tick(self, now_us: int) -> list[Event]:
        return []


class Wire:
    """A link that may be lost; opened once."""

    path = "wire"

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_lost = False
        self._opened = False

    async def open(self) -> "Wire":
        if self._opened:
            raise DeviceUnavailable(device="wire", why="it is gone")
        self._opened = True
        return self

    def write(self, data: bytes) -> None:
        if self.is_lost:
            raise DeviceUnavailable(device="wire", why="it is gone")
        self.frames.append(data)

    async def read(self) -> bytes:
        return await self.heard.get()

    async def close(self) -> None: ...


def line_of(wire: Wire, script: Script, service: Service) -> DispenserLine:
    """Return a line that is driven by a script."""
    return DispenserLine(wire, script, service, clock=SystemClock())  # type: ignore[arg-type] # what a line asks of it


async def test_what_came_before_the_wire_was_lost_is_heard() -> None:
    """The port goes between a frame and the next: the service hears of the frame."""
    wire, service = Wire(), Service()

    def heard() -> list[Event]:
        script.is_due = True
        return [ONLINE]

    script = Script(heard)
    async with running(line_of(wire, script, service)):
        await until(lambda: wire.frames)
        wire.is_lost = True
        wire.heard.put_nowait(b"status")
        await until(lambda: len(service.states) > 1)
    assert service.links == [(1, Link.ONLINE)]


async def test_a_late_answer_takes_back_an_equal_order_that_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second of two equal orders is answered by the first one's late answer."""
    wire, service = Wire(), Service()
    answer = OrderAnswered(AUTHORISE, OrderOutcome.DONE)
    script = Script(lambda: [answer])
    line = line_of(wire, script, service)
    async with running(line):
        await until(lambda: wire.frames)
        monkeypatch.setattr(dispenser_line, "REQUEST_LIMIT_S", 0.01)
        assert await line.give(AUTHORISE) is OrderOutcome.UNKNOWN
        monkeypatch.undo()
        script.waits = True
        second = asyncio.ensure_future(line.give(AUTHORISE))
        await until(lambda: script.orders)
        wire.heard.put_nowait(b"done")
        assert await second is OrderOutcome.DONE
        await asyncio.sleep(0.05)
    assert wire.frames.count(b"order") == 1
