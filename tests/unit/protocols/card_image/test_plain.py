"""A foreign layout as data: golden bytes, its figures anywhere, every bit sealed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_image.plain import (
    SECTOR_BYTES,
    Figure,
    PlainLayout,
    PlainPurse,
    Seal,
    decode_plain,
    with_balance,
)

LAYOUT = PlainLayout(
    sector=9,
    card_no_offset=0,
    balance=Figure(16, 4),
    consumed=Figure(20, 4),
    seal=Seal.XOR,
    seal_offset=31,
)
GOLDEN = bytes.fromhex(
    "01000777" + "4d414b45522753204f574e2e"  # 01000777, the maker's own
    "10270000" + "88130000" + "00000000000000" + "a1"  # 100.00, 50.00, XOR
    "53455256494345203230313920202020"
)
BIG = replace(
    LAYOUT,
    balance=Figure(16, 3, "big"),
    consumed=Figure(19, 4, "big"),
    seal=Seal.CRC16,
    seal_offset=30,
)


def test_golden_bytes() -> None:
    """A card as the maker's program wrote it, and with another balance."""
    assert decode_plain(GOLDEN, LAYOUT) == PlainPurse("01000777", 10_000, 5_000)
    changed = with_balance(GOLDEN, LAYOUT, 15_000)
    assert changed[:16] + changed[20:31] == GOLDEN[:16] + GOLDEN[20:31]
    assert changed[16:20] == bytes.fromhex("983a0000")
    assert changed[32:] == GOLDEN[32:]
    assert decode_plain(changed, LAYOUT) == PlainPurse("01000777", 15_000, 5_000)


def test_crc_of_the_check_word() -> None:
    """The CRC is the one whose sum over 123456789 is 4B37."""
    layout = replace(
        LAYOUT, card_no_offset=40, balance=Figure(0, 4), consumed=Figure(4, 4),
        seal=Seal.CRC16, seal_offset=9,
    )  # fmt: skip
    data = b"123456789".ljust(SECTOR_BYTES, b"\0")
    kept = with_balance(data, layout, int.from_bytes(b"1234", "little"))
    assert kept[9:11] == bytes.fromhex("374b")


@pytest.mark.parametrize("layout", [LAYOUT, BIG, replace(LAYOUT, seal=Seal.SUM)])
@given(balance=st.integers(0, 2**24 - 1), filler=st.binary(min_size=48, max_size=48))
def test_what_is_written_is_read(
    layout: PlainLayout, balance: int, filler: bytes
) -> None:
    """In every byte order and under every seal."""
    numbered = bytes.fromhex("01000777") + filler[4:]
    written = with_balance(numbered, layout, balance)
    found = decode_plain(written, layout)
    assert found is not None
    assert (found.card_no, found.balance) == ("01000777", balance)


@given(bit=st.integers(0, 32 * 8 - 1), seal=st.sampled_from(list(Seal)))
def test_no_turned_bit_passes_the_seal(bit: int, seal: Seal) -> None:
    """One bit anywhere under the seal, or in it, makes the card unreadable."""
    offset = 30 if seal is Seal.CRC16 else 31
    layout = replace(LAYOUT, seal=seal, seal_offset=offset)
    whole = bytearray(with_balance(GOLDEN, layout, 10_000))
    assume(bit // 8 < offset + layout.seal_width)
    whole[bit // 8] ^= 1 << bit % 8
    assert decode_plain(bytes(whole), layout) is None


def test_a_number_that_is_none() -> None:
    """Digits beyond nine are no card number, whatever the seal says."""
    broken = with_balance(b"\xab" + GOLDEN[1:], LAYOUT, 1)
    assert decode_plain(broken, LAYOUT) is None


@pytest.mark.parametrize("balance", [-1, 2**32])
def test_a_balance_that_does_not_fit(balance: int) -> None:
    """It is refused, not cut."""
    with pytest.raises(LocalProtocolError):
        with_balance(GOLDEN, LAYOUT, balance)


WRONG: dict[str, dict[str, Any]] = {
    "manufacturer's sector": {"sector": 0},
    "overlap": {"consumed": Figure(18, 4)},
    "outside": {"card_no_offset": 46},
    "two blocks": {"consumed": Figure(40, 4)},
    "across blocks": {"balance": Figure(14, 4)},
    "seal before the balance": {"seal_offset": 4, "balance": Figure(8, 4)},
    "balance not sealed": {"sealed_from": 20},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_layout_that_cannot_be(changes: dict[str, Any]) -> None:
    """It is refused when it is described, not when a card is written."""
    with pytest.raises(ValueError, match=r"figures|block|seal"):
        replace(LAYOUT, **changes)
