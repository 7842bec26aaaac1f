"""What a line asks of the service behind it, and the calls that are under way.

A call outlives the exchange that brought it about: its answer goes to the dialogue
whenever it is there.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from cngstation.protocols.dispenser.canonical import (
    DebitDecision,
    DebitRequest,
    Link,
    NozzleStatus,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    DebitRequested,
    DeviceEventReceived,
    Dialogue,
    DownloadAdvanced,
    DownloadAsked,
    Event,
    LinkChanged,
    ParameterReceived,
    ProtocolFault,
    RecordReceived,
    ShiftReceived,
    StatusReceived,
    TotaliserJumped,
)
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
    ParameterChange,
    ShiftRecord,
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LineState:
    """Whether the port is open; `why` says why it is not."""

    is_open: bool
    why: str = ""


class LineHandler(Protocol):
    """The service behind a line.

    What is not awaited is called on the line's own time: it returns at once and does
    not raise.
    """

    async def record(self, gun: int, record: SaleRecord) -> bool:
        """Commit a record; True only after the commit, and it is acknowledged."""

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        """Decide what a dispenser takes from the card in it; posts nothing."""

    async def shift(self, gun: int, record: ShiftRecord) -> bool:
        """Commit a shift record; True only after the commit."""

    async def parameter(self, gun: int, change: ParameterChange) -> bool:
        """Commit a changed parameter; True only after the commit."""

    async def event(self, gun: int, event: DeviceEvent) -> bool:
        """Commit an event of a dispenser; True only after the commit."""

    async def card_check(self, gun: int, check: CardCheck) -> CardVerdict:
        """Say whether the card in a dispenser may fill, or is on a list."""

    async def download_asked(self, asked: DownloadAsked) -> bool:
        """Note who is sent what; True only after the commit."""

    def status(self, gun: int, status: NozzleStatus) -> None:
        """Take a live reading."""

    def download(self, advanced: DownloadAdvanced) -> None:
        """Take note of what a nozzle fetched."""

    def totaliser_jumped(self, jumped: TotaliserJumped) -> None:
        """Take note that a totaliser moved without a fill."""

    def link(self, gun: int, link: Link) -> None:
        """Take note of how a nozzle is heard now."""

    def line_state(self, state: LineState) -> None:
        """Take note that the port opened, failed to open or was lost."""

    def fault(self, fault: ProtocolFault) -> None:
        """Take note of ignored bytes."""


class ServiceCalls:
    """Tells the service of events, and carries its answers back; one call a nozzle."""

    def __init__(
        self,
        dialogue: Dialogue,
        handler: LineHandler,
        wake: Callable[[], None],
        now_us: Callable[[], int],
    ) -> None:
        self._dialogue = dialogue
        self._handler = handler
        self._wake = wake
        self._now_us = now_us
        self._calls: dict[int, asyncio.Task[None]] = {}

    def take(self, event: Event) -> bool:
        """Tell the service of an event; False when it is none of its business."""
        return self._tell(event) or self._ask(event)

    def _tell(self, event: Event) -> bool:
        match event:
            case StatusReceived(gun, status):
                self._handler.status(gun, status)
            case LinkChanged(gun, link):
                self._handler.link(gun, link)
            case DownloadAdvanced():
                self._handler.download(event)
            case ProtocolFault():
                self._handler.fault(event)
            case TotaliserJumped():
                self._handler.totaliser_jumped(event)
            case _:
                return False
        return True

    def _ask(self, event: Event) -> bool:
        match event:
            case RecordReceived(gun, sale):
                self._call(gun, partial(self._commit, gun, sale))
            case DebitRequested(gun, request):
                self._call(gun, partial(self._decide, gun, request))
            case ShiftReceived(gun, shift):
                self._call(gun, partial(self._commit_shift, gun, shift))
            case ParameterReceived(gun, change):
                self._call(gun, partial(self._commit_parameter, gun, change))
            case DeviceEventReceived(gun, happened):
                self._call(gun, partial(self._commit_event, gun, happened))
            case CardCheckRequested(gun, check):
                self._call(gun, partial(self._check, gun, check))
            case DownloadAsked():
                self._call(event.guns[0], partial(self._note_sent, event))
            case _:
                return False
        return True

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
                gun, record.device_seq, self._now_us(), accepted=accepted
            )
            self._wake()

    async def _decide(self, gun: int, request: DebitRequest) -> None:
        decision: DebitDecision | None = None
        try:
            decision = await self._handler.debit(gun, request)
        finally:
            self._dialogue.answer_debit(gun, request, decision, self._now_us())
            self._wake()

    async def _commit_shift(self, gun: int, record: ShiftRecord) -> None:
        accepted = False
        try:
            accepted = await self._handler.shift(gun, record)
        finally:
            self._dialogue.answer_shift(
                gun, record.device_seq, self._now_us(), accepted=accepted
            )
            self._wake()

    async def _commit_parameter(self, gun: int, change: ParameterChange) -> None:
        accepted = False
        try:
            accepted = await self._handler.parameter(gun, change)
        finally:
            self._dialogue.answer_parameter(
                gun, change.device_seq, self._now_us(), accepted=accepted
            )
            self._wake()

    async def _commit_event(self, gun: int, event: DeviceEvent) -> None:
        accepted = False
        try:
            accepted = await self._handler.event(gun, event)
        finally:
            self._dialogue.answer_event(gun, event, self._now_us(), accepted=accepted)
            self._wake()

    async def _check(self, gun: int, check: CardCheck) -> None:
        verdict: CardVerdict | None = None
        try:
            verdict = await self._handler.card_check(gun, check)
        finally:
            self._dialogue.answer_card_check(gun, check, verdict, self._now_us())
            self._wake()

    async def _note_sent(self, asked: DownloadAsked) -> None:
        accepted = False
        try:
            accepted = await self._handler.download_asked(asked)
        finally:
            self._dialogue.answer_download(asked, self._now_us(), accepted=accepted)
            self._wake()

    async def end(self) -> None:
        """Stop what is under way; what was committed stays."""
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
