"""A demo that is killed takes its station along: nothing of it goes on in the dark."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cngstation.cli.demo_leash import Leash, follow
from tests.simulated_devices import ROOT

STARTS_WITHIN_S, ENDS_WITHIN_S = 120.0, 60.0
PARTS = 3 + 2 + 2  # daemons, lines, reader and printer


def _parts(folder: Path) -> set[int]:
    """Return the processes that were given a file under a folder."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if os.fsencode(f"{folder}/") in words:
            found.add(int(path.parent.name))
    return found


def _until_parts(
    folder: Path, count: int, within_s: float, demo: subprocess.Popen[bytes]
) -> set[int]:
    """Look until there are so many parts; fail when the demo ends without them."""
    end = time.monotonic() + within_s
    while True:
        has_ended = demo.poll() is not None
        parts = _parts(folder)
        if len(parts) == count or time.monotonic() > end:
            return parts
        if has_ended and count:
            said = (folder / "said").read_text("utf-8", "replace")
            pytest.fail(f"the demo ended by itself ({demo.returncode}): {said}")
        time.sleep(0.05)


@pytest.fixture
def short_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path: those of sockets have at most 107 bytes."""
    return tmp_path_factory.mktemp("d")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_part_outlives_the_demo(short_path: Path, number: signal.Signals) -> None:
    """Killed or told to end: daemons, simulators and all are gone soon after."""
    with (short_path / "said").open("wb") as said:
        demo = subprocess.Popen(
            [sys.executable, "-m", "cngstation.cli.main", "demo", "--headless"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(short_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
    try:
        found = _until_parts(short_path, PARTS, STARTS_WITHIN_S, demo)
        assert len(found) == PARTS
        os.kill(demo.pid, number)
        demo.wait(ENDS_WITHIN_S)
        assert _until_parts(short_path, 0, ENDS_WITHIN_S, demo) == set()
    finally:
        demo.kill()
        demo.wait()
        for pid in _parts(short_path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_part_that_was_not_told_of_yet_ends_too() -> None:
    """The demo may be killed between the birth of a process and its telling."""
    leash = Leash()
    part = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        process_group=leash.group,
    )
    try:
        leash.close()
        assert part.wait(ENDS_WITHIN_S) == -signal.SIGKILL
    finally:
        part.kill()
        part.communicate()


def test_what_has_ended_is_not_held_any_more() -> None:
    """A number that was given back may belong to somebody else by now."""
    assert follow(["+5\n", "+6\n", "-5\n", "+7\n", "-8\n"]) == {6, 7}
