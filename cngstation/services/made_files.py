"""Files that a new station needs: each is there whole, with its mode, or not at all."""

import os
import secrets
from pathlib import Path

KEY_MODE, CONFIG_MODE, DATABASE_MODE, FOLDER_MODE = 0o600, 0o640, 0o660, 0o2770


def write_once(path: Path, text: str, mode: int) -> bool:
    """Write a file that is not there yet; tell whether this was so.

    It belongs to the group of its folder, so that the daemons may read it.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
            _to_group_of_folder(descriptor, path.parent, mode)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        # A link never takes the place of a file that is there.
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def make_key(path: Path, length: int) -> bool:
    """Make a key of random bytes unless there is one; tell whether it was made."""
    return write_once(path, secrets.token_hex(length), KEY_MODE)


def make_folder(path: Path) -> None:
    """Make a folder whose files belong to its group."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(FOLDER_MODE)


def make_empty(path: Path) -> None:
    """Make an empty file that the group may write; one that is there stays as it is."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, DATABASE_MODE)
    except FileExistsError:
        return
    try:
        _to_group_of_folder(descriptor, path.parent, DATABASE_MODE)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_group_of_folder(descriptor: int, folder: Path, mode: int) -> None:
    group = folder.stat().st_gid
    if group != os.fstat(descriptor).st_gid:
        os.fchown(descriptor, -1, group)
    os.fchmod(descriptor, mode)  # whatever the umask took away
