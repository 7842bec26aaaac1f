"""The forecourt: every nozzle live, every fill booked, every gap fetched or named.

One `LineDesk` stands behind each line. What a dispenser reports is committed before
it is acknowledged; what it reported while nobody listened is fetched by number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from cngstation.errors import CommitUncertain, StationError
from cngstation.moments import Clock, seconds
from cngstation.protocols.dispenser.canonical import (
    DebitDecision,
    DebitRequest,
    Link,
    NozzleStatus,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    DownloadAsked,
    ProtocolFault,
    TotaliserJumped,
)
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
    ParameterChange,
    ShiftRecord,
)
from cngstation.rpc.contract.figures import DeviceHealth, DeviceState, SaleRow
from cngstation.rpc.contract.forecourt import LineFigure, NozzleFigure
from cngstation.services.answer_card_checks import CardChecks
from cngstation.services.book_sale import Booking, SaleBook
from cngstation.services.change_duty import Meter
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.compare_counters import CounterWatch
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.fetch_records import RecordFetch, RecordLine
from cngstation.services.keep_events import keep_event
from cngstation.services.name_unbooked import UnbookedFills
from cngstation.services.nozzle_figures import figure_of, offline, unheard
from cngstation.services.number_by_total import name_jump
from cngstation.services.read_meter import stable_meter
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.show_sales import sale_row
from cngstation.services.stop_unasked import UnaskedFills
from cngstation.services.take_duty import DutyBook
from cngstation.services.watch_device_clocks import DeviceClocks
from cngstation.storage import facts
from cngstation.storage.database import Database
from cngstation.storage.sales import SHOWN, NozzleKey
from cngstation.storage.sqlite import Connection

# After a link comes back its own uploads go first; then its counter is compared.
COMPARE_AFTER_MS = 3_000

_log = structlog.get_logger()


class Line(RecordLine, Protocol):
    """What the desk asks of its line; the driver fits."""

    frames_sent: int
    frames_lost: int


class LineState(Protocol):
    """Whether a line's port is open, and why not."""

    @property
    def is_open(self) -> bool: ...
    @property
    def why(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told of live figures and of booked fills; called on the loop."""

    nozzle: Callable[[NozzleFigure], None]
    line: Callable[[LineFigure], None]
    sale: Callable[[SaleRow], None]
    stopped: Callable[[CommitUncertain], None]


class LineDesk:
    """Fits the line driver's handler for the nozzles of one line."""

    def __init__(
        self,
        name: str,
        baud: int,
        nozzles: dict[int, NozzleSetting],
        *,
        book: SaleBook,
        debits: DebitDesk,
        database: Database,
        audience: Audience,
        clock: Clock,
        checks: CardChecks | None = None,
        downloads: DownloadWatch | None = None,
        clocks: DeviceClocks | None = None,
        unasked: UnaskedFills | None = None,
    ) -> None:
        self._unasked = unasked
        self._clocks = clocks
        self._checks = checks
        self._downloads = downloads
        self._name = name
        self._baud = baud
        self._nozzles = nozzles
        self._book = book
        self._debits = debits
        self._database = database
        self._duties = DutyBook(database, cut_off_minute=book.cut_off_minute)
        self._audience = audience
        self._clock = clock
        self._line: Line | None = None
        self._figures = {
            gun: unheard(setting, clock.now().wall_ms)
            for gun, setting in nozzles.items()
        }
        self._health = offline("the port is being opened")
        self._unbooked = UnbookedFills(database)
        self.records = RecordFetch(book, database, self._commit)
        self._tasks: set[asyncio.Task[None]] = set()
        self._counters = CounterWatch(
            self.records,
            nozzles,
            rests=self._is_at_rest,
            is_heard=lambda gun: self._figures[gun].link == str(Link.ONLINE),
            start=self._start,
        )

    def attach(self, line: Line) -> None:
        """Take the line that was made with this desk as its handler."""
        self._line = self.records.line = line

    @property
    def by_gun(self) -> Mapping[int, NozzleSetting]:
        """The nozzles of the line by their number on it."""
        return self._nozzles

    @property
    def settings(self) -> Iterable[NozzleSetting]:
        """The nozzles of the line."""
        return self._nozzles.values()

    @property
    def figures(self) -> Iterable[NozzleFigure]:
        """Every nozzle of the line as it is now."""
        return self._figures.values()

    async def delivered(self) -> list[NozzleKey]:
        """Return the nozzles that have no record left that the book lacks.

        They are heard and idle, their counter was compared since they are, and no
        number of theirs is missing.
        """
        quiet = [
            self._nozzles[gun]
            for gun in self._counters.compared
            if self._figures[gun].state == "idle"
            and not self._figures[gun].awaiting_debit
        ]
        if self._tasks:
            return []
        return [s.key for s in quiet if not await self._book.open_gaps(s)]

    async def meters(self, wanted: Sequence[NozzleKey]) -> dict[NozzleKey, Meter]:
        """Read those of some nozzles that are at rest, after what they delivered."""
        guns = [g for g, setting in self._nozzles.items() if setting.key in wanted]
        read = await asyncio.gather(*(self._meter(gun) for gun in guns))
        return {meter.nozzle: meter for meter in read if meter is not None}

    async def _meter(self, gun: int) -> Meter | None:
        if self._line is None or not self._is_at_rest(gun):
            return None
        await self._counters.look(gun)
        key, rests = self._nozzles[gun].key, partial(self._is_at_rest, gun)
        return await stable_meter(self._line, gun, key, rests)

    def _is_at_rest(self, gun: int) -> bool:
        figure = self._figures[gun]
        at_rest = figure.state in {"idle", "closed"} and not figure.awaiting_debit
        return at_rest and figure.link != str(Link.OFFLINE)

    @property
    def line_figure(self) -> LineFigure:
        """The line as it is now."""
        return LineFigure(
            name=self._name,
            health=self._health,
            baud=self._baud,
            frames_sent=self._line.frames_sent if self._line else 0,
            frames_lost=self._line.frames_lost if self._line else 0,
            cycle_us=0,
        )

    async def record(self, gun: int, record: SaleRecord) -> bool:
        """Book a record; True only when it is durable."""
        source = "offline" if record.is_offline else "online"
        return await self._commit(gun, record, source)

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        """Decide what is taken from the card in the dispenser."""
        return await self._debits.answer(request)

    async def shift(self, gun: int, record: ShiftRecord) -> bool:
        """Take a duty; True only when it is durable."""
        nozzle = self._nozzles.get(gun)
        if nozzle is None:
            return False
        self.records.heard(nozzle, record.device_seq)
        if not await self._kept(self._duties.duty(nozzle.key, record), "duty"):
            return False
        self._start(self.records.number_came(nozzle), f"close rows of gun {gun}")
        return True

    async def parameter(self, gun: int, change: ParameterChange) -> bool:
        """Take a changed setting; True only when it is durable."""
        nozzle = self._nozzles.get(gun)
        if nozzle is None:
            return False
        return await self._kept(self._duties.parameter(nozzle.key, change), "setting")

    async def event(self, gun: int, event: DeviceEvent) -> bool:
        """Keep an event; True only when it is durable."""
        nozzle = self._nozzles.get(gun)
        if nozzle is None:
            return False
        self.records.heard(nozzle, event.device_seq)
        kept = keep_event(self._database, nozzle.key, event)
        if not await self._kept(kept, "event"):
            return False
        self._start(self.records.number_came(nozzle), f"close rows of gun {gun}")
        return True

    async def _kept(self, work: Awaitable[bool | None], what: str) -> bool:
        try:
            return await work is not False
        except CommitUncertain as error:
            self._audience.stopped(error)
        except Exception as error:  # noqa: BLE001 - one record must not stop the line
            # Not acknowledged: the dispenser keeps it and offers it again.
            _log.error("line.not_kept", line=self._name, what=what, exc_info=error)
        return False

    async def card_check(self, gun: int, check: CardCheck) -> CardVerdict:
        """Say what the books say of the card in a dispenser."""
        if self._checks is None:
            return CardVerdict.UNKNOWN_CARD
        return await self._checks.answer(check)

    async def download_asked(self, asked: DownloadAsked) -> bool:
        """Note who is sent what; True only when it is durable."""
        settings = [self._nozzles[gun] for gun in asked.guns if gun in self._nozzles]
        if self._downloads is None or not settings:
            return False
        noted = self._downloads.sent(settings, asked.kind, asked.version)
        return await self._kept(noted, "sending")

    def download(self, advanced: DownloadAdvanced) -> None:
        """Take note of what a nozzle fetched, or holds."""
        setting = self._nozzles.get(advanced.gun)
        if self._downloads is not None and setting is not None:
            noted = self._downloads.advanced(setting, advanced)
            self._start(noted, f"note what gun {advanced.gun} holds")

    def totaliser_jumped(self, jumped: TotaliserJumped) -> None:
        """Name it: nobody was seen to fill."""
        key = self._nozzles[jumped.gun].key
        named = self._database.write(
            lambda tx: name_jump(tx, key, jumped.known_milli, jumped.found_milli)
        )
        self._start(named, f"name a jump of gun {jumped.gun}")

    def status(self, gun: int, status: NozzleStatus) -> None:
        """Show a live reading where something of it has changed."""
        old = self._figures.get(gun)
        if old is None:
            return
        if self._clocks is not None:
            self._clocks.saw(self._nozzles[gun], status)
        if self._unbooked.makes_sense(setting := self._nozzles[gun]):
            self._start(self._unbooked.understood(setting), f"close row of gun {gun}")
        if self._unasked is not None and self._unasked.saw(setting, status):
            self._start(self._unasked.judge(setting), f"ask who filled at gun {gun}")
        new = figure_of(setting, status, old, self._clock.now().wall_ms)
        if new != old:
            self._figures[gun] = new
            self._audience.nozzle(new)

    def link(self, gun: int, link: Link) -> None:
        """Show how a nozzle is heard; when it is heard again, compare its counter."""
        old = self._figures.get(gun)
        if old is None:
            return
        changed = {"link": str(link), "link_since_ms": self._clock.now().wall_ms}
        self._figures[gun] = old.model_copy(update=changed)
        self._audience.nozzle(self._figures[gun])
        if link is Link.ONLINE:
            self._start(self._compare(gun), f"compare counter of gun {gun}")
        else:
            self._counters.forget(gun)

    def line_state(self, state: LineState) -> None:
        """Show whether the port is open."""
        self._health = (
            DeviceHealth(state=DeviceState.ONLINE, text="", facts=())
            if state.is_open
            else offline(state.why)
        )
        self._audience.line(self.line_figure)

    def fault(self, fault: ProtocolFault) -> None:
        """Ignored bytes are counted by the driver and kept in its frame log."""
        _log.debug("line.fault", line=self._name, fault=str(fault))
        setting = self._nozzles.get(fault.gun) if fault.gun is not None else None
        if setting is not None and self._unbooked.makes_none(setting, fault.kind):
            self._start(self._unbooked.senseless(setting), "name a nozzle")

    async def close(self) -> None:
        """Stop what still fetches; what was committed stays."""
        self._counters.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _commit(self, gun: int, record: SaleRecord, source: str) -> bool:
        setting = self._nozzles.get(gun)
        if setting is None:
            return False
        try:
            booked = await self._book.book(setting, record, source)
        except CommitUncertain as error:
            self._audience.stopped(error)
            return False
        except Exception as error:  # noqa: BLE001 - one record must not stop the line
            # Not acknowledged: the dispenser keeps the record and offers it again.
            _log.error(
                "sale.not_booked", gun=gun, number=record.device_seq, exc_info=error
            )
            named = self._unbooked.refused(setting, record.device_seq, error)
            self._start(named, f"name a fill of gun {gun}")
            return False
        self._start(self._unbooked.booked(setting), f"close rows of gun {gun}")
        if booked.booking is Booking.BOOKED:
            if self._clocks is not None:
                compared = self._clocks.heard(setting, record)
                self._start(compared, f"compare the clock of gun {gun}")
            # It is booked, whether the screens can be told of it or not.
            await _guarded(self._tell_sale(booked.seq), f"tell of a fill of gun {gun}")
            if booked.missing:
                fetched = self._counters.fetch(gun, booked.missing)
                self._start(fetched, f"fetch gun {gun}")
        return True

    async def _tell_sale(self, seq: int) -> None:
        def question(connection: Connection) -> SaleRow | None:
            found = facts.rows(
                connection,
                f"{SHOWN} FROM sale s JOIN entry e USING (seq) WHERE s.seq=?",
                (seq,),
            )
            row = next(found, None)
            return None if row is None else sale_row(row)

        row = await self._database.read(question)
        if row is not None:
            self._audience.sale(row)

    async def _compare(self, gun: int) -> None:
        await asyncio.sleep(seconds(COMPARE_AFTER_MS))
        await self._counters.look(gun)

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.ensure_future(_guarded(work, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _guarded(work: Coroutine[None, None, None], name: str) -> None:
    try:
        await work
    except StationError as error:
        _log.error("forecourt.task_failed", task=name, why=error.sentence())
