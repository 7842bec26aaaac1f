"""A serial port made of a pty: clients open it by a link, and come and go."""

import contextlib
import os
import termios
import tty
from pathlib import Path

_READ_BYTES = 4096
_UNNAMED_RATE = 1_288_000  # the one rate of the chip that termios has no name for
NAMED_RATES = {
    getattr(termios, f"B{rate}"): rate
    for rate in (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}


class PtyPort:
    """A serial port that clients open by a symlink and may close and open again."""

    def __init__(self, link: Path, baud: int) -> None:
        self._link = link
        self._baud = baud
        self._master = self._slave = -1

    @property
    def fd(self) -> int:
        """The side that the chip is on."""
        return self._master

    def plug(self) -> str:
        """Make the pty and point the link at it; return the pty's own path."""
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)
        modes = termios.tcgetattr(self._slave)
        modes[4] = modes[5] = getattr(termios, f"B{self._baud}")
        termios.tcsetattr(self._slave, termios.TCSANOW, modes)
        path = os.ttyname(self._slave)
        fresh = self._link.with_name(f"{self._link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(path)
        fresh.replace(self._link)
        return path

    def unplug(self) -> None:
        """Take link and pty away; whoever has it open sees a hang-up."""
        if self._master < 0:
            return
        self._link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def client_baud(self) -> int:
        """Return the rate that the host has set."""
        constant = termios.tcgetattr(self._slave)[5]
        return NAMED_RATES.get(constant, _UNNAMED_RATE)

    def read(self) -> bytes:
        """Return what the host has sent."""
        try:
            return os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        """Send to the host; what it leaves unread for too long is lost."""
        if self._master < 0:
            return
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)
