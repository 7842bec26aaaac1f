"""The purse's layout byte by byte, and that nothing else than ours is taken for it."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.protocols.card_image.purse import (
    CardInfo,
    CounterExhausted,
    GreyMark,
    Purse,
    choose_slot,
    contradicts,
    decode_info,
    decode_slot,
    encode_info,
    encode_slot,
)

KEYS = CardKeys(bytes(range(16)), bytes.fromhex("DEADBEEF"))
OTHER = CardKeys(bytes(range(16)), bytes.fromhex("DEADBEF0"))
PURSE = Purse(
    kind=1,
    payment_mode=0,
    price_level=2,
    card_no="01000042",
    cylinder_due="2028-01-31",
    balance=-5,
    recharged_total=10_000,
    consumed_total=9_000,
    grey=GreyMark("51010001", 7, 66),
    gen=3,
    wseq=2,
    pseq=9,
)
INFO = CardInfo("5101", 450, "川A12345", 200, 500)


def digits(count: int) -> st.SearchStrategy[str]:
    """Return so many decimal digits."""
    return st.text("0123456789", min_size=count, max_size=count)


u32 = st.integers(0, 2**32 - 1)
byte = st.integers(0, 255)
purses = st.builds(
    Purse,
    kind=byte,
    payment_mode=byte,
    price_level=byte,
    card_no=digits(8),
    cylinder_due=st.none()
    | st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(date.isoformat),
    balance=st.integers(-(2**31), 2**31 - 1),
    recharged_total=u32,
    consumed_total=u32,
    grey=st.none() | st.builds(GreyMark, digits(8), byte, st.integers(1, 2**32 - 1)),
    gen=st.integers(0, 0xFFFFFF),
    wseq=st.integers(0, 0xFFFF),
    pseq=st.integers(0, 0xFFFFFF),
)


def test_every_byte_has_its_place() -> None:
    """The layout is pinned: dispensers of the field read the same card."""
    data = encode_slot(PURSE, KEYS)
    assert data[:16].hex() == "01010002" + "01000042" + "280131" + "07" + "51010001"
    assert data[16:32].hex() == "fbffffff" + "10270000" + "28230000" + "42000000"
    assert data[32:40].hex() == "030000" + "0200" + "090000"
    assert data[40:] == KEYS.mac(data[:40])
    assert len(data) == 48


def test_the_info_has_its_places() -> None:
    """Area, price, plate in GB18030, limits; the MAC has a domain of its own."""
    data = encode_info(INFO, KEYS)
    assert data[:4].hex() == "5101" + "c201"
    assert data[4:13] == "川A12345".encode("gb18030") + b"\0"
    assert data[13:18].hex() == "c800" + "00" + "f401"
    assert not any(data[18:40])
    assert data[40:] == KEYS.mac(b"I" + data[:40])


@settings(max_examples=60, deadline=None)
@given(purses)
def test_every_purse_comes_back(purse: Purse) -> None:
    """What is written is what is read."""
    assert decode_slot(encode_slot(purse, KEYS), KEYS) == purse


@settings(max_examples=60, deadline=None)
@given(purses, st.integers(0, 48 * 8 - 1))
def test_one_flipped_bit_is_no_purse(purse: Purse, bit: int) -> None:
    """Version and MAC cover every bit of a slot."""
    data = bytearray(encode_slot(purse, KEYS))
    data[bit // 8] ^= 1 << bit % 8
    assert decode_slot(bytes(data), KEYS) is None


@settings(max_examples=80, deadline=None)
@given(st.binary(min_size=0, max_size=64))
def test_noise_is_neither_purse_nor_info(data: bytes) -> None:
    """Garbage of any length is refused without an exception."""
    assert decode_slot(data, KEYS) is None
    assert decode_info(data, KEYS) is None


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        CardInfo,
        digits(4),
        st.integers(0, 0xFFFF),
        st.text("川京使领学A1B", max_size=12),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
    )
)
def test_every_info_comes_back(info: CardInfo) -> None:
    """A plate too long is cut at a whole character, all else comes back."""
    found = decode_info(encode_info(info, KEYS), KEYS)
    assert found is not None
    assert replace(found, plate=info.plate) == info
    assert info.plate.startswith(found.plate)
    if len(info.plate.encode("gb18030")) <= 9:
        assert found.plate == info.plate


def test_a_slot_copied_to_another_chip_counts_not() -> None:
    """The MAC is bound to the UID; slot and info are never taken for each other."""
    assert decode_slot(encode_slot(PURSE, KEYS), OTHER) is None
    assert decode_info(encode_info(INFO, KEYS), OTHER) is None
    assert decode_info(encode_slot(PURSE, KEYS), KEYS) is None
    assert decode_slot(encode_info(INFO, KEYS), KEYS) is None


@pytest.mark.parametrize(
    "change",
    [
        {"balance": 2**31},
        {"balance": -(2**31) - 1},
        {"recharged_total": 2**32},
        {"consumed_total": -1},
        {"kind": 256},
        {"price_level": -1},
        {"card_no": "123"},
        {"card_no": "0100004a"},
        {"card_no": "１2345678"},
        {"cylinder_due": "31.01.2028"},
        {"cylinder_due": "1999-12-31"},
        {"cylinder_due": "2100-01-01"},
        {"grey": GreyMark("51010001", 7, 0)},
        {"grey": GreyMark("5101", 7, 1)},
        {"grey": GreyMark("51010001", 256, 1)},
        {"wseq": -1},
    ],
)
def test_what_no_card_holds_is_our_own_fault(change: dict[str, object]) -> None:
    """A figure that would be stored as another one is never sent."""
    with pytest.raises(LocalProtocolError):
        encode_slot(replace(PURSE, **change), KEYS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"price_fen": 0x10000}, {"area_no": "51"}, {"limit_per_day_yuan": -1}],
)
def test_an_info_that_no_card_holds_is_our_own_fault(change: dict[str, object]) -> None:
    """The info is held to its layout as the purse is."""
    with pytest.raises(LocalProtocolError):
        encode_info(replace(INFO, **change), KEYS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"gen": 0x1000000}, {"wseq": 0x10000}, {"pseq": 0x1000000}]
)
def test_a_counter_past_its_end_is_a_refusal(change: dict[str, int]) -> None:
    """Counters never wrap: the card is replaced instead."""
    with pytest.raises(CounterExhausted, match="01000042"):
        encode_slot(replace(PURSE, **change), KEYS)


def resealed(offset: int, content: bytes) -> bytes:
    """Return a slot with other bytes under a MAC that fits."""
    data = bytearray(encode_slot(PURSE, KEYS))
    data[offset : offset + len(content)] = content
    return bytes(data[:40]) + KEYS.mac(bytes(data[:40]))


@pytest.mark.parametrize(
    ("offset", "content"),
    [(0, b"\2"), (4, b"\xab"), (8, b"\x28\x13\x01"), (8, b"\xaa"), (12, b"\xff")],
)
def test_a_fitting_mac_over_what_we_never_write(offset: int, content: bytes) -> None:
    """Another version, a number or a date that is none: not a slot of ours."""
    assert decode_slot(resealed(offset, content), KEYS) is None


def test_an_area_that_is_no_number_is_no_info() -> None:
    """A fitting MAC does not make hexadecimal digits an area."""
    data = bytearray(encode_info(INFO, KEYS))
    data[0] = 0xAB
    sealed = bytes(data[:40]) + KEYS.mac(b"I" + bytes(data[:40]))
    assert decode_info(sealed, KEYS) is None


def test_the_newer_slot_counts() -> None:
    """The higher generation of two valid slots, the only valid one, or none."""
    old, new = replace(PURSE, gen=3), replace(PURSE, gen=4)
    assert choose_slot(None, None) is None
    assert choose_slot(old, None) == 0
    assert choose_slot(None, old) == 1
    assert choose_slot(old, new) == 1
    assert choose_slot(new, old) == 0
    assert choose_slot(old, old) == 0


@pytest.mark.parametrize(
    ("spare", "expected"),
    [
        (encode_slot(replace(PURSE, gen=4), KEYS), True),
        (encode_slot(replace(PURSE, gen=3, balance=1), KEYS), True),
        (encode_slot(replace(PURSE, gen=3), KEYS), False),
        (encode_slot(replace(PURSE, gen=2, balance=1), KEYS), False),
        (encode_slot(replace(PURSE, gen=4), KEYS)[:-1] + b"\0", False),
        (bytes(48), False),
        (b"", False),
    ],
)
def test_a_sealed_slot_contradicts(spare: bytes, expected: bool) -> None:
    """A newer or a second state under our MAC does; an older one and a tear do not."""
    used = encode_slot(replace(PURSE, gen=3), KEYS)
    assert contradicts(spare, used, KEYS) is expected
