"""Access conditions: known bytes, and none that would lose a sector."""

import contextlib
import itertools

import pytest

from cngstation.protocols.card_image import access_bits

# Condition of the data blocks and of the trailer, and the bytes that the data sheet's
# tables and card readers' manuals give for them.
KNOWN = {
    "ff0780": (0, 0, 0, 0b001),
    "787788": (0b100, 0b100, 0b100, 0b011),
    "08778f": (0b110, 0b110, 0b110, 0b011),
    "687789": (0b110, 0b100, 0b100, 0b011),
}


@pytest.mark.parametrize("access", KNOWN)
def test_known_bytes(access: str) -> None:
    """Encoding and decoding agree with published access bytes."""
    assert access_bits.decode(bytes.fromhex(access)) == KNOWN[access]
    assert access_bits.encode(KNOWN[access]).hex() == access


def test_our_purse_is_read_with_a_and_written_with_b() -> None:
    """The sector's bytes are made of the named conditions."""
    data, trailer = access_bits.READ_AB_WRITE_B, access_bits.TRAILER_B_ONLY
    assert access_bits.encode((data, data, data, trailer)) == access_bits.PURSE_SECTOR


def test_all_conditions_come_back() -> None:
    """All 4096 sectors that there are survive a round trip."""
    for conditions in itertools.product(range(8), repeat=4):
        assert access_bits.decode(access_bits.encode(conditions)) == conditions


def test_one_flipped_bit_is_refused() -> None:
    """Bytes whose complements do not fit would make the sector unusable for ever."""
    for access in (access_bits.PURSE_SECTOR, access_bits.FACTORY):
        for bit in range(24):
            flipped = (int.from_bytes(access, "big") ^ 1 << bit).to_bytes(3, "big")
            with pytest.raises(ValueError, match="complements"):
                access_bits.trailer(bytes(6), flipped, bytes(6))


READABLE_WITH = {  # the data sheet's table 8.7.3: which keys read a data block
    0b000: "AB", 0b010: "AB", 0b100: "AB", 0b110: "AB",
    0b001: "AB", 0b011: "B", 0b101: "B", 0b111: "",
}  # fmt: skip
CHANGED_WITH = {0b001: "A", 0b011: "B"}  # table 8.7.2: who writes keys and access both
USABLE_KEYS = {0b001: "A", 0b011: "AB"}  # a key B that can be read opens nothing


def test_a_trailer_that_would_lose_its_sector_is_never_made() -> None:
    """Of all 4096 only those with a key that reads each block and changes the keys."""
    made = set()
    for conditions in itertools.product(range(8), repeat=4):
        access = access_bits.encode(conditions)
        with contextlib.suppress(ValueError):
            access_bits.trailer(bytes(6), access, bytes(6))
            made.add(conditions)
    usable = {
        conditions
        for conditions in itertools.product(range(8), repeat=4)
        if conditions[3] in CHANGED_WITH
        and all(
            set(READABLE_WITH[block]) & set(USABLE_KEYS[conditions[3]])
            for block in conditions[:3]
        )
    }
    assert made == usable
    assert {KNOWN["ff0780"], KNOWN["787788"]} <= made


def test_a_trailer_has_its_places() -> None:
    """Key A, access bytes, 69H, key B."""
    made = access_bits.trailer(b"AAAAAA", access_bits.FACTORY, b"BBBBBB")
    assert made == b"AAAAAA\xff\x07\x80\x69BBBBBB"


@pytest.mark.parametrize(
    ("key_a", "access", "key_b"),
    [(5, 3, 6), (6, 3, 7), (6, 2, 6), (6, 4, 6)],
)
def test_wrong_lengths_are_refused(key_a: int, access: int, key_b: int) -> None:
    """A trailer of another length than 16 bytes is never made."""
    with pytest.raises(ValueError, match="bytes"):
        access_bits.trailer(
            bytes(key_a), (access_bits.FACTORY + b"\0")[:access], bytes(key_b)
        )


@pytest.mark.parametrize("conditions", [(0, 0, 0), (0, 0, 0, 8), (-1, 0, 0, 0)])
def test_wrong_conditions_are_refused(conditions: tuple[int, ...]) -> None:
    """There are four conditions of three bits."""
    with pytest.raises(ValueError, match="four conditions"):
        access_bits.encode(conditions)
