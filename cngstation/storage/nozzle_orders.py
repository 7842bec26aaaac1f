"""Orders to nozzles, each asked once and answered once."""

from dataclasses import dataclass

from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection

ASKED, ANSWERED = "asked", "answered"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a nozzle is to do."""

    nozzle_no: int
    kind: str
    preset_quantity_milli: int = 0
    preset_amount_e4: int = 0


def find(connection: Connection, order_id: str) -> tuple[Wanted, str] | None:
    """Return an order with its outcome, empty while no answer is on record."""
    row = connection.execute(
        "SELECT o.nozzle_no, o.kind, o.preset_quantity_milli, o.preset_amount_e4,"
        " coalesce(a.outcome, '') FROM nozzle_order o LEFT JOIN nozzle_order a"
        " ON a.order_id=o.order_id AND a.step='answered'"
        " WHERE o.order_id=? AND o.step='asked'",
        (order_id,),
    ).fetchone()
    return None if row is None else (Wanted(*row[:4]), str(row[4]))


def newest_opening(connection: Connection, nozzle_no: int) -> tuple[str, int]:
    """Return the newest order that may have opened a nozzle, and where it stands.

    It stands where it was answered: a fill that was booked while it waited is not its.
    One without an answer may have opened it, one that was refused has not.
    """
    row = connection.execute(
        "SELECT o.order_id, max(o.seq, coalesce(a.seq, 0)) FROM nozzle_order o"
        " LEFT JOIN nozzle_order a ON a.order_id=o.order_id AND a.step='answered'"
        " WHERE o.nozzle_no=? AND o.kind='authorise' AND o.step='asked'"
        " AND coalesce(a.outcome, '')<>'refused' ORDER BY o.seq DESC LIMIT 1",
        (nozzle_no,),
    ).fetchone()
    return (str(row[0]), int(row[1])) if row else ("", 0)


def note(
    tx: Transaction,
    order_id: str,
    step: str,
    wanted: Wanted,
    actor: Actor,
    *,
    outcome: str = "",
) -> None:
    """Record that an order is asked, or what became of it."""
    row = {
        "order_id": order_id,
        "step": step,
        "nozzle_no": wanted.nozzle_no,
        "kind": wanted.kind,
        "preset_quantity_milli": wanted.preset_quantity_milli,
        "preset_amount_e4": wanted.preset_amount_e4,
        "outcome": outcome,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    prove_row(tx, "nozzle_order", f"nozzle {wanted.nozzle_no}", row)
