"""A line's bytes in a file: raw, or one entry a line with time, direction and hex.

    12.345678 sent AAFF0100...
    12.420001 received BBEE0001...

The second form is what the frame log writes. Time and direction may be missing, lines
that begin with # are passed over.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cngstation.drivers.frame_log import LoggedFrame
from cngstation.errors import DeviceError

# An hour of a busy line at 115 200 baud, as hex.
LARGEST_CAPTURE = 128 * 1024 * 1024
_ENTRY = re.compile(
    r"(?:(?P<time>\d+(?:\.\d+)?)\s+)?(?:(?P<way>sent|received)\s+)?"
    r"(?P<hex>[0-9A-Fa-f]{2}(?:\s*[0-9A-Fa-f]{2})*)"
)


class CaptureUnreadable(DeviceError):
    """A capture file cannot be read."""

    code = "capture.unreadable"
    text = "The capture {path} cannot be read: {why}."


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that came together; `at` is their time as the file has it, or empty."""

    at: str
    data: bytes


def entry_line(frame: LoggedFrame) -> str:
    """Write an entry of the frame log as a line of a capture."""
    at_s = f"{frame.at_us // 1_000_000}.{frame.at_us % 1_000_000:06d}"
    return f"{at_s} {frame.direction.value} {frame.data.hex().upper()}"


def read_capture(path: Path) -> list[Piece]:
    """Read a capture in either form.

    Raises:
        CaptureUnreadable: there is no such file, or it is too large.
    """
    try:
        if path.stat().st_size > LARGEST_CAPTURE:
            raise CaptureUnreadable(path=str(path), why="it is too large")
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or "it is no file"
        raise CaptureUnreadable(path=str(path), why=why) from error
    entries = _entries(data)
    return [Piece("", data)] if entries is None else entries


def _entries(data: bytes) -> list[Piece] | None:
    """Return the entries of a capture in lines; None if it is raw bytes."""
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError:
        return None
    found = list(_matched(line.strip() for line in lines))
    if not found or None in found:
        return None
    return [one for one in found if one is not None]


def _matched(lines: Iterable[str]) -> Iterable[Piece | None]:
    for line in lines:
        if not line or line.startswith("#"):
            continue
        entry = _ENTRY.fullmatch(line)
        if entry is None:
            yield None
        else:
            yield Piece(entry["time"] or "", bytes.fromhex(entry["hex"]))
