"""One dispenser line: the port, the dialogue on it, and the service behind.

The port may be missing or go away at any time: the line reports it, opens it again
with growing pauses, and goes on. Calls of the service outlive the port, so that a
record under way is committed whatever the cable does.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog

from cngstation.drivers.frame_log import FrameLog
from cngstation.drivers.line_link import LineLink, LineSettings
from cngstation.drivers.line_orders import LineOrders
from cngstation.drivers.line_service import LineHandler, LineState, ServiceCalls
from cngstation.drivers.line_watch import LineWatch
from cngstation.errors import DeviceTimeout, DeviceUnavailable
from cngstation.moments import Clock
from cngstation.protocols.dispenser.canonical import (
    Identity,
    NoFill,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    Dialogue,
    Event,
    IdentityReceived,
    NoticeReceived,
    OrderAnswered,
    Question,
    RecordReread,
    Request,
    RequestFailed,
    TotalsReceived,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.entry import shown_whole
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    Order,
    OrderOutcome,
)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
_TICK_S = 0.5
# A question waits for at most one poll and the questions before it.
REQUEST_LIMIT_S = 10.0
KEPT_CYCLES = 512
KEPT_NOTICES = 50

_log = structlog.get_logger()


Asked = TotalsReceived | RecordReread | IdentityReceived | RequestFailed


class DispenserLine:
    """Drives one line; `run` until cancelled."""

    def __init__(
        self,
        settings: LineSettings,
        dialogue: Dialogue,
        handler: LineHandler,
        *,
        clock: Clock,
        conceal: Callable[[bytes], bytes] = shown_whole,
    ) -> None:
        self._settings = settings
        self._dialogue = dialogue
        self._handler = handler
        self._clock = clock
        self._wake = asyncio.Event()
        self._state: LineState | None = None
        self._calls = ServiceCalls(dialogue, handler, self._wake.set, _now_us)
        self._asked: dict[Request, asyncio.Future[Asked]] = {}
        self._orders = LineOrders(dialogue, self._wake.set, self._must_be_open)
        self._is_closing = False
        self.log = FrameLog(conceal)
        self.watch = LineWatch()
        self.frames_sent = 0
        self.frames_lost = 0  # that wanted an answer and got no valid one
        self.cycle_times_us: deque[int] = deque(maxlen=KEPT_CYCLES)
        self.notices: deque[NoticeReceived] = deque(maxlen=KEPT_NOTICES)

    @property
    def state(self) -> LineState | None:
        """Whether the port is open; None before the first try."""
        return self._state

    async def run(self) -> None:
        """Talk to the nozzles for ever, through every loss of the port."""
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    link = await self._settings.open()
                except DeviceUnavailable as error:
                    self._report(LineState(is_open=False, why=error.sentence()))
                else:
                    pause_s = FIRST_PAUSE_S
                    self._report(LineState(is_open=True))
                    why = await self._converse(link)
                    self._report(LineState(is_open=False, why=why))
                # Lines that were lost together do not knock together.
                await self._pause(pause_s * random.uniform(0.5, 1))  # noqa: S311 - no secret
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        finally:
            await self._calls.end()

    async def request_totals(self, gun: int) -> Totals:
        """Ask a nozzle for its totalisers.

        Raises:
            DeviceUnavailable: the port is not open.
            DeviceTimeout: the nozzle is offline or did not answer.
        """
        answer = await self._ask(Request(gun, Question.TOTALS))
        assert isinstance(answer, TotalsReceived)
        return answer.answer

    async def request_record(
        self, gun: int, device_seq: int
    ) -> SaleRecord | NoFill | None:
        """Read a record again by its number; None if the dispenser has it no more.

        Raises:
            DeviceUnavailable: the port is not open.
            DeviceTimeout: the nozzle is offline or did not answer.
        """
        answer = await self._ask(Request(gun, Question.RECORD, device_seq))
        assert isinstance(answer, RecordReread)
        return answer.answer

    async def request_identity(self, gun: int) -> Identity:
        """Ask a nozzle who it is.

        Raises:
            DeviceUnavailable: the port is not open.
            DeviceTimeout: the nozzle is offline or did not answer.
        """
        answer = await self._ask(Request(gun, Question.IDENTITY))
        assert isinstance(answer, IdentityReceived)
        return answer.answer

    def offer(self, downloads: Downloads) -> None:
        """Say what every nozzle of the line shall hold from now on.

        Raises:
            LocalProtocolError: the protocol cannot carry it; all stays as it was.
        """
        self._dialogue.offer(downloads)
        self._wake.set()

    async def give(self, order: Order) -> OrderOutcome:
        """Give a nozzle an order, once; UNKNOWN says that its state must be read.

        What is not sent within the limit is never sent: REFUSED.

        Raises:
            DeviceUnavailable: the port is not open; nothing was sent.
        """
        return await self._orders.give(order, REQUEST_LIMIT_S)

    # The port

    async def _converse(self, link: LineLink) -> str:
        why = ""
        self._is_closing = False
        self._dialogue.line_opened(_now_us())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(link))
                group.create_task(self._talk(link))
        except* DeviceUnavailable as lost:
            why = str(lost.exceptions[0])
        finally:
            # What is asked from now on would wait for the next port.
            self._is_closing = True
            self._dialogue.line_closed(_now_us())
            self._hear(self._dialogue.tick(_now_us()))
            await link.close()
        return why

    async def _listen(self, link: LineLink) -> None:
        while True:
            data = await link.read()
            now_us = _now_us()
            self.log.received(data, now_us)
            self.watch.received(data, now_us)
            events = self._dialogue.receive(data, now_us)
            self._note(events)
            # The wire waits for the next frame, not for those who hear of this one:
            # but the answer to an order may take back the next frame.
            try:
                if not any(isinstance(event, OrderAnswered) for event in events):
                    step = self._next_step(now_us)
                    if isinstance(step, Transmission):
                        self._put(link, step)
            finally:
                self._tell(events)
            self._wake.set()

    async def _talk(self, link: LineLink) -> None:
        while True:
            self._wake.clear()
            now_us = _now_us()
            step = self._next_step(now_us)
            self._hear(self._dialogue.tick(now_us))
            if isinstance(step, Transmission):
                self._put(link, step)
            else:
                await self._sleep_until(step.until_us)

    def _next_step(self, now_us: int) -> Transmission | Wait:
        return self._dialogue.next_transmission(now_us, self._clock.now().wall_ms)

    def _put(self, link: LineLink, step: Transmission) -> None:
        link.write(step.data)
        sent_us = _now_us()
        self._dialogue.sent(sent_us)
        self.log.sent(step.data, sent_us)
        self.watch.sent(step.gun, step.data, sent_us)
        self.frames_sent += 1

    async def _sleep_until(self, until_us: int) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_at(until_us / 1_000_000, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _pause(self, pause_s: float) -> None:
        """Wait while time passes for the nozzles that cannot be heard."""
        loop = asyncio.get_running_loop()
        end = loop.time() + pause_s
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, _TICK_S))
            self._hear(self._dialogue.tick(_now_us()))

    # The service

    def _hear(self, events: Sequence[Event]) -> None:
        self._note(events)
        self._tell(events)

    def _note(self, events: Iterable[Event]) -> None:
        """Let the watch hear it before the next frame: it is of this exchange."""
        for event in events:
            self.watch.heard(event)

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._calls.take(event):
                continue
            match event:
                case OrderAnswered(order, outcome):
                    self._orders.answered(order, outcome)
                case CycleCompleted(cycle_us):
                    self.cycle_times_us.append(cycle_us)
                case AnswerMissed():
                    self.frames_lost += 1
                case NoticeReceived():
                    self.notices.append(event)
                case TotalsReceived() | RecordReread() | IdentityReceived():
                    self._settle(event)
                case RequestFailed():
                    self._settle(event)

    def _report(self, state: LineState) -> None:
        if state != self._state:
            self._state = state
            self._handler.line_state(state)

    async def _ask(self, request: Request) -> Asked:
        self._must_be_open()
        self._dialogue.request(request)
        self._wake.set()
        loop = asyncio.get_running_loop()
        waiting = self._asked.setdefault(request, loop.create_future())
        since_us = _now_us()
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                answer = await asyncio.shield(waiting)
        except TimeoutError:
            raise self._silent(request, since_us) from None
        if isinstance(answer, RequestFailed):
            raise self._silent(request, since_us)
        return answer

    def _must_be_open(self) -> None:
        if self._state is None or not self._state.is_open or self._is_closing:
            raise DeviceUnavailable(device=self._settings.path, why="it is not open")

    def _settle(self, answer: Asked) -> None:
        waiting = self._asked.pop(answer.request, None)
        if waiting is not None:
            waiting.set_result(answer)

    def _silent(self, request: Request, since_us: int) -> DeviceTimeout:
        device = f"Nozzle {request.gun} on {self._settings.path}"
        wait_ms = (_now_us() - since_us) // 1_000
        return DeviceTimeout(device=device, wait_ms=wait_ms)


def _now_us() -> int:
    return int(asyncio.get_running_loop().time() * 1_000_000)
