"""A MIFARE Classic card: keys, access bits, values."""

from pathlib import Path

import pytest

from cngstation.simulators.mifare_classic import (
    AuthenticationFailed,
    CardRefused,
    CardSilent,
    MifareClassic,
    access_conditions,
    value_block,
    value_of,
)
from cngstation.simulators.virtual_card import CardInField, make_blank_card

UID = bytes.fromhex("deadbeef")
KEY_A, KEY_B = b"AAAAAA", b"BBBBBB"
FACTORY = bytes.fromhex("ff0780")
GUARDED = bytes.fromhex("787788")  # blocks 100, trailer 011
PURSE = bytes.fromhex("687789")  # blocks 110 100 100, trailer 011
BLOCK = bytes(range(16))


def access_bytes(data: int, trailer: int) -> bytes:
    """Encode one condition for blocks 0 to 2 and one for the trailer."""
    conditions = [data] * 3 + [trailer]
    c1, c2, c3 = (
        sum((c >> shift & 1) << n for n, c in enumerate(conditions))
        for shift in (2, 1, 0)
    )
    return bytes([(c2 ^ 15) << 4 | c1 ^ 15, c1 << 4 | c3 ^ 15, c3 << 4 | c2])


class Bench:
    """A card in hand, with sector 1 prepared."""

    def __init__(self, held: CardInField) -> None:
        self.held = held
        self.card = MifareClassic(held)

    def prepare(self, access: bytes, first: bytes = bytes(16)) -> None:
        """Set keys and access of sector 1 and the content of block 4."""
        self.held.write_block(7, KEY_A + access + b"\x69" + KEY_B)
        self.held.write_block(4, first)

    def open(self, key: str, block: int = 4) -> None:
        """Select and authenticate."""
        self.card.select()
        code, value = (0x60, KEY_A) if key == "A" else (0x61, KEY_B)
        self.card.perform(bytes([code, block]) + value + UID)

    def allows(self, key: str, *commands: bytes) -> bool:
        """Tell whether the card does these commands after authentication by a key."""
        self.open(key)
        try:
            for command in commands:
                self.card.perform(command)
        except CardRefused:
            with pytest.raises(CardSilent):
                self.card.perform(b"\x30\x04")
            return False
        return True


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A blank card."""
    return Bench(CardInField(make_blank_card(tmp_path, UID)))


@pytest.mark.parametrize(
    ("access", "conditions"),
    [
        ("ff0780", (0, 0, 0, 0b001)),
        ("787788", (0b100, 0b100, 0b100, 0b011)),
        ("687789", (0b110, 0b100, 0b100, 0b011)),
        ("08778f", (0b110, 0b110, 0b110, 0b011)),
        ("ff0781", None),
        ("fe0780", None),
        ("ff0680", None),
    ],
)
def test_access_bytes_are_decoded(
    access: str, conditions: tuple[int, ...] | None
) -> None:
    """Published triples decode; one wrong complement is recognised."""
    trailer = bytes(6) + bytes.fromhex(access) + bytes(7)
    assert access_conditions(trailer) == conditions


DATA_RULES = {  # read, write, increment, decrement
    0b000: ("AB", "AB", "AB", "AB"),
    0b010: ("AB", "", "", ""),
    0b100: ("AB", "B", "", ""),
    0b110: ("AB", "B", "B", "AB"),
    0b001: ("AB", "", "", "AB"),
    0b011: ("B", "B", "", ""),
    0b101: ("B", "", "", ""),
    0b111: ("", "", "", ""),
}


@pytest.mark.parametrize("condition", DATA_RULES)
@pytest.mark.parametrize("key", ["A", "B"])
def test_every_data_condition_is_enforced(
    bench: Bench, condition: int, key: str
) -> None:
    """Each block condition lets each key do what the data sheet says and no more."""
    bench.prepare(access_bytes(condition, 0b011), value_block(100, 4))
    one = (1).to_bytes(4, "little")
    seen = (
        bench.allows(key, b"\x30\x04"),
        bench.allows(key, b"\xa0\x04" + value_block(100, 4)),
        bench.allows(key, b"\xc1\x04" + one),
        bench.allows(key, b"\xc0\x04" + one),
    )
    assert seen == tuple(key in rule for rule in DATA_RULES[condition])
    decrements = key in DATA_RULES[condition][3]
    assert bench.allows(key, b"\xc2\x04", b"\xb0\x04") is decrements


TRAILER_RULES = {  # write keys, read access, write access, read key B
    0b000: ("A", "A", "", "A"),
    0b010: ("", "A", "", "A"),
    0b100: ("B", "AB", "", ""),
    0b110: ("", "AB", "", ""),
    0b001: ("A", "A", "A", "A"),
    0b011: ("B", "AB", "B", ""),
    0b101: ("", "AB", "B", ""),
    0b111: ("", "AB", "", ""),
}


@pytest.mark.parametrize("condition", TRAILER_RULES)
@pytest.mark.parametrize("key", ["A", "B"])
def test_every_trailer_condition_is_enforced(
    bench: Bench, condition: int, key: str
) -> None:
    """Each trailer condition: what is read, what is written, what stays."""
    access = access_bytes(0, condition)
    keys, read, write, key_b = TRAILER_RULES[condition]
    bench.prepare(access)
    bench.open(key)
    if key in read:
        shown = bench.card.perform(b"\x30\x07")
        assert shown[:6] == bytes(6)
        assert shown[6:10] == access + b"\x69"
        assert shown[10:] == (KEY_B if key in key_b else bytes(6))
    else:
        assert not bench.allows(key, b"\x30\x07")
    fresh = b"CCCCCC" + GUARDED + b"\x42" + b"DDDDDD"
    written = bench.allows(key, b"\xa0\x07" + fresh)
    assert written is (key in keys or key in write)
    trailer = bench.held.read_block(7)
    assert trailer[:6] == (b"CCCCCC" if key in keys else KEY_A)
    assert trailer[6:10] == (fresh[6:10] if key in write else access + b"\x69")
    assert trailer[10:] == (b"DDDDDD" if key in keys else KEY_B)


def test_a_readable_key_b_opens_nothing(bench: Bench) -> None:
    """Under factory access key B is data: it authenticates and is then refused."""
    bench.prepare(FACTORY)
    assert bench.allows("A", b"\x30\x04")
    assert not bench.allows("B", b"\x30\x04")


def test_broken_access_bits_shut_the_sector(bench: Bench) -> None:
    """Written access bits without their complements brick the sector for good."""
    bench.prepare(FACTORY)
    bench.open("A")
    bench.card.perform(b"\xa0\x07" + KEY_A + bytes.fromhex("ff078169") + KEY_B)
    repair = KEY_A + bytes.fromhex("ff078069") + KEY_B
    for command in (b"\x30\x04", b"\x30\x07", b"\xa0\x07" + repair):
        assert not bench.allows("A", command)


def test_block_0_is_never_written(bench: Bench) -> None:
    """The manufacturer block keeps its bytes whatever the access bits say."""
    before = bench.held.read_block(0)
    bench.card.select()
    bench.card.perform(b"\x60\x00" + b"\xff" * 6 + UID)
    with pytest.raises(CardRefused):
        bench.card.perform(b"\xa0\x00" + BLOCK)
    assert bench.held.read_block(0) == before


@pytest.mark.parametrize(
    ("key", "uid", "block"),
    [(KEY_B, UID, 4), (KEY_A, b"\0\0\0\1", 4), (KEY_A, UID, 64)],
)
def test_authentication_needs_key_uid_and_sector(
    bench: Bench, key: bytes, uid: bytes, block: int
) -> None:
    """A wrong key, another card's UID or a block that is not there fail and halt."""
    bench.prepare(FACTORY)
    bench.card.select()
    with pytest.raises(AuthenticationFailed):
        bench.card.perform(bytes([0x60, block]) + key + uid)
    with pytest.raises(CardSilent):
        bench.card.perform(b"\x60\x04" + KEY_A + UID)
    bench.open("A")
    assert bench.card.sector == 1


def test_one_sector_is_open_at_a_time(bench: Bench) -> None:
    """A session covers its sector; an unopened card gives nothing."""
    bench.prepare(FACTORY)
    assert not bench.allows("A", b"\x30\x08")
    bench.card.select()
    with pytest.raises(CardRefused):
        bench.card.perform(b"\x30\x04")


def test_a_value_changes_only_at_transfer(bench: Bench) -> None:
    """Decrement loads the register; B0h changes the block, not its address."""
    bench.prepare(PURSE, value_block(-5, 9))
    bench.open("A")
    bench.card.perform(b"\xc0\x04" + (7).to_bytes(4, "little"))
    assert value_of(bench.held.read_block(4)) == -5
    bench.card.perform(b"\xb0\x04")
    assert bench.held.read_block(4) == value_block(-12, 9)
    bench.open("B")
    bench.card.perform(b"\xc1\x04" + (20).to_bytes(4, "little"))
    bench.card.perform(b"\xb0\x04")
    assert value_of(bench.held.read_block(4)) == 8


def test_restore_copies_a_value(bench: Bench) -> None:
    """C2h and B0h copy a value to another block of the sector."""
    bench.prepare(bytes.fromhex("08778f"), value_block(42, 4))
    assert bench.allows("A", b"\xc2\x04\0\0\0\0", b"\xb0\x05")
    assert bench.held.read_block(5) == value_block(42, 4)


@pytest.mark.parametrize(
    "commands",
    [
        [b"\xb0\x04"],
        [b"\xc0\x05\1\0\0\0"],
        [b"\xc1\x04" + (2**31 - 1).to_bytes(4, "little")],
        [b"\x30\x04\x00"],
        [b"\xe0\x50"],
    ],
)
def test_what_makes_no_sense_is_refused(bench: Bench, commands: list[bytes]) -> None:
    """Empty register, block that is no value, overflow, wrong length, unknown code."""
    bench.prepare(FACTORY, value_block(1, 4))
    assert not bench.allows("A", *commands)


def test_the_register_dies_with_the_session(bench: Bench) -> None:
    """A new authentication forgets a loaded value."""
    bench.prepare(FACTORY, value_block(1, 4))
    bench.open("A")
    bench.card.perform(b"\xc0\x04\1\0\0\0")
    bench.card.perform(b"\x60\x04" + KEY_A + UID)
    with pytest.raises(CardRefused):
        bench.card.perform(b"\xb0\x04")


@pytest.mark.parametrize("at", range(16))
def test_a_value_block_with_one_wrong_byte_is_none(at: int) -> None:
    """Any byte that breaks the copies makes the block no value."""
    block = bytearray(value_block(123_456, 4))
    block[at] ^= 1
    assert value_of(bytes(block)) is None
    assert value_of(value_block(123_456, 4)) == 123_456
