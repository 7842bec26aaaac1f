"""Our purse on a virtual DESFire card that is pulled away in every frame."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.drivers.card_reader import CardGone, CardTraits, KeyRefused
from cngstation.drivers.desfire_card import DesfireCard
from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.drivers.purse_card import (
    CardMemoryBroken,
    CardNotAsRead,
    PurseCard,
    WriteNotConfirmed,
)
from cngstation.drivers.whichever_card import CardOfNoKind, cards_on
from cngstation.errors import (
    DeviceReported,
    DeviceUnavailable,
    LocalProtocolError,
    StationError,
)
from cngstation.protocols.card_image import desfire_layout as layout
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    LAST_GEN,
    CardState,
    CounterExhausted,
    GreyMark,
    Purse,
)
from cngstation.protocols.desfire import commands
from cngstation.protocols.desfire.status import CardReported
from cngstation.simulators.card_field import TornBlock
from cngstation.simulators.virtual_desfire import DesfireInField, new_application
from tests.desfire_field import UID, DesfireField
from tests.issued_cards import INFO, MASTER, NEW_PURSE, topped_up

FEN = 5_000
BEFORE, AFTER = TornBlock.BEFORE, TornBlock.AFTER
COMMIT = 0xC7
# What is said to the card: an issue, a reading, a top-up.
ISSUE = (
    "5A 6A 60 AF AF CA 5A"  # no application, no other one: made and selected
    " 64 6F 64 64 AA AF CC CB CB C4 C4 C4 5A"  # its files, its keys, its own key last
    " AA AF BD 3D AF 3D AF 6C 0C C7 6C BD BD"  # one commit, then read back
)
READING = "5A AA AF BD 6C BD"
TOP_UP = "5A AA AF BD 3D AF 6C 0C C7 6C BD"


@pytest.fixture
def field(tmp_path: Path) -> DesfireField:
    """A reader with a factory-new card."""
    return DesfireField(tmp_path)


@pytest.fixture
def card(field: DesfireField) -> DesfirePurseCard:
    """Our purse on it."""
    return DesfirePurseCard(field, MASTER)


def said(field: DesfireField) -> str:
    """Return what was said to the card, and forget it."""
    words = " ".join(f"{code:02X}" for code in field.sent)
    field.sent.clear()
    return words


def value_on(field: DesfireField) -> int:
    """Return what the value file holds; the card lies on the reader again after it."""
    field.remove()
    application = field.image()["applications"][layout.APPLICATION.hex()]
    field.insert()
    value: int = application["files"][str(layout.VALUE_FILE)]["value"]
    return value


async def purse_on(card: PurseCard) -> Purse:
    """Return the purse of a whole card."""
    reading = await card.read(UID)
    assert reading.state is CardState.OURS
    assert reading.whole
    assert reading.purse is not None
    return reading.purse


async def test_a_new_card_is_blank_and_known_for_what_it_is(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """No application is on it; the first generation knows no AES."""
    assert (await card.read(UID)).state is CardState.BLANK
    change_stored(field, lambda image: image.update(generation=0))
    assert (await card.read(UID)).state is CardState.FOREIGN


async def test_issue_top_up_and_debit(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Record and value move together, up and down and below zero."""
    await card.personalise(UID, NEW_PURSE, INFO)
    assert said(field) == ISSUE
    reading = await card.read(UID)
    assert said(field) == READING
    assert (reading.purse, reading.info) == (NEW_PURSE, INFO)
    await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    assert said(field) == TOP_UP
    assert value_on(field) == NEW_PURSE.balance + FEN
    for balance in (1, 70_000, -300, 0):
        purse = replace(await purse_on(card), balance=balance)
        await card.write_purse(await card.read(UID), purse)
        assert await purse_on(card) == replace(purse, gen=purse.gen + 1)
        assert value_on(field) == balance


async def test_a_change_without_money_leaves_the_value(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """A price level is the record alone; nothing is credited or debited."""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    said(field)
    await card.write_purse(reading, replace(NEW_PURSE, price_level=2))
    assert said(field) == TOP_UP.replace(" 0C", "")
    assert value_on(field) == NEW_PURSE.balance


async def test_on_credit_cards_a_fill_is_a_debit_too(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """What is owed stands below zero in the value file."""
    owing = replace(NEW_PURSE, payment_mode=2, balance=0)
    await card.personalise(UID, owing, INFO)
    await card.write_purse(await card.read(UID), replace(owing, balance=4_000))
    assert (await purse_on(card)).balance == 4_000
    assert value_on(field) == -4_000


async def test_no_key_of_a_new_application_is_left(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Three keys, all ours, no two alike."""
    await card.personalise(UID, NEW_PURSE, INFO)
    field.remove()
    application = field.image()["applications"][layout.APPLICATION.hex()]
    keys = [bytes.fromhex(key) for key, version in application["keys"] if version == 1]
    ours = CardKeys(MASTER, UID)
    assert keys == [ours.application_key(layout.APPLICATION, n) for n in range(3)]
    assert len(set(keys)) == 3


async def test_a_dispenser_takes_and_never_adds(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Key 2 debits and writes the record; credit and info need key 1."""
    await card.personalise(UID, NEW_PURSE, INFO)
    talker, keys = DesfireCard(field), CardKeys(MASTER, UID)

    async def as_dispenser(act: Callable[[Any], Any]) -> None:
        await talker.select(UID)
        await talker.talk(commands.select_application(layout.APPLICATION))
        session = await talker.shown(keys, layout.DISPENSER_KEY)
        await talker.talk(act(session))
        await talker.talk(commands.commit(session), changes_card=True)

    await as_dispenser(lambda s: commands.move_value(s, layout.VALUE_FILE, -100))
    assert value_on(field) == NEW_PURSE.balance - 100
    await as_dispenser(lambda s: commands.write_data(s, layout.RECORD_FILE, b"\1"))
    for forbidden in (
        lambda s: commands.move_value(s, layout.VALUE_FILE, 100),
        lambda s: commands.write_data(s, layout.INFO_FILE, b"\1"),
    ):
        with pytest.raises(CardReported, match="AEh"):
            await as_dispenser(forbidden)


async def at_every_frame(
    field: DesfireField,
    content: bytes,
    act: Callable[[], Awaitable[None]],
    check: Callable[[int, int, StationError], Awaitable[None]],
    *,
    frames: int,
    torn: TornBlock,
) -> None:
    """Pull the card in each frame of an act that starts from the same card."""
    for nth in range(1, frames + 1):
        field.restore(content)
        field.sent.clear()
        field.pull_at(nth, torn)
        with pytest.raises(StationError) as failed:
            await act()
        pulled_in = field.sent[nth - 1]
        field.insert()
        await check(nth, pulled_in, failed.value)


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


def change_stored(
    field: DesfireField, change: Callable[[dict[str, Any]], None]
) -> None:
    """Change what the card holds behind everybody's back."""
    if field.field.card is not None:
        field.remove()
    with DesfireInField(field.folder / f"{UID.hex().upper()}.desfire") as held:
        image = held.changed()
        change(image)
        held.store(image)
    field.insert()


def our_file(image: dict[str, Any], file_no: int) -> dict[str, Any]:
    """Return a file of our application."""
    application = image["applications"][layout.APPLICATION.hex()]
    file: dict[str, Any] = application["files"][str(file_no)]
    return file


async def test_a_value_that_contradicts_the_record_is_shown_and_never_written(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Who moved one alone is not known: the card is read, and not whole."""
    await card.personalise(UID, NEW_PURSE, INFO)
    change_stored(
        field, lambda image: our_file(image, layout.VALUE_FILE).update(value=9)
    )
    reading = await card.read(UID)
    assert (reading.state, reading.purse) == (CardState.OURS, NEW_PURSE)
    assert not reading.whole
    for act in (
        card.write_purse(reading, topped_up(NEW_PURSE, FEN)),
        card.wipe(reading),
    ):
        with pytest.raises(CardNotAsRead):
            await act
    assert value_on(field) == 9


@pytest.mark.parametrize(
    ("record", "value", "state"),
    [
        ("5a" * 48, 0, CardState.BOTH_BAD),
        ("00" * 48, 5, CardState.BOTH_BAD),
        ("00" * 48, 0, CardState.TORN_ISSUE),
        ("00" * 47 + "01", 0, CardState.BOTH_BAD),
        (None, 5, CardState.BOTH_BAD),
        (None, 0, CardState.BLANK),
    ],
)
async def test_a_record_without_a_purse(
    field: DesfireField,
    card: DesfirePurseCard,
    record: str | None,
    value: int,
    state: CardState,
) -> None:
    """Never written, wiped, or damaged; with money beside it, damaged."""
    await card.personalise(UID, NEW_PURSE, INFO)
    sealed = layout.nothing(CardKeys(MASTER, UID)).hex()

    def change(image: dict[str, Any]) -> None:
        our_file(image, layout.RECORD_FILE).update(data=record or sealed)
        our_file(image, layout.VALUE_FILE).update(value=value)

    change_stored(field, change)
    assert (await card.read(UID)).state is state


async def test_cards_of_others_are_foreign_and_not_taken_over(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Another company's keys, another application, a card that lists none."""
    await card.personalise(UID, NEW_PURSE, INFO)
    field.remove()
    of_another_company = field.content()
    stranger = DesfirePurseCard(field, bytes(16))

    def other_application(image: dict[str, Any]) -> None:
        image["applications"] = {"010203": new_application(0x0F, 1)}

    for prepare in (
        lambda: field.restore(of_another_company),
        lambda: change_stored(field, other_application),
    ):
        prepare()
        found = await stranger.read(UID)
        assert found.state is CardState.FOREIGN
        content = field.content()
        with pytest.raises(KeyRefused):
            await stranger.personalise(UID, NEW_PURSE, INFO)
        with pytest.raises(KeyRefused):
            await stranger.wipe(found)
        assert field.content() == content


async def test_an_application_of_our_number_with_the_keys_of_somebody_else(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Neither our key nor a new one opens it: foreign, whatever its versions say."""
    held = new_application(layout.SETTINGS, 3)
    held["keys"] = [["11" * 16, version] for version in (0, 1, 1)]
    change_stored(
        field,
        lambda image: image["applications"].update({layout.APPLICATION.hex(): held}),
    )
    assert (await card.read(UID)).state is CardState.FOREIGN
    with pytest.raises(KeyRefused):
        await card.personalise(UID, NEW_PURSE, INFO)


async def test_an_issue_never_writes_over_a_purse(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """A card with money on it stops a second issue."""
    await card.personalise(UID, NEW_PURSE, INFO)
    content = field.content()
    with pytest.raises(LocalProtocolError, match="holds a purse"):
        await card.personalise(UID, replace(NEW_PURSE, balance=0), INFO)
    assert field.content() == content


async def test_what_cannot_be_written_is_refused_before_the_card_is_touched(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """Counters at their end, figures without room, a card without a purse."""
    blank = await card.read(UID)
    said(field)
    with pytest.raises(LocalProtocolError, match="has none"):
        await card.write_purse(blank, NEW_PURSE)
    for purse, info in (
        (replace(NEW_PURSE, balance=2**40), INFO),
        (NEW_PURSE, replace(INFO, price_fen=2**20)),
    ):
        with pytest.raises(LocalProtocolError):
            await card.personalise(UID, purse, info)
    assert said(field) == ""
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    said(field)
    worn = replace(reading, purse=replace(NEW_PURSE, gen=LAST_GEN))
    with pytest.raises(CounterExhausted):
        await card.write_purse(worn, NEW_PURSE)
    assert said(field) == ""


async def test_info_is_written_alone(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """A changed plate leaves purse and value; torn, it is the old or the new one."""
    await card.personalise(UID, NEW_PURSE, INFO)
    field.remove()
    content = field.content()
    field.restore(content)
    new = replace(INFO, plate="苏B54321")
    said(field)
    await card.write_info(UID, new)
    frames = said(field).split()
    reading = await card.read(UID)
    assert (reading.purse, reading.info) == (NEW_PURSE, new)

    async def act() -> None:
        await card.write_info(UID, new)

    async def check(nth: int, code: int, error: StationError) -> None:
        found = await card.read(UID)
        assert found.purse == NEW_PURSE
        assert found.info == (new if nth >= frames.index("C7") + 1 else INFO)

    await at_every_frame(field, content, act, check, frames=len(frames), torn=AFTER)


async def test_the_grey_mark_comes_with_the_reading(
    field: DesfireField, card: DesfirePurseCard
) -> None:
    """An unpaid fill on the card is read with its place and number."""
    await card.personalise(UID, NEW_PURSE, INFO)
    grey = GreyMark("32010007", 3, 4711)
    await card.write_purse(await card.read(UID), replace(NEW_PURSE, grey=grey))
    assert (await purse_on(card)).grey == grey


class SayingField(DesfireField):
    """A card that answers one command as told."""

    answers: dict[int, bytes]

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Answer as told, or as the card does."""
        if apdu[1] in self.answers:
            return self.answers[apdu[1]]
        return await super().transmit(apdu, changes_card=changes_card)


@pytest.mark.parametrize("code", [0xCA, 0xCB, 0xC4, 0x3D])
@pytest.mark.parametrize("status", [0x0E, 0xEE])
async def test_a_chip_that_cannot_hold_a_purse_is_named(
    tmp_path: Path, code: int, status: int
) -> None:
    """Full or broken, it says so itself; the issue is not begun again."""
    field = SayingField(tmp_path)
    field.answers = {code: bytes([0x91, status])}
    card = DesfirePurseCard(field, MASTER)
    with pytest.raises(CardMemoryBroken):
        await card.personalise(UID, NEW_PURSE, INFO)


async def test_a_purse_on_a_chip_that_fails_is_in_doubt_and_not_given_up(
    tmp_path: Path,
) -> None:
    """The chip says that its memory failed in the commit, or in a wipe: look again."""
    field = SayingField(tmp_path)
    field.answers = {}
    card = DesfirePurseCard(field, MASTER)
    await card.personalise(UID, NEW_PURSE, INFO)
    reading = await card.read(UID)
    field.answers = {COMMIT: b"\x91\xee"}
    with pytest.raises(WriteNotConfirmed):
        await card.write_purse(reading, topped_up(NEW_PURSE, FEN))
    field.answers = {0x3D: b"\x91\xee"}
    with pytest.raises(WriteNotConfirmed):
        await card.wipe(reading)
    field.answers = {0xAA: b"\x91\xee"}
    with pytest.raises(DeviceReported):
        await card.read(UID)
    field.answers = {0xBD: b"\x91\xf0"}
    assert (await card.read(UID)).state is CardState.BOTH_BAD
    field.answers = {0xBD: b"\x91\xee"}
    with pytest.raises(CardReported):
        await card.read(UID)
    field.answers = {0x5A: b"\x91\xcd"}
    assert (await card.read(UID)).state is CardState.FOREIGN


class OtherTraits(SayingField):
    """A card of another kind, which says nothing sensible to a DESFire command."""

    has_sectors = False
    is_mute = False

    @property
    def traits(self) -> CardTraits:
        """As told."""
        return CardTraits(has_sectors=self.has_sectors, takes_apdus=True)

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Refuse the class of the command, or say nothing."""
        if self.is_mute:
            self.selected = False
            raise CardGone
        return b"\x6e\x00"


@pytest.mark.parametrize("is_mute", [False, True])
@pytest.mark.parametrize("has_sectors", [False, True])
async def test_a_bank_card_is_foreign(
    tmp_path: Path, is_mute: bool, has_sectors: bool
) -> None:
    """Whether it refuses what it does not know, or falls silent."""
    field = OtherTraits(tmp_path)
    field.is_mute, field.has_sectors = is_mute, has_sectors
    card = cards_on(MASTER)(field)
    await field.find_card()
    assert (await card.read(UID, selected=True)).state is CardState.FOREIGN
    with pytest.raises((KeyRefused, CardOfNoKind, CardGone)):
        await card.personalise(UID, NEW_PURSE, INFO)
    field.remove()
    with pytest.raises(CardGone):
        await card.read(UID)


async def test_services_need_not_know_the_technology(field: DesfireField) -> None:
    """Every act of the port reaches a DESFire card by itself."""
    card: PurseCard = cards_on(MASTER)(field)
    assert (await card.read(UID)).state is CardState.BLANK
    await card.personalise(UID, NEW_PURSE, INFO)
    await card.write_purse(await card.read(UID), topped_up(NEW_PURSE, FEN))
    await card.write_info(UID, replace(INFO, area_no="9999"))
    reading = await card.read(UID)
    assert reading.purse == topped_up(NEW_PURSE, FEN)
    assert reading.info == replace(INFO, area_no="9999")
    await cards_on(MASTER)(field).wipe(reading)
    assert (await card.read(UID)).state is CardState.BLANK


async def test_a_card_that_was_not_heard_once_is_not_foreign(
    field: DesfireField,
) -> None:
    """The first answer is lost in a weak field: it is asked again."""
    field.loses_answer_of = 1
    card = cards_on(MASTER)(field)
    await field.find_card()
    assert (await card.read(UID, selected=True)).state is CardState.BLANK
