"""The PN532 driver on the port of a simulated reader: cards, faults, cables."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
import pytest_asyncio

from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    KeyRefused,
)
from cngstation.drivers.pn532_reader import BAUD, Pn532Reader
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.errors import DeviceUnavailable, OutcomeUnknown
from cngstation.protocols.card_reader.pn532.frames import Frame
from cngstation.protocols.card_reader.pn532.status import ChipReported
from tests.simulated_devices import SimulatedReader, async_card_reader, card_reader

UID, OTHER = bytes.fromhex("DEADBEEF"), bytes.fromhex("01020304")
FACTORY, WRONG = b"\xff" * 6, b"\x00" * 6
DATA = bytes(range(16))
WRITE = "A0"


def settings_of(device: SimulatedReader) -> SerialSettings:
    """Return how to open the port of a simulated reader."""
    return SerialSettings(str(device.link), BAUD)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One reader for all tests here that leave it as they found it."""
    with card_reader(tmp_path_factory.mktemp("reader")) as device:
        yield device


@pytest.fixture
def device(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """A reader with a factory-new card in its field and nothing broken."""
    process.card_file(UID.hex()).unlink(missing_ok=True)
    process.put_blank_card(UID.hex())
    process.hand("exchanges", clear=True)
    yield process
    process.hand("fault", kind="none")
    if process.hand("state")["card"] is not None:
        process.hand("remove")


@pytest_asyncio.fixture
async def reader(device: SimulatedReader) -> AsyncIterator[Pn532Reader]:
    """The driver, open on that reader."""
    driver = Pn532Reader(partial(open_serial, settings_of(device)))
    await driver.open()
    yield driver
    await driver.close()


async def open_sector(reader: Pn532Reader) -> None:
    """Find the card and open its sector 1."""
    assert await reader.find_card() == UID
    await reader.authenticate(4, FACTORY, "A")


def commands(device: SimulatedReader, name: str) -> int:
    """Count the commands of a name that the chip has answered."""
    shown = device.hand("exchanges")["exchanges"]
    return sum(exchange["command"] == name for exchange in shown)


def stored(device: SimulatedReader, block: int = 4) -> bytes:
    """Read a block from the card's file."""
    return device.card_file(UID.hex()).read_bytes()[block * 16 : block * 16 + 16]


async def test_opening_names_the_firmware(reader: Pn532Reader) -> None:
    """An open reader is online and says what it is; closed it is not online."""
    assert reader.health.online
    assert reader.health.firmware == "PN532 1.6"
    await reader.close()
    assert not reader.health.online
    assert reader.health.firmware == "PN532 1.6"


async def test_a_block_is_written_and_read(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Find, authenticate, write, read; each is one command on the wire."""
    device.hand("exchanges", clear=True)
    await open_sector(reader)
    await reader.write_block(4, DATA)
    assert await reader.read_block(4) == DATA
    assert stored(device) == DATA
    shown = device.hand("exchanges")["exchanges"]
    names = [exchange["command"] for exchange in shown]
    assert names == ["4A", "40 60", "40 A0", "40 30"]


async def test_an_empty_field(device: SimulatedReader, reader: Pn532Reader) -> None:
    """No card is None; what needs one says that it is gone and asks nobody."""
    device.hand("remove")
    device.hand("exchanges", clear=True)
    assert await reader.find_card() is None
    for act in (reader.read_block(4), reader.authenticate(4, FACTORY, "A")):
        with pytest.raises(CardGone):
            await act
    with pytest.raises(CardGone):
        await reader.write_block(4, DATA)
    assert device.hand("exchanges")["totals"]["count"] == 1


async def test_reselect_takes_this_card_only(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Another card in the field is not the one that was asked for."""
    await reader.reselect(UID)
    await reader.authenticate(4, FACTORY, "B")
    with pytest.raises(CardGone):
        await reader.reselect(OTHER)
    with pytest.raises(CardGone):
        await reader.read_block(4)


async def test_a_wrong_key_is_refused_and_the_card_usable_again(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """After a refused key the card is selected again and opens to the right one."""
    await reader.find_card()
    with pytest.raises(KeyRefused):
        await reader.authenticate(4, WRONG, "A")
    with pytest.raises(CardGone):
        await reader.read_block(4)
    assert commands(device, "40 30") == 0
    await reader.reselect(UID)
    await reader.authenticate(4, FACTORY, "A")
    assert await reader.read_block(4) == bytes(16)


async def test_a_block_outside_the_open_sector(reader: Pn532Reader) -> None:
    """The card's no is told from its absence; a refused write is not believed."""
    await open_sector(reader)
    with pytest.raises(CardSaidNo, match="block 8"):
        await reader.read_block(8)
    await reader.reselect(UID)
    await reader.authenticate(4, FACTORY, "A")
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(8, DATA)


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_card_pulled_before_a_write(
    device: SimulatedReader, reader: Pn532Reader, nth: int
) -> None:
    """Gone while authenticating or reading is gone: nothing was written."""
    await reader.find_card()
    device.hand("tear", after_commands=nth)
    if nth == 2:
        await reader.authenticate(4, FACTORY, "A")
        with pytest.raises(CardGone):
            await reader.read_block(4)
    else:
        with pytest.raises(CardGone):
            await reader.authenticate(4, FACTORY, "A")
    with pytest.raises(CardGone):
        await reader.write_block(4, DATA)
    assert commands(device, "40 A0") == 0
    assert await reader.find_card() is None
    assert reader.health.online


@pytest.mark.parametrize(
    ("block", "reports"),
    [("before", True), ("after", True), ("garbage", True), ("after", False)],
)
async def test_a_card_pulled_in_a_write(
    device: SimulatedReader, reader: Pn532Reader, block: str, reports: bool
) -> None:
    """Sent and not confirmed is unknown, whatever the card holds, and sent once."""
    await open_sector(reader)
    device.hand("tear", after_commands=1, block=block, reader_reports=reports)
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)
    assert device.hand("state")["pulled"]["command"] == WRITE
    assert (stored(device) == DATA) == (block == "after")
    device.hand("insert", uid=UID.hex())
    await open_sector(reader)
    assert await reader.read_block(4) == stored(device)


async def test_a_lost_answer_to_a_write(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """The write is on the card, its outcome unknown, and it is not sent again."""
    await open_sector(reader)
    device.hand("fault", kind="answer_lost", commands=1)
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)
    assert stored(device) == DATA
    assert commands(device, "40 A0") == 1
    await open_sector(reader)
    assert await reader.read_block(4) == DATA


async def test_a_lost_answer_to_a_read_is_asked_again(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """What changes nothing is simply asked twice."""
    await open_sector(reader)
    device.hand("fault", kind="answer_lost", commands=1)
    assert await reader.read_block(4) == bytes(16)
    assert commands(device, "40 30") == 2


async def test_a_silent_reader(device: SimulatedReader, reader: Pn532Reader) -> None:
    """It is told of, and online again with its first answer."""
    await reader.find_card()
    device.hand("fault", kind="silent")
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await reader.find_card()
    assert not reader.health.online
    assert "does not answer" in reader.health.last_fault
    device.hand("fault", kind="none")
    await open_sector(reader)
    assert reader.health.online


async def test_a_silent_reader_in_a_write(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Nobody can tell whether it was heard: unknown."""
    await open_sector(reader)
    device.hand("fault", kind="silent", commands=1)
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)
    assert stored(device) == bytes(16)


async def test_a_garbled_answer_is_repeated(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Random bytes in place of an answer cost a repetition and nothing else."""
    await open_sector(reader)
    await reader.write_block(4, DATA)
    device.hand("fault", kind="garbage", commands=1)
    assert await reader.read_block(4) == DATA


async def test_a_garbled_confirmation_of_a_write(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Garbage without end leaves the write in doubt, and it was sent once."""
    await open_sector(reader)
    device.hand("fault", kind="garbage")
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)
    device.hand("fault", kind="none")
    assert commands(device, "40 A0") == 1
    await open_sector(reader)
    assert await reader.read_block(4) == DATA


async def test_slow_bytes(device: SimulatedReader, reader: Pn532Reader) -> None:
    """A byte per millisecond is patience, not an error."""
    device.hand("fault", kind="slow")
    await open_sector(reader)
    await reader.write_block(4, DATA)
    assert await reader.read_block(4) == DATA


async def test_the_line_test(reader: Pn532Reader) -> None:
    """262 bytes go there and back in extended frames."""
    await reader.test_line(bytes(range(256)))


async def test_a_chip_that_went_to_sleep_is_woken(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """A reset behind the program's back costs errors, then the wake-up helps."""
    await open_sector(reader)
    port = os.open(device.link, os.O_RDWR | os.O_NOCTTY)
    os.write(port, Frame(0xD4, 0x16, b"\x10").to_bytes())
    while device.hand("state")["is_awake"]:
        await asyncio.sleep(0.001)
    os.close(port)
    for _ in range(3):
        try:
            found = await reader.find_card()
        except (DeviceUnavailable, ChipReported):
            continue
        break
    assert found == UID


async def test_a_cancelled_command_does_not_spoil_the_next(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """The late answer of one block is not taken for that of another."""
    await open_sector(reader)
    await reader.write_block(4, DATA)
    for turns in range(1, 6):
        reading = asyncio.create_task(reader.read_block(4))
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert await reader.read_block(5) == bytes(16)


async def test_a_program_that_stood_still_hears_what_came_meanwhile(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Only the chip's silence is a time-out; a pause of our own is not."""
    await open_sector(reader)
    writing = asyncio.create_task(reader.write_block(4, DATA))
    for _ in range(3):
        await asyncio.sleep(0)
    time.sleep(0.15)
    await writing
    assert stored(device) == DATA


async def test_calls_at_once_go_one_after_the_other(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Two tasks do not mix their commands on the line."""
    await open_sector(reader)
    await reader.write_block(5, DATA)
    read = await asyncio.gather(*(reader.read_block(4 + n % 2) for n in range(6)))
    assert read == [bytes(16), DATA] * 3


async def test_release_lets_go(device: SimulatedReader, reader: Pn532Reader) -> None:
    """After a release a card must be found again."""
    await open_sector(reader)
    await reader.release()
    assert device.hand("state")["open_sector"] is None
    with pytest.raises(CardGone):
        await reader.read_block(4)
    await open_sector(reader)


async def test_it_opens_again_and_again(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """Opening an open reader frees its port first; a closed one opens again."""
    await reader.open()
    await reader.close()
    await reader.close()
    with pytest.raises(DeviceUnavailable, match="not open"):
        await reader.find_card()
    await reader.open()
    await open_sector(reader)


async def test_another_program_holds_the_port(
    device: SimulatedReader, reader: Pn532Reader
) -> None:
    """The second is told why, and disturbs the first in nothing."""
    second = Pn532Reader(partial(open_serial, settings_of(device)))
    with pytest.raises(DeviceUnavailable, match="another program"):
        await second.open()
    assert "another program" in second.health.last_fault
    await open_sector(reader)


async def test_a_reader_that_did_not_open_holds_no_port(
    device: SimulatedReader,
) -> None:
    """After a silent start the port is free for the next try."""
    device.hand("fault", kind="silent")
    first = Pn532Reader(partial(open_serial, settings_of(device)))
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await first.open()
    device.hand("fault", kind="none")
    second = Pn532Reader(partial(open_serial, settings_of(device)))
    await second.open()
    await second.close()


async def test_an_opening_that_is_cancelled_holds_no_port(
    device: SimulatedReader,
) -> None:
    """Giving up while the chip is silent frees the port."""
    device.hand("fault", kind="silent")
    first = Pn532Reader(partial(open_serial, settings_of(device)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await first.open()
    device.hand("fault", kind="none")
    second = Pn532Reader(partial(open_serial, settings_of(device)))
    await second.open()
    await second.close()


async def test_unplugged_and_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A pulled cable is a reader that cannot be reached; a write says nothing left."""
    async with async_card_reader(tmp_path_factory.mktemp("cable")) as device:
        await asyncio.to_thread(device.put_blank_card, UID.hex())
        reader = Pn532Reader(partial(open_serial, settings_of(device)))
        await reader.open()
        await open_sector(reader)
        await asyncio.to_thread(device.hand, "fault", kind="unplugged", for_ms=10)
        with pytest.raises(DeviceUnavailable):
            await reader.write_block(4, DATA)
        assert not reader.health.online
        assert stored(device) == bytes(16)
        with pytest.raises(DeviceUnavailable, match="not open"):
            await reader.find_card()
        await reader.open()
        await open_sector(reader)
        await reader.close()


async def test_unplugged_in_the_middle_of_a_write(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Sent, and then the cable: unknown."""
    folder = tmp_path_factory.mktemp("cable")
    slow = {"write_us": 80_000}
    async with async_card_reader(folder, latency_us=slow) as device:
        await asyncio.to_thread(device.put_blank_card, UID.hex())
        reader = Pn532Reader(partial(open_serial, settings_of(device)))
        await reader.open()
        await open_sector(reader)
        writing = asyncio.create_task(reader.write_block(4, DATA))
        await asyncio.sleep(0.03)
        await asyncio.to_thread(device.hand, "fault", kind="unplugged")
        with pytest.raises(OutcomeUnknown):
            await writing
        await reader.close()
