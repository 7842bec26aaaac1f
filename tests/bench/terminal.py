"""A program in a pseudo-terminal, and what its bytes put on the screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from wcwidth import wcwidth

COLUMNS, ROWS = 160, 50
_ROOT = Path(__file__).resolve().parents[2]
_CHUNK = 65_536
_SEQUENCE = re.compile(
    rb"\x1b\[(?P<csi>[0-9;?<>=:]*)[ -/]*(?P<final>[@-~])"
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[()].|\x1b[=>78cDEHMNOZ]"
)


class Screen:
    """The cells that a terminal would show; knows moves and text, not colours."""

    def __init__(self) -> None:
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self._row = self._column = 0
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take output; a sequence or character that is cut off waits for its rest."""
        data = self._held + data
        at = 0
        while at < len(data):
            if data[at] == 0x1B:
                found = _SEQUENCE.match(data, at)
                if found is None:
                    break
                self._obey(found)
                at = found.end()
                continue
            end = data.find(b"\x1b", at)
            end = len(data) if end < 0 else end
            text = data[at:end].decode("utf-8", "ignore")
            self._write(text)
            at += len(text.encode())
            if at < end:  # half a character
                break
        self._held = data[at:]

    def line(self, row: int) -> str:
        """Return the text of a row."""
        return "".join(self.cells[row])

    def text(self) -> str:
        """Return everything."""
        return "\n".join(map(self.line, range(ROWS)))

    def _obey(self, found: re.Match[bytes]) -> None:
        final, words = found["final"], (found["csi"] or b"").decode()
        if final in {b"H", b"f"} and "?" not in words:
            row, _, column = words.partition(";")
            self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
        elif final == b"J" and words in {"2", "3"}:
            self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def _write(self, text: str) -> None:
        for character in text:
            if character == "\r":
                self._column = 0
            elif character == "\n":
                self._row += 1
            elif (columns := wcwidth(character)) > 0:
                if self._row < ROWS and self._column + columns <= COLUMNS:
                    row = self.cells[self._row]
                    row[self._column] = character
                    row[self._column + 1 : self._column + columns] = [""] * (
                        columns - 1
                    )
                self._column += columns


class Program:
    """One program with a terminal of its own; reading keeps count of the bytes."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.began = time.monotonic()
        self.output = 0
        self._pid, self.fd = pty.fork()
        if self._pid == 0:
            size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.chdir(_ROOT)
            terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            whole = {**os.environ, **terminal, **(environment or {})}
            os.execvpe(command[0], command, whole)
        os.set_blocking(self.fd, False)

    def read(self, within_s: float) -> bytes:
        """Return what comes within a time; nothing when it is over."""
        if not select.select([self.fd], [], [], max(within_s, 0))[0]:
            return b""
        try:
            data = os.read(self.fd, _CHUNK)
        except (OSError, BlockingIOError):
            return b""
        self.output += len(data)
        return data

    def read_until(
        self, seen: Callable[[bytes], bool], within_s: float, keep: int = 1 << 20
    ) -> float:
        """Read until the output shows something; return when, by the monotonic clock.

        Raises:
            TimeoutError: it was not seen in time.
        """
        until, whole = time.monotonic() + within_s, b""
        while (left := until - time.monotonic()) > 0:
            whole = (whole + self.read(left))[-keep:]
            if seen(whole):
                return time.monotonic()
        raise TimeoutError(f"not on the terminal: {whole[-2000:]!r}")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def cpu_s(self) -> float:
        """Return the processor time that the program has taken."""
        words = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Kill the program; nothing of it is to be kept."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self.fd)
