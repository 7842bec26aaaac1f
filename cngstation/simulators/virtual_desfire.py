"""A DESFire card as a file: its applications, keys and files, locked while in a field.

What is stored is what the chip keeps without power. A change is one write of the whole
file, so that a process that is killed leaves the state before or after it.
"""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

from cngstation.simulators.held_file import HeldFile, make_file

SUFFIX = ".desfire"
UID_BYTES = 7
FILE_BYTES = 16_384
NEW_KEY = bytes(16)
PICC_SETTINGS = 0x0F  # applications may be listed, made and deleted without a key

Image = dict[str, Any]


def blank_image(uid: bytes, generation: int = 1) -> Image:
    """Return a card as the factory delivers it."""
    if len(uid) != UID_BYTES:
        raise ValueError("a DESFire card has a UID of 7 bytes")
    return {
        "uid": uid.hex(),
        "generation": generation,
        "settings": PICC_SETTINGS,
        "applications": {},
    }


def new_application(settings: int, keys: int) -> Image:
    """Return an application without files, all keys new and of version 0."""
    return {"settings": settings, "keys": [[NEW_KEY.hex(), 0]] * keys, "files": {}}


def encode(image: Image) -> bytes:
    """Return the bytes of the card's file; its length never changes."""
    text = json.dumps(image, sort_keys=True).encode()
    if len(text) > FILE_BYTES:
        raise ValueError("the card is full")
    return text.ljust(FILE_BYTES)


def card_path(folder: Path, uid: bytes) -> Path:
    """Return the file of a card."""
    return folder / f"{uid.hex().upper()}{SUFFIX}"


def make_blank_card(folder: Path, uid: bytes) -> Path:
    """Write a factory-new card unless the file exists; return its path."""
    return make_file(card_path(folder, uid), encode(blank_image(uid)))


class DesfireInField(HeldFile):
    """A card held in a field; the file stays locked until `leave`."""

    def __init__(self, path: Path) -> None:
        """Bring a card into a field.

        Raises:
            CardElsewhere: another field holds it.
            FileNotFoundError: there is no such card.
        """
        super().__init__(path)
        self._image: Image = json.loads(os.pread(self._fd, FILE_BYTES, 0))
        self.uid = bytes.fromhex(self._image["uid"])

    @property
    def image(self) -> Image:
        """What is stored, to be looked at."""
        return self._image

    def changed(self) -> Image:
        """Return a copy to be changed and stored."""
        return deepcopy(self._image)

    def store(self, image: Image) -> None:
        """Make a changed copy what is stored."""
        os.pwrite(self._fd, encode(image), 0)
        self._image = image
