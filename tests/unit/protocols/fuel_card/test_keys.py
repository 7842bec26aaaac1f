"""Keys and codes of the fuel trade's CPU card: figures computed elsewhere."""

import pytest

from cngstation.protocols.fuel_card import keys
from cngstation.protocols.fuel_card.answers import (
    Kind,
    began_move_covers,
    began_unlock_covers,
    lock_covers,
    order_covers,
)

NUMBER = bytes.fromhex("1000000000000231")
TERMINAL = bytes.fromhex("143200000001")
MOMENT = bytes.fromhex("20150313124500")
RANDOM = bytes.fromhex("A1B2C3D4")
LOAD_MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
PURCHASE_MASTER = bytes.fromhex("F0E0D0C0B0A090807060504030201000")
UNLOCK_MASTER = bytes.fromhex("0F1E2D3C4B5A69788796A5B4C3D2E1F0")


def test_the_codes_of_a_load() -> None:
    """Card key, session key, MAC1 and MAC2 of a load of 100 yuan onto 123.45."""
    card_key = keys.diversify(LOAD_MASTER, NUMBER)
    assert card_key.hex() == "c104fa6af693a34c40e52e215dfdab84"
    session = keys.session_key(card_key, RANDOM, on_line=7)
    assert session.hex() == "88eeb3e1b6633c7c"
    began = began_move_covers(12_345, 10_000, Kind.LOAD, TERMINAL)
    assert keys.code(session, began).hex() == "a32d5fda"
    order = order_covers(10_000, Kind.LOAD, TERMINAL, MOMENT)
    assert keys.code(session, order).hex() == "0fe15e05"


@pytest.mark.parametrize(
    ("levels", "session", "mac1"),
    [(1, "acb124ffa348a988", "86948ca2"), (2, "5cf4065a6e614de1", "ce5a0541")],
)
def test_the_code_of_a_grey_lock(levels: int, session: str, mac1: str) -> None:
    """With the purchase key diversified once, and twice as some terminals do."""
    card_key = PURCHASE_MASTER
    for _ in range(levels):
        card_key = keys.diversify(card_key, NUMBER)
    found = keys.lock_session_key(
        card_key, RANDOM, 0x12, 0x1234, bytes.fromhex("11223344")
    )
    assert found.hex() == session
    assert keys.code(found, lock_covers(TERMINAL, MOMENT)).hex() == mac1


def test_only_the_low_half_of_the_terminals_count_is_in_a_lock() -> None:
    """A count above 65 535 gives the key of its low half."""
    card_key = keys.diversify(PURCHASE_MASTER, NUMBER)
    random = bytes(4)
    low = keys.lock_session_key(card_key, random, 1, 0x0000_1234, random)
    assert keys.lock_session_key(card_key, random, 1, 0xABCD_1234, random) == low
    assert keys.lock_session_key(card_key, random, 1, 0xABCD_1235, random) != low


def test_the_codes_of_an_on_line_unlock() -> None:
    """Session key over the on-line counter, MAC1 over the off-line one, MAC2."""
    card_key = keys.diversify(UNLOCK_MASTER, NUMBER)
    session = keys.session_key(card_key, RANDOM, on_line=7)
    assert session.hex() == "e47e1ade2a51a84a"
    began = began_unlock_covers(12_345, 0x12, TERMINAL)
    assert keys.code(session, began).hex() == "7a3e56a9"
    order = order_covers(0, Kind.UNLOCK, TERMINAL, MOMENT)
    assert keys.code(session, order).hex() == "4c8ea425"


@pytest.mark.parametrize(
    ("given", "whole"),
    [("", "8000000000000000"), ("01" * 7, "01" * 7 + "80"),
     ("01" * 8, "01" * 8 + "8000000000000000")],
)  # fmt: skip
def test_data_is_always_padded(given: str, whole: str) -> None:
    """80 and zeros, a block of their own when the data fills its blocks."""
    assert keys.padded(bytes.fromhex(given)).hex() == whole


def test_des_is_the_standards() -> None:
    """The example of FIPS 81 and the two-key form of SP 800-67."""
    plain = bytes.fromhex("4e6f772069732074")
    single = bytes.fromhex("0123456789abcdef")
    assert keys.encipher(single, plain).hex() == "3fa40e8a984d4815"
    assert keys.encipher(single * 2, plain) == keys.encipher(single, plain)
    other = single + bytes.fromhex("23456789abcdef01")
    assert keys.encipher(other, plain) != keys.encipher(single, plain)


def test_the_code_of_a_command_is_a_retail_code() -> None:
    """The standard's form: DES over all blocks, triple DES over the last alone."""
    first, second = bytes.fromhex("0123456789abcdef"), bytes.fromhex("fedcba9876543210")
    challenge, data = bytes.fromhex("a1b2c3d4"), b"04D6 and eleven more"
    blocks = keys.padded(data)
    chained = challenge + bytes(4)
    for at in range(0, len(blocks), 8):
        mixed = bytes(a ^ b for a, b in zip(chained, blocks[at : at + 8], strict=True))
        last = at + 8 == len(blocks)
        chained = keys.encipher(first + second if last else first, mixed)
    assert keys.maintenance_code(first + second, challenge, data) == chained[:4]
    long = keys.maintenance_code(first + second, challenge + bytes(4), data)
    assert long == chained[:4]


def test_a_tac_is_under_both_halves() -> None:
    """The key of a TAC is the one half with the other mixed in."""
    card_key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    assert keys.transaction_code(card_key, b"data") == keys.code(b"\xff" * 8, b"data")


@pytest.mark.parametrize(("key", "number"), [(15, 8), (16, 7), (16, 16)])
def test_other_lengths_are_refused(key: int, number: int) -> None:
    """A key or number of another length is a mistake of the program."""
    with pytest.raises(ValueError, match="diversifies a number of 8"):
        keys.diversify(bytes(key), bytes(number))
    with pytest.raises(ValueError, match="8 or 16 bytes"):
        keys.encipher(bytes(24), bytes(8))
