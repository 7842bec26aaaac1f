"""Clears the personal data of a customer or operator who left; the books stay proved.

Of a vehicle or company that is out of use: ID number, phone, names, address; of an
operator who is retired: phone and sex. Facts of
the chain never had them, one digest over all of them only, and the row's newest fact
says that they are gone. Plate, company name and operator stay: slips name them.
"""

from cngstation.errors import Refusal
from cngstation.services import operator_guards as guards
from cngstation.services.approve import reason_of
from cngstation.services.edit_registers import require_no_card
from cngstation.services.register_customers import initials_of
from cngstation.services.reveal_personal import NoSuchNumber, vehicle_id_of
from cngstation.storage import audit, customers, operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction

ACT = "personal.forget"
_VEHICLE_TEXTS = ("driver", "owner")
_VEHICLE_SEALED = (
    "id_no_sealed",
    "id_no_digest",
    "phone_sealed",
    "phone_digest",
    "phone_tail_digest",
)
_COMPANY_SEALED = ("phone_sealed", "phone_digest")


class StillInUse(Refusal):
    """A customer who is served keeps the data."""

    code = "refusal.still_in_use"
    text = (
        "{what} is in use. Nothing was cleared. Retire it first; then its personal "
        "data can be cleared."
    )


class ForgetCustomers:
    """Clears personal data, one row at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, register: str, key: str, reason: str, actor: Actor) -> str:
        """Clear what a row has of persons; return how the row is named.

        Raises:
            ReasonMissing, NoSuchNumber, StillInUse, VehicleHasCard, OtherOutlet:
                nothing is cleared.
        """
        why = reason_of(reason)

        def unit(tx: Transaction) -> str:
            if register == "company":
                subject = _company(tx, key, why, actor)
            elif register == "operator":
                subject = _operator(tx, key, why, actor)
            else:
                subject = _vehicle(tx, key, why, actor)
            audit.record(tx, actor, ACT, subject, reason=why)
            return subject

        return await self._database.write(unit)


def _vehicle(tx: Transaction, key: str, why: str, actor: Actor) -> str:
    number = vehicle_id_of(key)
    vehicle = customers.find_vehicle(tx.connection, number)
    if vehicle is None:
        raise NoSuchNumber
    require_no_card(tx.connection, vehicle)
    if not vehicle.retired:
        raise StillInUse(what=vehicle.plate)
    values: dict[str, str | bytes] = dict.fromkeys(_VEHICLE_SEALED, b"")
    values |= dict.fromkeys(_VEHICLE_TEXTS, "")
    values["initials"] = initials_of(vehicle.plate)
    customers.change_vehicle(tx, number, reason=why, actor=actor, **values)
    return vehicle.plate


def _company(tx: Transaction, key: str, why: str, actor: Actor) -> str:
    company = customers.find_company(tx.connection, key)
    if company is None:
        raise NoSuchNumber
    if not company.retired:
        raise StillInUse(what=company.name)
    values: dict[str, str | bytes] = dict.fromkeys(_COMPANY_SEALED, b"")
    values |= {"address": "", "phone": ""}
    customers.change_company(tx, key, reason=why, actor=actor, **values)
    return f"company {company.company_no}"


def _operator(tx: Transaction, key: str, why: str, actor: Actor) -> str:
    operator = operators.find(tx.connection, key)
    if operator is None:
        raise NoSuchNumber
    me, mine = guards.acting(tx.connection, actor)
    guards.require_outlet(me, mine, operator.outlet_no)
    if operator.state != "retired":
        raise StillInUse(what=operator.full_name)
    operators.change(tx, key, reason=why, actor=actor, phone_sealed=b"", sex="")
    return f"operator {key}"
