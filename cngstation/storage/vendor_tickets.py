"""Tickets of the vendor's technicians, and what each lets its holder do, until when."""

from dataclasses import asdict, dataclass

from cngstation.domain.rights import TECHNICIAN
from cngstation.storage import registers
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection

_TABLE = "vendor_ticket"


@dataclass(frozen=True, slots=True)
class VendorTicket:
    """A ticket that was used; `operator_no` is its holder's at this station."""

    ticket_id: str
    operator_no: str
    holder: str
    rights: str
    from_ms: int
    until_ms: int
    reason: str
    paper: str


def add(tx: Transaction, ticket: VendorTicket, *, actor: Actor) -> None:
    """Keep a ticket, so that it is good once."""
    registers.add(tx, _TABLE, asdict(ticket), actor=actor)


def is_used(connection: Connection, ticket_id: str) -> bool:
    """Tell whether a ticket was used."""
    sql = "SELECT 1 FROM vendor_ticket WHERE ticket_id=?"
    return connection.execute(sql, (ticket_id,)).fetchone() is not None


def of_operator(connection: Connection, operator_no: str) -> VendorTicket | None:
    """Return the ticket by which an operator is here."""
    sql = "SELECT * FROM vendor_ticket WHERE operator_no=?"
    found = rows(connection, sql, (operator_no,))
    return next((VendorTicket(**row) for row in found), None)


def next_operator_no(connection: Connection) -> str:
    """Return the number of the next technician; no operator's is like it."""
    (count,) = connection.execute("SELECT count(*) FROM vendor_ticket").fetchone()
    return f"V{count + 1}"


def rights_of(connection: Connection, operator_no: str) -> frozenset[str]:
    """Return what a technician may do: what the ticket says, never more than any."""
    ticket = of_operator(connection, operator_no)
    return frozenset() if ticket is None else TECHNICIAN & set(ticket.rights.split())
