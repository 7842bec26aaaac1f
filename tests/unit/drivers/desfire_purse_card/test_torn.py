"""A DESFire card that is pulled away in every frame, or loses an answer."""

from dataclasses import replace

import pytest

from cngstation.drivers.card_reader import CardGone
from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.drivers.purse_card import (
    CardNotAsRead,
    WriteNotConfirmed,
)
from cngstation.errors import (
    DeviceUnavailable,
    StationError,
)
from cngstation.protocols.card_image.purse import (
    CardState,
)
from cngstation.simulators.card_field import TornBlock
from cngstation.simulators.virtual_desfire import DesfireInField
from tests.desfire_field import UID, DesfireField
from tests.issued_cards import INFO, NEW_PURSE, topped_up
from tests.unit.drivers.desfire_purse_card.purses import (
    AFTER,
    BEFORE,
    FEN,
    ISSUE,
    TOP_UP,
    at_every_frame,
    purse_on,
    said,
    value_on,
)


@pytest.mark.parametrize("torn", [BEFORE, AFTER])
@pytest.mark.parametrize("fen", [FEN, -FEN, 0])
async def test_a_torn_write_is_old_or_new(
    field: DesfireField, card: DesfirePurseCard, torn: TornBlock, fen: int
) -> None:
    """Pulled in every frame: all of it or nothing, and only the commit is in doubt."""
    await card.personalise(UID, NEW_PURSE, INFO)
    field.remove()
    content = field.content()
    new = replace(NEW_PURSE, balance=NEW_PURSE.balance + fen, gen=2, wseq=2)
    frames = TOP_UP.split() if fen else TOP_UP.replace(" 0C", "").split()
    commit = frames.index("C7") + 1

    async def act() -> None:
        await card.write_purse(reading, new)

    async def check(nth: int, code: int, error: StationError) -> None:
        assert isinstance(error, CardGone if nth < commit else WriteNotConfirmed)
        is_new = nth > commit or (nth == commit and torn is AFTER)
        assert await purse_on(card) == (new if is_new else NEW_PURSE)
        assert value_on(field) == (new if is_new else NEW_PURSE).balance
        again = await card.read(UID)
        if not is_new:
            await card.write_purse(again, new)
        assert await purse_on(card) == new
        assert value_on(field) == new.balance

    field.restore(content)
    reading = await card.read(UID)
    await at_every_frame(field, content, act, check, frames=len(frames), torn=torn)


@pytest.mark.parametrize("torn", [BEFORE, AFTER])
async def test_a_torn_issue_is_done_again(
    field: DesfireField, card: DesfirePurseCard, torn: TornBlock
) -> None:
    """Pulled in every frame: blank, torn or whole; a second try ends it."""
    states = set()

    async def act() -> None:
        await card.personalise(UID, NEW_PURSE, INFO)

    async def check(nth: int, code: int, error: StationError) -> None:
        assert isinstance(error, WriteNotConfirmed)
        found = await card.read(UID)
        states.add(found.state)
        if found.state is not CardState.OURS:
            assert found.purse is None
            await card.personalise(UID, NEW_PURSE, INFO)
            found = await card.read(UID)
        assert (found.purse, found.info, found.whole) == (NEW_PURSE, INFO, True)
        assert value_on(field) == NEW_PURSE.balance

    field.remove()
    await at_every_frame(
        field, field.content(), act, check, frames=len(ISSUE.split()), torn=torn
    )
    assert states == {CardState.BLANK, CardState.TORN_ISSUE, CardState.OURS}


async def test_an_issue_torn_again_and_again_completes(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Each try gets a lasting step further and finds what the ones before it left."""
    for nth in range(1, 2 * len(ISSUE.split())):
        field.pull_at(nth, AFTER)
        with pytest.raises(WriteNotConfirmed):
            await card.personalise(UID, NEW_PURSE, INFO)
        field.insert()
        reading = await card.read(UID)
        if reading.state is CardState.OURS:
            break
    assert (reading.purse, reading.info) == (NEW_PURSE, INFO)


@pytest.mark.parametrize("torn", [BEFORE, AFTER])
async def test_a_torn_wipe_holds_all_or_nothing(
    field: DesfireField, card: DesfirePurseCard, torn: TornBlock
) -> None:
    """Pulled in every frame: the purse that was read, or a blank card."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    said(field)
    await card.wipe(reading)
    frames = said(field).split()
    states = []

    async def act() -> None:
        await card.wipe(reading)

    async def check(nth: int, code: int, error: StationError) -> None:
        again = await card.read(UID)
        states.append(again.state)
        if again.state is CardState.OURS:
            assert again.purse == NEW_PURSE
            assert value_on(field) == NEW_PURSE.balance
            await card.wipe(again)
        assert (await card.read(UID)).state is CardState.BLANK
        assert value_on(field) == 0
        await card.personalise(UID, NEW_PURSE, INFO)
        assert await purse_on(card) == NEW_PURSE

    await card.personalise(UID, NEW_PURSE, INFO)
    field.remove()
    await at_every_frame(
        field, field.content(), act, check, frames=len(frames), torn=torn
    )
    assert set(states) == {CardState.OURS, CardState.BLANK}
    assert states == sorted(states, key=lambda state: state is CardState.BLANK)


async def test_a_wipe_of_a_card_torn_in_its_issue(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """It is set up to its end and sealed: blank, and issued like any."""
    field.pull_at(ISSUE.split().index("CB") + 2, BEFORE)
    with pytest.raises(WriteNotConfirmed):
        await card.personalise(UID, NEW_PURSE, INFO)
    field.insert()
    torn = await card.read(UID)
    assert torn.state is CardState.TORN_ISSUE
    await card.wipe(torn)
    assert (await card.read(UID)).state is CardState.BLANK
    await card.personalise(UID, NEW_PURSE, INFO)
    assert await purse_on(card) == NEW_PURSE


async def test_a_lost_answer_of_a_commit_is_looked_up(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """The card is still there and shows that it was written: the act is done."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    field.sent.clear()
    field.loses_answer_of = TOP_UP.split().index("C7") + 1
    await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    assert await purse_on(card) == topped_up(NEW_PURSE, FEN)


@pytest.mark.parametrize("nth", range(1, len(TOP_UP.split()) - 2))
async def test_a_lost_answer_before_the_commit_changes_nothing(
    field: DesfireField, card: DesfirePurseCard, nth: int
) -> None:
    """Whatever the card heard by then it forgets with its next selection."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    field.sent.clear()
    field.loses_answer_of = nth
    field.error = lambda: DeviceUnavailable(device="reader", why="gone")
    with pytest.raises(DeviceUnavailable):
        await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    field.insert()
    assert await purse_on(card) == NEW_PURSE
    assert value_on(field) == NEW_PURSE.balance


async def test_a_card_that_keeps_nothing_is_found_out(
    field: DesfireField, card: DesfirePurseCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It confirms the commit and reads back as before: in doubt, never done."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    monkeypatch.setattr(DesfireInField, "store", lambda self, image: None)
    with pytest.raises(WriteNotConfirmed):
        await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    with pytest.raises(WriteNotConfirmed):
        await card.write_info(UID, replace(INFO, plate="苏B54321"))


async def test_a_reading_older_than_the_card_writes_nothing(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """What something else wrote since is neither written over nor wiped."""
    await card.personalise(UID, NEW_PURSE, INFO)
    old = await card.read(UID)
    filled = replace(NEW_PURSE, balance=7_000, pseq=1, gen=2)
    await card.write_purse(old, filled)
    with pytest.raises(CardNotAsRead):
        await card.write_purse(old, topped_up(NEW_PURSE, FEN))
    with pytest.raises(CardNotAsRead):
        await card.wipe(old)
    assert await purse_on(card) == filled
    assert value_on(field) == 7_000


async def test_a_fill_between_the_two_looks_of_a_wipe_stops_it(
    field: DesfireField, card: DesfirePurseCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record must still stand when the session that writes begins."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    filled = replace(NEW_PURSE, balance=7_000, pseq=1, gen=2)
    await card.write_purse(reading, filled)

    async def as_before(uid: bytes, **_: object) -> object:
        return reading

    monkeypatch.setattr(card, "read", as_before)
    with pytest.raises(CardNotAsRead):
        await card.wipe(reading)
    monkeypatch.undo()
    assert await purse_on(card) == filled
