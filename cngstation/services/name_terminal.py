"""Names the terminal an act came from: the Linux user and the device, `user@pts/3`.

User and process are known from the kernel. The device is what the kernel says of that
process; where the processes of others are hidden, the device that the client names
counts if that user owns it. What could not be checked ends in a question mark.
"""

import os
import pwd
import re
from pathlib import Path

from cngstation.hygiene import clean
from cngstation.rpc.authority import Peer

LONGEST = 40
NO_DEVICE = "none"
_PROC, _DEV = Path("/proc"), Path("/dev")
_DEVICE = re.compile(r"(pts/\d{1,6}|tty[A-Za-z]{0,4}\d{0,4})")
# proc(5): numbers of device files.
_PTS_MAJORS = range(136, 144)
_TTY_MAJOR, _FIRST_SERIAL = 4, 64


def terminal_of(peer: Peer, told: str, *, proc: Path = _PROC, dev: Path = _DEV) -> str:
    """Return the terminal of a process, given the device that it names."""
    user = _user(peer.uid)
    known = _device_of(peer, proc)
    if known is None:
        named = _plain(told) or "unknown"
        known = named if _owned(peer.uid, named, dev) else f"{named[:20]}?"
    return f"{user}@{known}"[:LONGEST]


def _user(uid: int) -> str:
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return _plain(name)[:18]


def _device_of(peer: Peer, proc: Path) -> str | None:
    """Ask the kernel for a process's terminal; None when it does not tell us."""
    folder = proc / str(peer.pid)
    try:
        # The number may belong to another process by now: then it tells nothing.
        if folder.stat().st_uid != peer.uid:
            return None
        text = (folder / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name in brackets may have spaces and brackets in it.
    fields = text.rpartition(")")[2].split()
    return _device(int(fields[4])) if len(fields) > 4 else None


def _device(number: int) -> str:
    if number == 0:
        return NO_DEVICE
    major, minor = os.major(number), os.minor(number)
    if major in _PTS_MAJORS:
        return f"pts/{minor + 256 * (major - _PTS_MAJORS.start)}"
    if major == _TTY_MAJOR:
        is_serial = minor >= _FIRST_SERIAL
        return f"ttyS{minor - _FIRST_SERIAL}" if is_serial else f"tty{minor}"
    return f"{major}:{minor}"


def _owned(uid: int, named: str, dev: Path) -> bool:
    if not _DEVICE.fullmatch(named):
        return False
    try:
        return (dev / named).stat().st_uid == uid
    except OSError:
        return False


def _plain(text: str) -> str:
    return re.sub(r"[^\w./:-]", "", clean(text, limit=LONGEST))
