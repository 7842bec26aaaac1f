"""The vendor's level (厂家维护): what a technician may ask for, and until when.

A technician has rights of a ticket alone, and of what everybody who is logged in may
ask for only what tells of devices. The end is the ticket's: by the station's own time,
and for a session by the monotonic clock, which nobody sets.
"""

from cngstation.domain.rights import VENDOR
from cngstation.errors import Refusal
from cngstation.moments import Instant, time_text
from cngstation.rpc import session
from cngstation.rpc.method import LOGGED_IN
from cngstation.services.check_rights import RightMissing
from cngstation.services.tell_day import tell
from cngstation.storage import vendor_tickets
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection

# Of what takes no right of its own; nothing of customers, tills or accounts.
FOR_ANYBODY = frozenset(
    {
        session.SUBSCRIBE,
        session.TOUCH.name,
        session.LOCK.name,
        session.UNLOCK.name,
        session.LOGOUT.name,
        "alarm.list",
        "books.anchor",
        "books.anchored",
        "books.verify",
        "line.statistics",
        "lists.files",
        "lists.numbers",
        "lists.show",
        "nozzle.abilities",
        "price.list",
        "record.refetch_state",
        "register.choices",
        "sale.trend",
    }
)


class TicketOver(Refusal):
    """The time of a vendor's ticket has ended."""

    code = "refusal.vendor_over"
    text = (
        "The vendor's access was good until {until} and has ended. You are not logged "
        "in. Ask the vendor for a new ticket."
    )


def left_ms(connection: Connection, operator: Operator, now: Instant) -> int | None:
    """Return for how long a technician may still work; None of an operator."""
    if operator.role != VENDOR:
        return None
    ticket = vendor_tickets.of_operator(connection, operator.operator_no)
    if ticket is None:
        return 0
    return max(0, ticket.until_ms - max(now.wall_ms, tell(connection, now).ms))


def over(connection: Connection, operator: Operator, now: Instant) -> Refusal | None:
    """Say why a technician may not work any more."""
    if left_ms(connection, operator, now) != 0:
        return None
    ticket = vendor_tickets.of_operator(connection, operator.operator_no)
    return TicketOver(until=time_text(ticket.until_ms if ticket else 0))


def require_for_vendor(operator: Operator, right: str, method: str) -> None:
    """Return if a method may be asked for by whoever this is.

    Raises:
        RightMissing: it is none of a technician's.
    """
    if operator.role == VENDOR and right == LOGGED_IN and method not in FOR_ANYBODY:
        raise RightMissing(right=method)
