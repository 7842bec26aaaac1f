"""Proves the totalisers: what each has moved is its fills and the rows that are named.

Fills go on where the one before them ended, and from one reading of a nozzle to the
next, on duty and off duty; every break has its row.
"""

from cngstation.domain.totaliser import goes_on
from cngstation.language import mark
from cngstation.services.name_breaks import (
    at_fill,
    breaks_between,
    named_moves,
    unnamed,
)
from cngstation.services.tell_wrong import Wrong, wrong
from cngstation.storage import facts, shifts
from cngstation.storage.register_rows import has_table
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import Reading
from cngstation.storage.sqlite import Connection


def first_difference(
    connection: Connection, *, continued: bool = False
) -> Wrong | None:
    """Say where a totaliser first moves without a fill or a row; None for nowhere.

    `continued` says that every fill is known to go on where the one before ended.
    """
    if not continued and (found := _between_fills(connection)):
        return found
    if has_table(connection, "shift_reading"):
        return _between_readings(connection)
    return None


def _between_fills(connection: Connection) -> Wrong | None:
    named = named_moves(connection)
    last: tuple[str, int, int, int, int] | None = None
    reached: set[int] = set()
    is_carried = False
    for sale in facts.rows(
        connection,
        "SELECT station_no, dispenser_no, nozzle_no, epoch, device_seq,"
        " quantity_milli, total_quantity_milli, transaction_type FROM sale"
        " ORDER BY station_no, dispenser_no, nozzle_no, epoch, device_seq",
    ):
        nozzle, number = sale["nozzle_no"], sale["device_seq"]
        key = (sale["station_no"], sale["dispenser_no"], nozzle, sale["epoch"])
        fill = at_fill(sale)
        if last == (*key, number - 1):
            moves = [
                (expected, found)
                for epoch, expected, found in named.get(
                    (f"nozzle {nozzle}", number - 1), ()
                )
                if epoch in {0, sale["epoch"]}
            ]
            reached = _reached(reached, moves)
        else:
            reached, is_carried = set(), False
        if not fill.is_told:
            reached = {each + fill.ended for each in reached}
            is_carried = True
        elif reached and not any(
            goes_on(each, fill.began, fill.ended, is_carried=is_carried)
            for each in reached
        ):
            return wrong(
                mark("nozzle {nozzle}: fill {fill} does not continue the totaliser"),
                nozzle=nozzle,
                fill=number,
            )
        else:
            reached, is_carried = {fill.ended}, False
        last = (*key, number)
    return None


def _reached(start: set[int], moves: list[tuple[int, int]]) -> set[int]:
    """Return where a totaliser may stand behind some of the moves that are named."""
    reached, left = set(start), list(moves)
    while taken := [move for move in left if move[0] in reached]:
        reached |= {found for _, found in taken}
        left = [move for move in left if move not in taken]
    return reached


_TWICE = {
    shifts.ON: mark("nozzle {nozzle}: reading {seq} is on duty twice"),
    shifts.OFF: mark("nozzle {nozzle}: reading {seq} is off duty twice"),
}
_MOVED = mark("nozzle {nozzle}: reading {seq} moved {size} without fill or row")


def _between_readings(connection: Connection) -> Wrong | None:
    last: dict[NozzleKey, Reading] = {}
    for reading in shifts.every_reading(connection):
        nozzle, before = reading.nozzle, last.get(reading.nozzle)
        where = {"nozzle": nozzle.nozzle_no, "seq": reading.seq}
        moment = before.moment if before else shifts.OFF
        if reading.moment == moment:
            return wrong(_TWICE[moment], **where)
        if before is not None:
            found = breaks_between(connection, nozzle, before, reading)
            if left := unnamed(connection, nozzle, found):
                size = left[0].size
                return wrong(_MOVED, **where, size=size)
        last[nozzle] = reading
    return None
