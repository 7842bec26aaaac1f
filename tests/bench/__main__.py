"""Runs the bench: a table of ratios, then one line of JSON.

    python -m tests.bench [--only NAME]

Ends with 1 when a stated hard limit is missed.
"""

import argparse
import json
import os
import sys
import time
from importlib import import_module

from tests.bench.figure import Figure, Verdict

# By the module that measures it; what is sensitive to noise comes first.
NAMES = (
    "poll_cycle",
    "sinopec_cycle",
    "backlog",
    "price_change",
    "side_cycle",
    "gateways",
    "many_lines",
    "protocol_lines",
    "wire_to_screen",
    "bookings",
    "verify",
    "search",
    "start",
    "board",
    "reader",
    "top_up",
    "local_socket",
    "logins",
)
HEAD = ("figure", "ours", "limit or peer", "ratio", "stated", "verdict")


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--only", choices=NAMES, action="append")
    given = parser.parse_args()
    figures: list[Figure] = []
    cores = os.sched_getaffinity(0)
    for name in given.only or NAMES:
        began = time.monotonic()
        figures += import_module(f"tests.bench.{name}").measure()
        os.sched_setaffinity(0, cores)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(_table(figures))
    print(json.dumps([figure.as_facts() for figure in figures], ensure_ascii=False))
    return int(any(figure.verdict is Verdict.MISSED for figure in figures))


def _table(figures: list[Figure]) -> str:
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(main())
