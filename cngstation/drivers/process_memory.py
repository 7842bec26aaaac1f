"""Keeps what a process has in its memory out of files: no core dump, no onlooker.

A dump of a daemon would hold keys and personal numbers in clear. With systemd's
handler the size limit alone stops none, so the process is made undumpable too, which
also keeps other processes of its user from reading its memory (prctl(2)).
"""

import ctypes
import resource
import sys

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4


def keep_memory_private() -> None:
    """Let no dump be written of this process; it cannot be undone for the limit."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def is_dumpable() -> bool:
    """Tell whether the kernel would dump this process."""
    return bool(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0))
