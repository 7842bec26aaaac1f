"""Opens the socket that a daemon listens on, or takes the one that systemd opened.

Source: sd_listen_fds(3): passed descriptors begin at 3, their number is in
LISTEN_FDS, and LISTEN_PID says for whom they are.
"""

import errno
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from cngstation.rpc.failures import SocketInUse

_FIRST_PASSED = 3
_MOST_PASSED = 16  # a unit of ours passes one or two
_MODE = 0o660  # the socket's group may connect, others not


def passed_socket(path: Path, environ: Mapping[str, str]) -> socket.socket | None:
    """Return the Unix socket that systemd passed for a path, if it passed one.

    With one Unix socket passed it is that one, whatever it is called.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = environ.get("LISTEN_FDS", "")
    if not (count.isascii() and count.isdigit()):
        return None
    passed = range(_FIRST_PASSED, _FIRST_PASSED + min(int(count), _MOST_PASSED))
    found = {fd: name for fd in passed if (name := _listens_at(fd)) is not None}
    wanted = [fd for fd, name in found.items() if name == str(path)]
    if not wanted and len(found) == 1:
        wanted = list(found)
    if not wanted:
        return None
    taken = socket.socket(fileno=wanted[0])
    taken.set_inheritable(inheritable=False)
    taken.settimeout(0)
    return taken


def _listens_at(fd: int) -> str | None:
    """Return the path of a listening Unix stream socket; None for anything else."""
    try:
        probe = socket.socket(fileno=os.dup(fd))
    except OSError:
        return None
    with probe:
        stream = probe.family == socket.AF_UNIX and probe.type == socket.SOCK_STREAM
        if not stream or not probe.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
        return os.fsdecode(probe.getsockname())


def open_socket(path: Path) -> socket.socket:
    """Bind a socket for owner and group; a dead predecessor's file is replaced.

    Raises:
        SocketInUse: somebody answers there.
        OSError: the folder cannot be written, or the path is no socket.
    """
    if path.is_socket():
        if _answers(path):
            raise SocketInUse(path=str(path))
        path.unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        opened.bind(str(path))
        # Nobody can connect before listen(), so no one slips in before the mode.
        path.chmod(_MODE)
    except BaseException:
        opened.close()
        raise
    return opened


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        # EAGAIN, a full backlog, comes from a living process too.
        return probe.connect_ex(str(path)) in (0, errno.EAGAIN)
