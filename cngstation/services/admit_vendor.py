"""Lets a technician of the vendor in by a ticket, and ends it when its time is over.

An administrator takes the ticket; it makes an operator of its own kind (V1, V2, ...)
with a password for one login. The ticket is signed by head office, whose key the
certificate or the configuration names, for this station, and is good once.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from itertools import chain, count

from pydantic import SecretStr

from cngstation.domain.enrolment import Ticket, fingerprint
from cngstation.domain.rights import TECHNICIAN, VENDOR
from cngstation.domain.typed_code import read_code
from cngstation.errors import NoRoom, Refusal
from cngstation.moments import Clock, Instant, seconds, time_text
from cngstation.services.approve import Gatekeeper
from cngstation.services.count_refusals import Refused
from cngstation.services.enrol_station import CLOCK_SLACK_MS, Identity, standing
from cngstation.services.keep_operators import one_time_password
from cngstation.services.passwords import Passwords
from cngstation.services.still_right import ACTIVE
from cngstation.services.tell_day import tell
from cngstation.services.vendor_level import over
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import audit, operators, vendor_tickets
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection
from cngstation.storage.vendor_tickets import VendorTicket

ACCEPT, ENDED = "vendor.accept", "vendor.ended"
LONGEST_MS = 7 * 86_400_000
LOOK_MS = 10_000
_OVER = "the ticket's time is over"


class TicketForeign(Refusal):
    """The ticket lets somebody in elsewhere."""

    code = "refusal.vendor_other_station"
    text = (
        "This ticket is for station {station_no}. Nobody was let in. Ask the vendor "
        "for one of this station."
    )


class TicketKeyUnknown(Refusal):
    """The ticket was signed by somebody whose word does not count here."""

    code = "refusal.vendor_other_key"
    text = (
        "This ticket was signed with a key ({shown}) that is not head office's "
        "({known}). Nobody was let in. Call head office on the number you know."
    )


class TicketNotNow(Refusal):
    """The ticket's time is not now, or it is too long."""

    code = "refusal.vendor_time"
    text = (
        "This ticket is good from {begins} to {ends}, at most for {days} days, and not "
        "now. Nobody was let in. Check the clock, or ask the vendor for a new one."
    )


class TicketUsed(Refusal):
    """The ticket let somebody in before."""

    code = "refusal.vendor_used"
    text = (
        "This ticket was used before; it is good once. Nobody was let in. Ask the "
        "vendor for a new one."
    )


class TicketTooMuch(Refusal):
    """The ticket gives what no technician gets."""

    code = "refusal.vendor_too_much"
    text = (
        "This ticket gives {right}, which no technician gets. Nobody was let in. Ask "
        "the vendor for another one."
    )


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was let in, and the password that is good for one login."""

    operator: Operator
    ticket: Ticket
    password: SecretStr = field(repr=False)


class VendorDesk:
    """Takes tickets."""

    def __init__(
        self, database: Database, passwords: Passwords, gate: Gatekeeper
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._gate = gate

    async def accept(self, text: str, who: Identity, actor: Actor) -> Admitted:
        """Let the holder of a ticket in until its end.

        Raises:
            CodeMistyped, CodeIncomplete, CodeTooLong: it was not typed right.
            NotThisPaper, SignatureWrong, TicketKeyUnknown, TicketForeign, TicketNotNow,
            TicketUsed, TicketTooMuch: why not; a row says who tried.
        """
        paper, password = read_code(text), one_time_password()
        try:
            ticket = Ticket.read(paper)
            stored = await self._passwords.hash(password)

            def unit(tx: Transaction) -> Operator:
                _require_good(tx.connection, ticket, who, tx.now)
                return _let_in(tx, ticket, paper, stored, actor)

            operator = await self._database.write(unit)
        except Refusal as refused:
            await self._gate.refusals.note(Refused(actor, ACCEPT, refused.code))
            raise
        return Admitted(operator, ticket, SecretStr(password))


async def watch_vendors(database: Database, clock: Clock) -> None:
    """End tickets whose time is over, for ever."""
    while True:
        await while_busy(lambda: end_over(database, clock))
        await asyncio.sleep(seconds(LOOK_MS))


async def end_over(database: Database, clock: Clock) -> None:
    """Let those go whose time is over."""

    def found(connection: Connection, now: Instant) -> list[Operator]:
        here = operators.with_role(connection, VENDOR)
        return [one for one in here if over(connection, one, now)]

    def unit(tx: Transaction) -> None:
        for one in found(tx.connection, tx.now):
            number = one.operator_no
            operators.change(tx, number, reason=_OVER, state="retired")
            operators.end_sessions(tx, number, reason=_OVER)
            audit.record(tx, STATION, ENDED, number, reason=_OVER)

    if await database.read(lambda connection: found(connection, clock.now())):
        # On a full disk the end holds all the same: every call asks for it.
        with contextlib.suppress(NoRoom):
            await database.write(unit)


def _require_good(
    connection: Connection, ticket: Ticket, who: Identity, now: Instant
) -> None:
    certificate = standing(connection).certificate
    known = who.office_key or (certificate.office_key if certificate else b"")
    if ticket.office_key != known:
        shown = fingerprint(known) if known else "-"
        raise TicketKeyUnknown(shown=fingerprint(ticket.office_key), known=shown)
    if ticket.station_no != who.station_no:
        raise TicketForeign(station_no=ticket.station_no)
    now_ms = max(now.wall_ms, tell(connection, now).ms)
    in_time = ticket.from_ms - CLOCK_SLACK_MS <= now_ms < ticket.until_ms
    if not in_time or ticket.until_ms - ticket.from_ms > LONGEST_MS:
        raise TicketNotNow(
            begins=time_text(ticket.from_ms), ends=time_text(ticket.until_ms),
            days=LONGEST_MS // 86_400_000,
        )  # fmt: skip
    if beyond := set(ticket.rights.split()) - TECHNICIAN:
        raise TicketTooMuch(right=min(beyond))
    if vendor_tickets.is_used(connection, ticket.ticket_id.hex()):
        raise TicketUsed


def _let_in(
    tx: Transaction, ticket: Ticket, paper: bytes, stored: str, actor: Actor
) -> Operator:
    number = vendor_tickets.next_operator_no(tx.connection)
    ticket_id, name = ticket.ticket_id.hex(), _free_name(tx, number)
    operator = Operator(
        operator_no=number,
        login_name=name,
        full_name=ticket.holder,
        role=VENDOR,
        password_hash=stored,
        must_change=1,
        state=ACTIVE,
    )
    operators.add(tx, operator, actor)
    kept = VendorTicket(
        ticket_id=ticket_id,
        operator_no=number,
        holder=ticket.holder,
        rights=ticket.rights,
        from_ms=ticket.from_ms,
        until_ms=ticket.until_ms,
        reason=ticket.reason,
        paper=paper.hex(),
    )
    vendor_tickets.add(tx, kept, actor=actor)
    until = time_text(ticket.until_ms)
    audit.record(tx, actor, "operator.add", number, after=f"{name} {VENDOR}")
    audit.record(
        tx, actor, ACCEPT, ticket_id[:16], reason=ticket.reason,
        after=f"{number} {ticket.holder} {until}: {ticket.rights}",
    )  # fmt: skip
    return operator


def _free_name(tx: Transaction, number: str) -> str:
    """Return a login name; who takes the next one beforehand keeps nobody out."""
    first = f"vendor-{number.lower()}"
    names = chain((first,), (f"{first}-{more}" for more in count(2)))
    return next(n for n in names if not operators.login_name_taken(tx.connection, n))
