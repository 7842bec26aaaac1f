"""A demo that is killed takes its station along: nothing of it goes on in the dark."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cngstation.cli.demo_leash import follow
from tests.simulated_devices import ROOT

pytestmark = pytest.mark.timeout(120)
STARTS_WITHIN_S, ENDS_WITHIN_S = 60.0, 15.0
PARTS = 3 + 2 + 2  # daemons, lines, reader and printer


def _parts(folder: Path) -> set[int]:
    """Return the processes that were given a file under a folder."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in words:
            found.add(int(path.parent.name))
    return found


def _until_parts(folder: Path, least: int, most: int, within_s: float) -> set[int]:
    end = time.monotonic() + within_s
    while True:
        parts = _parts(folder)
        if least <= len(parts) <= most or time.monotonic() > end:
            return parts
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_part_outlives_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    """Killed or told to end: daemons, simulators and all are gone soon after."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "cngstation.cli.main", "demo", "--headless"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert len(_until_parts(tmp_path, PARTS, PARTS, STARTS_WITHIN_S)) == PARTS
        os.kill(demo.pid, number)
        demo.wait(ENDS_WITHIN_S)
        assert _until_parts(tmp_path, 0, 0, ENDS_WITHIN_S) == set()
    finally:
        demo.kill()
        demo.wait()
        for pid in _parts(tmp_path):
            os.kill(pid, signal.SIGKILL)


def test_what_has_ended_is_not_held_any_more() -> None:
    """A number that was given back may belong to somebody else by now."""
    assert follow(["+5\n", "+6\n", "-5\n", "+7\n", "-8\n"]) == {6, 7}
