"""A DESFire card of an older key, on a reader of a station that has another one."""

import pytest

from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.drivers.purse_card import CardReading
from cngstation.drivers.versioned_cards import NamedKeys, VersionedCards
from cngstation.protocols.card_image.purse import CardState
from tests.desfire_field import UID, DesfireField
from tests.issued_cards import INFO, NEW_PURSE

NEWER = bytes(range(16))


async def _allowed() -> None:
    """Hold no write up."""


@pytest.fixture
def versioned(field: DesfireField, card: DesfirePurseCard) -> VersionedCards:
    """The purse by the newer key, else by the older one."""
    newer = DesfirePurseCard(field, NEWER)
    return VersionedCards([NamedKeys(newer, "2"), NamedKeys(card, "1")], _allowed)


async def test_one_that_was_taken_back_is_issued_again(
    card: DesfirePurseCard, versioned: VersionedCards
) -> None:
    """It keeps its application: empty it is a new card with the older keys."""
    await card.personalise(UID, NEW_PURSE, INFO)
    await versioned.wipe(await versioned.read(UID))
    found = await versioned.read(UID)
    assert (found.state, found.key_version) == (CardState.BLANK, "1")
    await versioned.personalise(UID, NEW_PURSE, INFO)
    found = await versioned.read(UID)
    assert (found.purse, found.key_version) == (NEW_PURSE, "1")


async def test_a_new_one_that_was_refused_once_gets_the_newer_key(
    card: DesfirePurseCard,
    versioned: VersionedCards,
    field: DesfireField,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A weak field refuses a card now and then."""
    newer = DesfirePurseCard(field, NEWER)
    refusals = [CardReading(CardState.FOREIGN, UID)]
    read = newer.read

    async def weak(uid: bytes, *, selected: bool = False) -> CardReading:
        return refusals.pop() if refusals else await read(uid, selected=selected)

    monkeypatch.setattr(newer, "read", weak)
    cards = VersionedCards([NamedKeys(newer, "2"), NamedKeys(card, "1")], _allowed)
    found = await cards.read(UID)
    assert (found.state, found.key_version) == (CardState.BLANK, "2")
    await cards.personalise(UID, NEW_PURSE, INFO)
    found = await versioned.read(UID)
    assert (found.purse, found.key_version) == (NEW_PURSE, "2")
