"""The watch over the reader: cards told once, troubles told, acts never disturbed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import CardReading
from cngstation.errors import (
    DeviceError,
    DeviceUnavailable,
    NoRoom,
    RemoteProtocolError,
)
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.counter import CardOnReaderState, CardView
from cngstation.services import watch_reader
from cngstation.services.act_on_card import CardActs
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.serve_card import CardService
from cngstation.services.stage_counter import CounterStage, Signboard
from cngstation.services.watch_reader import NOT_YET, BorrowedReader, ReaderWatch
from cngstation.storage import chain
from cngstation.storage.database import Database
from tests.small_station import (
    CARD,
    HandClock,
    a_card,
    everybody,
    opened,
    register_card,
)
from tests.unit.drivers.fake_mifare import (
    INFO,
    MASTER,
    PURSE,
    UID,
    FakeReader,
)
from tests.unit.services.test_register_customers import RULES

CARD_ON = partial(MifarePurseCard, master_key=MASTER)


class Notes:
    """An audience that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.news = asyncio.Event()

    def _note(self, what: str) -> None:
        self.told.append(what)
        self.news.set()

    async def card_presented(self, reading: CardReading, _: BorrowedReader) -> None:
        """Note a card."""
        self._note(f"card {reading.state}")

    async def card_removed(self) -> None:
        """Note that it left."""
        self._note("removed")

    async def reader_changed(self, trouble: DeviceError | None) -> None:
        """Note the reader."""
        self._note(f"reader {trouble.code if trouble else 'well'}")

    async def until(self, count: int) -> list[str]:
        """Wait until so much was told."""
        while len(self.told) < count:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 60)
        return self.told


class Field(FakeReader):
    """A reader whose card can be taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.there = True
        self.fails: Exception | None = None
        self.closed = False
        self.looks = 0

    async def find_card(self) -> bytes | None:
        """Find the card where it is there."""
        if self.fails:
            raise self.fails
        self.looks += 1
        self.selected = self.there
        return UID if self.there else None

    async def close(self) -> None:
        """Note the end."""
        self.closed = True


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every millisecond."""
    monkeypatch.setattr(watch_reader, "LOOK_MS", 1)
    monkeypatch.setattr(watch_reader, "FIRST_RETRY_MS", 1)
    monkeypatch.setattr(watch_reader, "LONGEST_RETRY_MS", 2)


@asynccontextmanager
async def watching(
    audience: Any, opening: Callable[[], Any]
) -> AsyncIterator[ReaderWatch]:
    """Run a watch for a block; it must still run at the end."""
    watch = ReaderWatch(opening, CARD_ON, audience)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await watch.close()


async def test_a_card_is_told_once_until_it_leaves() -> None:
    """Laid on, read, told; one missed look is no leaving; told again when it comes."""
    notes, field = Notes(), Field()

    async def opening() -> Field:
        return field

    async with watching(notes, opening) as watch:
        assert await notes.until(2) == ["reader well", "card blank"]
        await asyncio.sleep(0.02)
        assert len(notes.told) == 2
        field.there = False
        await notes.until(3)
        field.there = True
        assert (await notes.until(4))[2:] == ["removed", "card blank"]
        watch.show_again()
        assert (await notes.until(5))[4] == "card blank"
    assert field.closed


async def test_how_the_reader_is_can_be_asked_at_any_time() -> None:
    """Before the first look, while it answers with a card on it, and once lost."""
    notes, field = Notes(), Field()

    async def opening() -> Field:
        if field.fails:
            raise field.fails
        return field

    watch = ReaderWatch(opening, CARD_ON, notes)
    assert (watch.seen.is_online, watch.seen.why) == (False, NOT_YET)
    async with watching(notes, opening) as watch:
        await notes.until(2)
        assert (watch.seen.is_online, watch.seen.has_card) == (True, True)
        assert watch.seen.why == ""
        field.fails = DeviceUnavailable(device="The card reader", why="no plug")
        await notes.until(4)
        assert (watch.seen.is_online, watch.seen.has_card) == (False, False)
        assert (watch.seen.why, watch.seen.answer_us) == ("no plug", 0)


async def test_one_missed_look_is_no_leaving() -> None:
    """A card at the edge of the field does not flicker on the screen."""
    notes, field = Notes(), Field()
    misses = iter([UID, None, UID, None, UID])

    async def edge() -> bytes | None:
        found = next(misses, UID)
        if found:
            field.selected = True
        return found

    field.find_card = edge  # type: ignore[method-assign]

    async def opening() -> Field:
        return field

    async with watching(notes, opening):
        await notes.until(2)
        await asyncio.sleep(0.03)
    assert notes.told == ["reader well", "card blank"]


@pytest.mark.parametrize(
    "fault",
    [DeviceUnavailable(device="reader", why="gone"), RemoteProtocolError(why="noise")],
)
async def test_a_lost_reader_is_told_once_and_opened_again(fault: Exception) -> None:
    """The card is gone with it; the trouble is told once, and that it is well again."""
    notes, opened_count = Notes(), 0
    field = Field()

    async def opening() -> Field:
        nonlocal opened_count
        opened_count += 1
        if 1 < opened_count < 4:
            raise DeviceUnavailable(device="card reader", why=fault.args[0])
        return field

    async with watching(notes, opening) as watch:
        await notes.until(2)
        field.fails = fault
        await notes.until(4)
        with pytest.raises(DeviceUnavailable):
            async with watch.borrow():
                pass
        field.fails = None
        told = await notes.until(6)
    assert told[2:4] == ["removed", "reader device.unavailable"]
    assert told[-2:] == ["reader well", "card blank"]
    assert field.closed


async def test_an_act_has_the_reader_alone() -> None:
    """While the reader is lent nobody looks for cards."""
    notes, field = Notes(), Field()

    async def opening() -> Field:
        return field

    async with watching(notes, opening) as watch:
        await notes.until(2)
        async with watch.borrow() as port:
            assert await port.find() == UID
            looks = field.looks
            await asyncio.sleep(0.02)
            assert field.looks == looks
            await port.personalise(UID, PURSE, INFO)
            reading = await port.read(UID)
            await port.write_purse(reading, replace(PURSE, balance=1))


async def test_nonsense_from_the_reader_is_a_device_error_for_acts() -> None:
    """An act knows no protocols: what the reader garbles is a reader in trouble."""
    notes, field = Notes(), Field()

    async def opening() -> Field:
        return field

    async with watching(notes, opening) as watch:
        await notes.until(2)
        async with watch.borrow() as port:
            field.breaks_at = 0
            field.error = lambda: RemoteProtocolError(why="noise")
            field.fails = RemoteProtocolError(why="noise")
            for ask in (
                port.find(),
                port.read(UID),
                port.personalise(UID, PURSE, INFO),
            ):
                with pytest.raises(DeviceError):
                    await ask
            field.fails, field.breaks_at = None, None


async def test_a_card_pulled_while_it_is_read_is_read_at_the_next_look() -> None:
    """Half a reading is told to nobody, and no trouble of the reader is made of it."""
    notes, field = Notes(), Field()
    field.breaks_at = 2

    async def opening() -> Field:
        return field

    async with watching(notes, opening):
        await notes.until(1)
        await asyncio.sleep(0.02)
        field.calm()
        await notes.until(2)
    assert notes.told == ["reader well", "card blank"]


class Published:
    """A publisher that keeps what it is told."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def publish(self, event: Any, body: Any, *, key: str = "") -> None:
        """Keep it."""
        self.bodies.append((event.name, body))

    async def publish_to(self, right: str, event: Any, body: Any) -> None:
        """Keep it; somebody has the right."""
        assert right == "card.read"
        self.publish(event, body)


async def a_stage(db: Database, field: Field) -> tuple[CounterStage, Published]:
    """Return the counter's stage over a reader, as the daemon puts it together."""

    async def opening() -> Field:
        return field

    acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
    clock = HandClock()
    stage = CounterStage(
        db, CardService(db, acts, RULES, clock), RULES, Signboard("n", "c", "a"),
        clock, has_printer=False, watch=lambda: watch, may_read=everybody,
    )  # fmt: skip
    watch = ReaderWatch(opening, CARD_ON, stage)
    published = Published()
    stage.attach(published)
    return stage, published


async def issued(field: Field) -> CardReading:
    """Issue the card in a field and read it."""
    card = MifarePurseCard(field, MASTER)
    await card.personalise(UID, replace(PURSE, card_no=CARD[4:]), INFO)
    return await card.read(UID)


async def test_no_card_can_end_the_counter(tmp_path: Path) -> None:
    """A copied card, a damaged info sector: shown, and the next card is served."""
    field = Field()
    reading = await issued(field)
    assert reading.purse is not None
    odd = [
        replace(reading, info=None),
        replace(reading, purse=replace(reading.purse, wseq=9)),
        replace(reading, purse=replace(reading.purse, wseq=0)),
        replace(reading, purse=replace(reading.purse, payment_mode=77, kind=99)),
        CardReading(CardState.BOTH_BAD, UID),
        CardReading(CardState.FOREIGN, UID),
        CardReading(CardState.TORN_ISSUE, UID),
        reading,
    ]
    async with opened(tmp_path / "s.db") as db:
        await db.write(lambda tx: register_card(tx, a_card(wseq=1, uid="DEADBEEF")))
        stage, published = await a_stage(db, field)
        port = BorrowedReader(field, MifarePurseCard(field, MASTER))
        for each in odd:
            await stage.card_presented(each, port)
        await stage.news()
    views = [body for _, body in published.bodies if isinstance(body, CardView)]
    assert len(views) == len(odd)
    assert views[0].on_reader is CardOnReaderState.UNREADABLE
    assert all(len(text) <= 200 for view in views for text in view.warnings)
    assert views[1].card_no == "00000001"
    assert views[1].warnings[0].startswith("The card does not continue the books")
    assert views[1].warnings[0].endswith("call the manager.")
    rows = published.bodies[-1][1].rows
    assert [row.kind for row in rows] == ["card_disagrees"]


async def test_a_full_disk_hides_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sight is not recorded, the card is shown, and the counter goes on."""
    field = Field()
    async with opened(tmp_path / "s.db") as db:
        stage, published = await a_stage(db, field)
        await db.write(lambda tx: register_card(tx, a_card(wseq=1, uid="DEADBEEF")))
        reading = await issued(field)
        before = await db.read(chain.read_tip)
        full = AsyncMock(side_effect=NoRoom(free_mib=0))
        monkeypatch.setattr(db, "write", full)
        await stage.card_presented(reading, BorrowedReader(field, CARD_ON(field)))
        assert full.await_count == 1
        assert (await db.read(chain.read_tip)).seq == before.seq
    views = [body for _, body in published.bodies if isinstance(body, CardView)]
    assert [view.card_no for view in views] == [CARD[4:]]


async def test_no_trouble_is_too_long_to_be_told(tmp_path: Path) -> None:
    """A port's own error text, however long or dirty, is shown and stops nothing."""
    async with opened(tmp_path / "s.db") as db:
        stage, published = await a_stage(db, Field())
        why = "could not open port /dev/serial/by-path/" + "x" * 300 + "\x1b[2J"
        await stage.reader_changed(DeviceUnavailable(device="card reader", why=why))
    shown = published.bodies[-1][1].facts[-1].value
    assert len(shown) == 200
