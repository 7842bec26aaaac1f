"""A reader that is not to be trusted, a card that is damaged or used."""

from dataclasses import replace

import pytest

from cngstation.drivers.card_reader import KeyRefused
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import (
    WriteNotConfirmed,
)
from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_image.purse import (
    CardState,
    CounterExhausted,
)
from cngstation.simulators.virtual_card import blank_image
from tests.e2e.issued_card.card_on_reader import (
    FEN,
    Troubled,
    image_of,
    lay_down,
    spoilt,
)
from tests.issued_cards import (
    INFO,
    NEW_PURSE,
    UID,
    topped_up,
)
from tests.simulated_devices import SimulatedReader


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
