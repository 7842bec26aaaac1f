"""发票: the number of the invoice that was given for a receipt, each number once."""

from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection


def record(tx: Transaction, invoice_no: str, receipt_no: int, actor: Actor) -> None:
    """Record which invoice was given for a receipt."""
    row = {
        "invoice_no": invoice_no,
        "receipt_no": receipt_no,
        "operator_no": actor.operator_no,
    }
    prove_row(tx, "invoice", invoice_no, row)


def of_receipt(connection: Connection, receipt_no: int) -> str:
    """Return the number of a receipt's invoice, or nothing."""
    row = connection.execute(
        "SELECT invoice_no FROM invoice WHERE receipt_no=?", (receipt_no,)
    ).fetchone()
    return row[0] if row else ""


def receipt_of(connection: Connection, invoice_no: str) -> int | None:
    """Return the receipt that an invoice was given for."""
    row = connection.execute(
        "SELECT receipt_no FROM invoice WHERE invoice_no=?", (invoice_no,)
    ).fetchone()
    return row[0] if row else None
