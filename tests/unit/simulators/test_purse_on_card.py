"""The dispenser's own reading of the reference card layout."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.simulators.purse_on_card import (
    CardRefused,
    CardTorn,
    Grey,
    Purse,
    changed,
    decode_purse,
    diversify,
    encode_purse,
    read_info,
    read_purse,
    write_purse,
)
from cngstation.simulators.virtual_card import CardInField, card_path
from tests.unit.simulators.cards import MASTER, UID, block, info, issue, slot

AN10922_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ("04782e21801d803042f54e585020416275", "a8dd63a3b89d54b37ca802473fda9175"),
        ("00", "281049d52ecbc8f60961993d34de3d54"),
        (bytes(range(15)).hex(), "5a3c7f6f0687f24f82dee7eda0970d08"),
        (bytes(range(31)).hex(), "21c28cd89bb3147f66c7dbd4851cab20"),
    ],
)
def test_diversification_gives_the_published_keys(message: str, key: str) -> None:
    """AN10922 for messages of 1, 15, 17 and 31 bytes, both paddings."""
    assert diversify(AN10922_KEY, bytes.fromhex(message)).hex() == key


def test_diversification_takes_one_to_31_bytes() -> None:
    """A longer message would need a third block and is refused."""
    for message in (b"", bytes(32)):
        with pytest.raises(ValueError, match="1 to 31"):
            diversify(AN10922_KEY, message)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cards"


def in_field(folder: Path) -> CardInField:
    return CardInField(card_path(folder, UID))


def test_reads_every_field_of_a_slot(folder: Path) -> None:
    """Each field stands where the layout says."""
    issue(
        folder,
        gen=0x010203,
        wseq=0x0405,
        pseq=0x060708,
        balance=-5,
        topped_up=7,
        consumed=8,
        payment_mode=2,
        price_level=1,
        cylinder_due="271231",
        grey=(3, "03160001", 77),
    )
    with in_field(folder) as card:
        purse = read_purse(MASTER, card)
        about = read_info(MASTER, card)
    assert purse == Purse(
        kind=1,
        payment_mode=2,
        price_level=1,
        card_no="00010012",
        cylinder_due="271231",
        grey=Grey("03160001", 3, 77),
        balance=-5,
        topped_up=7,
        consumed=8,
        gen=0x010203,
        wseq=0x0405,
        pseq=0x060708,
        slot=0,
    )
    assert (about.area_no, about.price_fen) == ("5101", 398)
    assert about.plate == "川A12345".encode("gb18030")


def test_newest_valid_slot_wins(folder: Path) -> None:
    """A higher gen wins, unless its MAC does not fit."""
    newer = slot(UID, gen=2, balance=900)
    issue(folder, slot_b=newer)
    with in_field(folder) as card:
        assert read_purse(MASTER, card).balance == 900
    issue(folder, slot_b=newer[:-1] + bytes([newer[-1] ^ 1]))
    with in_field(folder) as card:
        assert read_purse(MASTER, card).balance == 10_000


def test_a_slot_of_another_version_is_not_read(folder: Path) -> None:
    """A right MAC over an unknown version does not make a slot valid."""
    issue(folder, version=2)
    with in_field(folder) as card, pytest.raises(CardRefused, match="mac"):
        read_purse(MASTER, card)


def test_foreign_keys_and_broken_macs_are_told_apart(folder: Path) -> None:
    """A foreign card is `not_ours`, a broken one `mac` or `info_mac`."""
    path = issue(folder, slot_a=bytes(48))
    with in_field(folder) as card, pytest.raises(CardRefused, match="mac"):
        read_purse(MASTER, card)
    issue(folder, sector_3=info(UID)[:-1] + b"\x00")
    with in_field(folder) as card, pytest.raises(CardRefused, match="info_mac"):
        read_info(MASTER, card)
    image = bytearray(path.read_bytes())
    image[64 + 48] ^= 1
    path.write_bytes(image)
    with in_field(folder) as card, pytest.raises(CardRefused, match="not_ours"):
        read_purse(MASTER, card)


def test_a_write_goes_to_the_stale_slot_in_order(folder: Path) -> None:
    """Blocks 8, 9, 10 are written in this order; slot A stays as it was."""
    issue(folder)
    before = [block(folder, n) for n in (4, 5, 6)]
    with in_field(folder) as card:
        purse = read_purse(MASTER, card)
        next_one = changed(purse, balance=9_000, grey=None, pseq=1)
        for blocks in (0, 1, 2):
            with pytest.raises(CardTorn):
                write_purse(MASTER, card, next_one, tear_after=blocks)
            written = [any(card.read_block(n)) for n in (8, 9, 10)]
            assert written == [n < blocks for n in range(3)]
            assert read_purse(MASTER, card) == purse
        write_purse(MASTER, card, next_one)
        assert read_purse(MASTER, card) == next_one
    expected = slot(UID, gen=2, pseq=1, balance=9_000, consumed=1_000)
    assert b"".join(block(folder, n) for n in (8, 9, 10)) == expected
    assert [block(folder, n) for n in (4, 5, 6)] == before


class DeafCard(CardInField):
    """A card that takes a write of its money block and keeps the old one."""

    def write_block(self, block: int, data: bytes) -> None:
        if block != 9:
            super().write_block(block, data)


def test_a_write_is_read_back(folder: Path) -> None:
    """A write that the card swallowed counts as torn."""
    issue(folder)
    with DeafCard(card_path(folder, UID)) as card:
        purse = read_purse(MASTER, card)
        with pytest.raises(CardTorn):
            write_purse(MASTER, card, changed(purse, balance=1, grey=None, pseq=1))


@given(
    balance=st.integers(-(2**31), 2**31 - 1),
    gen=st.integers(0, 2**24 - 1),
    pseq=st.integers(0, 2**24 - 1),
    trans_no=st.integers(1, 2**32 - 1),
    flipped=st.integers(0, 48 * 8 - 1),
)
def test_a_slot_reads_back_and_no_flipped_bit_does(
    balance: int, gen: int, pseq: int, trans_no: int, flipped: int
) -> None:
    """Encoding is reversible, and any one wrong bit makes the slot invalid."""
    purse = Purse(
        kind=1,
        payment_mode=0,
        price_level=2,
        card_no="00000001",
        cylinder_due="300101",
        grey=Grey("03160001", 9, trans_no),
        balance=balance,
        topped_up=2,
        consumed=3,
        gen=gen,
        wseq=5,
        pseq=pseq,
    )
    blocks = encode_purse(MASTER, UID, purse)
    assert decode_purse(MASTER, UID, blocks, 0) == purse
    broken = bytearray(b"".join(blocks))
    broken[flipped // 8] ^= 1 << flipped % 8
    torn = (bytes(broken[:16]), bytes(broken[16:32]), bytes(broken[32:]))
    assert decode_purse(MASTER, UID, torn, 0) is None
