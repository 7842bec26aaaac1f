"""The file of a virtual card: made whole or not at all, held by one device at a time.

The lock is what keeps a card in one place: the reader's simulator and a dispenser's
simulator are different processes and see the same files.
"""

import fcntl
import os
from pathlib import Path
from typing import Self


class CardElsewhere(Exception):
    """The card is in another field."""


def make_file(path: Path, content: bytes) -> Path:
    """Write a card's file unless it exists; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.rename(path)
    return path


class HeldFile:
    """A card that one device has; its file stays locked until `leave`."""

    def __init__(self, path: Path) -> None:
        """Take a card.

        Raises:
            CardElsewhere: another device holds it.
            FileNotFoundError: there is no such card.
        """
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise CardElsewhere(path.stem) from error

    def leave(self) -> None:
        """Let go of the card."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
