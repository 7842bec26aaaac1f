"""Durable bookings of fills with 64 waiting, against fdatasync of the same disk.

A booking is the whole of `SaleBook.book`: look up, postings, chain, outbox, checks.
Group commit lets the bookings that wait share one sync.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.services.book_sale import SaleBook
from cngstation.services.check_sale import NozzleSetting
from cngstation.storage.database import Database
from tests.bench.books import FillingNozzle, open_books, sale_book
from tests.bench.disk import SyncProbe, folder_on_disk
from tests.bench.figure import Better, Figure, percentile

WAITING = 64
CARDS_A_NOZZLE = 8
ROUNDS, ROUND_S, PROBE_S = 5, 1.0, 0.4
RECORDS = 1_000  # of a nozzle; more than it books in all rounds
WRITERS, WRITERS_S, STARTS_WITHIN_S = 3, 3.0, 2.5
RECORDS_ALONE = 10_000


def measure() -> list[Figure]:
    """Run rounds between probes, then three writers on one file."""
    with folder_on_disk() as folder:
        return [asyncio.run(_bookings(folder)), _three_writers(folder)]


async def _bookings(folder: Path) -> Figure:
    probe = SyncProbe(folder)
    database = await open_books(folder / "station.db", WAITING * CARDS_A_NOZZLE)
    book = sale_book(database)
    supplies = [_supply(number, RECORDS) for number in range(WAITING)]
    waits: list[float] = []
    rates, ratios = [], []
    try:
        before = probe.per_second(PROBE_S)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            ends = began + ROUND_S
            counts = await asyncio.gather(
                *(_book_until(ends, book, *supply, waits) for supply in supplies)
            )
            rates.append(sum(counts) / (time.perf_counter() - began))
            after = probe.per_second(PROBE_S)
            ratios.append(rates[-1] / ((before + after) / 2))
            before = after
    finally:
        await database.close()
        probe.close()
    # The disk's rate moves within a run: each round counts against its own probes.
    ours, ratio = median(rates), median(ratios)
    return Figure(
        "bookings",
        ours,
        ours / ratio,
        "1/s",
        Better.HIGHER,
        limit=1.0,
        goal=2.0,
        facts={
            "waiting": WAITING,
            "wait_ms_p50": round(percentile(waits, 50) * 1e3, 2),
            "wait_ms_p99": round(percentile(waits, 99) * 1e3, 2),
            "ratios": [round(one, 2) for one in ratios],
        },
    )


def _supply(number: int, count: int) -> tuple[NozzleSetting, Iterator[SaleRecord]]:
    """Return a nozzle and its records, made before the clock runs."""
    first = number * CARDS_A_NOZZLE
    nozzle = FillingNozzle(number + 1, range(first, first + CARDS_A_NOZZLE))
    return nozzle.setting, iter(nozzle.records(count))


async def _book_until(
    ends: float,
    book: SaleBook,
    nozzle: NozzleSetting,
    records: Iterator[SaleRecord],
    waits: list[float],
) -> int:
    count = 0
    for record in records:
        if (began := time.perf_counter()) >= ends:
            break
        await book.book(nozzle, record, "bench")
        waits.append(time.perf_counter() - began)
        count += 1
    return count


def _three_writers(folder: Path) -> Figure:
    """Let three processes book as fast as they can; the worst wait is bounded."""
    path = folder / "shared.db"

    async def prepare() -> None:
        await (await open_books(path, WRITERS * CARDS_A_NOZZLE)).close()

    asyncio.run(prepare())
    starts = time.monotonic() + STARTS_WITHIN_S
    writers = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.bench.bookings",
                str(path),
                str(number),
                str(starts),
            ],
            stdout=subprocess.PIPE,
        )
        for number in range(WRITERS)
    ]
    said = [writer.communicate(timeout=4 * WRITERS_S)[0] for writer in writers]
    waits: list[list[float]] = [json.loads(line) for line in said]
    whole = [wait for of_one in waits for wait in of_one]
    return Figure(
        "worst wait of 3 writers",
        max(whole) * 1e3,
        WRITERS_S * 1e3,
        "ms",
        limit=0.5,
        facts={
            "bookings_each": [len(of_one) for of_one in waits],
            "wait_ms_p50": round(percentile(whole, 50) * 1e3, 2),
            "wait_ms_p99": round(percentile(whole, 99) * 1e3, 2),
        },
    )


async def _write_for_a_while(path: Path, number: int, starts: float) -> list[float]:
    database = await Database.open(path, SystemClock())
    waits: list[float] = []
    try:
        book, supply = sale_book(database), _supply(number, RECORDS_ALONE)
        await asyncio.sleep(max(starts - time.monotonic(), 0))
        await _book_until(time.perf_counter() + WRITERS_S, book, *supply, waits)
    finally:
        await database.close()
    return waits


if __name__ == "__main__":
    _path, _number, _starts = sys.argv[1:]
    _alone = _write_for_a_while(Path(_path), int(_number), float(_starts))
    print(json.dumps(asyncio.run(_alone)))
