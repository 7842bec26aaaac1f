"""A card that our driver issued on a simulated reader, as others read it."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.protocols.card_image.purse import (
    CardState,
    GreyMark,
)
from cngstation.simulators import purse_on_card
from cngstation.simulators.virtual_card import CardInField, blank_image
from tests.e2e.issued_card.card_on_reader import (
    FEN,
    image_of,
    take_out,
)
from tests.issued_cards import (
    INFO,
    MASTER,
    NEW_PURSE,
    UID,
    keys_file,
    opened,
    topped_up,
)
from tests.simulated_devices import SimulatedReader, card_reader


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
            timeout=120,
            check=False,
        )
        assert "64 of 64 blocks read" in done.stdout, done.stdout + done.stderr
        assert dump.read_bytes() == image_of(device)
