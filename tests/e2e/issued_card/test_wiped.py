"""A card that is wiped on the simulated reader, and torn in it."""

import pytest

from cngstation.drivers.card_reader import CardGone, KeyRefused
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import (
    CardBroken,
    CardNotAsRead,
    WriteNotConfirmed,
)
from cngstation.protocols.card_image.purse import (
    CardState,
)
from cngstation.simulators.virtual_card import blank_image
from tests.e2e.issued_card.card_on_reader import (
    FEN,
    READING,
    SLOT,
    TORN_AS,
    image_of,
    lay_down,
    said,
    spoilt,
    tears,
)
from tests.issued_cards import (
    INFO,
    NEW_PURSE,
    UID,
    topped_up,
)
from tests.simulated_devices import SimulatedReader

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
