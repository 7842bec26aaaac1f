"""A contactless fuel card on the serial reader: the same driver, over real frames."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.drivers.purse_card import WriteNotConfirmed
from cngstation.drivers.whichever_card import FuelCards, cards_on, counter_terminal
from cngstation.moments import SystemClock
from cngstation.protocols.card_image.purse import CardInfo, CardState, Purse
from tests.fuel_cards import FUEL_UID, NUMBER, counter_keys, memory_in, new_card
from tests.issued_cards import MASTER, QUICK, opened
from tests.simulated_devices import SimulatedReader, card_reader

INFO = CardInfo(NUMBER[4:8], 412, "苏A12345", 300, 900)
NEW = Purse(
    kind=3, payment_mode=0, price_level=2, card_no=NUMBER[8:],
    cylinder_due="2027-03-31", balance=50_000, recharged_total=0, consumed_total=0,
    grey=None, gen=0, wseq=1, pseq=0,
)  # fmt: skip


@pytest.fixture
def device(tmp_path: Path) -> Iterator[SimulatedReader]:
    """A quick reader with a fuel card beside it."""
    with card_reader(tmp_path, **QUICK) as device:
        new_card(device.cards)
        yield device


async def test_a_fuel_card_lives_on_the_serial_reader(device: SimulatedReader) -> None:
    """Issued, loaded, torn in its load after it was done, and read again."""
    fuel = FuelCards(counter_keys(), counter_terminal("03160001"), SystemClock())
    device.hand("insert", uid=FUEL_UID.hex())
    async with opened(device, baud=921_600) as (reader, _):
        card = cards_on(MASTER, fuel)(reader)
        assert await reader.find_card() == FUEL_UID
        assert reader.traits.historical == b"CNG1"
        assert (await card.read(FUEL_UID, selected=True)).state is CardState.BLANK
        await card.personalise(FUEL_UID, NEW, INFO)
        reading = await card.read(FUEL_UID)
        assert (reading.purse, reading.info) == (NEW, INFO)
        more = replace(NEW, balance=60_000, wseq=2)
        await card.write_purse(reading, more)
        reading = await card.read(FUEL_UID)
        assert reading.purse == more
        device.hand("pull_during_write", nth_write=1, block="after")
        most = replace(more, balance=65_000, wseq=3)
        with pytest.raises(WriteNotConfirmed):
            await card.write_purse(reading, most)
        assert device.hand("state")["pulled"]["command"] == "8052"
        device.hand("insert", uid=FUEL_UID.hex())
        assert (await card.read(FUEL_UID)).purse == most
    device.hand("remove")
    assert memory_in(new_card(device.cards)).balance == 65_000
