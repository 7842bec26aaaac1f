"""Prices by level, each a dated row; the newest that has begun is in force."""

from dataclasses import dataclass

from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection
from cngstation.units import Price, Unit

LEVELS = (0, 1, 2)
_HOLDS = "NOT EXISTS (SELECT 1 FROM price_cancelled c WHERE c.price_seq=q.seq)"
_IN_FORCE = (
    "SELECT level, price_e4 FROM price p WHERE unit=?1 AND from_ms<=?2 AND seq ="  # noqa: S608 - ours
    " (SELECT q.seq FROM price q WHERE q.level=p.level AND q.unit=?1"
    f"  AND q.from_ms<=?2 AND {_HOLDS}"
    " ORDER BY q.from_ms DESC, q.seq DESC LIMIT 1)"
)


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price of a level from a moment on; `cancelled_by` is empty unless taken back.

    People are named where they are in the register, else by number.
    """

    seq: int
    level: int
    price: Price
    unit: Unit
    from_ms: int
    planned_by: str
    cancelled_by: str
    reason: str


def plan(
    tx: Transaction,
    *,
    level: int,
    price: Price,
    unit: Unit,
    from_ms: int,
    operator_no: str,
) -> int:
    """Record the price that a level has from a moment on."""
    row = {
        "level": level,
        "price_e4": price.e4,
        "unit": str(unit),
        "from_ms": from_ms,
        "operator_no": operator_no,
    }
    return prove_row(tx, "price", str(level), row)


def in_force(connection: Connection, unit: Unit, at_ms: int) -> dict[int, Price]:
    """Return the price of each level at a moment."""
    found = connection.execute(_IN_FORCE, (str(unit), at_ms))
    return {level: Price(price_e4) for level, price_e4 in found}


def next_from_ms(connection: Connection, after_ms: int) -> int | None:
    """Return when the next price begins that is planned for after a moment."""
    row = connection.execute(
        f"SELECT min(from_ms) FROM price q WHERE from_ms>? AND {_HOLDS}",  # noqa: S608
        (after_ms,),
    ).fetchone()
    begins: int | None = row[0]
    return begins


def moments_ahead(
    connection: Connection, unit: Unit, after_ms: int, until_ms: int
) -> list[int]:
    """Return when prices of a unit begin that are planned, in their order."""
    found = connection.execute(
        f"SELECT DISTINCT from_ms FROM price q WHERE unit=? AND from_ms>?"  # noqa: S608 - ours
        f" AND from_ms<=? AND {_HOLDS} ORDER BY from_ms",
        (str(unit), after_ms, until_ms),
    )
    return [from_ms for (from_ms,) in found]


def next_planned(connection: Connection, after_ms: int) -> DatedPrice | None:
    """Return the price that begins next after a moment, of any unit and level."""
    row = connection.execute(
        f"{_DATED} WHERE p.from_ms>? AND c.seq IS NULL"
        " ORDER BY p.from_ms, p.seq LIMIT 1",
        (after_ms,),
    ).fetchone()
    return None if row is None else _dated(row)


def newest(connection: Connection, limit: int) -> list[DatedPrice]:
    """Return the prices that begin last, those of the future first."""
    found = connection.execute(
        f"{_DATED} ORDER BY p.from_ms DESC, p.seq DESC LIMIT ?", (limit,)
    )
    return [_dated(row) for row in found]


def holding(connection: Connection, at_ms: int) -> list[DatedPrice]:
    """Return the prices in force at a moment, of every unit and level."""
    found = connection.execute(
        f"{_DATED} WHERE p.seq = (SELECT q.seq FROM price q WHERE q.level=p.level"  # noqa: S608 - ours
        f" AND q.unit=p.unit AND q.from_ms<=? AND {_HOLDS}"
        " ORDER BY q.from_ms DESC, q.seq DESC LIMIT 1)",
        (at_ms,),
    )
    return [_dated(row) for row in found]


def find_planned(connection: Connection, seq: int, now_ms: int) -> DatedPrice | None:
    """Return a price whose time has not come and that was not taken back."""
    row = connection.execute(
        f"{_DATED} WHERE p.seq=? AND p.from_ms>? AND c.seq IS NULL", (seq, now_ms)
    ).fetchone()
    return None if row is None else _dated(row)


def cancel(tx: Transaction, price_seq: int, reason: str, actor: Actor) -> None:
    """Record that a planned price is taken back."""
    row = {
        "price_seq": price_seq,
        "reason": reason,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    prove_row(tx, "price_cancelled", str(price_seq), row)


_DATED = (
    "SELECT p.seq, p.level, p.price_e4, p.unit, p.from_ms,"
    " coalesce((SELECT full_name FROM operator o WHERE o.operator_no=p.operator_no),"
    "  p.operator_no),"
    " coalesce((SELECT full_name FROM operator o WHERE o.operator_no=c.operator_no),"
    "  c.operator_no, ''), coalesce(c.reason, '')"
    " FROM price p LEFT JOIN price_cancelled c ON c.price_seq=p.seq"
)


def _dated(row: tuple[int, int, int, str, int, str, str, str]) -> DatedPrice:
    seq, level, price_e4, unit, from_ms, planned_by, cancelled_by, reason = row
    return DatedPrice(
        seq,
        level,
        Price(price_e4),
        Unit(unit),
        from_ms,
        planned_by,
        cancelled_by,
        reason,
    )
