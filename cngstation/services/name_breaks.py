"""Names where a nozzle's totaliser does not go on: each break one row, of its size.

A break is looked for when a fill is booked, at every reading, and once more when a fill
comes late. A row that later fills have filled is closed by itself; any other waits for
the person who explains it, and no shift is handed over before.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cngstation.domain.totaliser import (
    CAUSE_TEXTS,
    NO_TOTAL,
    Break,
    Place,
    Stretch,
    breaks,
)
from cngstation.storage import findings, nozzle_fills, sales, shifts
from cngstation.storage.database import Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import Reading
from cngstation.storage.sqlite import Connection

KIND = "totaliser_break"
COLLECTION = "make_up_debit"
LAST = Place(2**62, 2**62)
_COME = "its fills have come, or another row has it"
_OTHER = "the totaliser went on to another figure"


def subject_of(nozzle: NozzleKey) -> str:
    """Name a nozzle as the subject of a row."""
    return f"nozzle {nozzle.nozzle_no}"


def began_milli(sale: Mapping[str, Any]) -> int:
    """Return the totaliser before a booked fill that told one."""
    return int(sale["total_quantity_milli"] - moved_milli(sale))


def moved_milli(sale: Mapping[str, Any]) -> int:
    """Return what a booked fill moved; a collection moves no gas."""
    return 0 if sale["transaction_type"] == COLLECTION else int(sale["quantity_milli"])


def at_fill(sale: Mapping[str, Any]) -> Stretch:
    """Return a booked fill as a stretch of the totaliser."""
    place = Place(sale["epoch"], sale["device_seq"])
    if sale["total_quantity_milli"] == NO_TOTAL:
        return Stretch(place, 0, moved_milli(sale), is_told=False)
    return Stretch(place, began_milli(sale), sale["total_quantity_milli"])


def stood_at(
    connection: Connection,
    nozzle: NozzleKey,
    stand: sales.Stand,
    read: tuple[tuple[int, int], int] | None,
) -> int:
    """Return the totaliser where the book of a nozzle stands, NO_TOTAL if never told.

    Behind fills that told none it is the last that was told, by a fill or by `read`, a
    reading's place and figure, with the fills since.
    """
    if stand.total_quantity_milli != NO_TOTAL:
        return stand.total_quantity_milli
    told = nozzle_fills.newest_told(connection, nozzle, NO_TOTAL)
    if read is not None and (told is None or read[0] >= told[0]):
        told = read
    if told is None:
        return NO_TOTAL
    now = (stand.epoch, stand.device_seq or 0)
    since = sales.between(connection, nozzle, told[0], now)
    return told[1] + sum(map(moved_milli, since))


def at_reading(reading: Reading) -> Stretch:
    """Return a reading as a place on the totaliser."""
    total = reading.total_quantity_milli
    return Stretch(Place(*reading.place), total, total, is_fill=False)


def breaks_between(
    connection: Connection, nozzle: NozzleKey, start: Stretch, end: Stretch | None
) -> list[Break]:
    """Return the breaks from a reading to another, or to the newest fill."""
    last = LAST if end is None else end.place
    first = start.place
    places = (first.epoch, first.number), (last.epoch, last.number)
    fills = [at_fill(sale) for sale in sales.between(connection, nozzle, *places)]
    return breaks(start, fills if end is None else [*fills, end])


def check_nozzle(
    tx: Transaction, nozzle: NozzleKey, start: Stretch, end: Stretch | None
) -> list[Break]:
    """Name the breaks between two readings; close rows that are none any more."""
    found = breaks_between(tx.connection, nozzle, start, end)
    for each in found:
        name_break(tx, nozzle, each)
    current = {each.key for each in found}
    for row in open_breaks(tx.connection, nozzle, start, end):
        if not _is_one_of(row, current):
            findings.close_finding(tx, row.seq, _COME, "")
    return found


def name_break(tx: Transaction, nozzle: NozzleKey, found: Break) -> None:
    """Open the row of a break, unless it was named before, explained or not."""
    subject = subject_of(nozzle)
    named = findings.all_of(tx.connection, subject, KIND)
    if any(_is_one_of(row, {found.key}) for row in named):
        return
    for row in _open(tx.connection, nozzle):
        if _key(row)[:3] == found.key[:3]:
            findings.close_finding(tx, row.seq, _OTHER, "")
    findings.open_finding(
        tx,
        KIND,
        subject,
        {
            "nozzle": nozzle.nozzle_no,
            "epoch": found.after.epoch,
            "after": found.after.number,
            "number": found.next_number,
            "expected": found.expected,
            "found": found.found,
            "size_milli": found.size,
            "cause": CAUSE_TEXTS[found.cause],
        },
    )


def open_breaks(
    connection: Connection, nozzle: NozzleKey, start: Stretch, end: Stretch | None
) -> list[Finding]:
    """Return the rows of breaks between two readings that nobody has explained."""
    return [row for row in _open(connection, nozzle) if _lies_in(row, start, end)]


def _lies_in(row: Finding, start: Stretch, end: Stretch | None) -> bool:
    """Tell whether a break is between two readings; both may stand behind its fill."""
    epoch, number, expected, _ = _key(row)
    after = Place(epoch, number)
    if after < start.place or (after == start.place and expected != start.ended):
        return False
    if end is None or after < end.place:
        return True
    return after == end.place and expected != end.began


def unnamed(
    connection: Connection, nozzle: NozzleKey, found: Iterable[Break]
) -> list[Break]:
    """Return the breaks that no row names."""
    named = findings.all_of(connection, subject_of(nozzle), KIND)
    return [
        each for each in found if not any(_is_one_of(row, {each.key}) for row in named)
    ]


def recheck(tx: Transaction, nozzle: NozzleKey, place: Place) -> bool:
    """Look again between the readings where a fill came late.

    Returns False where no reading is before it: then there is no more than its
    neighbours to compare it with.
    """
    end = None
    for reading in shifts.readings_of_nozzle(tx.connection, nozzle):
        if place > Place(*reading.place):
            check_nozzle(tx, nozzle, at_reading(reading), end)
            return True
        end = at_reading(reading)
    return False


def named_moves(
    connection: Connection,
) -> dict[tuple[str, int], list[tuple[int, int, int]]]:
    """Return every move that a row names, by nozzle's row and the fill before it.

    A move is the life of the numbers, 0 for any, and its figures from and to.
    """
    moves: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
    for row, _ in findings.with_closers(connection, KIND):
        _, after, expected, found = _key(row)
        epoch = json.loads(row.facts).get("epoch", 0)
        moves.setdefault((row.subject, after), []).append((epoch, expected, found))
    return moves


def _open(connection: Connection, nozzle: NozzleKey) -> list[Finding]:
    found = findings.open_findings(connection, subject_of(nozzle))
    return [row for row in found if row.kind == KIND]


def _key(row: Finding) -> tuple[int, int, int, int]:
    """Return a row's break; rows of earlier versions name no life, it was the first."""
    told = json.loads(row.facts)
    after = told.get("after", told["number"] - 1)
    return (told.get("epoch", 1), after, told["expected"], told["found"])


def _is_one_of(row: Finding, keys: set[tuple[int, int, int, int]]) -> bool:
    if "epoch" in json.loads(row.facts):
        return _key(row) in keys
    return _key(row)[1:] in {key[1:] for key in keys}
