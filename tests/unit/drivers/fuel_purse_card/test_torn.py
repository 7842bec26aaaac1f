"""A fuel card that is pulled away at every command, done or not."""

from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.purse_card import (
    WriteNotConfirmed,
)
from cngstation.errors import (
    DeviceError,
    StationError,
)
from cngstation.protocols.card_image.purse import (
    CardState,
    Purse,
)
from tests.fuel_cards import (
    FUEL_UID,
)
from tests.unit.drivers.fuel_purse_card.stand import (
    CHANGING,
    INFO,
    NEW,
    Act,
    Stand,
    loaded,
    moved,
    relabelled,
)

ACTS: dict[str, tuple[bool, Act, Purse | None]] = {
    "load": (False, loaded(12_345), moved(NEW, 12_345)),
    "unload": (False, loaded(-700), moved(NEW, -700)),
    "relabel": (
        False, relabelled,
        replace(moved(NEW, 0), price_level=5, cylinder_due=None),
    ),
    "free": (True, loaded(-700), replace(moved(NEW, -700), pseq=1)),
}  # fmt: skip


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("name", ACTS)
async def test_a_torn_write_is_told_by_the_counter(
    tmp_path: Path, name: str, done: bool
) -> None:
    """Pulled at each command: as before or as after, and the counter says which."""
    is_grey, act, after = ACTS[name]
    nth, seen = 0, set()
    while True:
        nth += 1
        stand = Stand(tmp_path / f"{nth}")
        before = await (stand.grey() if is_grey else stand.issued())
        stand.reader.heads()
        stand.reader.tear = nth, done
        try:
            await act(stand.purse_card, before)
        except StationError as error:
            told = error
        else:
            break
        began = any(apdu.startswith(CHANGING) for apdu in stand.reader.said)
        assert isinstance(told, WriteNotConfirmed if began else CardGone)
        stand.reader.tear = None
        stand.purse_card = stand.new_purse_card()
        again = await stand.read()
        assert again.purse is not None
        assert before.purse is not None
        counted = again.purse.wseq - before.purse.wseq
        assert counted in {0, 1}
        if counted:
            assert again.purse == after
        else:
            seen_money = (again.purse.balance, again.purse.grey)
            assert seen_money == (before.purse.balance, before.purse.grey)
            await act(stand.purse_card, again)
            assert (await stand.read()).purse == after
        seen.add(counted)
    assert seen == {0, 1}
    assert nth > 8


@pytest.mark.parametrize("done", [False, True])
async def test_a_torn_issue_is_gone_on_with(tmp_path: Path, done: bool) -> None:
    """Pulled at each command: blank, torn or whole; the same issue makes it whole."""
    nth, states = 0, set()
    while True:
        nth += 1
        stand = Stand(tmp_path / f"{nth}")
        stand.memory.on_line = 7
        await stand.read()
        stand.reader.heads()
        stand.reader.tear = nth, done
        try:
            await stand.purse_card.personalise(FUEL_UID, NEW, INFO)
        except StationError as error:
            told = error
        else:
            break
        began = any(apdu.startswith(CHANGING) for apdu in stand.reader.said)
        assert isinstance(told, WriteNotConfirmed if began else DeviceError)
        stand.reader.tear = None
        stand.purse_card = stand.new_purse_card()
        again = await stand.read()
        states.add(again.state)
        if again.state is not CardState.OURS:
            assert again.purse is None
            await stand.purse_card.personalise(FUEL_UID, NEW, INFO)
            again = await stand.read()
        assert (again.purse, again.info) == (NEW, INFO)
        assert (stand.memory.balance, stand.memory.on_line) == (50_000, 8)
    assert states == {CardState.BLANK, CardState.TORN_ISSUE, CardState.OURS}


@pytest.mark.parametrize("done", [False, True])
async def test_a_torn_wipe_is_done_again(tmp_path: Path, done: bool) -> None:
    """Pulled at each command: the purse that was read, or none; then a new card."""
    nth, states = 0, set()
    while True:
        nth += 1
        stand = Stand(tmp_path / f"{nth}")
        reading = await stand.issued()
        stand.reader.tear = nth, done
        try:
            await stand.purse_card.wipe(reading)
        except StationError:
            stand.reader.tear = None
        else:
            break
        stand.purse_card = stand.new_purse_card()
        again = await stand.read()
        states.add(again.state)
        assert again.purse == (NEW if again.state is CardState.OURS else None)
        await stand.purse_card.wipe(again)
        again = await stand.read()
        assert (again.state, stand.memory.balance) == (CardState.BLANK, 0)
    unset = {name: "ff" * len(bytes.fromhex(stand.memory.files[name]))
             for name in ("16", "1C", "0D")}  # fmt: skip
    assert {name: stand.memory.files[name] for name in unset} == unset
    assert states >= {CardState.OURS, CardState.TORN_ISSUE}
