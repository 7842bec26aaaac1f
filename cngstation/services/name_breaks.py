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
    GAS,
    MONEY,
    NO_TOTAL,
    Break,
    Measure,
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

KIND, MONEY_KIND = "totaliser_break", "amount_break"
_KINDS = {GAS: KIND, MONEY: MONEY_KIND}
_SIZES = {GAS: "size_milli", MONEY: "size_e4"}
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


def at_fill(sale: Mapping[str, Any], measure: Measure = GAS) -> Stretch:
    """Return a booked fill as a stretch of a totaliser; money of 0 is not told."""
    place = Place(sale["epoch"], sale["device_seq"])
    if measure.is_money:
        ended = sale["total_amount_e4"]
        paid = 0 if sale["transaction_type"] == COLLECTION else sale["amount_e4"]
        return Stretch(place, ended - paid, ended, is_told=bool(ended))
    if sale["total_quantity_milli"] == NO_TOTAL:
        return Stretch(place, 0, moved_milli(sale), is_told=False)
    return Stretch(place, began_milli(sale), sale["total_quantity_milli"])


def stood_at(
    connection: Connection,
    nozzle: NozzleKey,
    stand: sales.Stand,
    read: tuple[tuple[int, int], int] | None,
    *,
    unbroken: bool = False,
) -> int:
    """Return the totaliser where the book of a nozzle stands, NO_TOTAL if never told.

    Behind fills that told none it is the last that was told, by a fill or by `read`, a
    reading's place and figure, with the fills since; with `unbroken` NO_TOTAL where
    one of those has not come.
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
    numbers = [sale["device_seq"] for sale in since]
    if unbroken and numbers != list(range(told[0][1] + 1, now[1] + 1)):
        return NO_TOTAL
    return told[1] + sum(map(moved_milli, since))


def at_reading(reading: Reading, measure: Measure = GAS) -> Stretch:
    """Return a reading as a place on a totaliser; money of 0 is not told."""
    place = Place(*reading.place)
    total = reading.total_quantity_milli
    if measure.is_money:
        total = reading.total_amount_e4
    is_told = bool(total) or not measure.is_money
    return Stretch(place, total, total, is_fill=False, is_told=is_told)


def breaks_between(
    connection: Connection,
    nozzle: NozzleKey,
    start: Reading,
    end: Reading | None,
    measure: Measure = GAS,
) -> list[Break]:
    """Return the breaks from a reading to another, or to the newest fill."""
    last = (LAST.epoch, LAST.number) if end is None else end.place
    sold = sales.between(connection, nozzle, start.place, last)
    found = [at_fill(sale, measure) for sale in sold]
    if end is not None:
        found.append(at_reading(end, measure))
    return breaks(at_reading(start, measure), found, measure)


def check_nozzle(
    tx: Transaction, nozzle: NozzleKey, start: Reading, end: Reading | None
) -> list[Break]:
    """Name the breaks between two readings; close rows that are none any more.

    Money that moved where gas did, without a fill, is told by the row of the gas.
    Returns the breaks of gas.
    """
    gas = breaks_between(tx.connection, nozzle, start, end)
    told = {(each.after, each.next_number) for each in gas}
    every = breaks_between(tx.connection, nozzle, start, end, MONEY)
    money = [each for each in every if (each.after, each.next_number) not in told]
    for measure, found in ((GAS, gas), (MONEY, money)):
        for each in found:
            name_break(tx, nozzle, each, measure)
        current = {each.key for each in found}
        for row in _open_between(tx.connection, nozzle, start, end, measure):
            if not _is_one_of(row, current):
                findings.close_finding(tx, row.seq, _COME, "")
    return gas


def name_break(
    tx: Transaction, nozzle: NozzleKey, found: Break, measure: Measure = GAS
) -> None:
    """Open the row of a break, unless it was named before, explained or not."""
    subject, kind = subject_of(nozzle), _KINDS[measure]
    named = findings.all_of(tx.connection, subject, kind)
    if any(_is_one_of(row, {found.key}) for row in named):
        return
    for row in _open(tx.connection, nozzle, measure):
        if _key(row)[:3] == found.key[:3]:
            findings.close_finding(tx, row.seq, _OTHER, "")
    findings.open_finding(
        tx,
        kind,
        subject,
        {
            "nozzle": nozzle.nozzle_no,
            "epoch": found.after.epoch,
            "after": found.after.number,
            "number": found.next_number,
            "expected": found.expected,
            "found": found.found,
            _SIZES[measure]: found.size,
            "cause": CAUSE_TEXTS[found.cause],
        },
    )


def open_breaks(
    connection: Connection, nozzle: NozzleKey, start: Reading, end: Reading | None
) -> list[Finding]:
    """Return the rows of breaks between two readings that nobody has explained."""
    return [
        row
        for measure in _KINDS
        for row in _open_between(connection, nozzle, start, end, measure)
    ]


def _open_between(
    connection: Connection,
    nozzle: NozzleKey,
    start: Reading,
    end: Reading | None,
    measure: Measure,
) -> list[Finding]:
    first = at_reading(start, measure)
    last = at_reading(end, measure) if end else None
    rows = _open(connection, nozzle, measure)
    return [row for row in rows if _lies_in(row, first, last)]


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
            check_nozzle(tx, nozzle, reading, end)
            return True
        end = reading
    return False


def recheck_beside(tx: Transaction, nozzle: NozzleKey, place: Place) -> None:
    """Look again around a fill before all readings, from told to told.

    The first reading is looked at too where it stands behind one of these fills. Over
    numbers that have not come nothing is compared.
    """
    sold = nozzle_fills.told_around(tx.connection, nozzle, place, NO_TOTAL)
    fills = [at_fill(sale) for sale in sold]
    if not fills:
        return
    *_, first = (None, *shifts.readings_of_nozzle(tx.connection, nozzle))
    runs: list[list[Stretch]] = []
    for fill in fills:
        if not runs or fill.place.number != runs[-1][-1].place.number + 1:
            runs.append([])
        runs[-1].append(fill)
        if first is not None and Place(*first.place) == fill.place:
            runs[-1].append(at_reading(first))
    found = [each for run in runs for each in breaks(run[0], run[1:])]
    for each in found:
        name_break(tx, nozzle, each)
    current = {each.key for each in found}
    looked = {one.place for run in runs for one in run[:-1]}
    for row in _open(tx.connection, nozzle, GAS):
        if Place(*_key(row)[:2]) in looked and not _is_one_of(row, current):
            findings.close_finding(tx, row.seq, _COME, "")


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


def _open(connection: Connection, nozzle: NozzleKey, measure: Measure) -> list[Finding]:
    found = findings.open_findings(connection, subject_of(nozzle))
    return [row for row in found if row.kind == _KINDS[measure]]


def _key(row: Finding) -> tuple[int, int, int, int]:
    """Return a row's break; rows of earlier versions name no life, it was the first."""
    told = json.loads(row.facts)
    after = told.get("after", told["number"] - 1)
    return (told.get("epoch", 1), after, told["expected"], told["found"])


def _is_one_of(row: Finding, keys: set[tuple[int, int, int, int]]) -> bool:
    if "epoch" in json.loads(row.facts):
        return _key(row) in keys
    return _key(row)[1:] in {key[1:] for key in keys}
