"""The dispenser's own reading of our DESFire card, against what the counter writes."""

from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import CardState, GreyMark
from cngstation.simulators import purse_in_slot, purse_on_desfire
from cngstation.simulators.purse_on_card import (
    CardInfo,
    CardRefused,
    CardTorn,
    Grey,
    Purse,
    changed,
)
from cngstation.simulators.virtual_cards import card_uids, hold_card, make_blank_card
from cngstation.simulators.virtual_desfire import DesfireInField
from tests.desfire_field import UID, DesfireField
from tests.issued_cards import INFO, MASTER, NEW_PURSE

GREY = Grey("32010007", 3, 4711)


@pytest.fixture
def field(tmp_path: Path) -> DesfireField:
    """A reader with a factory-new card."""
    return DesfireField(tmp_path)


@pytest.fixture
def counter(field: DesfireField) -> DesfirePurseCard:
    """The counter's driver on it."""
    return DesfirePurseCard(field, MASTER)


def in_slot(field: DesfireField) -> DesfireInField:
    """Take the card from the counter into a dispenser's slot."""
    if field.field.card is not None:
        field.remove()
    held = hold_card(field.folder, UID)
    assert isinstance(held, DesfireInField)
    return held


def dispensed(field: DesfireField) -> Purse:
    """Return the purse as a dispenser reads it; the card goes back to the counter."""
    with in_slot(field) as held:
        purse = purse_in_slot.read_purse(MASTER, held)
    field.insert()
    return purse


def both(held: DesfireInField) -> None:
    """Read all that a dispenser reads before a fill."""
    purse_in_slot.read_purse(MASTER, held)
    purse_in_slot.read_info(MASTER, held)


def test_both_derive_the_same_keys() -> None:
    """AN10922 of the same input, read twice."""
    keys = CardKeys(MASTER, UID)
    for key_no in range(3):
        ours = purse_on_desfire.application_key(MASTER, UID, key_no)
        assert ours == keys.application_key(b"CNG", key_no)


async def test_a_dispenser_reads_what_the_counter_wrote(
    field: DesfireField, counter: DesfirePurseCard
) -> None:
    """Every field of purse and info, at its place."""
    await counter.personalise(UID, NEW_PURSE, INFO)
    grey = replace(
        NEW_PURSE, balance=15_000, grey=GreyMark("32010007", 3, 4711), wseq=2, pseq=9
    )
    await counter.write_purse(await counter.read(UID), grey)
    with in_slot(field) as held:
        assert purse_in_slot.read_purse(MASTER, held) == Purse(
            kind=1, payment_mode=0, price_level=1, card_no="20000017",
            cylinder_due="270331", grey=GREY, balance=15_000, topped_up=10_000,
            consumed=0, gen=2, wseq=2, pseq=9,
        )  # fmt: skip
        assert purse_in_slot.read_info(MASTER, held) == CardInfo(
            "3201", 412, "苏A12345".encode("gb18030"), 300
        )


@pytest.mark.parametrize(("mode", "sign"), [(0, 1), (1, 1), (2, -1), (3, -1)])
async def test_a_fill_is_read_by_the_counter(
    field: DesfireField, counter: DesfirePurseCard, mode: int, sign: int
) -> None:
    """Grey first, then the debit; stored value goes down, what is owed goes up."""
    issued = replace(NEW_PURSE, payment_mode=mode)
    await counter.personalise(UID, issued, INFO)
    with in_slot(field) as held:
        purse = purse_in_slot.read_purse(MASTER, held)
        locked = changed(purse, balance=10_000, grey=GREY, pseq=1)
        purse_in_slot.write_purse(MASTER, held, locked)
        paid = changed(locked, balance=10_000 - sign * 3_000, grey=None, pseq=1)
        purse_in_slot.write_purse(MASTER, held, paid)
        assert held.image["applications"]["434e47"]["files"]["1"]["value"] == (
            sign * (10_000 - sign * 3_000)
        )
    field.insert()
    reading = await counter.read(UID)
    assert (reading.state, reading.whole) == (CardState.OURS, True)
    assert reading.purse == replace(
        issued, balance=10_000 - sign * 3_000, consumed_total=3_000, gen=3, pseq=1
    )


@pytest.mark.parametrize("tear_after", [0, 1, 2])
async def test_a_torn_fill_is_not_committed(
    field: DesfireField, counter: DesfirePurseCard, tear_after: int
) -> None:
    """Whenever the card leaves before the commit, it is as it was."""
    await counter.personalise(UID, NEW_PURSE, INFO)
    before = dispensed(field)
    with in_slot(field) as held:
        paid = changed(before, balance=7_000, grey=None, pseq=1)
        with pytest.raises(CardTorn):
            purse_in_slot.write_purse(MASTER, held, paid, tear_after=tear_after)
    field.insert()
    assert dispensed(field) == before
    reading = await counter.read(UID)
    assert (reading.purse, reading.whole) == (NEW_PURSE, True)


async def test_a_dispenser_never_adds(
    field: DesfireField, counter: DesfirePurseCard
) -> None:
    """Its key does not credit a value file."""
    await counter.personalise(UID, NEW_PURSE, INFO)
    with in_slot(field) as held:
        purse = purse_in_slot.read_purse(MASTER, held)
        more = changed(purse, balance=10_001, grey=None, pseq=1)
        with pytest.raises(CardRefused, match="credit"):
            purse_in_slot.write_purse(MASTER, held, more)
        assert purse_in_slot.read_purse(MASTER, held) == purse


async def test_what_a_dispenser_does_not_take(
    field: DesfireField, counter: DesfirePurseCard
) -> None:
    """Each of them has its word."""
    with in_slot(field) as held, pytest.raises(CardRefused, match="not_ours"):
        purse_in_slot.read_purse(MASTER, held)
    field.insert()
    await counter.personalise(UID, NEW_PURSE, INFO)
    with in_slot(field) as held:
        with pytest.raises(CardRefused, match="not_ours"):
            purse_in_slot.read_info(bytes(16), held)
        for file_no, change, word in (
            ("1", {"value": 10_001}, "value"),
            ("2", {"data": "00" * 48}, "mac"),
            ("3", {"data": "00" * 48}, "info_mac"),
        ):
            whole, spoilt = held.changed(), held.changed()
            spoilt["applications"]["434e47"]["files"][file_no].update(change)
            held.store(spoilt)
            with pytest.raises(CardRefused, match=word):
                both(held)
            held.store(whole)


def test_cards_of_both_kinds_are_listed(tmp_path: Path) -> None:
    """By UID, and nothing else that lies in the folder."""
    for uid in ("0C9A5501", "045A3BFA142880"):
        make_blank_card(tmp_path, bytes.fromhex(uid))
    (tmp_path / "0C9A5502.new").touch()
    assert card_uids(tmp_path) == ["0C9A5501", "045A3BFA142880"]
