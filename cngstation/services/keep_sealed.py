"""Keeps personal numbers sealed: the key that fits, what an older program kept open,
and another key for all of them.

Another key is one transaction: every number is opened with the old key, sealed and
digested with the new one, each row a fact. Two people do it while the card-reader
service is down.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cngstation.domain.sealing import PersonalDataSeal, SealBroken
from cngstation.errors import ConfigError
from cngstation.language import _
from cngstation.services import keep_operators
from cngstation.services.approve import Approved, Wish, record
from cngstation.services.read_credentials import read_credential
from cngstation.services.register_customers import (
    COMPANY_PHONE_COLUMN,
    ID_COLUMN,
    PHONE_COLUMN,
    PHONE_TAIL_COLUMN,
    PHONE_TAIL_DIGITS,
)
from cngstation.storage import audit, customers, operators, registers
from cngstation.storage.audit import Actor
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

ACT = "personal.reseal"
_REASON = "sealed with another key"
Values = dict[str, Any]
# Where numbers are sealed: table, column, key of the rows, name under the seal.
_SEALED = (
    ("vehicle", "id_no_sealed", "vehicle_id", ID_COLUMN),
    ("vehicle", "phone_sealed", "vehicle_id", PHONE_COLUMN),
    ("company", "phone_sealed", "company_no", COMPANY_PHONE_COLUMN),
    ("operator", "phone_sealed", "operator_no", keep_operators.PHONE_COLUMN),
)


async def opened_seal(database: Database, path: Path) -> PersonalDataSeal:
    """Return the seal of a key that fits the file; nothing is in clear any more.

    Raises:
        ConfigError: there is no key, or it is another one.
    """
    seal = PersonalDataSeal(read_credential(path, 32))
    await require_key(database, seal, path)
    await seal_what_is_in_clear(database, seal)
    return seal


async def require_key(database: Database, seal: PersonalDataSeal, path: Path) -> None:
    """Refuse a key that is not the one that sealed what is in the file.

    Raises:
        ConfigError: `path` names it, and both keys by their ids.
    """

    def question(connection: Connection) -> None:
        for table, column, key, name in _SEALED:
            seal.open(customers.newest_sealed(connection, table, column, key), name)

    try:
        await database.read(question)
    except SealBroken as error:
        raise ConfigError(
            path=str(path),
            key="key",
            why=error.sentence(),
            allowed=_("the file with the key of this station"),
        ) from None


async def seal_what_is_in_clear(database: Database, seal: PersonalDataSeal) -> int:
    """Seal the phones of companies that an older program kept; return how many."""

    def unit(tx: Transaction) -> int:
        found = customers.companies_in_clear(tx.connection)
        for company in found:
            customers.change_company(
                tx,
                company.company_no,
                reason="phone sealed",
                phone="",
                **_company_phone(seal, company.phone),
            )
        return len(found)

    return await database.write(unit)


def wish_of(new: PersonalDataSeal) -> Wish:
    """Return what a second person is asked for."""
    return Wish(ACT, f"key {new.key_id}")


def reseal(
    tx: Transaction,
    old: PersonalDataSeal,
    new: PersonalDataSeal,
    actor: Actor,
    approved: Approved,
) -> int:
    """Seal every number with another key; return how many rows were changed.

    Raises:
        SealBroken: `old` is not the key of the file; nothing is changed.
        Refusal: the second person may not do this any more.
    """
    rows = list(_resealed(tx.connection, old, new))
    for table, key, values in rows:
        registers.change(tx, table, key, values, reason=_REASON, actor=actor)
    wish = wish_of(new)
    told = {"reason": approved.reason, "before": old.key_id, "after": new.key_id}
    audit.record(tx, actor, ACT, wish.subject, **told)
    record(tx, approved, wish, actor, before=old.key_id, after=new.key_id)
    return len(rows)


def _resealed(
    connection: Connection, old: PersonalDataSeal, new: PersonalDataSeal
) -> Iterator[tuple[str, Values, Values]]:
    """Yield table, key and new values of each row that has a sealed number."""
    for vehicle in customers.every_vehicle(connection):
        if values := _of_vehicle(old, new, vehicle):
            yield "vehicle", {"vehicle_id": vehicle.vehicle_id}, values
    for company in customers.every_company(connection):
        if values := _of_company(old, new, company):
            yield "company", {"company_no": company.company_no}, values
    for person in operators.every(connection):
        if person.phone_sealed:
            column = keep_operators.PHONE_COLUMN
            phone = old.open(person.phone_sealed, column)
            key = {"operator_no": person.operator_no}
            yield "operator", key, {"phone_sealed": new.seal(phone, column)}


def _company_phone(seal: PersonalDataSeal, phone: str) -> Values:
    return {
        "phone_sealed": seal.seal(phone, COMPANY_PHONE_COLUMN),
        "phone_digest": seal.digest(re.sub(r"\D", "", phone), COMPANY_PHONE_COLUMN),
    }


def _of_company(
    old: PersonalDataSeal, new: PersonalDataSeal, company: Company
) -> Values:
    if not company.phone_sealed:
        return {}
    return _company_phone(new, old.open(company.phone_sealed, COMPANY_PHONE_COLUMN))


def _of_vehicle(
    old: PersonalDataSeal, new: PersonalDataSeal, vehicle: Vehicle
) -> Values:
    values: Values = {}
    if vehicle.id_no_sealed:
        number = old.open(vehicle.id_no_sealed, ID_COLUMN)
        values["id_no_sealed"] = new.seal(number, ID_COLUMN)
        values["id_no_digest"] = new.digest(number, ID_COLUMN)
    if vehicle.phone_sealed:
        phone = old.open(vehicle.phone_sealed, PHONE_COLUMN)
        digits = re.sub(r"\D", "", phone)
        tail = digits[-PHONE_TAIL_DIGITS:]
        values["phone_sealed"] = new.seal(phone, PHONE_COLUMN)
        values["phone_digest"] = new.digest(digits, PHONE_COLUMN)
        values["phone_tail_digest"] = new.digest(tail, PHONE_TAIL_COLUMN)
    return values
