"""The GNetPlus driver on the port of a simulated reader: cards, faults, cables."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
import pytest_asyncio

from cngstation.drivers.card_reader import CardGone, CardSaidNo, KeyRefused
from cngstation.drivers.gnetplus_reader import BAUD, GNetPlusReader, ReaderRefused
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.errors import DeviceUnavailable, OutcomeUnknown
from tests.simulated_devices import SimulatedReader, card_reader

UID, OTHER = bytes.fromhex("DEADBEEF"), bytes.fromhex("01020304")
FACTORY, WRONG = b"\xff" * 6, b"\x00" * 6
DATA = bytes(range(16))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One reader for all tests here that leave it as they found it."""
    folder = tmp_path_factory.mktemp("reader")
    with card_reader(folder, module="gnetplus_reader") as device:
        yield device


@pytest.fixture
def device(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """A reader with a factory-new card in its field and nothing broken."""
    process.card_file(UID.hex()).unlink(missing_ok=True)
    process.put_blank_card(UID.hex())
    yield process
    process.hand("fault", kind="none")
    if process.hand("state")["card"] is not None:
        process.hand("remove")


@pytest_asyncio.fixture
async def reader(device: SimulatedReader) -> AsyncIterator[GNetPlusReader]:
    """The driver, open on that reader."""
    settings = SerialSettings(str(device.link), BAUD)
    driver = GNetPlusReader(partial(open_serial, settings))
    await driver.open()
    device.hand("asked", clear=True)
    yield driver
    await driver.close()


def stored(device: SimulatedReader, block: int = 4) -> bytes:
    """Read a block from the card's file."""
    return device.card_file(UID.hex()).read_bytes()[16 * block : 16 * block + 16]


async def opened(reader: GNetPlusReader) -> None:
    """Find the card and open its sector 1."""
    assert await reader.find_card() == UID
    await reader.authenticate(4, FACTORY, "A")


async def test_a_block_is_written_and_read(
    device: SimulatedReader, reader: GNetPlusReader
) -> None:
    """Select, give the key, open, write, read; and what the reader is."""
    assert reader.health.online
    assert reader.health.firmware == "PGM-SIM MF7 V1.0"
    assert reader.traits.has_sectors
    await opened(reader)
    await reader.write_block(5, DATA)
    assert await reader.read_block(5) == DATA
    assert stored(device, 5) == DATA
    select = ["2F", "21", "22"]
    asked = device.hand("asked")["asked"]
    assert asked == [*select, *select, "2B", "23", "25", "24"]


async def test_an_empty_field(device: SimulatedReader, reader: GNetPlusReader) -> None:
    """No card is None; what needs one says that it is gone."""
    device.hand("remove")
    assert await reader.find_card() is None
    for act in (reader.read_block(4), reader.write_block(4, DATA)):
        with pytest.raises(CardGone):
            await act
    with pytest.raises(CardGone):
        await reader.authenticate(4, FACTORY, "A")


async def test_another_card_is_not_taken_for_the_one_that_was_asked_for(
    device: SimulatedReader, reader: GNetPlusReader
) -> None:
    """The card was exchanged: this one has left, and nothing is written to the new."""
    await opened(reader)
    device.hand("blank", uid=OTHER.hex())
    device.hand("swap", uid=OTHER.hex())
    with pytest.raises(CardGone):
        await reader.authenticate(8, FACTORY, "A")
    assert await reader.find_card() == OTHER


async def test_a_wrong_key_is_refused(reader: GNetPlusReader) -> None:
    """And nothing goes on before the card is selected again."""
    assert await reader.find_card() == UID
    with pytest.raises(KeyRefused, match="block 4"):
        await reader.authenticate(4, WRONG, "A")
    with pytest.raises(CardGone):
        await reader.read_block(4)
    await reader.reselect(UID)
    await reader.authenticate(4, FACTORY, "A")
    assert await reader.read_block(4) == bytes(16)


async def test_a_block_that_the_card_does_not_give(
    device: SimulatedReader, reader: GNetPlusReader
) -> None:
    """Access bits forbid it: the card said no."""
    image = bytearray(device.card_file(UID.hex()).read_bytes())
    image[4 * 64 + 54 : 4 * 64 + 57] = bytes.fromhex("000000")
    device.hand("remove")
    device.card_file(UID.hex()).write_bytes(image)
    device.hand("insert", uid=UID.hex())
    assert await reader.find_card() == UID
    await reader.authenticate(16, FACTORY, "A")
    with pytest.raises(CardSaidNo, match="block 16"):
        await reader.read_block(16)


@pytest.mark.parametrize("kind", ["garbage", "wrong_checksum", "half", "late", "noise"])
async def test_one_bad_answer_is_asked_for_again(
    device: SimulatedReader, reader: GNetPlusReader, kind: str
) -> None:
    """A read is simply asked again, and never gets the answer to another question."""
    await opened(reader)
    await reader.write_block(4, DATA)
    device.hand("fault", kind=kind, commands=1)
    assert await reader.read_block(5) == bytes(16)
    assert await reader.read_block(4) == DATA


@pytest.mark.parametrize(
    "kind", ["garbage", "wrong_checksum", "half", "answer_lost", "late"]
)
async def test_a_write_without_a_good_answer_is_not_known(
    device: SimulatedReader, reader: GNetPlusReader, kind: str
) -> None:
    """It was sent once; whoever asked has to read it back."""
    await opened(reader)
    device.hand("asked", clear=True)
    device.hand("fault", kind=kind, commands=1)
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)
    assert device.hand("asked")["asked"].count("25") == 1
    assert stored(device) == DATA
    await opened(reader)
    assert await reader.read_block(4) == DATA


async def test_a_write_that_was_misheard_is_told_again(
    device: SimulatedReader, reader: GNetPlusReader
) -> None:
    """The reader says that it understood nothing: the card is as it was."""
    await opened(reader)
    device.hand("fault", kind="mishears", commands=1)
    await reader.write_block(4, DATA)
    assert stored(device) == DATA
    device.hand("fault", kind="mishears", commands=2)
    with pytest.raises(ReaderRefused, match="checksum"):
        await reader.write_block(4, bytes(16))
    assert stored(device) == DATA


@pytest.mark.parametrize("block", ["before", "after", "garbage"])
@pytest.mark.parametrize("reports", [True, False])
async def test_a_card_pulled_in_a_write_is_not_known(
    device: SimulatedReader, reader: GNetPlusReader, block: str, *, reports: bool
) -> None:
    """Whether the reader tells or hangs, the outcome is unknown."""
    await opened(reader)
    device.hand("pull_during_write", nth_write=1, block=block, reader_reports=reports)
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)


async def test_silence_is_a_reader_that_is_away(
    device: SimulatedReader, reader: GNetPlusReader
) -> None:
    """It does not answer; when it is back it is used again."""
    device.hand("fault", kind="silent")
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await reader.find_card()
    assert not reader.health.online
    device.hand("fault", kind="none")
    assert await reader.find_card() == UID


async def test_a_cable_that_comes_out(
    device: SimulatedReader, reader: GNetPlusReader
) -> None:
    """The port is lost, and opened again when it is there."""
    away = threading.Thread(
        target=device.hand, args=("fault",), kwargs={"kind": "unplugged", "for_ms": 300}
    )
    away.start()
    while device.link.exists():
        time.sleep(0.005)
    with pytest.raises(DeviceUnavailable):
        await reader.find_card()
    with pytest.raises(DeviceUnavailable):
        await reader.open()
    away.join()
    await reader.open()
    assert await reader.find_card() == UID


async def test_nobody_on_the_port_leaves_it_free(device: SimulatedReader) -> None:
    """A reader that does not open does not keep its port."""
    device.hand("fault", kind="silent")
    settings = SerialSettings(str(device.link), BAUD)
    driver = GNetPlusReader(partial(open_serial, settings))
    with pytest.raises(DeviceUnavailable):
        await driver.open()
    device.hand("fault", kind="none")
    await driver.open()
    await driver.close()
