"""What an ATR says, and the APDUs of PC/SC readers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.protocols.card_reader import pcsc

MIFARE_1K = bytes.fromhex("3B8F8001804F0CA000000306030001000000006A")
MIFARE_4K = bytes.fromhex("3B8F8001804F0CA0000003060300020000000069")
ULTRALIGHT = bytes.fromhex("3B8F8001804F0CA0000003060300030000000068")
ON_CONTACTS = bytes.fromhex("3B6400004B434F53")
T1_WITH_BYTES = bytes.fromhex("3BF2180002C10A31FE58C80974")


@pytest.mark.parametrize(
    ("atr", "historical", "storage", "sectors"),
    [
        (MIFARE_1K, "804f0ca00000030603000100000000", True, True),
        (MIFARE_4K, "804f0ca00000030603000200000000", True, True),
        (ULTRALIGHT, "804f0ca00000030603000300000000", True, False),
        (ON_CONTACTS, "4b434f53", False, False),
        (T1_WITH_BYTES, "c809", False, False),
        (bytes.fromhex("3B00"), "", False, False),
        (bytes.fromhex("3B"), "", False, False),
        (b"", "", False, False),
        (bytes.fromhex("3B8F80"), "", False, False),
    ],
)
def test_an_atr_tells_the_kind_of_card(
    atr: bytes, historical: str, storage: bool, sectors: bool
) -> None:
    """Historical bytes stand behind the interface bytes; storage cards are named."""
    found = pcsc.historical_bytes(atr)
    assert found.hex() == historical
    assert pcsc.is_storage(found) is storage
    assert pcsc.has_sectors(found) is sectors


@given(atr=st.binary(max_size=40))
def test_any_atr_is_read(atr: bytes) -> None:
    """A card says what it likes; what comes of it stands in it."""
    found = pcsc.historical_bytes(atr)
    assert len(found) <= 15
    assert found in atr


def test_the_readers_own_commands() -> None:
    """Byte by byte as PC/SC part 3 has them."""
    key = bytes.fromhex("A0A1A2A3A4A5")
    assert pcsc.load_key(key).hex() == "ff82000006a0a1a2a3a4a5"
    assert pcsc.open_sector(4, "A").hex() == "ff860000050100046000"
    assert pcsc.open_sector(4, "B").hex() == "ff860000050100046100"
    assert pcsc.read_block(4).hex() == "ffb0000410"
    assert pcsc.write_block(4, bytes(16)).hex() == "ffd6000410" + "00" * 16


@pytest.mark.parametrize(
    ("apdu", "sent"),
    [
        ("00A4040002 0102 10", "00A4040002 0102"),
        ("00A4040002 0102", "00A4040002 0102"),
        ("0084000004", "0084000004"),
        ("00840000", "00840000"),
    ],
)
def test_t0_has_no_room_for_an_expected_length(apdu: str, sent: str) -> None:
    """Data alone, or the length alone, never both."""
    assert pcsc.without_expected_length(bytes.fromhex(apdu)) == bytes.fromhex(sent)


@pytest.mark.parametrize(
    ("apdu", "answer", "next_one"),
    [
        ("00A40400020102", "6110", "00C0000010"),
        ("00B095001E", "6C10", "00B0950010"),
        ("00A40400020102", "6C10", None),
        ("00A40400020102", "9000", None),
        ("00A40400020102", "61109000", None),
    ],
)
def test_t0_asks_for_what_waits(apdu: str, answer: str, next_one: str | None) -> None:
    """61 has an answer ready, 6C names the length to ask again with."""
    wanted = pcsc.rest_wanted(bytes.fromhex(apdu), bytes.fromhex(answer))
    assert wanted == (None if next_one is None else bytes.fromhex(next_one))
