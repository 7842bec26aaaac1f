"""Fetches records again because somebody asked: by numbers or by a day, one at a time.

Every question waits for the poll before it, so no nozzle is kept waiting by more than
one exchange. What is booked already is not asked for. Numbers of before the books began
are refused: their fills were sold before anybody here counted them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from cngstation.errors import Refusal, StationError
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.control_nozzles import ControlledLine, NozzleNotHere
from cngstation.services.fetch_records import MOST_FETCHED, Came, RecordFetch
from cngstation.services.name_breaks import subject_of
from cngstation.storage import audit, device_numbers
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection

RIGHT = "record.refetch"
IDLE, RUNNING, DONE, CUT_OFF = "idle", "running", "done", "cut_off"
_log = structlog.get_logger()


class RefetchNotCarried(Refusal):
    """The protocol reads nothing again by its number."""

    code = "refusal.refetch_not_carried"
    text = (
        "The dispenser of nozzle {nozzle} gives no record again over its line. Nothing "
        "was asked. Look at its own memory."
    )


class RefetchRunning(Refusal):
    """One at a time."""

    code = "refusal.refetch_running"
    text = "Records are being fetched already. Nothing was asked. Wait until it ends."


class RefetchRange(Refusal):
    """The numbers cannot be asked for."""

    code = "refusal.refetch_range"
    text = (
        "Nozzle {nozzle}: ask for numbers behind {begins}, where the books begin, at "
        "most {most} at once, the lower one first. Nothing was asked."
    )


class RefetchNoDay(Refusal):
    """No numbers belong to a day."""

    code = "refusal.refetch_no_day"
    text = (
        "Nozzle {nozzle} has no number between its booked fills around {day} that is "
        "missing. Nothing was asked."
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A nozzle, or each of a dispenser, and its numbers, or those of a day."""

    nozzle_no: int = 0
    dispenser_no: int = 0
    first: int = 0
    last: int = 0
    day: str = ""


@dataclass(slots=True)
class Progress:
    """How far it is; `absent` are numbers by nozzle, `why` what cut it off."""

    state: str = IDLE
    total: int = 0
    asked: int = 0
    counts: dict[Came, int] = field(default_factory=dict)
    absent: list[tuple[int, int]] = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    records: RecordFetch
    gun: int
    nozzle: NozzleSetting
    numbers: range


class HandFetch:
    """Fetches for one person at a time, and knows how far it is."""

    def __init__(self, database: Database, lines: Sequence[ControlledLine]) -> None:
        self._database = database
        self._lines = lines
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress()

    async def begin(self, wanted: Wanted, actor: Actor) -> Progress:
        """Begin to fetch; return how far it is.

        Raises:
            RefetchRunning, NozzleNotHere, RefetchNotCarried, RefetchRange,
            RefetchNoDay: nothing was asked.
        """
        if self.progress.state == RUNNING:
            raise RefetchRunning
        before, self.progress = self.progress, Progress(RUNNING)
        try:
            parts = await self._parts(wanted)
            await self._note(actor, parts, "asked")
        except BaseException:
            self.progress = before
            raise
        self.progress.total = sum(len(part.numbers) for part in parts)
        self._task = asyncio.ensure_future(self._run(parts, actor))
        return self.progress

    async def _parts(self, wanted: Wanted) -> list[_Part]:
        def question(connection: Connection) -> list[_Part]:
            found = [
                _Part(records, gun, nozzle, _numbers(connection, nozzle, wanted))
                for records, gun, nozzle in self._meant(wanted)
            ]
            return [part for part in found if part.numbers]

        parts = await self._database.read(question)
        if not parts:
            raise RefetchNoDay(nozzle=wanted.nozzle_no or "-", day=wanted.day)
        return parts

    def _meant(self, wanted: Wanted) -> list[tuple[RecordFetch, int, NozzleSetting]]:
        found = [
            (line, gun, nozzle)
            for line in self._lines
            for gun, nozzle in line.desk.by_gun.items()
            if wanted.nozzle_no in {0, nozzle.key.nozzle_no}
            and wanted.dispenser_no in {0, nozzle.key.dispenser_no}
        ]
        if not found or not (wanted.nozzle_no or wanted.dispenser_no):
            raise NozzleNotHere(nozzle=wanted.nozzle_no or wanted.dispenser_no)
        meant = []
        for line, gun, nozzle in found:
            if line.records is None or Capability.REREAD not in line.capabilities:
                raise RefetchNotCarried(nozzle=nozzle.key.nozzle_no)
            meant.append((line.records, gun, nozzle))
        return meant

    async def _run(self, parts: Sequence[_Part], actor: Actor) -> None:
        progress = self.progress
        try:
            for part in parts:
                await self._fetch(part, progress)
            progress.state = DONE
        except StationError as error:
            progress.why = error.sentence()
            _log.error("refetch.cut_off", why=progress.why)
        finally:
            if progress.state == RUNNING:
                progress.state = CUT_OFF
        try:
            await self._note(actor, parts, _told(progress))
        except StationError as error:
            _log.error("refetch.not_noted", why=error.sentence())

    async def _fetch(self, part: _Part, progress: Progress) -> None:
        empty: set[int] = set()
        for number in part.numbers:
            came = await part.records.ask(part.gun, part.nozzle, number)
            progress.asked += 1
            progress.counts[came] = progress.counts.get(came, 0) + 1
            if came is Came.EMPTY:
                empty.add(number)
            elif came is Came.ABSENT:
                progress.absent.append((part.nozzle.key.nozzle_no, number))
        await part.records.name_absent(part.nozzle, part.numbers, empty)

    async def _note(self, actor: Actor, parts: Sequence[_Part], what: str) -> None:
        ranges = " ".join(
            f"{part.nozzle.key.nozzle_no}:{part.numbers[0]}-{part.numbers[-1]}"
            for part in parts
        )
        subject = subject_of(parts[0].nozzle.key)
        await self._database.write(
            lambda tx: audit.record(
                tx, actor, RIGHT, subject, reason=what, after=ranges
            )
        )


def _told(progress: Progress) -> str:
    counts = " ".join(f"{came} {count}" for came, count in progress.counts.items())
    return f"{progress.state}: {counts}"


def _numbers(connection: Connection, nozzle: NozzleSetting, wanted: Wanted) -> range:
    """Return the numbers that are meant, all behind where the book begins."""
    begins, ends = device_numbers.span(connection, nozzle.key)
    if wanted.day and begins is not None and ends is not None:
        before, behind = device_numbers.around_day(connection, nozzle.key, wanted.day)
        return range((before or begins) + 1, behind or ends)[:MOST_FETCHED]
    first, last = wanted.first, wanted.last or wanted.first
    is_wrong = begins is None or first <= begins or last < first
    if is_wrong or last - first >= MOST_FETCHED:
        raise RefetchRange(
            nozzle=nozzle.key.nozzle_no, begins=begins or 0, most=MOST_FETCHED
        )
    return range(first, last + 1)
