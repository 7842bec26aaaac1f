"""Our purse on a virtual DESFire card: what is said to it, what it keeps."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cngstation.drivers.desfire_card import DesfireCard
from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.protocols.card_image import desfire_layout as layout
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    CardState,
)
from cngstation.protocols.desfire import commands
from cngstation.protocols.desfire.status import CardReported
from tests.desfire_field import UID, DesfireField
from tests.issued_cards import INFO, MASTER, NEW_PURSE, topped_up
from tests.unit.drivers.desfire_purse_card.purses import (
    FEN,
    ISSUE,
    READING,
    TOP_UP,
    change_stored,
    purse_on,
    said,
    value_on,
)


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
