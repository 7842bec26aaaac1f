"""Single fills of one nozzle, by what is asked of them."""

from itertools import takewhile
from typing import Any

from cngstation.domain.totaliser import Place
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection


def first_behind(
    connection: Connection, nozzle_no: int, seq: int
) -> dict[str, Any] | None:
    """Return the first fill that was booked of a nozzle after a fact."""
    found = rows(
        connection,
        "SELECT * FROM sale WHERE seq>? AND nozzle_no=? ORDER BY seq LIMIT 1",
        (seq, nozzle_no),
    )
    row: dict[str, Any] | None = next(found, None)
    return row


def newest_heard(connection: Connection, nozzle: NozzleKey, asked_for: str) -> int:
    """Return where a nozzle's newest fill stands that came by itself; 0 for none.

    `asked_for` is the source of those that did not.
    """
    row = connection.execute(
        "SELECT seq FROM sale WHERE station_no=? AND dispenser_no=? AND nozzle_no=?"
        " AND source<>? ORDER BY epoch DESC, device_seq DESC LIMIT 1",
        (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no, asked_for),
    ).fetchone()
    return row[0] if row else 0


def newest_told(
    connection: Connection, nozzle: NozzleKey, no_total: int
) -> tuple[tuple[int, int], int] | None:
    """Return place and totaliser of a nozzle's newest fill that told one."""
    row = connection.execute(
        "SELECT epoch, device_seq, total_quantity_milli FROM sale"
        " WHERE station_no=? AND dispenser_no=? AND nozzle_no=?"
        " AND total_quantity_milli<>?"
        " ORDER BY epoch DESC, device_seq DESC LIMIT 1",
        (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no, no_total),
    ).fetchone()
    return None if row is None else ((row[0], row[1]), row[2])


def told_around(
    connection: Connection, nozzle: NozzleKey, place: Place, no_total: int
) -> list[dict[str, Any]]:
    """Return a fill, and on either side those up to the next that told a totaliser."""
    beside = (
        "SELECT {}(device_seq) FROM sale WHERE station_no=?1 AND dispenser_no=?2"
        " AND nozzle_no=?3 AND epoch=?4 AND device_seq{}?5 AND total_quantity_milli<>?6"
    )
    below, behind = beside.format("max", "<"), beside.format("min", ">")
    found = rows(
        connection,
        "SELECT epoch, device_seq, transaction_type, quantity_milli,"  # noqa: S608 - ours
        " total_quantity_milli FROM sale WHERE station_no=?1 AND dispenser_no=?2"
        " AND nozzle_no=?3 AND epoch=?4 AND device_seq"
        f" BETWEEN coalesce(({below}), ?5) AND coalesce(({behind}), ?5)"
        " ORDER BY device_seq",
        (
            nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no,
            place.epoch, place.number, no_total,
        ),
    )  # fmt: skip
    return list(found)


def above(
    connection: Connection, nozzle: NozzleKey, total: int
) -> list[dict[str, Any]]:
    """Return a nozzle's newest fills behind a figure of its totaliser, newest first."""
    found = rows(
        connection,
        "SELECT transaction_type, quantity_milli, amount_e4, total_quantity_milli"
        " FROM sale WHERE station_no=? AND dispenser_no=? AND nozzle_no=?"
        " ORDER BY epoch DESC, device_seq DESC",
        (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no),
    )
    return list(takewhile(lambda fill: fill["total_quantity_milli"] > total, found))


def keep_returned(tx: Transaction, sale_seq: int, returned_milli: int) -> None:
    """Record what came back from the vehicle at a fill."""
    row = {"sale_seq": sale_seq, "return_quantity_milli": returned_milli}
    prove_row(tx, "return_gas", str(sale_seq), row)
