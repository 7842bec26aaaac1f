"""Cards of another maker on a reader: read, topped up, never issued or wiped."""

from dataclasses import replace

import pytest

from cngstation.drivers.card_reader import CardReader, SectorsOnly
from cngstation.drivers.plain_purse_card import OnlyTopUps, PlainPurseCard
from cngstation.drivers.purse_card import (
    CardNotAsRead,
    CardReading,
    WriteNotConfirmed,
)
from cngstation.drivers.whichever_card import cards_on
from cngstation.protocols.card_image.purse import CardInfo, CardState
from cngstation.simulators import plain_card
from tests.issued_cards import NEW_PURSE
from tests.plain_cards import CARD_NO, PLAIN, UID, plain_chip
from tests.simulation.money_cards import MASTER_KEY, Chip, Fault, Reader

HELD = 10_000


class OfSectors(SectorsOnly, Reader):
    """A reader in memory that says what it can."""


def on_reader(chip: Chip) -> tuple[Reader, PlainPurseCard]:
    """Lay a chip on a reader."""
    reader = OfSectors()
    reader.put(chip)
    return reader, PlainPurseCard(reader, PLAIN)


async def read(chip: Chip) -> CardReading:
    """Read a chip."""
    return await on_reader(chip)[1].read(UID)


async def test_a_card_is_read_and_given_another_balance() -> None:
    """Its purse says that it has no counters."""
    chip = plain_chip(HELD)
    assert plain_card.fuel(chip, 1_000)
    reader, card = on_reader(chip)
    reading = await card.read(UID)
    purse = reading.purse
    assert purse is not None
    assert (reading.state, purse.card_no) == (CardState.OURS, CARD_NO)
    assert (purse.balance, purse.consumed_total, purse.counted) == (9_000, 1_000, False)
    await card.write_purse(reading, replace(purse, balance=12_000))
    assert plain_card.figures(chip) == (12_000, 1_000)
    assert reader.writes == 1


async def test_other_cards_are_not_taken_for_one() -> None:
    """New, of other keys, or empty under these keys: foreign. A bad sum: damaged."""
    assert (await read(Chip(UID))).state is CardState.FOREIGN
    empty = plain_chip(HELD)
    for block in (36, 37, 38):
        empty.write_block(block, bytes(16))
    assert (await read(empty)).state is CardState.FOREIGN
    damaged = plain_chip(HELD)
    damaged.image[16 * 37] ^= 1
    assert (await read(damaged)).state is CardState.BOTH_BAD


async def test_a_card_that_changed_since_is_not_written() -> None:
    """A dispenser was quicker: its fill would be lost."""
    chip = plain_chip(HELD)
    reader, card = on_reader(chip)
    reading = await card.read(UID)
    assert reading.purse is not None
    plain_card.fuel(chip, 1_000)
    with pytest.raises(CardNotAsRead):
        await card.write_purse(reading, replace(reading.purse, balance=15_000))
    assert plain_card.figures(chip) == (9_000, 1_000)
    assert reader.writes == 0


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.TORN, Fault.NOT_HEARD])
async def test_a_write_that_is_not_confirmed_says_so(fault: Fault) -> None:
    """Whatever the card holds now."""
    reader, card = on_reader(plain_chip(HELD))
    reading = await card.read(UID)
    assert reading.purse is not None
    reader.arm(fault, 0, writes=True)
    with pytest.raises(WriteNotConfirmed):
        await card.write_purse(reading, replace(reading.purse, balance=15_000))


async def test_it_is_topped_up_and_nothing_else() -> None:
    """It belongs to another maker: no issue, no edit, no wipe."""
    chip = plain_chip(HELD)
    whole = chip.saved()
    _, card = on_reader(chip)
    info = CardInfo("0028", 0, "", 0, 0)
    reading = await card.read(UID)
    for act in (
        card.personalise(UID, NEW_PURSE, info),
        card.write_info(UID, info),
        card.wipe(reading),
    ):
        with pytest.raises(OnlyTopUps):
            await act
    assert chip.saved() == whole


async def test_it_is_found_beside_the_stations_own_cards() -> None:
    """On what looks new to us; without the layout it stays so, and a new card too."""
    reader: CardReader
    reader, _ = on_reader(plain_chip(HELD))
    known = cards_on(MASTER_KEY, None, PLAIN)(reader)
    reading = await known.read(UID)
    assert reading.state is CardState.OURS
    assert reading.purse is not None
    await known.write_purse(reading, replace(reading.purse, balance=11_000))
    with pytest.raises(OnlyTopUps):
        await known.personalise(UID, NEW_PURSE, CardInfo("0028", 0, "", 0, 0))
    assert (await cards_on(MASTER_KEY)(reader).read(UID)).state is CardState.BLANK
    reader, _ = on_reader(Chip(UID))
    blank = await cards_on(MASTER_KEY, None, PLAIN)(reader).read(UID)
    assert blank.state is CardState.BLANK
