"""Records that a dispenser gave up offering while nobody listened, by their number."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cngstation.errors import DeviceError, DeviceUnavailable, StorageError
from cngstation.protocols.dispenser.canonical import NoFill, SaleRecord, Totals
from cngstation.services.book_sale import RECOVERED, SaleBook
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.name_gaps import MOST_LOOKED_AT, Figures
from cngstation.storage import device_numbers, sales
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection

# A ring of a dispenser holds 20 000 records; more than this is named, not fetched.
MOST_FETCHED = MOST_LOOKED_AT


class NotTaken(StorageError):
    """A fill came, and the books did not take it."""

    code = "storage.fill_not_taken"
    text = (
        "Fill {number} came and could not be booked; its dispenser keeps it. Look at "
        "the alarms, then fetch again."
    )


class Compared(StrEnum):
    """What is known of a nozzle's counter, once it was compared with the book."""

    ALL_TOLD = "all_told"  # every number has come, or a row names it
    LATER = "later"  # a question was not answered: it is asked again
    NEVER = "never"  # it does not tell its counter


class Came(StrEnum):
    """What came of one number that was asked for by hand."""

    BOOKED = "booked"
    KNOWN = "known"  # in the books before
    EMPTY = "empty"  # it moved no gas
    ABSENT = "absent"  # the dispenser does not have it


class RecordLine(Protocol):
    """What is asked of a line; the driver fits."""

    async def request_totals(self, gun: int) -> Totals: ...
    async def request_record(
        self, gun: int, device_seq: int
    ) -> SaleRecord | NoFill | None: ...


class RecordFetch:
    """Asks the nozzles of one line for what the book lacks."""

    def __init__(
        self,
        book: SaleBook,
        database: Database,
        commit: Callable[[int, SaleRecord, str], Awaitable[bool]],
    ) -> None:
        self._book = book
        self._database = database
        self._commit = commit
        self._under_way: list[_Fetched] = []
        self.line: RecordLine | None = None

    def heard(self, setting: NozzleSetting, device_seq: int | None) -> None:
        """Note a number that came and is no fill's: it is there, when it was asked."""
        if setting.shares_numbers and device_seq is not None:
            for fetched in self._under_way:
                fetched.heard.add(device_seq)

    async def number_came(self, setting: NozzleSetting) -> None:
        """Close the rows of numbers that are no fills' and have come."""
        if setting.shares_numbers:
            await self._book.close_gaps(setting)

    async def compare(
        self, gun: int, setting: NozzleSetting, rests: Callable[[], bool]
    ) -> Compared:
        """Fetch what came after the newest booked number; tell how it ended.

        A dispenser that does not tell its counter is asked number by number. `rests`
        tells whether no gas flows: only then its totalisers are those of its fills.
        """
        if self.line is None:
            return Compared.LATER
        # Read before the dispenser is asked: a fill booked meanwhile is no fall.
        last = await self._database.read(lambda connection: _last(connection, setting))
        if last is None:
            return Compared.ALL_TOLD  # its first record is where our book begins
        rested = rests()
        try:
            totals = await self.line.request_totals(gun)
        except DeviceError:
            return Compared.LATER
        counter = totals.device_seq
        if counter is None and not setting.shares_numbers:
            return Compared.NEVER
        if counter is not None and _went_round(totals, last):
            return await self._fetch_round(gun, setting, totals, last)
        if counter is not None and counter < last:
            await self._book.counter_fell(setting, counter, last)
            return Compared.ALL_TOLD
        epoch = await self._book.epoch(setting)
        # A fetch that was cut off left its numbers missing below the last one.
        for gap in await self._book.open_gaps(setting):
            of_life = gap.epoch in {0, epoch}
            if of_life and not await self.fetch(gun, setting, gap.numbers):
                return Compared.LATER
        if counter is None:
            return await self._fetch_on(gun, last + 1)
        missing = range(last + 1, counter + 1)
        fetched = await self._fetch(gun, setting, missing)
        if not fetched.is_whole:
            return Compared.LATER
        end = _figures(totals) if rested and rests() else None
        await self._book.name_gap(setting, epoch, missing, empty=fetched.empty, end=end)
        return Compared.ALL_TOLD

    async def _fetch_round(
        self, gun: int, setting: NozzleSetting, totals: Totals, last: int
    ) -> Compared:
        """Fetch on across the end of a dispenser's numbers."""
        before = range(last + 1, (totals.last_number or 0) + 1)
        behind = range(1, (totals.device_seq or 0) + 1)
        epoch = await self._book.epoch(setting)
        # The record of 1 shows the book that its numbers began again.
        for numbers, life in ((before, epoch), (behind, epoch + 1)):
            fetched = await self._fetch(gun, setting, numbers)
            if not fetched.is_whole:
                return Compared.LATER
            await self._book.name_gap(setting, life, numbers, empty=fetched.empty)
        return Compared.ALL_TOLD

    async def ask(self, gun: int, setting: NozzleSetting, number: int) -> Came:
        """Fetch one number, unless it is booked; tell what came of it.

        Raises:
            DeviceError: the dispenser did not answer.
            NotTaken: a fill came and the books did not take it.
        """
        if await self._book.knows(setting, number):
            return Came.KNOWN
        with self._fetching() as fetched:
            is_there = await self._one(gun, number, fetched)
        if fetched.error is not None:
            raise fetched.error
        if fetched.is_refused:
            raise NotTaken(number=number)
        if number in fetched.empty:
            return Came.EMPTY
        return Came.BOOKED if is_there else Came.ABSENT

    async def name_absent(
        self, setting: NozzleSetting, numbers: range, empty: set[int]
    ) -> None:
        """Name what has not come of numbers up to the newest; close what has."""
        last = await self._database.read(lambda connection: _last(connection, setting))
        await self._book.close_gaps(setting, empty)
        used = range(numbers.start, min(numbers.stop, (last or 0) + 1))
        epoch = await self._book.epoch(setting)
        await self._book.name_gap(setting, epoch, used, empty=empty)

    async def fetch(self, gun: int, setting: NozzleSetting, missing: range) -> bool:
        """Ask for numbers, book what comes, and close the rows of what has come.

        False when the dispenser did not answer for each, or a fill was not booked.
        """
        return (await self._fetch(gun, setting, missing)).is_whole

    async def _fetch(
        self, gun: int, setting: NozzleSetting, missing: range
    ) -> "_Fetched":
        if len(missing) > MOST_FETCHED:
            return _Fetched()  # a row names them
        with self._fetching() as fetched:
            for number in missing:
                await self._one(gun, number, fetched)
                if fetched.is_cut_off:
                    return fetched
        await self._book.close_gaps(setting, fetched.empty)
        return fetched

    async def _fetch_on(self, gun: int, number: int) -> Compared:
        """Ask on from a number until there is none, if it ends."""
        with self._fetching() as fetched:
            for step in range(MOST_FETCHED):
                is_there = await self._one(gun, number + step, fetched)
                if fetched.is_cut_off:
                    break
                if not is_there:
                    return Compared.LATER if fetched.is_refused else Compared.ALL_TOLD
        return Compared.LATER

    async def _one(self, gun: int, number: int, fetched: "_Fetched") -> bool:
        """Book a number, if it is a fill's; tell whether the dispenser has it."""
        fetched.heard.discard(number)
        try:
            if self.line is None:
                raise DeviceUnavailable(device=f"gun {gun}", why="it has no line")
            record = await self.line.request_record(gun, number)
        except DeviceError as error:
            fetched.error = error
            return False
        if isinstance(record, NoFill):
            fetched.empty.add(number)
        elif record is not None:
            # A number of the dispenser may be another nozzle's.
            owner = record.gun or gun
            is_booked = await self._commit(owner, record, RECOVERED)
            fetched.is_refused |= not is_booked and owner == gun
        return record is not None or number in fetched.heard

    @contextmanager
    def _fetching(self) -> Iterator["_Fetched"]:
        fetched = _Fetched()
        self._under_way.append(fetched)
        try:
            yield fetched
        finally:
            self._under_way.remove(fetched)


@dataclass(eq=False, slots=True)
class _Fetched:
    """What one fetch has met.

    `heard` are numbers that came and are no fills', `empty` those that moved no gas. It
    is cut off when the dispenser did not answer, and refused when the books did not
    take a fill.
    """

    heard: set[int] = field(default_factory=set)
    empty: set[int] = field(default_factory=set)
    error: DeviceError | None = None
    is_refused: bool = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the dispenser did not answer."""
        return self.error is not None

    @property
    def is_whole(self) -> bool:
        """Whether each number was answered, and each fill booked."""
        return not self.is_cut_off and not self.is_refused


def _figures(totals: Totals) -> Figures:
    return Figures(totals.gun_total_quantity_milli, totals.gun_total_amount_e4)


def _went_round(totals: Totals, last: int) -> bool:
    """Tell whether a counter below the newest number is some steps behind its end."""
    if totals.last_number is None or totals.device_seq is None:
        return False
    steps = totals.last_number - last + totals.device_seq
    return totals.device_seq < last and 0 <= steps <= MOST_FETCHED // 2


def _last(connection: Connection, setting: NozzleSetting) -> int | None:
    if setting.shares_numbers:
        return device_numbers.newest_beside(connection, setting.numbered_with, -1)
    epoch = sales.current_epoch(connection, setting.key)
    return sales.last_device_seq(connection, setting.key, epoch)
