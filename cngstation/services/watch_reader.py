"""Watches the card reader: a card that is laid on it is read without being asked.

One task owns the reader. Acts borrow it through `CardPort` under the same lock, so
that watching never comes between the frames of an act.

A reader that is lost is opened again; only when that fails is it told of, once, in the
words of that failure. A reader that answers with errors is kept open: mostly the card
lies at the edge of its field, and the next look is better.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import structlog

from cngstation.drivers.card_reader import CardGone, CardReader
from cngstation.drivers.purse_card import CardReading, PurseCard
from cngstation.drivers.staff_card import StaffCard, StaffReading
from cngstation.errors import (
    DatabaseBusy,
    DeviceError,
    DeviceReported,
    DeviceUnavailable,
    RemoteProtocolError,
)
from cngstation.moments import seconds
from cngstation.protocols.card_image.purse import CardInfo, Purse
from cngstation.protocols.card_image.staff import Holder

# A card is seen within a tenth of a second; the field is asked no more often.
LOOK_MS = 100
FIRST_RETRY_MS = 200
LONGEST_RETRY_MS = 5_000
# A card at the edge of the field is missed now and then without having left.
MISSES_UNTIL_GONE = 2
# A card at the edge, and a chip that was reset, need a second look to be well again.
REPORTS_UNTIL_TOLD = 5
NOT_YET = "it was not looked at yet"
KEPT_ANSWERS = 64  # of the last looks, whose times are told
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seen:
    """How the reader was at the last look; `why` is empty while it answers."""

    is_online: bool
    firmware: str
    why: str
    answer_us: int
    has_card: bool


class Audience(Protocol):
    """What is told of the reader and its cards; a card is removed before the next."""

    async def card_presented(
        self, reading: CardReading, port: "BorrowedReader"
    ) -> None: ...
    async def card_removed(self) -> None: ...
    async def reader_changed(self, trouble: DeviceError | None) -> None: ...


class ReaderWatch:
    """Keeps the reader open, tells of cards, and lends it to acts."""

    def __init__(
        self,
        open_reader: Callable[[], Awaitable[CardReader]],
        cards_on: Callable[[CardReader], PurseCard],
        audience: Audience,
        staff_keys: Sequence[bytes] = (),
    ) -> None:
        self._open_reader = open_reader
        self._cards_on = cards_on
        self._audience = audience
        self._staff_keys = staff_keys
        self._lock = asyncio.Lock()
        self._reader: CardReader | None = None
        self._card: PurseCard | None = None
        self._shown: bytes | None = None
        self._is_stale = False
        self._misses = 0
        self._reports = 0
        self._losses = 0
        self._told: str | None = None
        self._why = NOT_YET
        self._answers_us: deque[int] = deque(maxlen=KEPT_ANSWERS)

    @property
    def seen(self) -> Seen:
        """The reader as the last looks saw it."""
        reader, times = self._reader, self._answers_us
        return Seen(
            is_online=not self._why,
            firmware=reader.health.firmware if reader is not None else "",
            why=self._why,
            answer_us=int(median(times)) if times else 0,
            has_card=self._shown is not None,
        )

    async def run(self) -> None:
        """Watch until cancelled; a lost reader is opened again, for ever."""
        while True:
            try:
                async with self._lock:
                    await self._ensure_open()
                while True:
                    await self._look_and_bear_reports()
                    await asyncio.sleep(seconds(LOOK_MS))
            except DeviceError as error:
                await self._lost(error)
            retry_ms = FIRST_RETRY_MS << min(self._losses - 1, 8)
            await asyncio.sleep(seconds(min(retry_ms, LONGEST_RETRY_MS)))

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncIterator["BorrowedReader"]:
        """Lend the reader to one act; others wait.

        Raises:
            DeviceUnavailable: the reader is not there.
        """
        async with self._lock:
            if self._reader is None or self._card is None:
                raise _not_connected()
            yield BorrowedReader(self._reader, self._card)

    @contextlib.asynccontextmanager
    async def borrow_for_staff(self) -> AsyncIterator["BorrowedForStaff"]:
        """Lend the reader for a staff card; the card is shown anew afterwards.

        Raises:
            DeviceUnavailable: the reader is not there.
        """
        async with self._lock:
            if self._reader is None:
                raise _not_connected()
            self._is_stale = True
            yield BorrowedForStaff(self._reader, self._staff_keys)

    def show_again(self) -> None:
        """Present the card anew at the next look, as after an act changed it."""
        self._is_stale = True

    async def close(self) -> None:
        """Let go of the reader."""
        async with self._lock:
            await self._close()

    async def _look_and_bear_reports(self) -> None:
        try:
            await self._look()
        except DeviceReported as report:
            self._reports += 1
            if self._reports >= REPORTS_UNTIL_TOLD:
                self._why = reason_of(report)
                await self._tell(report)

    async def _look(self) -> None:
        """See what lies on the reader and tell what has changed.

        All of it under the lock: an act in between would write the card, and what is
        told of it would be old.
        """
        async with self._lock:
            if self._reader is None or self._card is None:
                raise _not_connected()
            port = BorrowedReader(self._reader, self._card)
            loop = asyncio.get_running_loop()
            asked = loop.time()
            uid = await port.find()
            self._answers_us.append(int((loop.time() - asked) * 1_000_000))
            self._why = ""
            if self._is_gone(uid):
                self._shown, self._is_stale = None, False
                await self._audience.card_removed()
            reading = None
            if uid is not None and (uid != self._shown or self._is_stale):
                # A card pulled away while it is read is missed by the next look.
                with contextlib.suppress(CardGone):
                    reading = await port.read(uid, selected=True)
            self._reports = self._losses = 0
            await self._tell(None)
            if reading is not None:
                # Before the audience is told: it may make the card stale again.
                self._shown, self._is_stale = uid, False
                await self._present(reading, port)

    async def _present(self, reading: CardReading, port: "BorrowedReader") -> None:
        try:
            await self._audience.card_presented(reading, port)
        except DatabaseBusy as busy:
            # What the card proved until now is in the books; the next look goes on.
            _log.warning("database.busy", why=busy.sentence())
            self._is_stale = True

    def _is_gone(self, uid: bytes | None) -> bool:
        """Tell whether the shown card has left, given what is seen now."""
        self._misses = self._misses + 1 if uid is None else 0
        if self._shown is None:
            return False
        if uid is None:
            return self._misses >= MISSES_UNTIL_GONE
        return uid != self._shown

    async def _ensure_open(self) -> None:
        if self._reader is None:
            self._reader = await self._open_reader()
            self._card = self._cards_on(self._reader)

    async def _lost(self, error: DeviceError) -> None:
        was_open = self._reader is not None
        self._why = reason_of(error)
        self._answers_us.clear()
        async with self._lock:
            await self._close()
        self._losses += 1
        if self._shown is not None:
            self._shown, self._is_stale = None, False
            await self._audience.card_removed()
        if self._losses > 1 or not was_open:
            await self._tell(error)

    async def _close(self) -> None:
        reader, self._reader, self._card = self._reader, None, None
        if reader is not None:
            with contextlib.suppress(DeviceError):
                await reader.close()

    async def _tell(self, trouble: DeviceError | None) -> None:
        told = trouble.sentence() if trouble else ""
        if told != self._told:
            self._told = told
            await self._audience.reader_changed(trouble)


def reason_of(error: DeviceError) -> str:
    """Return the driver's own reason, without what the sentence says around it."""
    return str(error.facts.get("why") or error.sentence())


def _not_connected() -> DeviceUnavailable:
    return DeviceUnavailable(device="The card reader", why="it is not connected")


class BorrowedReader:
    """A reader in the hands of one act; fits `CardPort`."""

    def __init__(self, reader: CardReader, card: PurseCard) -> None:
        self._reader = reader
        self._card = card

    async def find(self) -> bytes | None:
        """Return the UID of the card in the field."""
        with _as_device():
            return await self._reader.find_card()

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole; select it anew unless it was found just now."""
        with _as_device():
            return await self._card.read(uid, selected=selected)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the spare slot of the purse and read it back."""
        with _as_device():
            await self._card.write_purse(reading, purse)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank or half-issued card to a whole image."""
        with _as_device():
            await self._card.personalise(uid, purse, info)

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write who the card is of, and read it back."""
        with _as_device():
            await self._card.write_info(uid, info)

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card."""
        with _as_device():
            await self._card.wipe(reading)


class BorrowedForStaff:
    """A reader in the hands of a login, or of whoever issues a staff card.

    Cards are read with the first key that opens them, and issued with the first.
    """

    def __init__(self, reader: CardReader, keys: Sequence[bytes]) -> None:
        self._reader = reader
        self._cards = [StaffCard(reader, key) for key in keys]
        self._read_by: StaffCard | None = None

    async def find(self) -> bytes | None:
        """Return the UID of the card in the field."""
        with _as_device():
            return await self._reader.find_card()

    async def read_staff(self, uid: bytes) -> StaffReading | None:
        """Read a staff card; None when it is none of ours."""
        with _as_device():
            for card in self._cards:
                found = await card.read(uid)
                if found is not None:
                    self._read_by = card
                    return found
        return None

    async def issue_staff(
        self, uid: bytes, holder: Holder, secret: bytes
    ) -> StaffReading:
        """Make it somebody's staff card."""
        with _as_device():
            self._read_by = self._cards[0]
            return await self._read_by.issue(uid, holder, secret)

    async def renew_staff(self, reading: StaffReading, secret: bytes) -> None:
        """Give it its next token."""
        with _as_device():
            await (self._read_by or self._cards[0]).renew(reading, secret)


@contextlib.contextmanager
def _as_device() -> Iterator[None]:
    """An answer without sense is a reader in trouble: acts know no protocols."""
    try:
        yield
    except RemoteProtocolError as error:
        why = error.sentence()
        raise DeviceUnavailable(device="The card reader", why=why) from error
