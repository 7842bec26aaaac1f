"""Start of the screen to the login box, against an empty Textual app beside it."""

import sys
from statistics import median

from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.bench.terminal import Program

ROUNDS = 25
WITHIN_S = 20.0
LONGEST_RATIO = 1.15


def measure() -> list[Figure]:
    """Start both in turn, many times; the first turn warms the disk's cache."""
    ours: list[float] = []
    empty: list[float] = []
    with folder_on_disk() as folder:
        screen = ["-m", "tui", "--runtime-dir", str(folder), "--language", "en"]
        for number in range(ROUNDS + 1):
            first = _first_content([*screen], b"Operator")
            other = _first_content(["-m", "tests.bench.empty_app"], b"Operator")
            if number:
                ours.append(first)
                empty.append(other)
    # Neighbours in time bear the same noise, so each counts against its own.
    ratio = median(a / b for a, b in zip(ours, empty, strict=True))
    return [
        Figure(
            "start of the screen",
            median(ours) * 1e3,
            median(ours) / ratio * 1e3,
            "ms",
            limit=LONGEST_RATIO,
            facts={"median_of_the_peer_ms": round(median(empty) * 1e3, 1)},
        )
    ]


def _first_content(arguments: list[str], text: bytes) -> float:
    program = Program([sys.executable, *arguments])
    try:
        return program.read_until(lambda out: text in out, WITHIN_S) - program.began
    finally:
        program.end()
