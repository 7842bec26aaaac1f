"""64 tiles changing ten times a second: keys to the screen, bytes and processor time.

A fill a second is booked, so that today's curve is drawn as often as it ever is.
Ours is the product's counter, fed through its real path; the peer is one Static per
tile, in the same run and taken in turn with ours.
"""

import random
import re
import sys
import time
from dataclasses import dataclass, field

from tests.bench.figure import Figure, percentile
from tests.bench.terminal import Program, Screen

ROUNDS, KEYS = 3, 60
WITHIN_S = 10.0
COUNTED_S = 6.0  # the curve is drawn in it at least once
LONGEST_MS = 20.0
MOST_KB_PER_S = 30.0
_AMOUNT = re.compile(r"\[ +([0-9.]*) \]")


@dataclass(slots=True)
class _Run:
    delays: list[float] = field(default_factory=list)
    bytes_per_s: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure() -> list[Figure]:
    """Take rounds in turn."""
    ours, statics = _Run(), _Run()
    for _ in range(ROUNDS):
        _round("ours", ours)
        _round("statics", statics)
    facts = {"ours": _facts(ours), "one_static_per_tile": _facts(statics)}
    p99 = percentile(ours.delays, 99) * 1e3
    return [
        Figure("board: key p99 to 20 ms", p99, LONGEST_MS, "ms", limit=1, facts=facts),
        Figure(
            "board: key p99 to Statics",
            p99,
            percentile(statics.delays, 99) * 1e3,
            "ms",
            goal=1 / 8,
        ),
        Figure(
            "board: bytes to 30 kB/s",
            max(ours.bytes_per_s) / 1e3,
            MOST_KB_PER_S,
            "kB/s",
            limit=1,
        ),
        Figure(
            "board: bytes to Statics",
            sum(ours.bytes_per_s) / ROUNDS / 1e3,
            sum(statics.bytes_per_s) / ROUNDS / 1e3,
            "kB/s",
            goal=1 / 8,
        ),
        Figure(
            "board: processor to Statics",
            sum(ours.cpu) / ROUNDS * 100,
            sum(statics.cpu) / ROUNDS * 100,
            "%",
            goal=1 / 7,
        ),
    ]


def _facts(run: _Run) -> dict[str, float]:
    return {
        "key_ms_p50": round(percentile(run.delays, 50) * 1e3, 2),
        "key_ms_p99": round(percentile(run.delays, 99) * 1e3, 2),
        "keys": len(run.delays),
        "kB_per_s": round(sum(run.bytes_per_s) / len(run.bytes_per_s) / 1e3, 1),
        "cpu_percent": round(100 * sum(run.cpu) / len(run.cpu), 1),
    }


def _round(which: str, run: _Run) -> None:
    """Start, log in, count bytes without keys, then press keys at random moments."""
    program = Program([sys.executable, "-m", f"tests.bench.board_{which}"])
    screen = Screen()
    try:
        _watch(program, screen, lambda: "Operator" in screen.text(), WITHIN_S)
        if which == "ours":
            program.type("demo\r")
            _look(program, screen, 0.2)
            program.type("right\r")
            _watch(program, screen, lambda: _amount(screen) is not None, WITHIN_S)
        _look(program, screen, 1.0)
        output, cpu, began = program.output, program.cpu_s(), time.monotonic()
        _look(program, screen, COUNTED_S)
        took = time.monotonic() - began
        run.bytes_per_s.append((program.output - output) / took)
        run.cpu.append((program.cpu_s() - cpu) / took)
        run.delays += [_press(program, screen, number) for number in range(KEYS)]
    finally:
        program.end()


def _press(program: Program, screen: Screen, number: int) -> float:
    # At random places within a beat, or keys would keep step with it.
    _look(program, screen, random.uniform(0.05, 0.15))
    before, key = _amount(screen), "\x7f" if number % 2 else "7"
    began = time.monotonic()
    program.type(key)
    seen = _watch(program, screen, lambda: _amount(screen) != before, WITHIN_S)
    return seen - began


def _amount(screen: Screen) -> str | None:
    found = _AMOUNT.search(screen.text())
    return found[1] if found else None


def _look(program: Program, screen: Screen, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        screen.feed(program.read(left))


def _watch(program: Program, screen: Screen, true: object, within_s: float) -> float:
    """Read until something is on the screen; return when its bytes came."""
    until = time.monotonic() + within_s
    while (left := until - time.monotonic()) > 0:
        data = program.read(left)
        came = time.monotonic()
        screen.feed(data)
        if true():  # type: ignore[operator]
            return came
    raise TimeoutError(f"not on the screen:\n{screen.text()}")
