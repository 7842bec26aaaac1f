"""A card that is pulled off the simulated reader at every command."""

import pytest

from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.purse_card import (
    CardBroken,
    WriteNotConfirmed,
)
from cngstation.errors import DeviceUnavailable
from cngstation.protocols.card_image.purse import (
    CardState,
)
from cngstation.simulators.virtual_card import blank_image
from tests.e2e.issued_card.card_on_reader import (
    FEN,
    ISSUE,
    READING,
    TOP_UP,
    TORN_AS,
    image_of,
    lay_down,
    said,
    tears,
)
from tests.issued_cards import (
    INFO,
    NEW_PURSE,
    UID,
    topped_up,
)
from tests.simulated_devices import SimulatedReader


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
