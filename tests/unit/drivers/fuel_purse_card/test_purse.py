"""Our purse on a fuel card: issue, load, unload, unlock, and what is refused."""

from dataclasses import asdict, replace

import pytest

from cngstation.drivers.purse_card import (
    CardReading,
)
from cngstation.errors import (
    LocalProtocolError,
)
from cngstation.protocols.card_image.purse import (
    CardState,
    GreyMark,
)
from tests.fuel_cards import (
    COUNTER_TERMINAL,
    FUEL_UID,
)
from tests.unit.drivers.fuel_purse_card.stand import (
    AREA_NO,
    CARD_NO,
    INFO,
    NEW,
    Stand,
    loaded,
    moved,
)


async def test_a_card_as_delivered_is_blank(stand: Stand) -> None:
    """It brings its number and says what it can be issued for."""
    reading = await stand.read()
    assert reading == CardReading(
        CardState.BLANK, FUEL_UID, whole=True,
        own_key=AREA_NO + CARD_NO, modes=frozenset({0}),
    )  # fmt: skip


async def test_an_issued_card_is_ours_with_its_figures(stand: Stand) -> None:
    """All of purse and info come back, the counters from the issue on."""
    stand.memory.on_line, stand.memory.off_line = 7, 3
    reading = await stand.issued()
    assert (reading.state, reading.purse, reading.info) == (CardState.OURS, NEW, INFO)
    assert (reading.whole, reading.own_key) == (True, AREA_NO + CARD_NO)
    assert (stand.memory.on_line, stand.memory.balance) == (8, 50_000)


async def test_an_issue_without_money_counts_too(stand: Stand) -> None:
    """A load of nothing moves the counter, and that ends the issue."""
    await stand.purse_card.personalise(FUEL_UID, replace(NEW, balance=0), INFO)
    reading = await stand.read()
    assert (reading.state, reading.purse) == (CardState.OURS, replace(NEW, balance=0))


@pytest.mark.parametrize("fen", [12_345, 0, -50_000])
async def test_a_write_moves_balance_and_counter(stand: Stand, fen: int) -> None:
    """A load, one of nothing, and an unload: read back as written, nothing else."""
    reading = await stand.issued()
    stand.reader.heads()
    await loaded(fen)(stand.purse_card, reading)
    begin, end = ("8050", "8054") if fen < 0 else ("8050", "8052")
    proof = ["e0ca", "e07a", "8050"]
    assert stand.reader.heads() == ["00a4", "0020", *proof, begin, end, *proof]
    assert (await stand.read()).purse == moved(NEW, fen)
    log = stand.memory.log[0]
    assert log[-26:-14] == COUNTER_TERMINAL.hex()


async def test_a_card_says_for_what_it_is_grey(stand: Stand) -> None:
    """Station and nozzle are the terminal's, the number the off-line counter's."""
    reading = await stand.grey()
    grey = GreyMark(station_no="14320000", gun=1, trans_no=0)
    assert reading.purse == replace(NEW, grey=grey, pseq=1)


@pytest.mark.parametrize("owed", [0, 12_345, 50_000])
async def test_a_grey_card_is_freed_by_a_counter(stand: Stand, owed: int) -> None:
    """What is owed is debited and the grey mark goes, in one command."""
    reading = await stand.grey()
    await loaded(-owed)(stand.purse_card, reading)
    assert (await stand.read()).purse == replace(
        NEW, balance=50_000 - owed, wseq=2, pseq=1
    )
    assert stand.memory.lock_state == 0


async def test_more_than_the_balance_is_not_debited(stand: Stand) -> None:
    """A debt above the balance is refused before anything is sent."""
    reading = await stand.grey()
    before = asdict(stand.memory)
    with pytest.raises(LocalProtocolError, match="below zero"):
        await loaded(-50_001)(stand.purse_card, reading)
    assert asdict(stand.memory) == before


async def test_a_grey_card_is_not_loaded(stand: Stand) -> None:
    """Nothing is sent: the card would refuse, and a debt is no top-up."""
    reading = await stand.grey()
    stand.reader.heads()
    with pytest.raises(LocalProtocolError, match="a load of a grey card"):
        await loaded(1)(stand.purse_card, reading)
    assert stand.reader.heads() == []


async def test_a_tac_that_nobody_fetched_stops_nothing(stand: Stand) -> None:
    """The counter reads and loads a card whose debit is done, and leaves its proof."""
    reading = await stand.grey()
    stand.memory.lock_proof = "10" + stand.memory.lock_proof[2:]
    reading = await stand.read()
    assert reading.purse == replace(NEW, pseq=1)
    await loaded(500)(stand.purse_card, reading)
    assert (await stand.read()).purse == replace(moved(NEW, 500), pseq=1)
    assert stand.memory.lock_state == 0x10
