"""Our card's bytes: keys, access conditions, slots and info against fixed vectors."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_image import access_bits
from cngstation.protocols.card_image.diversification import CardKeys, diversify
from cngstation.protocols.card_image.purse import (
    CardInfo,
    CounterExhausted,
    GreyMark,
    Purse,
    choose_slot,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)

NXP_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
KEYS = CardKeys(bytes(range(16)), bytes.fromhex("deadbeef"))
PURSE = Purse(
    kind=1, payment_mode=0, price_level=2, card_no="20000017",
    cylinder_due="2027-03-31", balance=-150, recharged_total=20_000,
    consumed_total=20_150, grey=GreyMark("32010007", 3, 4711), gen=7, wseq=4, pseq=9,
)  # fmt: skip
INFO = CardInfo("3201", 412, "苏A12345", 300, 900)

purses = st.builds(
    Purse,
    kind=st.integers(0, 255),
    payment_mode=st.integers(0, 255),
    price_level=st.integers(0, 255),
    card_no=st.from_regex(r"[0-9]{8}", fullmatch=True),
    cylinder_due=st.one_of(
        st.none(),
        st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(str),
    ),
    balance=st.integers(-(2**31), 2**31 - 1),
    recharged_total=st.integers(0, 2**32 - 1),
    consumed_total=st.integers(0, 2**32 - 1),
    grey=st.one_of(
        st.none(),
        st.builds(
            GreyMark,
            st.from_regex(r"[0-9]{8}", fullmatch=True),
            st.integers(0, 255),
            st.integers(1, 2**32 - 1),
        ),
    ),
    gen=st.integers(0, 0xFFFFFF),
    wseq=st.integers(0, 0xFFFF),
    pseq=st.integers(0, 0xFFFFFF),
)


@pytest.mark.parametrize(
    ("given_hex", "key"),
    [
        ("04782e21801d803042f54e585020416275", "a8dd63a3b89d54b37ca802473fda9175"),
        ("00", "281049d52ecbc8f60961993d34de3d54"),
        (bytes(range(15)).hex(), "5a3c7f6f0687f24f82dee7eda0970d08"),
        (bytes(range(31)).hex(), "21c28cd89bb3147f66c7dbd4851cab20"),
    ],
)
def test_published_diversified_keys(given_hex: str, key: str) -> None:
    """AN10922's own vector, and inputs of 1, 15 and 31 bytes."""
    assert diversify(NXP_KEY, bytes.fromhex(given_hex)).hex() == key


@pytest.mark.parametrize("length", [0, 32])
def test_inputs_that_cannot_be_diversified(length: int) -> None:
    """Nothing, and more than two blocks, are refused."""
    with pytest.raises(ValueError, match="1 to 31"):
        diversify(NXP_KEY, bytes(length))


def test_keys_differ_by_card_sector_and_kind() -> None:
    """No two of a card's keys are the same, nor two cards', and none is shown."""
    other = CardKeys(bytes(range(16)), bytes.fromhex("deadbee0"))
    made = {
        keys.sector_key(sector, kind)
        for keys in (KEYS, other)
        for sector in (1, 2, 3)
        for kind in "AB"
    }
    assert len(made) == 12
    assert repr(KEYS) == "CardKeys(...)"


@pytest.mark.parametrize(
    ("conditions", "access"),
    [
        ((0b000, 0b000, 0b000, 0b001), "ff0780"),
        ((0b100, 0b100, 0b100, 0b011), "787788"),
        ((0b110, 0b100, 0b100, 0b011), "687789"),
        ((0b110, 0b110, 0b110, 0b011), "08778f"),
    ],
)
def test_access_bytes(conditions: tuple[int, ...], access: str) -> None:
    """The four sets in use, both ways."""
    assert access_bits.encode(conditions).hex() == access
    assert access_bits.decode(bytes.fromhex(access)) == conditions


@given(st.integers(0, 23))
def test_a_trailer_with_a_flipped_access_bit_is_never_made(bit: int) -> None:
    """Bits that contradict their complements would lose the sector for ever."""
    access = bytearray(access_bits.PURSE_SECTOR)
    access[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="complements"):
        access_bits.trailer(bytes(6), bytes(access), bytes(6))


def test_a_trailer_with_a_short_key_is_never_made() -> None:
    """A key of another length would shift the access bytes."""
    with pytest.raises(ValueError, match="6 bytes"):
        access_bits.trailer(bytes(5), access_bits.PURSE_SECTOR, bytes(7))


def test_a_slot_byte_by_byte() -> None:
    """Every field stands where the layout says."""
    image = encode_slot(PURSE, KEYS)
    assert image[:40].hex() == (
        "01010002" "20000017" "270331" "03" "32010007"
        "6affffff" "204e0000" "b64e0000" "67120000"
        "070000" "0400" "090000"
    )  # fmt: skip
    assert image[40:] == KEYS.mac(image[:40])
    assert decode_slot(image, KEYS) == PURSE


@given(purses)
def test_a_slot_reads_as_it_was_written(purse: Purse) -> None:
    """Every purse that can be written reads back the same."""
    assert decode_slot(encode_slot(purse, KEYS), KEYS) == purse


@given(st.integers(0, 48 * 8 - 1))
def test_a_flipped_bit_makes_a_slot_not_count(bit: int) -> None:
    """The MAC covers every bit."""
    image = bytearray(encode_slot(PURSE, KEYS))
    image[bit // 8] ^= 1 << bit % 8
    assert decode_slot(bytes(image), KEYS) is None


def test_a_slot_of_another_card_does_not_count() -> None:
    """The MAC covers the UID: a copied slot is nothing."""
    other = CardKeys(bytes(range(16)), bytes.fromhex("deadbee0"))
    assert decode_slot(encode_slot(PURSE, KEYS), other) is None


def test_counters_end_before_they_turn_over() -> None:
    """One more than a counter holds is refused, not wrapped."""
    for over in ({"gen": 1 << 24}, {"wseq": 1 << 16}, {"pseq": 1 << 24}):
        with pytest.raises(CounterExhausted):
            encode_slot(replace(PURSE, **over), KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"balance": 1 << 31},
        {"recharged_total": -1},
        {"card_no": "1234567"},
        {"cylinder_due": "1999-12-31"},
        {"cylinder_due": "2100-01-01"},
        {"kind": 256},
    ],
)
def test_a_purse_that_no_card_holds_is_not_written(change: dict[str, object]) -> None:
    """A figure that does not fit stops the write instead of becoming another figure."""
    with pytest.raises(LocalProtocolError):
        encode_slot(replace(PURSE, **change), KEYS)  # type: ignore[arg-type]


def test_the_higher_generation_is_the_state() -> None:
    """Of two slots that count the later counts; of one, that one; of none, none."""
    newer = replace(PURSE, gen=8)
    assert choose_slot(PURSE, newer) == 1
    assert choose_slot(newer, PURSE) == 0
    assert choose_slot(None, PURSE) == 1
    assert choose_slot(PURSE, None) == 0
    assert choose_slot(None, None) is None


def test_info_byte_by_byte() -> None:
    """Area, price, plate in GB18030 and limits; the MAC is not a slot's."""
    image = encode_info(INFO, KEYS)
    assert image[:18].hex() == "32019c01cbd5413132333435002c01008403"
    assert decode_info(image, KEYS) == INFO
    assert decode_slot(image, KEYS) is None
    assert image[40:] != KEYS.mac(image[:40])


def test_a_long_plate_loses_whole_characters() -> None:
    """Nine bytes hold four and a half Chinese characters: four are kept."""
    image = encode_info(replace(INFO, plate="一二三四五六"), KEYS)
    shown = decode_info(image, KEYS)
    assert shown is not None
    assert shown.plate == "一二三四"
