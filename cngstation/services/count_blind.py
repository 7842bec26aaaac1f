"""The blind count (盲点): what a crew is to bring is not told before it has counted.

No sum of what a shift owes is told anywhere before its handover. Its single fills are
listed only for who may mark them, by nozzle, time and quantity: of the money they tell
nothing, whoever owes them. Who has seen that list is on record, for a quantity and the
price make an amount: a count by the same person is no blind one, and the slip says so.
"""

from cngstation.errors import NotLoggedIn
from cngstation.services.check_rights import require_right
from cngstation.services.confirm_marks import RIGHT
from cngstation.storage import audit, operators, shifts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection

LISTED = "fill.list"


def is_counted(connection: Connection, shift_no: int) -> bool:
    """Tell whether nothing of a shift is left to be counted."""
    shift = shifts.find(connection, shift_no)
    return shift is None or not shift.is_open


def has_seen(connection: Connection, shift_no: int, operator_no: str) -> bool:
    """Tell whether somebody has looked at the fills of a shift."""
    row = connection.execute(
        "SELECT 1 FROM audit WHERE act=? AND subject=? AND operator_no=? LIMIT 1",
        (LISTED, _subject(shift_no), operator_no),
    ).fetchone()
    return row is not None


def note_looking(tx: Transaction, shift_no: int, actor: Actor) -> None:
    """Put on record that somebody looks at the fills of a shift that is not counted.

    Raises:
        RightMissing, PasswordMustChange: they are not for this operator's eyes.
    """
    operator = operators.find(tx.connection, actor.operator_no)
    if operator is None:
        raise NotLoggedIn
    require_right(tx.connection, operator, RIGHT)
    if not has_seen(tx.connection, shift_no, actor.operator_no):
        audit.record(tx, actor, LISTED, _subject(shift_no))


def _subject(shift_no: int) -> str:
    return f"shift {shift_no}"
