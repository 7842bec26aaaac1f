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
    CardTraits,
    KeyRefused,
    ReaderMakesNoSense,
)
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.pn532_reader import BAUD, Pn532Reader
from cngstation.drivers.serial_link import SerialSettings, open_serial
from cngstation.errors import DeviceUnavailable, LocalProtocolError, OutcomeUnknown
from cngstation.protocols.card_image.purse import CardState
from cngstation.protocols.card_reader.pn532.frames import Frame
from cngstation.protocols.card_reader.pn532.status import ChipReported
from tests.simulated_devices import SimulatedReader, async_card_reader, card_reader

UID, OTHER = bytes.fromhex("DEADBEEF"), bytes.fromhex("01020304")
FACTORY, WRONG = b"\xff" * 6, b"\x00" * 6
DATA = bytes(range(16))
WRITE = "A0"
ACK = bytes.fromhex("0000ff00ff00")
SYNTAX_ERROR = bytes.fromhex("0000ff01ff7f8100")


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


def answer_to(code: int, data: bytes) -> bytes:
    """Return the chip's answer to a card command; nothing stands for its error."""
    if code in {0x40, 0x4A} and not data:
        return SYNTAX_ERROR
    return Frame(0xD5, code + 1, data).to_bytes()


class ScriptedChip:
    """A link whose far end answers each command as told, empty with the error frame."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.commands: list[bytes] = []
        self.pending = b""
        self.is_deaf = False

    def write(self, data: bytes) -> None:
        if self.is_deaf:
            return
        frame = data[data.index(b"\x00\xff") :]
        body = frame[4 : 4 + frame[2]]
        data = {0x14: b"", 0x32: b"", 0x02: b"\x32\x01\x06\x07"}.get(body[1])
        if data is None:
            self.commands.append(body)
            data = self.answers.pop(0)
        self.pending += ACK + answer_to(body[1], data)

    async def read(self) -> bytes:
        while not self.pending:
            await asyncio.sleep(1)
        data, self.pending = self.pending, b""
        return data

    def discard_input(self) -> None:
        self.pending = b""

    async def close(self) -> None:
        pass


async def scripted(*answers: bytes) -> tuple[Pn532Reader, ScriptedChip]:
    """Return a reader that is open on a scripted chip."""
    chip = ScriptedChip(*answers)

    async def open_link() -> ScriptedChip:
        return chip

    reader = Pn532Reader(open_link)
    await reader.open()
    return reader, chip


FOUND = bytes.fromhex("0101000408") + b"\x04" + UID
NOT_UNDERSTOOD = b""


async def test_what_came_before_a_command_is_not_its_answer() -> None:
    """A late acknowledgement with a late answer is that of an earlier command."""
    reader, chip = await scripted(FOUND, b"\x00" + DATA)
    await reader.find_card()
    chip.pending = ACK + answer_to(0x40, bytes(17))
    assert await reader.read_block(4) == DATA


async def test_a_search_that_fails_leaves_no_card_selected() -> None:
    """After a failed search the card of the search before it is not written."""
    reader, chip = await scripted(FOUND, b"\x01")
    await reader.find_card()
    with pytest.raises(ReaderMakesNoSense):
        await reader.find_card()
    with pytest.raises(CardGone):
        await reader.write_block(4, DATA)
    assert len(chip.commands) == 2


async def test_a_write_that_the_wake_up_kept_back_is_not_in_doubt() -> None:
    """A chip that was reset and then fell silent never saw the write."""
    reader, chip = await scripted(FOUND, NOT_UNDERSTOOD)
    await reader.find_card()
    with pytest.raises(ChipReported, match="7Fh"):
        await reader.read_block(4)
    chip.is_deaf = True
    with pytest.raises(DeviceUnavailable):
        await reader.write_block(4, DATA)


async def test_a_card_without_sectors_is_not_asked_for_keys() -> None:
    """A bank card or a telephone is not one of ours; its chip never hears 60h."""
    reader, chip = await scripted(bytes.fromhex("0101034420") + b"\x04" + UID)
    await reader.find_card()
    with pytest.raises(KeyRefused):
        await reader.authenticate(4, FACTORY, "A")
    assert len(chip.commands) == 1


async def test_a_card_with_a_number_of_ten_bytes_is_only_foreign() -> None:
    """Its number cannot be asked for; it is found as any and ends nothing."""
    uid = bytes(range(10))
    found = bytes.fromhex("0101034420") + b"\x0a" + uid
    reader, chip = await scripted(*[found] * 20)
    assert await reader.find_card() == uid
    reading = await MifarePurseCard(reader, bytes(16)).read(uid, selected=True)
    assert reading.state is CardState.FOREIGN
    assert set(chip.commands) == {bytes.fromhex("d44a0100")}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (0x01, OutcomeUnknown),
        (0x02, OutcomeUnknown),
        (0x0A, OutcomeUnknown),
        (0x13, OutcomeUnknown),
        (0x14, OutcomeUnknown),
        (0x2B, OutcomeUnknown),
        (0x3F, OutcomeUnknown),
        (0x40, OutcomeUnknown),
        (0x10, ChipReported),
        (0x26, ChipReported),
        (0x27, CardGone),
    ],
)
async def test_what_each_code_says_of_a_write(
    code: int, error: type[Exception]
) -> None:
    """Only what the chip refuses before it uses its field is known not to be done."""
    reader, _ = await scripted(FOUND, bytes([code]))
    await reader.find_card()
    with pytest.raises(error):
        await reader.write_block(4, DATA)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"\x01", CardGone),
        (b"\x27", CardGone),
        (b"\x2b", CardGone),
        (b"\x13", CardSaidNo),
        (b"\x02", ChipReported),
        (b"\x0d", ChipReported),
        (b"\x00\x01", ReaderMakesNoSense),
    ],
)
async def test_what_each_code_says_of_a_read(
    answer: bytes, error: type[Exception]
) -> None:
    """Gone, refused, noise and nonsense are different things to a cashier."""
    reader, _ = await scripted(FOUND, answer)
    await reader.find_card()
    with pytest.raises(error):
        await reader.read_block(4)
    assert reader.health.online


async def test_nonsense_after_a_write_is_in_doubt() -> None:
    """An answer without sense does not say that nothing was written."""
    reader, _ = await scripted(FOUND, b"\x00\x00")
    await reader.find_card()
    with pytest.raises(OutcomeUnknown):
        await reader.write_block(4, DATA)


async def test_another_card_than_the_one_asked_for() -> None:
    """A chip that selects another card than it was told to has not found this one."""
    reader, _ = await scripted(FOUND)
    with pytest.raises(CardGone):
        await reader.reselect(OTHER)


CPU_CARD = bytes.fromhex("0101034420") + b"\x04" + UID + bytes.fromhex("067577810280")
SELECT = bytes.fromhex("00a40000023f00")
FIELD_OFF = bytes.fromhex("d4320100")
NO_ANSWER, NOT_SELECTED, INVALID = b"\x01", b"\x27", b"\x10"


async def test_what_a_card_takes_is_known_from_its_selection() -> None:
    """SAK says sectors or APDUs, the ATS its historical bytes."""
    bad_length = CPU_CARD + b"\0"
    reader, _ = await scripted(FOUND, CPU_CARD, bad_length, b"\x00")
    shown = []
    for _ in range(3):
        await reader.find_card()
        shown.append(reader.traits)
    assert shown == [
        CardTraits(has_sectors=True, takes_apdus=False),
        CardTraits(has_sectors=False, takes_apdus=True, historical=b"\x80"),
        CardTraits(has_sectors=False, takes_apdus=True),
    ]
    await reader.find_card()
    with pytest.raises(CardGone):
        assert reader.traits


async def test_an_apdu_goes_to_the_card_as_it_is() -> None:
    """Tg and APDU; the parts of a long answer are fetched with nothing behind Tg."""
    reader, chip = await scripted(
        CPU_CARD, b"\x00\x90\x00", b"\x40" + DATA, b"\x40", b"\x00\x90\x00"
    )
    await reader.find_card()
    assert await reader.transmit(SELECT) == b"\x90\x00"
    assert await reader.transmit(SELECT) == DATA + b"\x90\x00"
    sent = b"\xd4\x40\x01"
    assert chip.commands[1:] == [sent + SELECT, sent + SELECT, sent, sent]


async def test_an_apdu_needs_a_card_that_takes_one() -> None:
    """To a card with sectors, or too long for the chip, it is a bug of ours."""
    reader, chip = await scripted(FOUND, CPU_CARD)
    await reader.find_card()
    with pytest.raises(LocalProtocolError):
        await reader.transmit(SELECT)
    await reader.find_card()
    with pytest.raises(LocalProtocolError):
        await reader.transmit(bytes(263))
    assert len(chip.commands) == 2


@pytest.mark.parametrize(
    ("answers", "reading", "writing"),
    [
        ([NO_ANSWER], CardGone, OutcomeUnknown),
        ([b"\x2b"], CardGone, OutcomeUnknown),
        ([b"\x02"], ChipReported, OutcomeUnknown),
        ([b"\x40" + DATA, NOT_SELECTED], CardGone, OutcomeUnknown),
        ([b"\x40" + bytes(200)] * 9, ReaderMakesNoSense, OutcomeUnknown),
        ([NOT_SELECTED], CardGone, CardGone),
        ([INVALID], ChipReported, ChipReported),
        ([NOT_UNDERSTOOD], ChipReported, ChipReported),
        ([], DeviceUnavailable, OutcomeUnknown),
    ],
)
async def test_an_apdu_without_an_answer(
    answers: list[bytes], reading: type[Exception], writing: type[Exception]
) -> None:
    """Sent and not answered is in doubt when it changes the card; never sent twice."""
    for changes_card, error in ((False, reading), (True, writing)):
        reader, chip = await scripted(CPU_CARD, *answers)
        await reader.find_card()
        chip.is_deaf = not answers
        with pytest.raises(error) as failed:
            await reader.transmit(SELECT, changes_card=changes_card)
        assert type(failed.value) is error
        assert len([c for c in chip.commands if SELECT in c]) == (1 if answers else 0)
        with pytest.raises(CardGone):
            await reader.transmit(SELECT)


class CountingLink(ScriptedChip):
    """Counts what is written to a chip."""

    writes = 0
    fields_off = 0

    def write(self, data: bytes) -> None:
        self.writes += SELECT in data
        self.fields_off += FIELD_OFF in data
        super().write(data)


async def test_an_unanswered_apdu_is_not_sent_again() -> None:
    """The card may have carried it out: only a person's next act sends one again."""
    chip = CountingLink(CPU_CARD)

    async def open_link() -> ScriptedChip:
        return chip

    reader = Pn532Reader(open_link)
    await reader.open()
    await reader.find_card()
    chip.is_deaf = True
    with pytest.raises(DeviceUnavailable):
        await reader.transmit(SELECT, changes_card=False)
    assert chip.writes == 1


async def test_a_card_that_took_apdus_is_searched_in_a_field_that_was_off() -> None:
    """Also after its answer was lost; a card with sectors keeps its power."""
    chip = CountingLink(FOUND, FOUND, CPU_CARD, CPU_CARD, NO_ANSWER, FOUND, FOUND)

    async def open_link() -> ScriptedChip:
        return chip

    reader = Pn532Reader(open_link)
    await reader.open()
    for _ in range(3):
        await reader.find_card()
    assert chip.fields_off == 0
    await reader.reselect(UID)
    assert chip.fields_off == 1
    with pytest.raises(CardGone):
        await reader.transmit(SELECT, changes_card=False)
    await reader.reselect(UID)
    assert chip.fields_off == 2
    await reader.find_card()
    assert chip.fields_off == 2
