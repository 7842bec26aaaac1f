"""What dispensers report beside sales, duties and settings, each once."""

from dataclasses import asdict
from typing import Any

from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection


def keep(tx: Transaction, nozzle: NozzleKey, event: dict[str, Any]) -> bool:
    """Keep an event of a nozzle; False when it is kept already.

    `event` has the table's columns behind the nozzle. One without a number is another
    one each time that it comes.
    """
    known = tx.connection.execute(
        "SELECT 1 FROM device_event WHERE station_no=? AND dispenser_no=?"
        " AND nozzle_no=? AND device_seq=? AND raw_frame=?",
        (
            nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no,
            event["device_seq"], event["raw_frame"],
        ),
    ).fetchone()  # fmt: skip
    if known is not None:
        return False
    ref = f"{nozzle.nozzle_no}/{event['device_seq'] or 0}"
    prove_row(tx, "device_event", ref, {**asdict(nozzle), **event})
    return True


def newest(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the last events, newest first."""
    sql = "SELECT * FROM device_event ORDER BY seq DESC LIMIT ?"
    return list(rows(connection, sql, (limit,)))
