"""One dispenser line: a serial port, the dialogue on it, and the service behind.

The port may be missing or go away at any time: the line reports it, opens it again
with growing pauses, and goes on. Calls of the service outlive the port, so that a
record under way is committed whatever the cable does.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from cngstation.drivers.frame_log import FrameLog
from cngstation.drivers.serial_link import SerialLink, SerialSettings, open_serial
from cngstation.errors import DeviceTimeout, DeviceUnavailable
from cngstation.moments import Clock
from cngstation.protocols.dispenser.canonical import (
    DebitDecision,
    DebitRequest,
    Identity,
    Link,
    NozzleStatus,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    DebitRequested,
    Dialogue,
    Event,
    IdentityReceived,
    LinkChanged,
    NoticeReceived,
    ProtocolFault,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    RequestFailed,
    StatusReceived,
    TotalsReceived,
    Transmission,
)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
_TICK_S = 0.5
# A question waits for at most one poll and the questions before it.
REQUEST_LIMIT_S = 10.0
KEPT_CYCLES = 512
KEPT_NOTICES = 50

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LineState:
    """Whether the port is open; `why` says why it is not."""

    is_open: bool
    why: str = ""


class LineHandler(Protocol):
    """The service behind a line.

    `status`, `link`, `line_state` and `fault` are called on the line's own time: they
    return at once and do not raise.
    """

    async def record(self, gun: int, record: SaleRecord) -> bool:
        """Commit a record; True only after the commit, and it is acknowledged."""

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        """Decide what a dispenser takes from the card in it; posts nothing."""

    def status(self, gun: int, status: NozzleStatus) -> None:
        """Take a live reading."""

    def link(self, gun: int, link: Link) -> None:
        """Take note of how a nozzle is heard now."""

    def line_state(self, state: LineState) -> None:
        """Take note that the port opened, failed to open or was lost."""

    def fault(self, fault: ProtocolFault) -> None:
        """Take note of ignored bytes."""


Asked = TotalsReceived | RecordReread | IdentityReceived | RequestFailed


class DispenserLine:
    """Drives one line; `run` until cancelled."""

    def __init__(
        self,
        settings: SerialSettings,
        dialogue: Dialogue,
        handler: LineHandler,
        *,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._dialogue = dialogue
        self._handler = handler
        self._clock = clock
        self._wake = asyncio.Event()
        self._state: LineState | None = None
        self._calls: dict[int, asyncio.Task[None]] = {}  # one for each nozzle
        self._asked: dict[Request, asyncio.Future[Asked]] = {}
        self.log = FrameLog()
        self.frames_sent = 0
        self.frames_lost = 0  # that wanted an answer and got no valid one
        self.cycle_times_us: deque[int] = deque(maxlen=KEPT_CYCLES)
        self.notices: deque[NoticeReceived] = deque(maxlen=KEPT_NOTICES)

    async def run(self) -> None:
        """Talk to the nozzles for ever, through every loss of the port."""
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    link = await open_serial(self._settings)
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
            await self._end_calls()

    async def request_totals(self, gun: int) -> Totals:
        """Ask a nozzle for its totalisers.

        Raises:
            DeviceUnavailable: the port is not open.
            DeviceTimeout: the nozzle is offline or did not answer.
        """
        answer = await self._ask(Request(gun, Question.TOTALS))
        assert isinstance(answer, TotalsReceived)
        return answer.answer

    async def request_record(self, gun: int, device_seq: int) -> SaleRecord | None:
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

    # The port

    async def _converse(self, link: SerialLink) -> str:
        why = ""
        self._dialogue.line_opened(_now_us())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(link))
                group.create_task(self._talk(link))
        except* DeviceUnavailable as lost:
            why = str(lost.exceptions[0])
        finally:
            self._dialogue.line_closed(_now_us())
            self._hear(self._dialogue.tick(_now_us()))
            await link.close()
        return why

    async def _listen(self, link: SerialLink) -> None:
        while True:
            data = await link.read()
            now_us = _now_us()
            self.log.received(data, now_us)
            self._hear(self._dialogue.receive(data, now_us))
            self._wake.set()

    async def _talk(self, link: SerialLink) -> None:
        while True:
            self._wake.clear()
            now_us = _now_us()
            wall_ms = self._clock.now().wall_ms
            step = self._dialogue.next_transmission(now_us, wall_ms)
            self._hear(self._dialogue.tick(now_us))
            if isinstance(step, Transmission):
                link.write(step.data)
                sent_us = _now_us()
                self._dialogue.sent(sent_us)
                self.log.sent(step.data, sent_us)
                self.frames_sent += 1
            else:
                await self._sleep_until(step.until_us)

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

    def _hear(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case StatusReceived(gun, status):
                    self._handler.status(gun, status)
                case RecordReceived(gun, record):
                    self._call(gun, partial(self._commit, gun, record))
                case DebitRequested(gun, request):
                    self._call(gun, partial(self._decide, gun, request))
                case LinkChanged(gun, link):
                    self._handler.link(gun, link)
                case ProtocolFault():
                    self._handler.fault(event)
                case CycleCompleted(cycle_us):
                    self.cycle_times_us.append(cycle_us)
                case AnswerMissed():
                    self.frames_lost += 1
                case NoticeReceived():
                    self.notices.append(event)
                case _:
                    self._settle(event)

    def _call(self, gun: int, call: Callable[[], Coroutine[None, None, None]]) -> None:
        # What is repeated while the service still works on it is answered by that.
        if gun in self._calls:
            return
        task = asyncio.ensure_future(call())
        self._calls[gun] = task
        task.add_done_callback(lambda done: self._called(gun, done))

    def _called(self, gun: int, done: asyncio.Task[None]) -> None:
        del self._calls[gun]
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("dispenser.service_failed", gun=gun, exc_info=error)

    async def _commit(self, gun: int, record: SaleRecord) -> None:
        accepted = False
        try:
            accepted = await self._handler.record(gun, record)
        finally:
            self._dialogue.answer_record(
                gun, record.device_seq, _now_us(), accepted=accepted
            )
            self._wake.set()

    async def _decide(self, gun: int, request: DebitRequest) -> None:
        decision: DebitDecision | None = None
        try:
            decision = await self._handler.debit(gun, request)
        finally:
            self._dialogue.answer_debit(gun, request, decision, _now_us())
            self._wake.set()

    async def _end_calls(self) -> None:
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _report(self, state: LineState) -> None:
        if state != self._state:
            self._state = state
            self._handler.line_state(state)

    async def _ask(self, request: Request) -> Asked:
        if self._state is None or not self._state.is_open:
            raise DeviceUnavailable(device=self._settings.path, why="it is not open")
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
