"""A DESFire card that contradicts itself, is of somebody else or fails."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.drivers.card_reader import CardGone, CardTraits, KeyRefused
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
)
from cngstation.protocols.desfire.status import CardReported
from cngstation.simulators.virtual_desfire import new_application
from tests.desfire_field import UID, DesfireField
from tests.issued_cards import INFO, MASTER, NEW_PURSE, topped_up
from tests.unit.drivers.desfire_purse_card.purses import (
    AFTER,
    COMMIT,
    FEN,
    at_every_frame,
    change_stored,
    our_file,
    purse_on,
    said,
    value_on,
)


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
