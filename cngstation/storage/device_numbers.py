"""Which numbers of a dispenser are in the books, where its nozzles share one row.

A number is a fill's, a duty's or an event's. Only what came in the life of the numbers
that is in force counts.
"""

from collections.abc import Iterable

from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

_LIFE = (
    "SELECT coalesce(max(epoch), 1), coalesce(max(since_seq), 0) FROM device_epoch"
    " WHERE station_no=?1 AND dispenser_no=?2 AND nozzle_no=?3"
)
_NUMBERS = (
    "SELECT device_seq FROM sale WHERE station_no=?1 AND dispenser_no=?2"
    " AND nozzle_no=?3 AND epoch=?4 UNION ALL "
    "SELECT device_seq FROM duty_record WHERE station_no=?1 AND dispenser_no=?2"
    " AND nozzle_no=?3 AND seq>?5 UNION ALL "
    "SELECT device_seq FROM device_event WHERE station_no=?1 AND dispenser_no=?2"
    " AND nozzle_no=?3 AND seq>?5 AND device_seq IS NOT NULL"
)


def newest_beside(
    connection: Connection, nozzles: Iterable[NozzleKey], device_seq: int
) -> int | None:
    """Return the largest number of these nozzles that is not this one."""
    found = [
        connection.execute(
            f"SELECT max(device_seq) FROM ({_NUMBERS}) WHERE device_seq<>?6",  # noqa: S608 - ours
            (*_life(connection, nozzle), device_seq),
        ).fetchone()[0]
        for nozzle in nozzles
    ]
    return max((number for number in found if number is not None), default=None)


def is_known(
    connection: Connection, nozzles: Iterable[NozzleKey], device_seq: int
) -> bool:
    """Tell whether a number of one of these nozzles is in the books."""
    sql = f"SELECT 1 FROM ({_NUMBERS}) WHERE device_seq=?6 LIMIT 1"  # noqa: S608 - ours
    return any(
        connection.execute(sql, (*_life(connection, nozzle), device_seq)).fetchone()
        for nozzle in nozzles
    )


def span(connection: Connection, nozzle: NozzleKey) -> tuple[int | None, int | None]:
    """Return the lowest and the highest number of a nozzle's fills in its life."""
    row = connection.execute(
        f"SELECT min(device_seq), max(device_seq) FROM sale s WHERE {_FILLS}",  # noqa: S608 - ours
        _life(connection, nozzle)[:4],
    ).fetchone()
    return row[0], row[1]


def around_day(
    connection: Connection, nozzle: NozzleKey, day: str
) -> tuple[int | None, int | None]:
    """Return a nozzle's last fill before a business day, and its first behind it."""
    row = connection.execute(
        "SELECT max(iif(e.business_day<?5, s.device_seq, NULL)),"  # noqa: S608 - ours
        " min(iif(e.business_day>?5, s.device_seq, NULL))"
        f" FROM sale s JOIN entry e USING (seq) WHERE {_FILLS}",
        (*_life(connection, nozzle)[:4], day),
    ).fetchone()
    return row[0], row[1]


_FILLS = "s.station_no=?1 AND s.dispenser_no=?2 AND s.nozzle_no=?3 AND s.epoch=?4"


def _life(connection: Connection, nozzle: NozzleKey) -> tuple[str, int, int, int, int]:
    key = (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no)
    epoch, since_seq = connection.execute(_LIFE, key).fetchone()
    return (*key, epoch, since_seq)
