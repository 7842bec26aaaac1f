"""Prices by level, each a dated row; the newest that has begun is in force."""

from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection
from cngstation.units import Price, Unit

LEVELS = (0, 1, 2)


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
    found = connection.execute(
        "SELECT level, price_e4 FROM price p WHERE unit=?1 AND from_ms<=?2 AND seq ="
        " (SELECT q.seq FROM price q WHERE q.level=p.level AND q.unit=?1"
        "  AND q.from_ms<=?2 ORDER BY q.from_ms DESC, q.seq DESC LIMIT 1)",
        (str(unit), at_ms),
    )
    return {level: Price(price_e4) for level, price_e4 in found}


def next_from_ms(connection: Connection, after_ms: int) -> int | None:
    """Return when the next price begins that is planned for after a moment."""
    row = connection.execute(
        "SELECT min(from_ms) FROM price WHERE from_ms>?", (after_ms,)
    ).fetchone()
    begins: int | None = row[0]
    return begins
