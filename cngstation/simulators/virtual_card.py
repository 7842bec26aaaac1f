"""A card as a file: 1024 bytes of a MIFARE Classic 1K, locked while in a field.

The lock is what keeps a card in one place at a time: the reader's simulator and a
dispenser's simulator are different processes and see the same files.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

SUFFIX = ".mfd"
BLOCK_BYTES = 16
CARD_BYTES = 1024
FACTORY_KEY = b"\xff" * 6
FACTORY_TRAILER = FACTORY_KEY + bytes.fromhex("ff078069") + FACTORY_KEY


class CardElsewhere(Exception):
    """The card is in another field."""


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
    folder.mkdir(parents=True, exist_ok=True)
    path = card_path(folder, uid)
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.write_bytes(blank_image(uid))
        fresh.rename(path)
    return path


class CardInField:
    """A card held in a field; the file stays locked until `leave`."""

    def __init__(self, path: Path) -> None:
        """Bring a card into a field.

        Raises:
            CardElsewhere: another field holds it.
            FileNotFoundError: there is no such card.
        """
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise CardElsewhere(path.stem) from error
        self.uid = os.pread(self._fd, 4, 0)

    def read_block(self, block: int) -> bytes:
        """Return the 16 bytes of a block."""
        return os.pread(self._fd, BLOCK_BYTES, block * BLOCK_BYTES)

    def write_block(self, block: int, data: bytes) -> None:
        """Store the 16 bytes of a block."""
        if len(data) != BLOCK_BYTES or not 0 <= block < CARD_BYTES // BLOCK_BYTES:
            raise ValueError("a block is 16 bytes, numbered 0 to 63")
        os.pwrite(self._fd, data, block * BLOCK_BYTES)

    def leave(self) -> None:
        """Take the card out of the field."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
