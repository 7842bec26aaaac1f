"""One flipped bit anywhere in a copy of the file is named, or provably harmless.

Harmless is: the byte is unused by the file format, or nothing at all reads differently,
or what reads differently is one of the columns that are said not to be proved.
"""

import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cngstation.errors import StorageError
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit
from cngstation.storage.sqlite import FAILURES, connect
from tests.database_pages import KINDS, Pages
from tests.small_station import CASHIER, opened
from tests.unit.services.test_every_column import UNPROVED
from tests.unit.services.whole_books import furnished
from tests.whole_tables import furnish_every_table

FOUND, UNUSED, SAME, UNPROVED_ONLY = "named", "unused", "reads the same", "not proved"
MISSED = "MISSED"
SAMPLE, CAMPAIGN = 150, int(os.environ.get("CNG_FLIPPED_BITS", "2000"))
Dump = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with rows in every table, and pages that were given back."""
    path = tmp_path_factory.mktemp("flips") / "s.db"
    furnished(path, _furnish(path))
    connection = connect(path)
    connection.execute("CREATE TABLE gone (x)")
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 40)"
        " INSERT INTO gone SELECT randomblob(3000) FROM n"
    )
    connection.execute("DROP TABLE gone")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


async def _furnish(path: Path) -> None:
    await furnish_every_table(path)
    async with opened(path) as database:
        for number in range(200):
            subject = f"a longer number of nothing {number:09}"
            await database.write(lambda tx, s=subject: audit.record(tx, CASHIER, s, s))
        long = "long " * 2_000
        await database.write(lambda tx: audit.record(tx, CASHIER, "a", "b", after=long))


def dump(path: Path) -> Dump:
    """Return everything that can be read from a file, with its schema."""
    connection = connect(path, read_only=True)
    try:
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type='table'"
        ).fetchall()
        read: Dump = {}
        for (table,) in (("sqlite_schema",), *tables):
            cursor = connection.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            read[table] = names, sorted(cursor.fetchall(), key=repr)
        names = ["user_version", "application_id"]
        said = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
        return {**read, "header": (names, [tuple(said)])}
    finally:
        connection.close()


def proved_part(read: Dump) -> Dump:
    """Leave out the columns that are said not to be proved."""
    kept: Dump = {}
    for table, (names, rows) in read.items():
        hidden = UNPROVED.get(table, {})
        places = [place for place, name in enumerate(names) if name not in hidden]
        shown = [tuple(row[place] for place in places) for row in rows]
        kept[table] = [names[place] for place in places], sorted(shown, key=repr)
    return kept


def verdict(path: Path, right: Dump, pages: Pages, offset: int) -> str:
    """Return what becomes of one flipped bit."""
    try:
        if not verify_file(path).proved:
            return FOUND
    except StorageError:
        return FOUND
    if not pages.is_used(offset):
        return UNUSED
    try:
        read = dump(path)
    except FAILURES:
        return MISSED
    if read == right:
        return SAME
    return UNPROVED_ONLY if proved_part(read) == proved_part(right) else MISSED


def flip(file: Path, folder: Path, offsets: list[int], chance: random.Random) -> Any:
    """Flip a bit at each place, one at a time; count what became of it by page."""
    data = file.read_bytes()
    pages, right = Pages(data), dump(file)
    assert len(pages.pages) == len(data) // pages.size
    counted: Counter[tuple[str, str]] = Counter()
    missed = []
    path = folder / "s.db"
    for offset in offsets:
        flipped = bytearray(data)
        bit = chance.randrange(8)
        flipped[offset] ^= 1 << bit
        for old in folder.glob("s.db*"):
            old.unlink()
        path.write_bytes(flipped)
        outcome = verdict(path, right, pages, offset)
        counted[pages.kind_at(offset), outcome] += 1
        if outcome == MISSED:
            missed.append((offset, bit, pages.kind_at(offset)))
    return counted, missed


def places(file: Path, count: int, chance: random.Random) -> list[int]:
    """Choose a third among all bytes, the rest among the used ones of each kind."""
    data = file.read_bytes()
    pages = Pages(data)
    used: dict[str, list[int]] = {}
    for offset in range(len(data)):
        if pages.is_used(offset):
            used.setdefault(pages.kind_at(offset), []).append(offset)
    kinds = sorted(used)
    anywhere = [chance.randrange(len(data)) for _ in range(count // 3)]
    return anywhere + [
        chance.choice(used[kinds[turn % len(kinds)]])
        for turn in range(count - len(anywhere))
    ]


def table(counted: Counter[tuple[str, str]]) -> str:
    """Return the counts as a table, a line for each kind of page."""
    outcomes = (FOUND, UNUSED, SAME, UNPROVED_ONLY, MISSED)
    lines = ["".join(f"{cell:>17}" for cell in ("page", *outcomes))]
    lines += [
        "".join(f"{cell:>17}" for cell in (kind, *(counted[kind, o] for o in outcomes)))
        for kind in sorted({kind for kind, _ in counted})
    ]
    return "\n".join(lines)


def test_a_sample_of_flipped_bits(file: Path, tmp_path: Path) -> None:
    """Some bits of each kind of page, the same in each run."""
    chance = random.Random(1121)
    counted, missed = flip(file, tmp_path, places(file, SAMPLE, chance), chance)
    assert missed == []
    assert counted.total() == SAMPLE
    hit = {kind for kind, _ in counted}
    assert hit == {*KINDS.values(), "header", "overflow", "free list", "free page"}
    named = sum(count for (_, outcome), count in counted.items() if outcome == FOUND)
    assert named > SAMPLE // 2


@pytest.mark.campaign
def test_flipped_bits(file: Path, tmp_path: Path) -> None:
    """As many bits as the campaign asks for, `CNG_FLIPPED_BITS`."""
    chance = random.Random(2026)
    counted, missed = flip(file, tmp_path, places(file, CAMPAIGN, chance), chance)
    sys.stderr.write("\n" + table(counted) + "\n")
    assert missed == []
