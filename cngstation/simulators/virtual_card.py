"""A card as a file: 1024 bytes of a MIFARE Classic 1K, locked while in a field."""

import os
from pathlib import Path

from cngstation.simulators.held_file import HeldFile, make_file

SUFFIX = ".mfd"
BLOCK_BYTES = 16
CARD_BYTES = 1024
FACTORY_KEY = b"\xff" * 6
FACTORY_TRAILER = FACTORY_KEY + bytes.fromhex("ff078069") + FACTORY_KEY


def blank_image(uid: bytes) -> bytes:
    """Return a factory-new card: manufacturer block, zeros, transport keys."""
    if len(uid) != 4:
        raise ValueError("a MIFARE Classic 1K of this simulator has a UID of 4 bytes")
    check = uid[0] ^ uid[1] ^ uid[2] ^ uid[3]
    first = uid + bytes([check, 0x08, 0x04, 0x00]) + bytes(8)
    sector = bytes(3 * BLOCK_BYTES) + FACTORY_TRAILER
    return first + sector[BLOCK_BYTES:] + sector * 15


def card_path(folder: Path, uid: bytes) -> Path:
    """Return the file of a card."""
    return folder / f"{uid.hex().upper()}{SUFFIX}"


def make_blank_card(folder: Path, uid: bytes) -> Path:
    """Write a factory-new card unless the file exists; return its path."""
    return make_file(card_path(folder, uid), blank_image(uid))


class CardInField(HeldFile):
    """A card held in a field; the file stays locked until `leave`."""

    def __init__(self, path: Path) -> None:
        """Bring a card into a field.

        Raises:
            CardElsewhere: another field holds it.
            FileNotFoundError: there is no such card.
        """
        super().__init__(path)
        self.uid = os.pread(self._fd, 4, 0)

    def read_block(self, block: int) -> bytes:
        """Return the 16 bytes of a block."""
        return os.pread(self._fd, BLOCK_BYTES, block * BLOCK_BYTES)

    def write_block(self, block: int, data: bytes) -> None:
        """Store the 16 bytes of a block."""
        if len(data) != BLOCK_BYTES or not 0 <= block < CARD_BYTES // BLOCK_BYTES:
            raise ValueError("a block is 16 bytes, numbered 0 to 63")
        os.pwrite(self._fd, data, block * BLOCK_BYTES)
