"""Makes a file whole or not at all; one that is there already is left alone.

It is written under a passing name beside its own, which it is given when all is on the
disk. Who is killed meanwhile leaves a passing name that nobody holds.
"""

import contextlib
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cngstation.errors import Refusal

_PASSING = re.compile(r"\.(.+)\.[0-9a-f]{8}\.part")


class FileIsThere(Refusal):
    """A file of this name is there already."""

    code = "refusal.file_is_there"
    text = (
        "There is a file {name} already. Nothing was written. Choose another name, or "
        "move that file away."
    )


class FileNotWritten(Refusal):
    """The folder or the disk refuses the file."""

    code = "refusal.file_not_written"
    text = (
        "The file {name} cannot be written: {why}. Nothing of it was left there. Check "
        "the folder, its owner and the free space."
    )


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that has not got its name yet; `beside` is where it is written."""

    path: Path
    beside: Path

    @contextlib.contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open it to be written; all of it is on the disk afterwards."""
        flags = os.O_WRONLY | os.O_NOFOLLOW
        with os.fdopen(os.open(self.beside, flags), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def give_name(self) -> None:
        """Let it appear under its name, for good.

        Raises:
            FileIsThere: the name was taken meanwhile.
            OSError: the folder refuses it.
        """
        _name(self.beside, self.path)
        _sync_folder(self.path.parent)


@contextlib.contextmanager
def held_file(path: Path) -> Iterator[HeldFile]:
    """Hold a place for a new file that only its owner may read.

    What has no name in the end is removed.

    Raises:
        FileIsThere, FileNotWritten: there is no new file.
    """
    if os.path.lexists(path):
        raise FileIsThere(name=path.name)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as holding:
            # Whoever clears up leaves alone what somebody still holds.
            fcntl.flock(holding, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield HeldFile(path, beside)
    except OSError as error:
        why = error.strerror or str(error)
        raise FileNotWritten(name=path.name, why=why) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name, on disk, when all is written.

    Raises:
        FileIsThere, FileNotWritten: there is no new file.
    """
    with held_file(path) as held:
        with held.opened() as file:
            yield file
        held.give_name()


def left_in(folder: Path) -> list[Path]:
    """Return what killed programs have left of files in a folder, by name."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [each for each in found if _PASSING.fullmatch(each.name) and _is_left(each)]


def name_of_left(path: Path) -> str:
    """Return the name that a file should have got, or none if it has it."""
    found = _PASSING.fullmatch(path.name)
    # Killed between its name and the end of the passing one, it has both.
    return found[1] if found and path.lstat().st_nlink == 1 else ""


def _is_left(path: Path) -> bool:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:
        return False


def _name(made: Path, path: Path) -> None:
    """Give the file its name; a link refuses a name that was taken meanwhile."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise FileIsThere(name=path.name) from None
    except OSError:
        # The file systems of USB keys know no links.
        if os.path.lexists(path):
            raise FileIsThere(name=path.name) from None
        made.rename(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
