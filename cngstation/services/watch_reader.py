"""Watches the card reader: a card that is laid on it is read without being asked.

One task owns the reader. Acts borrow it through `CardPort` under the same lock, so
that watching never comes between the frames of an act.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol

from cngstation.drivers.card_reader import CardGone, CardReader
from cngstation.drivers.mifare_purse_card import CardReading, MifarePurseCard
from cngstation.errors import (
    DeviceError,
    DeviceUnavailable,
    ProtocolError,
    RemoteProtocolError,
)
from cngstation.moments import seconds
from cngstation.protocols.card_image.purse import CardInfo, Purse

# A card is seen within a tenth of a second; the field is asked no more often.
LOOK_MS = 100
FIRST_RETRY_MS = 200
LONGEST_RETRY_MS = 5_000
# A card at the edge of the field is missed now and then without having left.
MISSES_UNTIL_GONE = 2

_FAILURES = (DeviceError, ProtocolError)


class Audience(Protocol):
    """What is told of the reader and its cards."""

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
        master_key: bytes,
        audience: Audience,
    ) -> None:
        self._open_reader = open_reader
        self._master_key = master_key
        self._audience = audience
        self._lock = asyncio.Lock()
        self._reader: CardReader | None = None
        self._card: MifarePurseCard | None = None
        self._shown: bytes | None = None
        self._misses = 0
        self._told: str | None = None

    async def run(self) -> None:
        """Watch until cancelled; a lost reader is opened again, for ever."""
        retry_ms = FIRST_RETRY_MS
        while True:
            try:
                async with self._lock:
                    await self._ensure_open()
                retry_ms = FIRST_RETRY_MS
                await self._tell(None)
                await self._look_around()
            except _FAILURES as error:
                await self._lost(error)
            await asyncio.sleep(seconds(retry_ms))
            retry_ms = min(2 * retry_ms, LONGEST_RETRY_MS)

    @contextlib.asynccontextmanager
    async def borrow(self) -> AsyncIterator["BorrowedReader"]:
        """Lend the reader to one act; others wait.

        Raises:
            DeviceUnavailable: the reader is not there.
        """
        async with self._lock:
            if self._reader is None or self._card is None:
                raise DeviceUnavailable(device="card reader", why="it is not connected")
            yield BorrowedReader(self._reader, self._card)

    def show_again(self) -> None:
        """Present the card anew at the next look, as after an act changed it."""
        self._shown = None

    async def close(self) -> None:
        """Let go of the reader."""
        async with self._lock:
            await self._close()

    async def _look_around(self) -> None:
        while True:
            gone = False
            async with self._lock:
                if self._reader is None or self._card is None:
                    return
                uid = await self._reader.find_card()
                if uid is None:
                    gone = self._missed()
                elif uid != self._shown:
                    await self._present(uid, BorrowedReader(self._reader, self._card))
                if uid is not None:
                    self._misses = 0
            if gone:
                await self._audience.card_removed()
            await asyncio.sleep(seconds(LOOK_MS))

    async def _present(self, uid: bytes, port: "BorrowedReader") -> None:
        """Read a card and tell of it before anybody else gets the reader.

        An act in between would write the card: what is told of it would be old.
        """
        try:
            reading = await port.read(uid)
        except CardGone:
            return  # pulled away while it was read: it is read at the next look
        self._shown = uid
        await self._audience.card_presented(reading, port)

    def _missed(self) -> bool:
        self._misses += 1
        if self._shown is None or self._misses < MISSES_UNTIL_GONE:
            return False
        self._shown = None
        return True

    async def _ensure_open(self) -> None:
        if self._reader is None:
            self._reader = await self._open_reader()
            self._card = MifarePurseCard(self._reader, self._master_key)

    async def _lost(self, error: DeviceError | ProtocolError) -> None:
        trouble = error if isinstance(error, DeviceError) else _trouble(error)
        async with self._lock:
            await self._close()
        if self._shown is not None:
            self._shown = None
            await self._audience.card_removed()
        await self._tell(trouble)

    async def _close(self) -> None:
        if self._reader is not None:
            with contextlib.suppress(*_FAILURES):
                await self._reader.close()
        self._reader = self._card = None

    async def _tell(self, trouble: DeviceError | None) -> None:
        told = trouble.sentence() if trouble else ""
        if told != self._told:
            self._told = told
            await self._audience.reader_changed(trouble)


class BorrowedReader:
    """A reader in the hands of one act; fits `CardPort`."""

    def __init__(self, reader: CardReader, card: MifarePurseCard) -> None:
        self._reader = reader
        self._card = card

    async def find(self) -> bytes | None:
        """Return the UID of the card in the field."""
        with _as_device():
            return await self._reader.find_card()

    async def read(self, uid: bytes) -> CardReading:
        """Select the card anew and read it whole."""
        with _as_device():
            return await self._card.read(uid)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the spare slot of the purse and read it back."""
        with _as_device():
            await self._card.write_purse(reading, purse)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank or half-issued card to a whole image."""
        with _as_device():
            await self._card.personalise(uid, purse, info)


@contextlib.contextmanager
def _as_device() -> Iterator[None]:
    """An answer without sense is a reader in trouble: acts know no protocols."""
    try:
        yield
    except RemoteProtocolError as error:
        raise _trouble(error) from error


def _trouble(error: ProtocolError) -> DeviceUnavailable:
    return DeviceUnavailable(device="card reader", why=error.sentence())
