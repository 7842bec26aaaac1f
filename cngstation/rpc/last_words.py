"""Why a daemon could not start, in a file beside its socket, for whoever connects."""

import contextlib
from pathlib import Path

from cngstation.hygiene import clean

_LONGEST = 500


def path_of(socket: Path) -> Path:
    """Return the file beside a socket."""
    return socket.with_suffix(".why")


def leave(socket: Path, sentence: str) -> None:
    """Say why nobody listens; a folder that cannot be written keeps it untold."""
    with contextlib.suppress(OSError):
        path_of(socket).write_text(sentence, "utf-8")


def take_back(socket: Path) -> None:
    """Somebody listens again, or was asked to end."""
    with contextlib.suppress(OSError):
        path_of(socket).unlink(missing_ok=True)


def heard(socket: Path) -> str:
    """Return why nobody listens, "" where nobody said."""
    try:
        with path_of(socket).open("rb") as file:
            told = file.read(4 * _LONGEST)
    except OSError:
        return ""
    return clean(told.decode("utf-8", "replace"), limit=_LONGEST)
