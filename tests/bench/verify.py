"""Proving booked fills, against hashing the same bodies and nothing else.

The peer reads the bodies in order, as text, and links them by SHA-256 in one thread; it
compares nothing. `CNG_VERIFY_FILLS` says how many fills are booked first.
"""

import asyncio
import hashlib
import os
import time
from pathlib import Path
from statistics import median

from cngstation.services.verify_books import verify_file
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import connect
from tests.bench.books import FillingNozzle, open_books, sale_book
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure

FILLS = int(os.environ.get("CNG_VERIFY_FILLS", "100000"))
NOZZLES, CARDS_A_NOZZLE = 64, 16
IN_ONE_UNIT = 500
ROUNDS = 3
GOAL = 3.0


def measure() -> list[Figure]:
    """Book once, then prove and hash in turn."""
    with folder_on_disk() as folder:
        path = folder / "station.db"
        asyncio.run(_book(path))
        proofs, hashings = [], []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            proof = verify_file(path)
            proofs.append(time.perf_counter() - began)
            assert proof.proved, proof.first_bad
            hashings.append(_hash_alone(path, proof.head))
    ours, alone = median(proofs), median(hashings)
    return [
        Figure(
            "verify to hashing alone",
            ours / proof.rows * 1e6,
            alone / proof.rows * 1e6,
            "us/row",
            goal=GOAL,
            facts={"rows": proof.rows, "rows_per_s": round(proof.rows / ours)},
        )
    ]


async def _book(path: Path) -> None:
    """Book every fill by the product's own code, many in one transaction."""
    database = await open_books(path, NOZZLES * CARDS_A_NOZZLE)
    book = sale_book(database)
    try:
        for number in range(NOZZLES):
            first = number * CARDS_A_NOZZLE
            nozzle = FillingNozzle(number + 1, range(first, first + CARDS_A_NOZZLE))
            records = nozzle.records(FILLS // NOZZLES)
            for at in range(0, len(records), IN_ONE_UNIT):
                part = records[at : at + IN_ONE_UNIT]

                def unit(tx: Transaction, part: list = part) -> None:  # type: ignore[type-arg]
                    for record in part:
                        book._book(tx, nozzle.setting, record, "bench")  # noqa: B023

                await database.write(unit)
    finally:
        await database.close()


def _hash_alone(path: Path, head: str) -> float:
    """Read the bodies and link them; return how long that took."""
    connection = connect(path, read_only=True)
    try:
        began = time.perf_counter()
        linked = bytes(32)
        for (body,) in connection.execute("SELECT body FROM chain ORDER BY seq"):
            linked = hashlib.sha256(b"\0" + linked + body.encode()).digest()
        took = time.perf_counter() - began
    finally:
        connection.close()
    assert linked.hex() == head
    return took
