"""Notes to systemd."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.rpc.sd_notify import ServiceNotifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


def test_each_note_is_one_datagram(systemd: socket.socket) -> None:
    """Ready, alive, stopping and status arrive as systemd reads them."""
    notifier = ServiceNotifier({"NOTIFY_SOCKET": systemd.getsockname()})
    assert notifier.ready("8 nozzles")
    assert notifier.alive()
    assert notifier.status("待传 0")
    assert notifier.stopping()
    found = [systemd.recv(500).decode() for _ in range(4)]
    assert found == [
        "READY=1\nSTATUS=8 nozzles",
        "WATCHDOG=1",
        "STATUS=待传 0",
        "STOPPING=1",
    ]


def test_a_status_cannot_smuggle_a_note(systemd: socket.socket) -> None:
    """A line break in a status text does not begin a note of its own."""
    ServiceNotifier({"NOTIFY_SOCKET": systemd.getsockname()}).status("a\nMAINPID=1")
    assert systemd.recv(500).decode() == "STATUS=a\ufffdMAINPID=1"


def test_the_abstract_namespace_is_understood() -> None:
    """An address that begins with @ has no file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(30)
        listening.bind(f"\0cngstation-test-{os.getpid()}")
        name = f"@cngstation-test-{os.getpid()}"
        assert ServiceNotifier({"NOTIFY_SOCKET": name}).alive()
        assert listening.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/notify"])
def test_without_systemd_nothing_happens(address: str) -> None:
    """No socket, a strange one or a dead one is no error."""
    assert ServiceNotifier({"NOTIFY_SOCKET": address}).ready() is False


def test_a_full_socket_does_not_block(systemd: socket.socket) -> None:
    """A systemd that does not read costs a note, never time."""
    notifier = ServiceNotifier({"NOTIFY_SOCKET": systemd.getsockname()})
    assert not all(notifier.alive() for _ in range(5_000))


@pytest.mark.parametrize(
    ("environ", "watchdog_ms"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "2000000"}, 2_000),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 2_000),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdogs_time_is_for_us_alone(
    environ: dict[str, str], watchdog_ms: int | None
) -> None:
    """The interval counts when it is a number and meant for this process."""
    assert ServiceNotifier(environ).watchdog_ms == watchdog_ms
