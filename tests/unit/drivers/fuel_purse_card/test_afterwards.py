"""A fuel card that changed since it was read, or has come to its end."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from cngstation.drivers.fuel_purse_card import LAST_ON_LINE
from cngstation.drivers.purse_card import (
    CardNotAsRead,
    WriteNotConfirmed,
)
from cngstation.errors import (
    LocalProtocolError,
)
from cngstation.protocols.card_image.purse import (
    CardState,
    CounterExhausted,
    GreyMark,
)
from tests.fuel_cards import (
    FUEL_UID,
    MOMENT,
    dispenser,
)
from tests.unit.drivers.fuel_purse_card.stand import INFO, NEW, Stand, loaded, moved


async def test_a_wiped_card_is_issued_again_from_its_counters(stand: Stand) -> None:
    """The new life counts from one, whatever the chip has counted before."""
    await stand.purse_card.wipe(await stand.issued())
    assert (await stand.issued()).purse == NEW
    assert stand.memory.on_line == 3


async def test_an_issue_over_a_wipe_that_was_cut_off_takes_the_money_first(
    stand: Stand,
) -> None:
    """The old balance never becomes part of the new one."""
    reading = await stand.issued()
    stand.reader.tear = 7, True  # selected, proved, challenged, marked
    with pytest.raises(WriteNotConfirmed):
        await stand.purse_card.wipe(reading)
    stand.reader.tear = None
    assert (await stand.read()).state is CardState.TORN_ISSUE
    assert stand.memory.balance == 50_000
    await stand.purse_card.personalise(FUEL_UID, replace(NEW, balance=100), INFO)
    assert (await stand.read()).purse == replace(NEW, balance=100)


async def test_info_is_written_alone(stand: Stand) -> None:
    """Plate, price and limits change; purse and counters stay."""
    await stand.issued()
    info = replace(INFO, plate="苏B99999", price_fen=455, limit_per_fill_yuan=0)
    await stand.purse_card.write_info(FUEL_UID, info)
    reading = await stand.read()
    assert (reading.purse, reading.info) == (NEW, info)
    stand.reader.heads()
    await stand.purse_card.write_info(FUEL_UID, info)
    assert "04d6" not in stand.reader.heads()
    with pytest.raises(LocalProtocolError, match="another number"):
        await stand.purse_card.write_info(FUEL_UID, replace(info, area_no="9999"))


async def test_an_old_reading_writes_nothing(stand: Stand) -> None:
    """A card that was loaded or locked since is refused, whoever read it last."""
    reading = await stand.issued()
    await loaded(100)(stand.purse_card, reading)
    before = asdict(stand.memory)
    with pytest.raises(CardNotAsRead):
        await loaded(100)(stand.purse_card, reading)
    newer = await stand.read()
    dispenser().lock(stand.reader.card, MOMENT)
    with pytest.raises(CardNotAsRead):
        await loaded(100)(stand.purse_card, newer)
    with pytest.raises(CardNotAsRead):
        await stand.purse_card.wipe(newer)
    assert stand.memory.balance == before["balance"]


async def test_a_grey_card_is_not_wiped(stand: Stand) -> None:
    """A debt does not vanish with the card."""
    reading = await stand.grey()
    before = asdict(stand.memory)
    with pytest.raises(CardNotAsRead):
        await stand.purse_card.wipe(reading)
    assert asdict(stand.memory) == before


@pytest.mark.parametrize("changes", [
    {"wseq": 1}, {"wseq": 3}, {"pseq": 1}, {"balance": -1}, {"card_no": "99999999"},
    {"payment_mode": 1}, {"grey": GreyMark("14320000", 1, 5)},
])  # fmt: skip
async def test_a_change_that_no_counter_makes_is_refused(
    stand: Stand, changes: dict[str, Any]
) -> None:
    """Before anything is sent."""
    reading = await stand.issued()
    stand.reader.heads()
    with pytest.raises(LocalProtocolError):
        await stand.purse_card.write_purse(reading, replace(moved(NEW, 0), **changes))
    assert stand.reader.heads() == []


async def test_a_worn_card_is_refused_before_its_counter_ends(stand: Stand) -> None:
    """It can still be read with proof, and wiped."""
    await stand.issued()
    stand.memory.on_line = LAST_ON_LINE
    reading = await stand.read()
    with pytest.raises(CounterExhausted):
        await loaded(1)(stand.purse_card, reading)
    assert stand.memory.balance == 50_000
    await stand.purse_card.wipe(reading)
    assert (await stand.read()).state is CardState.BLANK


@pytest.mark.parametrize("changes", [
    {"card_no": "99999999"}, {"payment_mode": 1}, {"wseq": 2}, {"balance": -1},
])  # fmt: skip
async def test_an_issue_that_does_not_fit_the_card_is_refused(
    stand: Stand, changes: dict[str, Any]
) -> None:
    """Another number, mode or counter: nothing is written."""
    before = asdict(stand.memory)
    with pytest.raises(LocalProtocolError):
        await stand.purse_card.personalise(FUEL_UID, replace(NEW, **changes), INFO)
    assert asdict(stand.memory) == before


async def test_a_card_with_a_purse_is_not_issued(stand: Stand) -> None:
    """Its money would be gone."""
    await stand.issued()
    before = asdict(stand.memory)
    with pytest.raises(LocalProtocolError, match="holds a purse"):
        await stand.purse_card.personalise(FUEL_UID, NEW, INFO)
    assert asdict(stand.memory) == before
