"""Ends the parts of a demo whose own process was killed: nobody else would.

A process of its own reads from the demo which processes live (`+PID`, `-PID`, one a
line). When the demo is gone the pipe ends, and what still lives is told to end and then
killed. It works where there is no PR_SET_PDEATHSIG, and the daemons need not know that
they are in a demo.

A demo that is killed may have just started a process and not told of it yet. Its parts
are therefore born into the process group that this process leads, and what is left of
that group is killed at last.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

_LOOKS, _LOOK_S = 60, 0.05  # as long as the demo itself gives its parts to end


class Leash:
    """The demo's end of the pipe."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def group(self) -> int:
        """The process group that parts are started in."""
        return self._started().pid

    def hold(self, pid: int) -> None:
        """Let a process end with this one, whatever ends this one."""
        self._started()
        self._tell(f"+{pid}")

    def release(self, pid: int) -> None:
        """Forget a process that has ended: its number may become another's."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """End the other side; what is still held ends with it."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                process.communicate()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cngstation.cli.demo_leash"],
                stdin=subprocess.PIPE,
                process_group=0,
            )
        return self._process

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        # Without its leash a demo is as it was before there was one.
        with contextlib.suppress(OSError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def follow(lines: Iterable[str]) -> set[int]:
    """Read until the pipe ends; return the processes that were still held."""
    held: set[int] = set()
    for line in lines:
        change = held.add if line.startswith("+") else held.discard
        change(int(line[1:]))
    return held


def end_all(pids: set[int]) -> None:
    """End processes as the demo would have: asked first, killed after a while."""
    _signal(pids, signal.SIGTERM)
    for _ in range(_LOOKS):
        pids = {pid for pid in pids if _lives(pid)}
        if not pids:
            return
        time.sleep(_LOOK_S)
    _signal(pids, signal.SIGKILL)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Wait for the end of the demo."""
    # What is told to a whole terminal is told to the demo, which then ends all this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_all(follow(sys.stdin))
    os.killpg(0, signal.SIGKILL)  # this process too


if __name__ == "__main__":
    main()
