"""The reader's watch: what is told of a card is told before an act can change it."""

import asyncio
import contextlib
from typing import Any

from cngstation.protocols.card_image.purse import CardState
from cngstation.services.card_on_reader import CardReading
from cngstation.services.watch_reader import BorrowedReader, ReaderWatch

UID = b"\x0c\x9a\x55\x01"
_MOMENT_S = 0.05


class OneCard:
    """A reader with one blank card, and the card itself."""

    def __init__(self, *_: object) -> None:
        pass

    async def find_card(self) -> bytes:
        """Find it."""
        return UID

    async def read(self, uid: bytes, **_: object) -> CardReading:
        """Read it."""
        return CardReading(CardState.BLANK, uid)

    async def close(self) -> None:
        """Let go."""


class SlowAudience:
    """Takes its time to look the card up, as a busy database does."""

    def __init__(self) -> None:
        self.presented = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def card_presented(self, reading: CardReading, port: BorrowedReader) -> None:
        """Read the card once more with the port that comes with it, then wait."""
        assert await port.read(reading.uid) == reading
        self.presented.set()
        await self.may_go_on.wait()

    async def card_removed(self) -> None:
        """Take note."""

    async def reader_changed(self, trouble: object) -> None:
        """Take note."""


async def test_nobody_gets_the_reader_while_a_card_is_told_of() -> None:
    """An act waits until the audience is done with the reading that it was given."""
    audience = SlowAudience()

    async def open_reader() -> Any:
        return OneCard()

    watch = ReaderWatch(open_reader, OneCard, audience)
    running = asyncio.create_task(watch.run())
    await audience.presented.wait()

    async def act() -> None:
        async with watch.borrow():
            pass

    acting = asyncio.create_task(act())
    await asyncio.sleep(_MOMENT_S)
    assert not acting.done()
    audience.may_go_on.set()
    await asyncio.wait_for(acting, 30)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
