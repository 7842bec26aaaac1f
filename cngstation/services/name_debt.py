"""Names what an ended shift still owes: one row with the whole of it, as it is now."""

from cngstation.domain import ledger
from cngstation.domain.fill_marks import CREW_TENDERS
from cngstation.services.keep_one_row import keep_one_row
from cngstation.storage import facts, shifts
from cngstation.storage.database import Transaction
from cngstation.units import Unit

OWES = "shift_owes"


def name_debt(
    tx: Transaction, shift_no: int, *, why: str = "", operator_no: str = ""
) -> None:
    """Open, renew or close the row of a shift; `why` says what has paid it."""
    owed = sum(
        facts.balance(tx.connection, ledger.crew_account(shift_no, each), Unit.CNY)
        for each in CREW_TENDERS
    )
    told: dict[str, str | int] = {"shift": shift_no, "amount_e4": owed}
    keep_one_row(
        tx,
        OWES,
        f"shift {shift_no}",
        told if owed else None,
        why=why,
        operator_no=operator_no,
    )


def name_late_debt(tx: Transaction, shift_no: int) -> None:
    """Name what a shift owes for a fill that came after its handover."""
    shift = shifts.find(tx.connection, shift_no)
    if shift is not None and not shift.is_open:
        name_debt(tx, shift_no)
