"""Records that a dispenser gave up offering while nobody listened, by their number."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from cngstation.errors import DeviceError
from cngstation.protocols.dispenser.canonical import NoFill, SaleRecord, Totals
from cngstation.services.book_sale import SaleBook
from cngstation.services.check_sale import NozzleSetting
from cngstation.storage import device_numbers, sales
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection

# A ring of a dispenser holds 20 000 records; more than this is named, not fetched.
MOST_FETCHED = 2_000


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
        self._heard: set[int] = set()
        self._empty: set[int] = set()  # numbers that moved no gas
        self.line: RecordLine | None = None

    def heard(self, setting: NozzleSetting, device_seq: int | None) -> None:
        """Note a number that came and is no fill's: it is there, when it was asked."""
        if setting.shares_numbers and device_seq is not None:
            self._heard.add(device_seq)

    async def number_came(self, setting: NozzleSetting) -> None:
        """Close the rows of numbers that are no fills' and have come."""
        if setting.shares_numbers:
            await self._book.close_gaps(setting)

    async def compare(self, gun: int, setting: NozzleSetting) -> bool:
        """Fetch what came after the newest booked number; return whether it was told.

        A dispenser that does not tell its counter is asked number by number.
        """
        if self.line is None:
            return False
        self._heard.clear()
        # Read before the dispenser is asked: a fill booked meanwhile is no fall.
        last = await self._database.read(lambda connection: _last(connection, setting))
        if last is None:
            return True  # a new nozzle: its first record is where our book begins
        try:
            totals = await self.line.request_totals(gun)
        except DeviceError:
            return False  # the next return of the link asks again
        counter = totals.device_seq
        if counter is None and not setting.shares_numbers:
            return False
        if counter is not None and _went_round(totals, last):
            # The record of 1 shows the book that its numbers began again.
            end = (totals.last_number or 0) + 1
            await self.fetch(gun, setting, range(last + 1, end))
            await self.fetch(gun, setting, range(1, counter + 1))
            return True
        if counter is not None and counter < last:
            await self._book.counter_fell(setting, counter, last)
            return True
        # A fetch that was cut off left its numbers missing below the last one.
        for gap in await self._book.open_gaps(setting):
            await self.fetch(gun, setting, gap)
        if counter is None:
            return await self._fetch_on(gun, last + 1)
        await self.fetch(gun, setting, range(last + 1, counter + 1))
        return True

    async def fetch(self, gun: int, setting: NozzleSetting, missing: range) -> None:
        """Ask for numbers, book what comes, and close the rows of what has come."""
        if self.line is None or len(missing) > MOST_FETCHED:
            return
        self._empty.clear()
        for number in missing:
            try:
                await self._one(self.line, gun, number)
            except DeviceError:
                return
        await self._book.close_gaps(setting, self._empty)

    async def _fetch_on(self, gun: int, number: int) -> bool:
        """Ask on from a number until there is none; False when it does not end."""
        assert self.line is not None
        for step in range(MOST_FETCHED):
            try:
                is_there = await self._one(self.line, gun, number + step)
            except DeviceError:
                return False
            if not is_there:
                return True
        return False

    async def _one(self, line: RecordLine, gun: int, number: int) -> bool:
        """Book a number, if it is a fill's; tell whether the dispenser has it."""
        self._heard.discard(number)
        record = await line.request_record(gun, number)
        if isinstance(record, NoFill):
            self._empty.add(number)
        elif record is not None:
            # A number of the dispenser may be another nozzle's.
            await self._commit(record.gun or gun, record, "recovered")
        return record is not None or number in self._heard


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
