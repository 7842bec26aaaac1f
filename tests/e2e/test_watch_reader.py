"""The reader watched: cards told of by themselves, cables pulled, acts in turn."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import pytest_asyncio

from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.purse_card import CardReading
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.drivers.whichever_card import cards_on
from cngstation.errors import DeviceError, DeviceUnavailable
from cngstation.protocols.card_image.purse import CardState
from cngstation.protocols.card_reader.pn532.status import ChipReported
from cngstation.services import watch_reader
from cngstation.services.watch_reader import BorrowedReader, ReaderWatch
from tests.issued_cards import INFO, MASTER, NEW_PURSE, QUICK, UID, topped_up
from tests.simulated_devices import SimulatedReader, card_reader

OTHER = bytes.fromhex("01020304")
WITHIN_S = 120
Told = tuple[str, object]


class Notes:
    """An audience that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.openings = 0
        self._news = asyncio.Event()
        self.when_presented: Callable[[], None] = lambda: None

    async def card_presented(self, reading: CardReading, _: BorrowedReader) -> None:
        self.when_presented()
        self._note("card", (reading.uid, reading.state, reading.purse))

    async def card_removed(self) -> None:
        self._note("removed", None)

    async def reader_changed(self, trouble: DeviceError | None) -> None:
        self._note("reader", trouble.sentence() if trouble else "well")

    async def until(self, count: int) -> list[Told]:
        """Wait until so many things were told; return and forget them."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.told) < count:
                self._news.clear()
                await self._news.wait()
        told, self.told = self.told, []
        return told

    def _note(self, what: str, about: object) -> None:
        self.told.append((what, about))
        self._news.set()


WELL: Told = ("reader", "well")
REMOVED: Told = ("removed", None)
BLANK: Told = ("card", (UID, CardState.BLANK, None))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One quick reader for all tests here."""
    with card_reader(tmp_path_factory.mktemp("reader"), **QUICK) as device:
        yield device


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, so that the tests are short."""
    monkeypatch.setattr(watch_reader, "LOOK_MS", 10)
    monkeypatch.setattr(watch_reader, "FIRST_RETRY_MS", 20)


@pytest.fixture
def device(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """An empty reader, with two factory-new cards beside it."""
    for uid in (UID, OTHER):
        process.card_file(uid.hex()).unlink(missing_ok=True)
        process.hand("blank", uid=uid.hex())
    yield process
    process.hand("fault", kind="none")
    if process.hand("state")["card"] is not None:
        process.hand("remove")


@asynccontextmanager
async def watching(
    device: SimulatedReader, kind: type[Pn532Reader] = Pn532Reader
) -> AsyncIterator[tuple[ReaderWatch, Notes]]:
    """Watch a simulated reader until the block ends."""

    async def open_reader() -> CardReader:
        settings = SerialSettings(str(device.link), 921_600)
        notes.openings += 1
        reader = kind(partial(open_serial, settings))
        await reader.open()
        return reader

    notes = Notes()
    watch = ReaderWatch(open_reader, cards_on(MASTER), notes)
    running = asyncio.create_task(watch.run())
    try:
        yield watch, notes
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await watch.close()


@pytest_asyncio.fixture
async def watch(
    device: SimulatedReader,
) -> AsyncIterator[tuple[ReaderWatch, Notes]]:
    """A watch over the reader that has told that all is well."""
    async with watching(device) as (watch, notes):
        assert await notes.until(1) == [WELL]
        yield watch, notes


def insert(device: SimulatedReader, uid: bytes = UID) -> None:
    """Lay a card on the reader."""
    device.hand("insert", uid=uid.hex())


async def test_a_card_is_read_without_being_asked(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """Laid down it is told of once, taken away once, and once more when it is back."""
    _, notes = watch
    for _ in range(2):
        insert(device)
        assert await notes.until(1) == [BLANK]
        await asyncio.sleep(0.05)
        device.hand("remove")
        assert await notes.until(1) == [REMOVED]


async def test_a_swap_is_a_removal_and_another_card(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """The first card's figures never stand beside the second card."""
    _, notes = watch
    insert(device)
    await notes.until(1)
    device.hand("swap", uid=OTHER.hex())
    other = ("card", (OTHER, CardState.BLANK, None))
    assert await notes.until(2) == [REMOVED, other]


async def test_one_missed_look_is_no_removal(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """A card at the edge of the field is not told as gone and back."""
    lender, notes = watch
    insert(device)
    await notes.until(1)
    lender._misses = watch_reader.MISSES_UNTIL_GONE - 2
    assert not lender._is_gone(None)
    assert lender._is_gone(None)
    assert lender._shown == UID


async def test_an_act_and_the_card_shown_again(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """After an act the changed card is presented anew, without a removal."""
    lender, notes = watch
    insert(device)
    await notes.until(1)
    async with lender.borrow() as port:
        assert await port.find() == UID
        await port.personalise(UID, NEW_PURSE, INFO)
        await port.write_purse(await port.read(UID), topped_up(NEW_PURSE, 500))
    lender.show_again()
    shown = ("card", (UID, CardState.OURS, topped_up(NEW_PURSE, 500)))
    assert await notes.until(1) == [shown]


async def test_a_card_taken_away_right_after_an_act(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """The screen is told that it left, although it was to be shown again."""
    lender, notes = watch
    insert(device)
    await notes.until(1)
    async with lender.borrow():
        device.hand("remove")
    lender.show_again()
    assert await notes.until(1) == [REMOVED]


async def test_an_audience_that_wants_the_card_again(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """Asking for it while it is being told is not lost."""
    lender, notes = watch
    notes.when_presented = lender.show_again
    insert(device)
    assert await notes.until(2) == [BLANK, BLANK]


async def test_acts_wait_for_each_other(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """While one act has the reader neither another act nor the watch asks it."""
    lender, notes = watch
    insert(device)
    await notes.until(1)
    async with lender.borrow() as port:
        await port.personalise(UID, NEW_PURSE, INFO)
    order: list[str] = []

    async def act(name: str) -> None:
        async with lender.borrow() as port:
            order.append(f"{name} begins")
            for _ in range(5):
                await port.read(UID)
                await asyncio.sleep(0.005)
            order.append(f"{name} ends")

    first = asyncio.create_task(act("first"))
    await asyncio.sleep(0)
    device.hand("exchanges", clear=True)
    await asyncio.gather(first, act("second"))
    assert order == ["first begins", "first ends", "second begins", "second ends"]
    shown = device.hand("exchanges")["exchanges"]
    names = [exchange["command"] for exchange in shown]
    whole = ["4A", *["40 60", "40 30", "40 30", "40 30"] * 3]
    reads = "|".join(whole * 5)
    assert reads in "|".join(names)


async def test_a_reader_pulled_out_and_put_back(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """The card is gone, the trouble told once, then all is well and the card there."""
    lender, notes = watch
    insert(device)
    await notes.until(1)
    away = asyncio.to_thread(device.hand, "fault", kind="unplugged", for_ms=300)
    unplugged = asyncio.create_task(away)
    told = await notes.until(2)
    assert told[0] == REMOVED
    assert "no such port" in str(told[1][1])
    with pytest.raises(DeviceUnavailable, match="not connected"):
        async with lender.borrow():
            pass
    await unplugged
    assert await notes.until(2) == [WELL, BLANK]


async def test_a_short_interruption_is_not_told(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes]
) -> None:
    """A cable that is back by the first retry costs a look at the card, no alarm."""
    _, notes = watch
    insert(device)
    await notes.until(1)
    await asyncio.to_thread(device.hand, "fault", kind="unplugged")
    assert await notes.until(2) == [REMOVED, BLANK]


async def test_a_reader_that_is_not_there_at_the_start(
    device: SimulatedReader,
) -> None:
    """That it does not open is told soon, and once."""
    device.hand("fault", kind="silent")
    async with watching(device) as (_, notes):
        told = await notes.until(1)
        assert "does not answer" in str(told[0][1])
        await asyncio.sleep(0.3)
        assert notes.told == []
        device.hand("fault", kind="none")
        assert await notes.until(1) == [WELL]


@pytest.mark.parametrize("nth", [1, 2, 5, 12])
async def test_a_card_torn_away_while_it_is_read(
    device: SimulatedReader, watch: tuple[ReaderWatch, Notes], nth: int
) -> None:
    """It was never there; laid down again it is read, and the reader was well."""
    lender, notes = watch
    insert(device)
    await notes.until(1)
    async with lender.borrow() as port:
        await port.personalise(UID, NEW_PURSE, INFO)
    device.hand("remove")
    assert await notes.until(1) == [REMOVED]
    device.hand("tear", after_commands=nth)
    insert(device)
    while device.hand("state")["card"]:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    assert notes.told == []
    insert(device)
    assert await notes.until(1) == [("card", (UID, CardState.OURS, NEW_PURSE))]
    assert notes.openings == 1


class Noisy(Pn532Reader):
    """A reader that reports a checksum error instead of reading a block."""

    errors = 0

    async def read_block(self, block: int) -> bytes:
        if Noisy.errors:
            Noisy.errors -= 1
            raise ChipReported(0x02)
        return await super().read_block(block)


@pytest.mark.parametrize(("errors", "told_of"), [(4, False), (6, True)])
async def test_a_card_at_the_edge_of_the_field(
    device: SimulatedReader, errors: int, told_of: bool
) -> None:
    """Errors of a card are borne a while and then told; the port stays open."""
    Noisy.errors = errors
    async with watching(device, Noisy) as (_, notes):
        await notes.until(1)
        insert(device)
        told = await notes.until(3 if told_of else 1)
    trouble = ("reader", ChipReported(0x02).sentence())
    assert told == ([trouble, WELL, BLANK] if told_of else [BLANK])
