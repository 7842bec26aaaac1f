"""Access conditions of a MIFARE Classic sector: never computed by hand.

Each of the blocks 0..3 has three bits C1 C2 C3; block 3 is the trailer.

    byte 6 = ~C2(3..0) ~C1(3..0)    byte 7 = C1(3..0) ~C3(3..0)    byte 8 = C3 C2

A triple whose complements do not fit makes a sector unusable for ever, and so do some
that fit: a trailer is only made of conditions under which the sector can be read, and
its keys and conditions be changed again. Source: NXP MF1S50YYX 8.7.
"""

from collections.abc import Sequence

READ_AB_WRITE_B = 0b100
TRAILER_B_ONLY = 0b011
TRAILER_A_ONLY = 0b001  # key B can be read then, and opens nothing
_NEVER_READ = 0b111
_READ_WITH_B_ONLY = frozenset({0b011, 0b101})
# Three data blocks read with either key and written with B; keys written with B.
PURSE_SECTOR = bytes.fromhex("787788")
FACTORY = bytes.fromhex("ff0780")


def encode(conditions: Sequence[int]) -> bytes:
    """Return the three access bytes of the conditions C1C2C3 of blocks 0 to 3."""
    if len(conditions) != 4 or any(not 0 <= c <= 7 for c in conditions):
        raise ValueError("a sector has four conditions of three bits")
    c1 = sum((c >> 2 & 1) << block for block, c in enumerate(conditions))
    c2 = sum((c >> 1 & 1) << block for block, c in enumerate(conditions))
    c3 = sum((c & 1) << block for block, c in enumerate(conditions))
    return bytes([(~c2 & 15) << 4 | (~c1 & 15), c1 << 4 | (~c3 & 15), c3 << 4 | c2])


def decode(access: bytes) -> tuple[int, int, int, int]:
    """Return the conditions of blocks 0 to 3.

    Raises:
        ValueError: the complements do not fit; writing this would lose the sector.
    """
    if len(access) != 3:
        raise ValueError("there are three access bytes")
    c1, c3, c2 = access[1] >> 4, access[2] >> 4, access[2] & 15
    inverted = (access[0] & 15, access[0] >> 4, access[1] & 15)
    if inverted != (~c1 & 15, ~c2 & 15, ~c3 & 15):
        raise ValueError("the access bytes contradict their complements")
    block0, block1, block2, block3 = (
        (c1 >> block & 1) << 2 | (c2 >> block & 1) << 1 | (c3 >> block & 1)
        for block in range(4)
    )
    return block0, block1, block2, block3


def trailer(key_a: bytes, access: bytes, key_b: bytes) -> bytes:
    """Return the 16 bytes of a sector trailer.

    Raises:
        ValueError: a key is not 6 bytes, or the access bytes would lose the sector.
    """
    *data, keys = decode(access)
    if keys not in {TRAILER_B_ONLY, TRAILER_A_ONLY}:
        raise ValueError("these access bytes let no key change keys and access again")
    unreadable = {_NEVER_READ, *(_READ_WITH_B_ONLY if keys == TRAILER_A_ONLY else ())}
    if unreadable & set(data):
        raise ValueError("these access bytes let no key read a block")
    if len(key_a) != 6 or len(key_b) != 6:
        raise ValueError("a sector key has 6 bytes")
    return key_a + access + b"\x69" + key_b
