"""Cards in a real PC/SC service: CPU cards by both protocols, MIFARE, and tears."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from cngstation.drivers.card_reader import CardGone, KeyRefused
from cngstation.drivers.fuel_card_number import fuel_card_number
from cngstation.drivers.pcsc_link import PcscLink
from cngstation.drivers.pcsc_reader import PcscReader
from cngstation.drivers.purse_card import PurseCard, WriteNotConfirmed
from cngstation.drivers.whichever_card import FuelCards, cards_on, counter_terminal
from cngstation.errors import DeviceUnavailable, StationError
from cngstation.moments import SystemClock
from cngstation.protocols.card_image.purse import CardInfo, CardState, GreyMark, Purse
from tests.fuel_cards import NUMBER, counter_keys
from tests.issued_cards import INFO as MIFARE_INFO
from tests.issued_cards import MASTER, NEW_PURSE, topped_up
from tests.pcsc_service import READER, PcscService, pcsc_service, slot
from tests.simulated_devices import SimulatedProcess

pytestmark = [
    pytest.mark.needs("pcscd", "vpcd-config"),
]
UID = "04A1B2C3D4E5F6"
MIFARE_UID = "DEADBEEF"
WITHIN_S = 120.0
INFO = CardInfo(NUMBER[4:8], 412, "苏A12345", 300, 900)
NEW = Purse(
    kind=3, payment_mode=0, price_level=2, card_no=NUMBER[8:],
    cylinder_due="2027-03-31", balance=50_000, recharged_total=0, consumed_total=0,
    grey=None, gen=0, wseq=1, pseq=0,
)  # fmt: skip


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PcscService]:
    """A service of each test's own: one keeps the ATR of a card that just left."""
    with pcsc_service(tmp_path) as running:
        yield running


@pytest.fixture
def device(service: PcscService, tmp_path: Path) -> Iterator[SimulatedProcess]:
    """An empty slot, and a folder without cards."""
    with slot(service, tmp_path) as hands:
        yield hands


@pytest_asyncio.fixture
async def reader(device: SimulatedProcess) -> AsyncIterator[PcscReader]:
    """The driver on the virtual reader."""
    reader = PcscReader(partial(PcscLink, READER), fuel_card_number)
    await reader.open()
    yield reader
    await reader.close()


@pytest.fixture
def card(reader: PcscReader) -> PurseCard:
    """Whatever card lies in the slot."""
    fuel = FuelCards(counter_keys(), counter_terminal("03160001"), SystemClock())
    return cards_on(MASTER, fuel)(reader)


async def found(reader: PcscReader, *, there: bool = True) -> bytes:
    """Wait until a card is found, or none is any more."""
    end = time.monotonic() + WITHIN_S
    while ((uid := await reader.find_card()) is not None) is not there:
        assert time.monotonic() < end, "the card did not come or go"
        await asyncio.sleep(0.02)
    return uid or b""


async def laid(
    device: SimulatedProcess, reader: PcscReader, *, contactless: bool = True
) -> bytes:
    """Lay a card as delivered into the slot; return its name."""
    device.hand("make", uid=UID, number=NUMBER, contactless=contactless)
    device.hand("insert", uid=UID)
    return await found(reader)


def moved(purse: Purse, fen: int) -> Purse:
    """Return a purse as a counter changes it; what was owed is paid."""
    return replace(purse, balance=purse.balance + fen, wseq=purse.wseq + 1, grey=None)


@pytest.mark.parametrize("contactless", [True, False])
async def test_a_cpu_card_lives_through_the_service(
    device: SimulatedProcess, reader: PcscReader, card: PurseCard, contactless: bool
) -> None:
    """Issued, loaded, unloaded, locked by a dispenser, freed; by T=1 and by T=0."""
    uid = await laid(device, reader, contactless=contactless)
    assert uid.hex().upper() == (UID if contactless else NUMBER)
    blank = await card.read(uid, selected=True)
    assert (blank.state, blank.own_key) == (CardState.BLANK, NUMBER[4:])
    await card.personalise(uid, NEW, INFO)
    reading = await card.read(uid)
    assert (reading.purse, reading.info) == (NEW, INFO)
    held = NEW
    for fen in (12_345, -345):
        reading = await card.read(uid)
        held = moved(held, fen)
        await card.write_purse(reading, held)
    device.hand("remove")
    await found(reader, there=False)
    device.hand("lock", uid=UID, terminal="031600010007")
    device.hand("insert", uid=UID)
    assert await found(reader) == uid
    grey = await card.read(uid, selected=True)
    mark = GreyMark(station_no="03160001", gun=7, trans_no=0)
    assert grey.purse == replace(held, grey=mark, pseq=1)
    await card.write_purse(grey, moved(grey.purse, -2_000))
    assert (await card.read(uid)).purse == replace(moved(held, -2_000), pseq=1)
    device.hand("remove")
    await found(reader, there=False)
    memory = device.hand("memory", uid=UID)
    assert memory == {"balance": 60_000, "on_line": 4, "off_line": 1, "lock_state": 0}


async def test_a_fill_at_a_dispenser_is_seen(
    device: SimulatedProcess, reader: PcscReader, card: PurseCard
) -> None:
    """Locked and debited between two sights: less money, one more fill, not grey."""
    uid = await laid(device, reader)
    await card.personalise(uid, NEW, INFO)
    device.hand("remove")
    device.hand("lock", uid=UID, terminal="031600010007")
    device.hand("debit", uid=UID, fen=12_300)
    await found(reader, there=False)
    device.hand("insert", uid=UID)
    seen = await card.read(await found(reader), selected=True)
    assert seen.purse == replace(NEW, balance=37_700, pseq=1)


@pytest.mark.parametrize(
    ("done", "contactless"), [(False, True), (True, True), (True, False)]
)
async def test_a_load_torn_anywhere_is_told_by_the_counter(
    device: SimulatedProcess,
    reader: PcscReader,
    card: PurseCard,
    done: bool,
    contactless: bool,
) -> None:
    """Pulled out of the real service at each command, before or after it was done."""
    uid = await laid(device, reader, contactless=contactless)
    await card.personalise(uid, NEW, INFO)
    held, nth, outcomes = NEW, 0, set()
    while True:
        nth += 1
        reading = await card.read(uid)
        assert reading.purse == held
        device.hand("tear", after_commands=nth, done=done)
        try:
            await card.write_purse(reading, moved(held, 100))
            break
        except (CardGone, WriteNotConfirmed):
            pass
        assert device.hand("state")["card"] is None
        await found(reader, there=False)
        device.hand("insert", uid=UID)
        assert await found(reader) == uid
        again = await card.read(uid, selected=True)
        assert again.purse in {held, moved(held, 100)}
        outcomes.add(again.purse == held)
        held = again.purse
    assert outcomes == {True, False}
    assert nth > 8


async def test_a_mifare_card_lives_through_the_service(
    device: SimulatedProcess, reader: PcscReader, card: PurseCard
) -> None:
    """By the reader's own commands for sectors: issued, topped up, keys refused."""
    device.hand("blank", uid=MIFARE_UID)
    device.hand("insert", uid=MIFARE_UID)
    uid = await found(reader)
    assert uid.hex().upper() == MIFARE_UID
    assert (await card.read(uid, selected=True)).state is CardState.BLANK
    await card.personalise(uid, NEW_PURSE, MIFARE_INFO)
    reading = await card.read(uid)
    assert (reading.purse, reading.info) == (NEW_PURSE, MIFARE_INFO)
    await card.write_purse(reading, topped_up(NEW_PURSE, 500))
    assert (await card.read(uid)).purse == topped_up(NEW_PURSE, 500)
    with pytest.raises(KeyRefused):
        await reader.authenticate(4, bytes(6), "A")
    with pytest.raises(CardGone):
        await reader.read_block(4)


async def test_a_reader_that_is_not_there_is_named(service: PcscService) -> None:
    """The words say which readers there are."""
    reader = PcscReader(partial(PcscLink, "ACS ACR1281U 00 00"))
    with pytest.raises(DeviceUnavailable, match=r"no reader ACS.*it has: Virtual"):
        await reader.open()


async def test_a_second_program_is_told_that_the_card_is_in_use(
    device: SimulatedProcess, reader: PcscReader
) -> None:
    """Nobody comes between the commands of an act."""
    await laid(device, reader)
    other = PcscReader(partial(PcscLink, READER))
    await other.open()
    with pytest.raises(StationError, match="SHARED"):
        await other.find_card()
    await other.close()
    assert await reader.find_card() is not None


async def test_a_service_that_ended_is_told_and_found_again(tmp_path: Path) -> None:
    """Its end is a reader that is away; the next opening works."""
    reader = PcscReader(partial(PcscLink, READER))
    for turn in ("one", "two"):
        folder = tmp_path / turn
        folder.mkdir()
        with pcsc_service(folder):
            await reader.open()
            assert await reader.find_card() is None
        with pytest.raises(DeviceUnavailable):
            await reader.find_card()
    with pytest.raises(DeviceUnavailable):
        await reader.open()
    await reader.close()
