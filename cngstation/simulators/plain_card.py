"""A card in a plain foreign layout, as its own maker's dispensers treat it.

    sector 9, block 0   card number bcd4 | 12 bytes of the maker's own
              block 1   balance u32 LE, fen | consumed u32 LE, fen | 7 x 00 | XOR
              block 2   the maker's own

The XOR is over the 31 bytes before it. Keys A and B are shared by all such cards. This
is an invented maker; the station's program knows the layout from its configuration.
"""

from typing import Protocol

SECTOR = 9
KEY_A = bytes.fromhex("0a1b2c3d4e5f")
KEY_B = bytes.fromhex("f0e1d2c3b4a5")
# Key A reads, key B reads and writes; keys and access bits stay.
ACCESS = bytes.fromhex("78778800")
_BLOCK = 4 * SECTOR


class Chip(Protocol):
    """What this needs of a card in a field."""

    def read_block(self, block: int) -> bytes: ...
    def write_block(self, block: int, data: bytes) -> None: ...


def make(chip: Chip, card_no: str, balance: int) -> None:
    """Make a new chip one of these cards."""
    chip.write_block(_BLOCK, bytes.fromhex(card_no) + b"MAKER'S OWN.")
    chip.write_block(_BLOCK + 2, b"SERVICE 2019-04 ")
    chip.write_block(_BLOCK + 3, KEY_A + ACCESS + KEY_B)
    _store(chip, balance, 0)


def figures(chip: Chip) -> tuple[int, int] | None:
    """Return balance and consumed total in fen; None where the sum does not fit."""
    block = chip.read_block(_BLOCK + 1)
    if _folded(chip.read_block(_BLOCK) + block[:15]) != block[15]:
        return None
    balance = int.from_bytes(block[0:4], "little")
    return balance, int.from_bytes(block[4:8], "little")


def fuel(chip: Chip, fen: int) -> bool:
    """Take a fill from the card; False when it has not enough or is damaged."""
    found = figures(chip)
    if found is None or found[0] < fen:
        return False
    _store(chip, found[0] - fen, found[1] + fen)
    return True


def _store(chip: Chip, balance: int, consumed: int) -> None:
    block = balance.to_bytes(4, "little") + consumed.to_bytes(4, "little") + bytes(7)
    check = _folded(chip.read_block(_BLOCK) + block)
    chip.write_block(_BLOCK + 1, block + bytes([check]))


def _folded(data: bytes) -> int:
    check = 0
    for byte in data:
        check ^= byte
    return check
