"""What dispensers report beside sales, each once: duties and changed settings.

A device numbers these by itself. The same number with other content is the beginning
of another life of its numbers, and so is a duty below all that are known at which the
totaliser stood higher: no clock has a say.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

DUTY, PARAMETER = "duty_record", "parameter_change"
_TOTAL = "total_quantity_milli"


def keep(
    tx: Transaction, table: str, nozzle: NozzleKey, row: Mapping[str, Any]
) -> bool | None:
    """Keep a record of a nozzle; tell whether its number is the newest, None: known.

    `row` has its `device_seq` and its bytes as `raw_frame`.
    """
    number = row["device_seq"]
    epoch, newest = _stand(tx.connection, table, nozzle)
    for life in range(epoch, 0, -1):
        known = _find(tx.connection, table, nozzle, life, number)
        # Not by its bytes: a repeat may carry another counter of its frames.
        if known is not None and all(
            known[name] == value for name, value in row.items() if name != "raw_frame"
        ):
            return None
        if known is not None and life == epoch:
            epoch, newest = epoch + 1, 0
    if table == DUTY and _began_anew(tx.connection, nozzle, epoch, row):
        epoch, newest = epoch + 1, 0
    whole = {**asdict(nozzle), "epoch": epoch, **row}
    prove_row(tx, table, f"{nozzle.nozzle_no}/{number}", whole)
    return bool(number > newest)


def begun_at(
    connection: Connection, nozzle: NozzleKey, number: int, on_duty_seq: int | None
) -> int | None:
    """Return the totaliser at which an ended duty began; None where it is not known.

    It began at the record that it names, or at the one before it.
    """
    row = connection.execute(
        f"SELECT is_off_duty, total_quantity_milli FROM {DUTY} WHERE {_OF_NOZZLE}"  # noqa: S608 - ours
        " AND epoch=? AND device_seq<? AND (? IS NULL OR device_seq=?)"
        " ORDER BY device_seq DESC LIMIT 1",
        (
            *_values(nozzle),
            _stand(connection, DUTY, nozzle)[0],
            number,
            on_duty_seq,
            on_duty_seq,
        ),
    ).fetchone()
    return None if row is None or row[0] else row[1]


def newest_total(connection: Connection, nozzle: NozzleKey) -> int:
    """Return the totaliser of a nozzle's newest duty; 0 where it told none."""
    row = connection.execute(
        f"SELECT {_TOTAL} FROM {DUTY} WHERE {_OF_NOZZLE}"  # noqa: S608 - ours
        " ORDER BY epoch DESC, device_seq DESC LIMIT 1",
        _values(nozzle),
    ).fetchone()
    return (row and row[0]) or 0


def _stand(connection: Connection, table: str, nozzle: NozzleKey) -> tuple[int, int]:
    row = connection.execute(
        f"SELECT epoch, device_seq FROM {table} WHERE {_OF_NOZZLE}"  # noqa: S608 - ours
        " ORDER BY epoch DESC, device_seq DESC LIMIT 1",
        _values(nozzle),
    ).fetchone()
    return (1, 0) if row is None else (int(row[0]), int(row[1]))


def _began_anew(
    connection: Connection, nozzle: NozzleKey, epoch: int, row: Mapping[str, Any]
) -> bool:
    """Tell whether a duty's number is below all of a life, and its totaliser above."""
    total = row.get(_TOTAL)
    lowest, highest = connection.execute(
        f"SELECT min(device_seq), max({_TOTAL}) FROM {DUTY}"  # noqa: S608 - ours
        f" WHERE {_OF_NOZZLE} AND epoch=?",
        (*_values(nozzle), epoch),
    ).fetchone()
    if total is None or lowest is None:
        return False
    return bool(row["device_seq"] < lowest and total > (highest or 0))


def _find(
    connection: Connection, table: str, nozzle: NozzleKey, epoch: int, number: int
) -> dict[str, Any] | None:
    found = rows(
        connection,
        f"SELECT * FROM {table} WHERE {_OF_NOZZLE} AND epoch=? AND device_seq=?",  # noqa: S608
        (*_values(nozzle), epoch, number),
    )
    return next(found, None)


_OF_NOZZLE = "station_no=? AND dispenser_no=? AND nozzle_no=?"


def _values(nozzle: NozzleKey) -> tuple[str, int, int]:
    return (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no)
