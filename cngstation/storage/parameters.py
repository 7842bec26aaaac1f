"""Parameters that were set at the station, each a row of a register."""

from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection

# "1" from the set-up until somebody has looked at the parameters for the first time.
FIRST_START = "first_start"


def every(connection: Connection) -> dict[str, str]:
    """Return what was set, by name."""
    return dict(connection.execute("SELECT name, value FROM parameter").fetchall())


def put(
    tx: Transaction, name: str, value: str, *, reason: str = "", actor: Actor = STATION
) -> None:
    """Set a parameter."""
    key = {"name": name}
    if name in every(tx.connection):
        values = {"value": value}
        registers.change(tx, "parameter", key, values, reason=reason, actor=actor)
    else:
        row = {**key, "value": value}
        registers.add(tx, "parameter", row, reason=reason, actor=actor)
