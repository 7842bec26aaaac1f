"""A real pcscd with a virtual reader, for tests: one at a time on a machine.

The virtual reader listens on every interface of the machine, not on the local one
alone: it is for tests, and only while one of them runs.
"""

import fcntl
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fuel_cards import MASTERS
from tests.simulated_devices import ENDS_WITHIN_S, SimulatedProcess, simulator

READER = "Virtual PCD 00 00"
_DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
_SOCKET = Path("/run/pcscd/pcscd.comm")
_PID = Path("/run/pcscd/pcscd.pid")
# pcscd has one socket, whose place is built in: tests of two runs take turns.
_TURN = Path("/tmp/cngstation-tests-pcscd.lock")
_READY_WITHIN_S = 120.0
_TURN_WITHIN_S = 50.0


@dataclass(frozen=True)
class PcscService:
    """A running pcscd; a card of the virtual reader connects to `port`."""

    process: subprocess.Popen[bytes]
    port: int


@contextmanager
def pcsc_service(folder: Path) -> Iterator[PcscService]:
    """Run pcscd with the virtual reader until the block ends."""
    with _TURN.open("w") as turn:
        _take(turn.fileno())
        _require_no_other()
        port = _free_port()
        config = folder / "reader.conf.d"
        config.mkdir()
        (config / "vpcd").write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{port:#06X}\n'
            f"LIBPATH {_DRIVER}\nCHANNELID {port:#06X}\n".replace("0X", "0x")
        )
        log = (folder / "pcscd.log").open("wb")
        process = subprocess.Popen(
            ["pcscd", "--foreground", *_switches(), "-c", str(config)],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _wait_until_listening(process, port, folder / "pcscd.log")
            yield PcscService(process, port)
        finally:
            log.close()
            _stop(process)


@contextmanager
def slot(service: PcscService, folder: Path) -> Iterator[SimulatedProcess]:
    """Run the cards' end of the virtual reader in a folder until the block ends."""
    cards = folder / "pcsc-cards"
    config = {
        "port": service.port,
        "control": str(folder / "slot.control"),
        "cards": str(cards),
        "masters": {name: key.hex() for name, key in MASTERS.items()},
    }
    with simulator("pcsc_card", config, folder) as device:
        yield device


def _take(fd: int) -> None:
    end = time.monotonic() + _TURN_WITHIN_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > end:
                pytest.fail("another test run keeps pcscd for too long")
            time.sleep(0.05)


def _require_no_other() -> None:
    """Fail in words where the machine's own pcscd runs; clear what a dead one left."""
    if _PID.exists():
        pid = _PID.read_text().strip()
        if pid.isdigit() and Path(f"/proc/{pid}/comm").exists():
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name == "pcscd":
                pytest.fail(
                    f"a pcscd of this machine runs already (pid {pid}): stop it, this "
                    "test needs one of its own",
                    pytrace=False,
                )
    for left in (_PID, _SOCKET):
        left.unlink(missing_ok=True)


def _switches() -> list[str]:
    """Return the switch that does without polkit, where pcscd was built with it."""
    known = subprocess.run(["pcscd", "--help"], capture_output=True, check=False)
    told = known.stdout + known.stderr
    return ["--disable-polkit"] if b"--disable-polkit" in told else []


def _free_port() -> int:
    """Return a port that is free, and so is the next: the reader has two slots."""
    for port in range(35_000, 36_000, 2):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("0.0.0.0", port))
                second.bind(("0.0.0.0", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def _wait_until_listening(
    process: subprocess.Popen[bytes], port: int, log: Path
) -> None:
    end = time.monotonic() + _READY_WITHIN_S
    while not (_SOCKET.exists() and _listens(port)):
        said = log.read_text("utf-8", "replace")
        assert process.poll() is None, f"pcscd ended: {said}"
        assert time.monotonic() < end, f"pcscd did not get ready: {said}"
        time.sleep(0.02)


def _listens(port: int) -> bool:
    """Tell from the kernel's table, without connecting: that would be a card."""
    wanted = f"00000000:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(f[1] == wanted and f[3] == "0A" for f in map(str.split, lines))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5 * ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for left in (_PID, _SOCKET):
        left.unlink(missing_ok=True)
