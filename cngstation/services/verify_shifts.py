"""Proves the totalisers: what each has moved is its fills and the rows that are named.

Fills go on where the one before them ended, and from one reading of a nozzle to the
next, on duty and off duty; every break has its row.
"""

from cngstation.domain.totaliser import goes_on
from cngstation.language import mark
from cngstation.services.name_breaks import (
    at_reading,
    began_milli,
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
    previous: tuple[tuple[str, int, int, int], int, int] | None = None
    for sale in facts.rows(
        connection,
        "SELECT station_no, dispenser_no, nozzle_no, epoch, device_seq,"
        " quantity_milli, total_quantity_milli, transaction_type FROM sale"
        " ORDER BY station_no, dispenser_no, nozzle_no, epoch, device_seq",
    ):
        nozzle, number = sale["nozzle_no"], sale["device_seq"]
        key = (sale["station_no"], sale["dispenser_no"], nozzle, sale["epoch"])
        if previous is not None and previous[:2] == (key, number - 1):
            moves = [
                (expected, found)
                for epoch, expected, found in named.get(
                    (f"nozzle {nozzle}", number - 1), ()
                )
                if epoch in {0, sale["epoch"]}
            ]
            began, ended = began_milli(sale), sale["total_quantity_milli"]
            on = goes_on(previous[2], began, ended)
            if not on and not _leads(previous[2], began, moves):
                return wrong(
                    mark(
                        "nozzle {nozzle}: fill {fill} does not continue the totaliser"
                    ),
                    nozzle=nozzle,
                    fill=number,
                )
        previous = (key, number, sale["total_quantity_milli"])
    return None


def _leads(start: int, end: int, moves: list[tuple[int, int]]) -> bool:
    """Tell whether a totaliser comes from one figure to another by named moves."""
    reached, left = {start}, list(moves)
    while end not in reached:
        taken = [move for move in left if move[0] in reached]
        if not taken:
            return False
        reached |= {found for _, found in taken}
        left = [move for move in left if move not in taken]
    return True


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
            start, end = at_reading(before), at_reading(reading)
            found = breaks_between(connection, nozzle, start, end)
            if left := unnamed(connection, nozzle, found):
                size = left[0].size_milli
                return wrong(_MOVED, **where, size=size)
        last[nozzle] = reading
    return None
