"""A card issued by our driver on a simulated reader, as others read it, and torn."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from cngstation.drivers.card_reader import CardGone, KeyKind, KeyRefused
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.pn532_reader import Pn532Reader
from cngstation.drivers.purse_card import (
    CardBroken,
    CardNotAsRead,
    WriteNotConfirmed,
)
from cngstation.errors import DeviceUnavailable, LocalProtocolError
from cngstation.protocols.card_image.purse import (
    CardState,
    CounterExhausted,
    GreyMark,
)
from cngstation.simulators import purse_on_card
from cngstation.simulators.virtual_card import CardInField, blank_image
from tests.issued_cards import (
    INFO,
    MASTER,
    NEW_PURSE,
    QUICK,
    UID,
    keys_file,
    opened,
    topped_up,
)
from tests.simulated_devices import SimulatedReader, card_reader

FEN = 5_000
TORN_AS = ("before", "after", "garbage")
# What is said to the card in a reading, a top-up and an issue: key A or B, read, write.
READING = ["60", "30", "30", "30"] * 3
SLOT = ["A0", "A0", "A0", "30", "30", "30"]
TOP_UP = ["61", "30", *SLOT]  # the spare slot is still as it was read
ISSUE = [
    *("60", "A0", "A0", "A0", "A0"),  # info and its trailer
    *("60", "A0", "60", "A0"),  # the trailers of both slots
    *("60", "30", "30", "30", "60", "30", "30", "30"),  # info and slot B proved
    *("61", *SLOT),  # slot A
]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedReader]:
    """One quick reader for all tests here."""
    with card_reader(tmp_path_factory.mktemp("reader"), **QUICK) as device:
        yield device


@pytest.fixture
def device(process: SimulatedReader) -> Iterator[SimulatedReader]:
    """A reader with a factory-new card in its field and nothing broken."""
    process.card_file(UID.hex()).unlink(missing_ok=True)
    process.put_blank_card(UID.hex())
    yield process
    process.hand("fault", kind="none")
    take_out(process)


@pytest_asyncio.fixture
async def card(device: SimulatedReader) -> AsyncIterator[MifarePurseCard]:
    """Our purse on whatever lies on that reader."""
    async with opened(device, baud=921_600) as (_, purse_card):
        yield purse_card


def take_out(device: SimulatedReader) -> None:
    """Leave the field empty."""
    if device.hand("state")["card"] is not None:
        device.hand("remove")


def lay_down(device: SimulatedReader, image: bytes) -> None:
    """Put the card into the field with this content."""
    take_out(device)
    device.card_file(UID.hex()).write_bytes(image)
    device.hand("insert", uid=UID.hex())


def image_of(device: SimulatedReader) -> bytes:
    """Return what the card holds."""
    return device.card_file(UID.hex()).read_bytes()


def said(device: SimulatedReader) -> list[str]:
    """Return what was said to the card since the log was cleared."""
    shown = device.hand("exchanges", clear=True)["exchanges"]
    names = [exchange["command"].split() for exchange in shown]
    return [name[1] for name in names if name[0] == "40"]


def tears(commands: list[str], torn_as: str) -> list[int]:
    """Number the commands at which a tear can leave the card so."""
    return [
        nth
        for nth, command in enumerate(commands, 1)
        if command == "A0" or torn_as == "before"
    ]


def as_dispensers_read(device: SimulatedReader) -> purse_on_card.Purse:
    """Read the purse with the dispenser's own codec; the field is empty after it."""
    take_out(device)
    with CardInField(device.card_file(UID.hex())) as held:
        return purse_on_card.read_purse(MASTER, held)


async def test_a_new_card_is_blank(card: MifarePurseCard) -> None:
    """Transport keys and empty sectors are a card that can be issued."""
    assert (await card.read(UID)).state is CardState.BLANK


async def test_issue_top_up_and_read(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """What is issued is read; each top-up goes into the other slot."""
    await card.personalise(UID, NEW_PURSE, INFO)
    purse = NEW_PURSE
    for current in (0, 1, 0, 1):
        reading = await card.read(UID)
        assert reading.state is CardState.OURS
        assert (reading.purse, reading.info) == (purse, INFO)
        assert reading.current == current
        purse = topped_up(purse, FEN)
        await card.write_purse(reading, purse)
    assert (await card.read(UID)).purse == purse


async def test_only_our_sectors_are_written(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Sector 0 and the sectors from 4 on stay as the factory made them."""
    await card.personalise(UID, NEW_PURSE, INFO)
    image, blank = image_of(device), blank_image(UID)
    assert image[:64] == blank[:64]
    assert image[256:] == blank[256:]
    assert image[112:122] == keys_file(UID)[112:122]


async def test_dispensers_read_the_same_purse(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """The dispenser's independent codec sees every field as we wrote it."""
    await card.personalise(UID, NEW_PURSE, INFO)
    grey = replace(
        topped_up(NEW_PURSE, FEN), grey=GreyMark("32010007", 3, 4711), pseq=9
    )
    await card.write_purse(await card.read(UID), grey)
    seen = as_dispensers_read(device)
    assert seen == purse_on_card.Purse(
        kind=1, payment_mode=0, price_level=1, card_no="20000017",
        cylinder_due="270331", grey=purse_on_card.Grey("32010007", 3, 4711),
        balance=15_000, topped_up=15_000, consumed=0, gen=2, wseq=2, pseq=9, slot=1,
    )  # fmt: skip
    with CardInField(device.card_file(UID.hex())) as held:
        info = purse_on_card.read_info(MASTER, held)
    assert info == purse_on_card.CardInfo(
        "3201", 412, "苏A12345".encode("gb18030"), 300
    )


async def test_we_read_what_dispensers_write(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """A fill that the dispenser's codec debits is the card's state to us."""
    await card.personalise(UID, NEW_PURSE, INFO)
    spent = purse_on_card.changed(
        as_dispensers_read(device), balance=7_000, grey=None, pseq=1
    )
    with CardInField(device.card_file(UID.hex())) as held:
        purse_on_card.write_purse(MASTER, held, spent)
    device.hand("insert", uid=UID.hex())
    reading = await card.read(UID)
    filled = replace(NEW_PURSE, balance=7_000, consumed_total=3_000, gen=2, pseq=1)
    assert (reading.purse, reading.current) == (filled, 1)


@pytest.mark.needs("nfc-mfclassic")
async def test_libnfc_dumps_the_same_bytes(tmp_path: Path) -> None:
    """With our diversified keys an independent program reads all 64 blocks exactly."""
    with card_reader(tmp_path) as device:
        device.put_blank_card(UID.hex())
        async with opened(device) as (_, card):
            await card.personalise(UID, NEW_PURSE, INFO)
            await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
        keys, dump = tmp_path / "keys.mfd", tmp_path / "dump.mfd"
        keys.write_bytes(keys_file(UID))
        done = subprocess.run(
            ["nfc-mfclassic", "r", "a", "u", str(dump), str(keys)],
            env={
                **os.environ,
                "LIBNFC_DEFAULT_DEVICE": f"pn532_uart:{device.link}:115200",
            },
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert "64 of 64 blocks read" in done.stdout, done.stdout + done.stderr
        assert dump.read_bytes() == image_of(device)


@pytest.mark.parametrize("torn_as", TORN_AS)
@pytest.mark.parametrize("slot", [0, 1])
async def test_a_torn_top_up_leaves_the_old_purse_or_the_new(
    device: SimulatedReader, card: MifarePurseCard, slot: int, torn_as: str
) -> None:
    """Pulled at every command to the card, from either slot; then it is topped up."""
    await card.personalise(UID, NEW_PURSE, INFO)
    old = NEW_PURSE
    for _ in range(slot):
        old = topped_up(old, FEN)
        await card.write_purse(await card.read(UID), old)
    image, new = image_of(device), topped_up(old, FEN)
    for nth in tears(TOP_UP, torn_as):
        lay_down(device, image)
        reading = await card.read(UID)
        device.hand("tear", after_commands=nth, block=torn_as)
        error = CardGone if nth <= 2 else WriteNotConfirmed
        with pytest.raises(error):
            await card.write_purse(reading, new)
        device.hand("insert", uid=UID.hex())
        again = await card.read(UID)
        assert again.state is CardState.OURS
        # Blocks 0 and 1 mean nothing alone; block 2 is the whole write.
        is_new = nth > 5 or (nth == 5 and torn_as == "after")
        assert again.purse == (new if is_new else old)
        if again.purse == old:
            await card.write_purse(again, new)
        assert (await card.read(UID)).purse == new


async def test_what_is_said_to_the_card(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """The tear tests meet every command of an issue, a reading and a top-up."""
    device.hand("exchanges", clear=True)
    await card.personalise(UID, NEW_PURSE, INFO)
    assert said(device) == ISSUE
    reading = await card.read(UID)
    assert said(device) == READING
    await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    assert said(device) == TOP_UP


@pytest.mark.parametrize("torn_as", TORN_AS)
async def test_a_torn_issue_is_known_and_completed(
    device: SimulatedReader, card: MifarePurseCard, torn_as: str
) -> None:
    """Pulled at every command: blank or torn is completed, whole is whole.

    A trailer that became garbage is a lost chip, never a purse and never blank.
    """
    for nth in tears(ISSUE, torn_as):
        lay_down(device, blank_image(UID))
        device.hand("tear", after_commands=nth, block=torn_as)
        with pytest.raises(CardGone if nth == 1 else WriteNotConfirmed):
            await card.personalise(UID, NEW_PURSE, INFO)
        pulled = device.hand("state")["pulled"]
        device.hand("insert", uid=UID.hex())
        reading = await card.read(UID)
        if (
            torn_as == "garbage"
            and pulled["command"] == "A0"
            and pulled["block"] % 4 == 3
        ):
            assert reading.state in {CardState.FOREIGN, CardState.BOTH_BAD}
            with pytest.raises(CardBroken):
                await card.personalise(UID, NEW_PURSE, INFO)
            continue
        if reading.state is not CardState.OURS:
            assert reading.state in {CardState.BLANK, CardState.TORN_ISSUE}
            await card.personalise(UID, NEW_PURSE, INFO)
            reading = await card.read(UID)
        assert (reading.purse, reading.info) == (NEW_PURSE, INFO)


async def test_an_issue_torn_again_and_again_completes(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Each try gets one command further; the last one finds what they all left."""
    for nth in range(1, 2 * len(ISSUE)):
        device.hand("tear", after_commands=nth, block="after")
        with pytest.raises((CardGone, WriteNotConfirmed)):
            await card.personalise(UID, NEW_PURSE, INFO)
        device.hand("insert", uid=UID.hex())
        reading = await card.read(UID)
        if reading.state is CardState.OURS:
            break
        assert reading.state in {CardState.BLANK, CardState.TORN_ISSUE}
    assert reading.purse == NEW_PURSE


async def test_a_card_torn_while_it_is_read(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Pulled at every command it is gone, and lies there again unharmed."""
    await card.personalise(UID, NEW_PURSE, INFO)
    for nth in range(1, len(READING) + 1):
        device.hand("tear", after_commands=nth)
        with pytest.raises(CardGone):
            await card.read(UID)
        device.hand("insert", uid=UID.hex())
    assert (await card.read(UID)).purse == NEW_PURSE


async def test_a_reader_that_fails_before_a_top_up(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Before the first write it is just the reader: nothing is in doubt."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    device.hand("fault", kind="silent")
    with pytest.raises(DeviceUnavailable):
        await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    device.hand("fault", kind="none")
    assert (await card.read(UID)).purse == NEW_PURSE


class Troubled(Pn532Reader):
    """A reader that forgets writes and refuses keys as told."""

    forgets: frozenset[int] = frozenset()
    refuses: list[int]

    async def write_block(self, block: int, data: bytes) -> None:
        """Say that a block was written, also where it was not."""
        if block not in self.forgets:
            await super().write_block(block, data)

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Refuse a good key as often as told."""
        if block in self.refuses:
            self.refuses.remove(block)
            await super().authenticate(block, bytes(6), key_kind)
        await super().authenticate(block, key, key_kind)


@pytest.fixture
async def troubled(
    device: SimulatedReader,
) -> AsyncIterator[tuple[Troubled, MifarePurseCard]]:
    """Our purse over a reader that is not to be trusted."""
    async with opened(device, baud=921_600, kind=Troubled) as (reader, card):
        assert isinstance(reader, Troubled)
        reader.refuses = []
        yield reader, card


@pytest.mark.parametrize("block", [8, 9, 10])
async def test_a_write_that_reads_back_otherwise_is_in_doubt(
    troubled: tuple[Troubled, MifarePurseCard], block: int
) -> None:
    """The reader's word that a block was written is not enough."""
    reader, card = troubled
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    reader.forgets = frozenset({block})
    changed = replace(topped_up(NEW_PURSE, FEN), price_level=2)
    with pytest.raises(WriteNotConfirmed):
        await card.write_purse(reading, changed)


@pytest.mark.parametrize("block", [4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_an_issue_that_reads_back_otherwise_is_in_doubt(
    troubled: tuple[Troubled, MifarePurseCard], block: int
) -> None:
    """Slot A, both other sectors and every trailer are proved, slot A after them."""
    reader, card = troubled
    reader.forgets = frozenset({block})
    with pytest.raises((WriteNotConfirmed, KeyRefused)):
        await card.personalise(UID, NEW_PURSE, INFO)
    reader.forgets = frozenset()
    assert (await card.read(UID)).state in {CardState.BLANK, CardState.TORN_ISSUE}
    await card.personalise(UID, NEW_PURSE, INFO)
    assert (await card.read(UID)).purse == NEW_PURSE


@pytest.mark.parametrize("block", [4, 8, 12])
async def test_a_key_refused_by_noise_is_tried_again(
    troubled: tuple[Troubled, MifarePurseCard], block: int
) -> None:
    """One false refusal does not make the older slot the card's state."""
    reader, card = troubled
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    reader.refuses = [block]
    reading = await card.read(UID)
    assert (reading.purse, reading.info) == (topped_up(NEW_PURSE, FEN), INFO)


@pytest.mark.parametrize("block", [4, 8])
async def test_a_slot_that_stays_shut_is_not_passed_over(
    troubled: tuple[Troubled, MifarePurseCard], block: int
) -> None:
    """It may hold the newer purse: the reading says that it is not whole."""
    reader, card = troubled
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    assert (await card.read(UID)).whole
    reader.refuses = [block] * 4  # both keys, twice
    reading = await card.read(UID)
    assert reading.state is CardState.OURS
    assert not reading.whole


def spoilt(image: bytes, at: int) -> bytes:
    """Return an image with one byte changed."""
    return image[:at] + bytes([image[at] ^ 0xFF]) + image[at + 1 :]


@pytest.mark.parametrize(
    ("places", "state", "whole"),
    [
        ([100], CardState.OURS, True),  # the older slot's MAC
        ([200], CardState.OURS, True),  # the info: the purse stays good
        ([100, 160], CardState.BOTH_BAD, True),
        ([118], CardState.OURS, False),  # access bits of slot A's sector
        ([118, 160], CardState.BOTH_BAD, False),
        ([176, 100], CardState.BOTH_BAD, False),  # key A of slot B's sector
        ([112, 176, 240], CardState.FOREIGN, False),
        ([240], CardState.OURS, False),  # key A of the info sector
    ],
)
async def test_damage_has_a_name(
    device: SimulatedReader,
    card: MifarePurseCard,
    places: list[int],
    state: CardState,
    whole: bool,
) -> None:
    """Whatever byte is wrong, reading ends in a state and never in a traceback."""
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    image = image_of(device)
    for at in places:
        image = spoilt(image, at)
    lay_down(device, image)
    reading = await card.read(UID)
    assert (reading.state, reading.whole) == (state, whole)
    if state is CardState.OURS:
        assert reading.purse == topped_up(NEW_PURSE, FEN)


async def test_the_older_slot_alone_is_not_the_whole_card(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """The newer slot's sector is dead: its elder is shown, and known as no proof."""
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    lay_down(device, spoilt(image_of(device), 176))  # key A of slot B's sector
    reading = await card.read(UID)
    assert (reading.purse, reading.whole) == (NEW_PURSE, False)


@pytest.mark.parametrize("at", [64, 128, 112, 176, 240])
async def test_a_used_card_is_not_blank(
    device: SimulatedReader, card: MifarePurseCard, at: int
) -> None:
    """Content in a slot's place or a key of somebody's: no issue is begun on it."""
    lay_down(device, spoilt(blank_image(UID), at))
    assert (await card.read(UID)).state is CardState.FOREIGN


async def test_an_issue_never_writes_over_a_purse(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """A card with money on it stops a second issue, in either slot."""
    await card.personalise(UID, NEW_PURSE, INFO)
    for _ in range(2):
        before = image_of(device)
        with pytest.raises(LocalProtocolError, match="holds a purse"):
            await card.personalise(UID, replace(NEW_PURSE, balance=0), INFO)
        assert image_of(device) == before
        await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))


async def test_a_card_at_the_end_of_its_counters(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Nothing is sent to a card that has no next number."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    assert reading.purse is not None
    device.hand("exchanges", clear=True)
    worn = replace(reading, purse=replace(reading.purse, gen=0xFFFFFF))
    for at_end, purse in (
        (worn, NEW_PURSE),
        (reading, replace(NEW_PURSE, wseq=1 << 16)),
    ):
        with pytest.raises(CounterExhausted):
            await card.write_purse(at_end, purse)
    assert device.hand("exchanges")["totals"]["count"] == 0


async def test_a_purse_needs_a_card_of_ours(card: MifarePurseCard) -> None:
    """Writing a purse to a blank card is our own bug and says so."""
    with pytest.raises(LocalProtocolError, match="has none"):
        await card.write_purse(await card.read(UID), NEW_PURSE)


async def test_info_is_written_alone(card: MifarePurseCard) -> None:
    """A changed plate leaves the purse as it is."""
    await card.personalise(UID, NEW_PURSE, INFO)
    changed = replace(INFO, plate="苏B54321")
    await card.write_info(UID, changed)
    reading = await card.read(UID)
    assert (reading.purse, reading.info) == (NEW_PURSE, changed)


# A new card's key is tried first; what is empty already is not written.
EMPTYING = [["60", "61", "30", "30", "30", *SLOT], ["60", "61", "30", "30", "30"]]
GIVING_BACK = ["60", "61", "A0", "60", "30", "30", "30"]
COPY_TO_SLOT_A = ["61", "A0", "A0", "A0", "30", "30", "30"]


def wipe_of(slot: int) -> list[str]:
    """Return what is said to a card whose purse is in this slot when it is wiped."""
    used, new = EMPTYING
    if slot:
        return [*READING, *COPY_TO_SLOT_A, *used * 3, *GIVING_BACK * 3]
    return [*READING, *new, *used * 2, *GIVING_BACK * 3]


@pytest.mark.parametrize("torn_as", TORN_AS)
@pytest.mark.parametrize("slot", [0, 1])
async def test_a_torn_wipe_is_done_again(
    device: SimulatedReader, card: MifarePurseCard, slot: int, torn_as: str
) -> None:
    """Pulled at every command: the purse that was read or none, and never another.

    A trailer that became garbage is a lost chip, as in an issue.
    """
    await card.personalise(UID, NEW_PURSE, INFO)
    held = NEW_PURSE
    for _ in range(slot):
        held = topped_up(held, FEN)
        await card.write_purse(await card.read(UID), held)
    image = image_of(device)
    commands = wipe_of(slot)
    states = set()
    for nth in tears(commands, torn_as):
        lay_down(device, image)
        reading = await card.read(UID)
        device.hand("tear", after_commands=nth, block=torn_as)
        with pytest.raises(CardGone if nth <= len(READING) else WriteNotConfirmed):
            await card.wipe(reading)
        pulled = device.hand("state")["pulled"]
        device.hand("insert", uid=UID.hex())
        again = await card.read(UID)
        is_trailer = pulled["command"] == "A0" and pulled["block"] % 4 == 3
        if is_trailer and torn_as == "garbage":
            assert again.state in {CardState.BOTH_BAD, CardState.FOREIGN}
            assert again.purse is None
            continue
        states.add(again.state)
        assert again.purse == (held if again.state is CardState.OURS else None)
        await card.wipe(again)
        assert image_of(device) == blank_image(UID)
    assert CardState.TORN_ISSUE in states
    assert CardState.BOTH_BAD not in states
    assert (CardState.OURS in states) == (slot == 1 or torn_as == "before")


@pytest.mark.parametrize("slot", [0, 1])
async def test_a_wiped_card_is_new(
    device: SimulatedReader, card: MifarePurseCard, slot: int
) -> None:
    """Every byte is as the factory made it, and the card is issued again."""
    await card.personalise(UID, NEW_PURSE, INFO)
    for _ in range(slot):
        await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    reading = await card.read(UID)
    device.hand("exchanges", clear=True)
    await card.wipe(reading)
    assert said(device) == wipe_of(slot)
    assert image_of(device) == blank_image(UID)
    assert (await card.read(UID)).state is CardState.BLANK
    await card.personalise(UID, NEW_PURSE, INFO)
    assert (await card.read(UID)).purse == NEW_PURSE


async def test_a_card_that_changed_since_is_not_wiped(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Money that came on the card after the reading is not wiped away."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    image = image_of(device)
    with pytest.raises(CardNotAsRead):
        await card.wipe(reading)
    assert image_of(device) == image


@pytest.mark.parametrize("place", [176, 240])
async def test_a_card_with_a_dead_sector_is_not_wiped(
    device: SimulatedReader, card: MifarePurseCard, place: int
) -> None:
    """What stands behind a sector that does not open may be the newer purse."""
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    image = spoilt(image_of(device), place)
    lay_down(device, image)
    with pytest.raises(CardNotAsRead):
        await card.wipe(await card.read(UID))
    assert image_of(device) == image


async def test_a_card_without_a_purse_is_wiped_or_named(
    device: SimulatedReader, card: MifarePurseCard
) -> None:
    """Both copies bad, a dead sector, and a card of somebody else."""
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    both_bad = spoilt(spoilt(image_of(device), 100), 160)
    lay_down(device, both_bad)
    await card.wipe(await card.read(UID))
    assert image_of(device) == blank_image(UID)
    for image, error in (
        (spoilt(spoilt(both_bad, 176), 186), CardBroken),  # both keys of slot B
        (spoilt(both_bad, 182), CardBroken),  # its access bits,
        (spoilt(blank_image(UID), 64), KeyRefused),
    ):
        lay_down(device, image)
        with pytest.raises(error):
            await card.wipe(await card.read(UID))
        assert image_of(device) == image
