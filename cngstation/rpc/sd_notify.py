"""Tells systemd how a daemon is: ready, alive, stopping, and one line of status.

Source: sd_notify(3) and sd_watchdog_enabled(3): datagrams of `KEY=value` to the
socket named by NOTIFY_SOCKET, where a leading `@` stands for the abstract namespace.
"""

import os
import socket
from collections.abc import Mapping

from cngstation import hygiene


class ServiceNotifier:
    """Sends notes to systemd; without systemd it does nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog_ms = _watchdog_ms(environ)

    def ready(self, status: str = "") -> bool:
        """Say that the sockets are open."""
        return self._send("READY=1", *_status(status))

    def alive(self) -> bool:
        """Feed the watchdog; twice in each `watchdog_ms`, from the loop that works."""
        return self._send("WATCHDOG=1")

    def stopping(self) -> bool:
        """Say that the end is meant."""
        return self._send("STOPPING=1")

    def status(self, text: str) -> bool:
        """Show one line in `systemctl status`."""
        return self._send(*_status(text))

    def _send(self, *notes: str) -> bool:
        """Send notes in one datagram; False when nobody takes them.

        A full or missing socket must not stop a filling station.
        """
        if self._address is None or not notes:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(0)
                sender.connect(self._address)
                sender.send("\n".join(notes).encode())
        except OSError:
            return False
        return True


def _address(name: str) -> str | None:
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _status(text: str) -> tuple[str, ...]:
    # A line break in the text would be read as a note of its own.
    return (f"STATUS={hygiene.clean(text)}",) if text else ()


def _watchdog_ms(environ: Mapping[str, str]) -> int | None:
    """Return the time within which systemd wants a sign; None for no watchdog."""
    wanted = environ.get("WATCHDOG_USEC", "")
    meant_for = environ.get("WATCHDOG_PID", str(os.getpid()))
    if not (wanted.isascii() and wanted.isdigit()) or meant_for != str(os.getpid()):
        return None
    return int(wanted) // 1_000 or None
