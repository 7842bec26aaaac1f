"""Makes a file whole or not at all; one that is there already is left alone."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cngstation.errors import Refusal


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


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name, on disk, when all is written.

    Only its owner may read it.

    Raises:
        FileIsThere, FileNotWritten: there is no new file.
    """
    if os.path.lexists(path):
        raise FileIsThere(name=path.name)
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(made, flags, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _name(made, path)
        _sync_folder(path.parent)
    except OSError as error:
        why = error.strerror or str(error)
        raise FileNotWritten(name=path.name, why=why) from error
    finally:
        with contextlib.suppress(OSError):
            made.unlink()


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
