"""Why a daemon could not start, in a file beside its socket, for whoever connects.

The users of the screens may write in that folder: what lies at the name is never
written through, nor waited for.
"""

import contextlib
import os
import stat
from pathlib import Path

from cngstation.hygiene import clean

_LONGEST = 500


def path_of(socket: Path) -> Path:
    """Return the file beside a socket."""
    return socket.with_suffix(".why")


def leave(socket: Path, sentence: str) -> None:
    """Say why nobody listens; a folder that cannot be written keeps it untold."""
    path = path_of(socket)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(sentence)


def take_back(socket: Path) -> None:
    """Somebody listens again, or was asked to end."""
    with contextlib.suppress(OSError):
        path_of(socket).unlink(missing_ok=True)


def heard(socket: Path) -> str:
    """Return why nobody listens, "" where nobody said."""
    try:
        with open(path_of(socket), "rb", opener=_plain) as file:
            told = file.read(4 * _LONGEST)
    except OSError:
        return ""
    return clean(told.decode("utf-8", "replace"), limit=_LONGEST)


def _plain(path: str, flags: int) -> int:
    """Open a file of its own; no link, and no pipe that would be waited for."""
    opened = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError("no file")
    return opened
