"""Polls lines whose far ends are a process beside this one, and takes its account."""

import json
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cngstation import exact_loop


class Poll(Protocol):
    """Polls the lines with these paths, for as long as a measurement takes."""

    def __call__(self, paths: Sequence[str], /) -> Coroutine[Any, Any, None]: ...


@dataclass(frozen=True, slots=True)
class Polled:
    """Each line's exchanges as its far end told them, and the CPU time of a poll.

    What began before `begun_us` is not counted: while ports are still being opened
    nobody polls at the limit.
    """

    exchanges: list[list[tuple[int, int]]]
    begun_us: float
    polls: int
    cpu_us: float


def polled(module: str, *arguments: object, poll: Poll, warm_up_s: float) -> Polled:
    """Start the far ends, poll them, and let them go."""
    far = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert far.stdin is not None
    assert far.stdout is not None
    paths = json.loads(far.stdout.readline())
    before_s = time.process_time()
    exact_loop.run(poll(paths))
    cpu_s = time.process_time() - before_s
    far.stdin.close()
    exchanges = json.loads(far.stdout.readline())
    far.stdout.close()
    far.wait()
    begun_us = min(lane[0][0] for lane in exchanges) + warm_up_s * 1_000_000
    polls = sum(map(len, exchanges))
    return Polled(exchanges, begun_us, polls, cpu_s * 1e6 / polls)
