"""Shows one personal number whole: who asked, whose it is and why is written first.

The audit never has the number. Somebody who asks for many in an hour is refused, and a
row says so.
"""

from dataclasses import dataclass
from enum import StrEnum

from cngstation.errors import Refusal
from cngstation.moments import MS_PER_HOUR
from cngstation.services import operator_guards as guards
from cngstation.services.approve import reason_of
from cngstation.services.keep_operators import PHONE_COLUMN
from cngstation.services.register_customers import CustomerDesk
from cngstation.storage import audit, customers, findings, operators
from cngstation.storage.audit import Actor
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection

ACT = "personal.reveal"
MANY = "personal_numbers_read"
# Enough for a day's queries at a counter, too few to copy a register.
MOST_AN_HOUR = 10
SHOWN_S = 20
_LONGEST_ID = 18


class What(StrEnum):
    """Which number of a row."""

    ID_NO = "id_no"
    PHONE = "phone"


class NoSuchNumber(Refusal):
    """The row is not there, or has no such number."""

    code = "refusal.no_personal_number"
    text = "There is no such number in the register. Nothing was shown."


class TooManyRevealed(Refusal):
    """More whole numbers in an hour than anybody needs."""

    code = "refusal.too_many_revealed"
    text = (
        "{most} whole numbers were shown to you within an hour. Nothing was shown, and "
        "this is written down. Try again later, or let the manager look at it."
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose number is asked for: register and key of the row.

    The registers are `vehicle`, `company` and `operator`.
    """

    register: str
    key: str
    what: What
    reason: str


class PersonalNumbers:
    """Shows personal numbers to those who may see them, one at a time."""

    def __init__(self, database: Database, desk: CustomerDesk) -> None:
        self._database = database
        self._desk = desk

    async def reveal(self, wanted: Wanted, actor: Actor) -> str:
        """Return a whole number; that it was shown is durable before.

        Raises:
            ReasonMissing, NoSuchNumber, TooManyRevealed, OtherOutlet: nothing is shown.
            SealBroken: the key is not the one that sealed it.
        """
        why = reason_of(wanted.reason)

        def unit(tx: Transaction) -> str | Refusal:
            number, subject = self._found(tx.connection, wanted, actor)
            act = f"{ACT}.{wanted.what}"
            if _asked(tx, actor) >= MOST_AN_HOUR:
                audit.record(tx, actor, act, subject, outcome="refused", reason=why)
                who = actor.operator_no
                facts: dict[str, str | int] = {"operator": who, "most": MOST_AN_HOUR}
                findings.open_once(tx, MANY, f"operator {actor.operator_no}", facts)
                return TooManyRevealed(most=MOST_AN_HOUR)
            audit.record(tx, actor, act, subject, reason=why)
            return number

        told = await self._database.write(unit)
        if isinstance(told, Refusal):
            raise told
        return told

    def _found(
        self, connection: Connection, wanted: Wanted, actor: Actor
    ) -> tuple[str, str]:
        """Return the number and how the audit names its row."""
        row = _row(connection, wanted)
        if row is None:
            raise NoSuchNumber
        if isinstance(row, Operator):
            guards.require_outlet(*guards.acting(connection, actor), row.outlet_no)
            return self._of_operator(row, wanted.what)
        if isinstance(row, Company):
            subject, id_no = f"company {row.company_no}", ""
        else:
            subject, id_no = row.plate, self._desk.id_no(row)
        number = self._desk.phone(row) if wanted.what is What.PHONE else id_no
        if not number:
            raise NoSuchNumber
        return number, subject

    def _of_operator(self, row: Operator, what: What) -> tuple[str, str]:
        phone = self._desk.seal.open(row.phone_sealed, PHONE_COLUMN)
        if what is not What.PHONE or not phone:
            raise NoSuchNumber
        return phone, f"operator {row.operator_no}"


def _row(connection: Connection, wanted: Wanted) -> Vehicle | Company | Operator | None:
    if wanted.register == "operator":
        return operators.find(connection, wanted.key)
    if wanted.register == "company":
        return customers.find_company(connection, wanted.key)
    if wanted.register == "vehicle":
        return customers.find_vehicle(connection, vehicle_id_of(wanted.key))
    return None


def vehicle_id_of(key: str) -> int:
    """Return a vehicle's id; -1, which none has, of what cannot be one."""
    is_number = key.isascii() and key.isdigit() and len(key) <= _LONGEST_ID
    return int(key) if is_number else -1


def _asked(tx: Transaction, actor: Actor) -> int:
    """Count what an operator was shown within an hour, by the wall or the boot's clock.

    Either is enough: a wall clock that is set forward lets nobody read on.
    """
    row = tx.connection.execute(
        "SELECT count(*) FROM audit WHERE act GLOB ? AND outcome='done'"
        " AND operator_no=? AND (at_ms > ? OR (boot_id=? AND mono_ms > ?))",
        (
            f"{ACT}.*",
            actor.operator_no,
            tx.now.wall_ms - MS_PER_HOUR,
            tx.now.boot_id,
            tx.now.mono_ms - MS_PER_HOUR,
        ),
    ).fetchone()
    count: int = row[0]
    return count
