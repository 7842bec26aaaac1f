"""Edits companies, vehicles and vehicle types; each changed field is in the audit.

Rows are retired, not deleted. A vehicle with a card in use is changed with its card,
because the card carries its plate and date. Of names and personal numbers the audit
has what is left when their middle is hidden.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from cngstation.domain import numbers
from cngstation.domain.card_life import CardState
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.services.approve import reason_of
from cngstation.services.register_customers import (
    AlreadyRegistered,
    CustomerDesk,
    FieldEmpty,
    FieldWrong,
    UnknownCompany,
    VehicleDraft,
    require_free,
)
from cngstation.storage import audit, cards, customers
from cngstation.storage.audit import Actor
from cngstation.storage.customers import Company, Vehicle, VehicleType
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

ENDED = frozenset({CardState.CANCELLED, CardState.REPLACED, CardState.WASTE})
_PLAIN = (
    "plate",
    "fleet_no",
    "route_no",
    "fleet_name",
    "vehicle_type",
    "company_no",
    "cylinder_no",
    "cylinder_due",
)
_SEALED = {"id_no": "id_no_digest", "phone": "phone_digest"}
_LONGEST_CODE, _LONGEST_NAME = 8, 40


class VehicleHasCard(Refusal):
    """Vehicle and card must say the same."""

    code = "refusal.vehicle_has_card"
    text = (
        "Vehicle {plate} has card {card_no} in use: what stands on the card is changed "
        "with the card. Nothing was changed. Lay the card on the reader and edit it."
    )


class UnknownVehicleRow(Refusal):
    """The row is not in the register."""

    code = "refusal.unknown_row"
    text = "{what} is not in the register. Nothing was changed."


class CompanyInUse(Refusal):
    """A company with vehicles stays."""

    code = "refusal.company_in_use"
    text = (
        "Company {company_no} still has {vehicles} vehicles. Nothing was changed. Move "
        "them to another company or retire them first."
    )


class NoFieldChanged(Refusal):
    """What was typed is what is there."""

    code = "refusal.no_field_changed"
    text = "Every field is as it was. Nothing was changed."


class RowMoved(Refusal):
    """Somebody else was there between look and change."""

    code = "refusal.row_moved"
    text = (
        "Somebody else has changed this row meanwhile. Nothing was changed here. Open "
        "it again and look."
    )


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field as it was and as it is to be; as the audit may say it."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CompanyEdit:
    """A company as it is to be; an empty phone stays as it is, `-` takes it out."""

    company_no: str
    name: str
    address: str
    phone: str = field(repr=False)
    retired: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    register: str
    subject: str
    why: str


class RegisterEdits:
    """Changes rows of the registers."""

    def __init__(self, database: Database, desk: CustomerDesk) -> None:
        self._database = database
        self._desk = desk

    async def edit_company(
        self, edit: CompanyEdit, reason: str, actor: Actor
    ) -> Company:
        """Change a company; its number stays, and its phone while none is typed.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why = reason_of(reason)
        new = self._desk.company_of(edit.name, edit.address, edit.phone)
        new = replace(new, company_no=edit.company_no, retired=int(edit.retired))

        def unit(tx: Transaction) -> Company:
            wanted = new
            if not edit.phone.strip():
                wanted = _with_phone_of(tx.connection, new)
            self._edit_company(tx, wanted, why, actor)
            return wanted

        return await self._database.write(unit)

    def _edit_company(
        self, tx: Transaction, new: Company, why: str, actor: Actor
    ) -> None:
        old = _company(tx.connection, new.company_no)
        named = customers.company_named(tx.connection, new.name)
        if named is not None and named.company_no != new.company_no:
            raise AlreadyRegistered(what=new.name)
        if new.retired and not old.retired:
            left = customers.vehicles_of_company(tx.connection, new.company_no)
            if left:
                raise CompanyInUse(company_no=new.company_no, vehicles=left)
        has_other_phone = old.phone_digest != new.phone_digest
        values, told = _plain_differences(
            old, new, ("name", "address", "retired"), may_be_same=has_other_phone
        )
        if has_other_phone:
            values |= {
                "phone_sealed": new.phone_sealed,
                "phone_digest": new.phone_digest,
            }
            masked = self._desk.phone_masked
            told.append(FieldChange("phone", masked(old), masked(new)))
        customers.change_company(
            tx,
            new.company_no,
            reason=why,
            actor=actor,
            **values,
            initials=new.initials,
        )
        _tell(tx, actor, _Row("company", new.company_no, why), told)

    async def edit_vehicle(
        self,
        vehicle_id: int,
        draft: VehicleDraft,
        reason: str,
        actor: Actor,
        *,
        retired: bool = False,
    ) -> Vehicle:
        """Change a vehicle without a card; an empty personal number stays as it is.

        A phone of `-` takes it out.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why = reason_of(reason)
        old = await self._database.read(
            lambda connection: customers.find_vehicle(connection, vehicle_id)
        )
        if old is None:
            raise UnknownVehicleRow(what=vehicle_id)
        kept = self._desk.draft_of(old)
        whole = draft
        if not draft.id_no.strip():
            whole = replace(whole, id_no=kept.id_no, accept_id_no=True)
        if not draft.phone.strip():
            whole = replace(whole, phone=kept.phone)
        if numbers.normal_plate(draft.plate) == old.plate:
            whole = replace(whole, accept_plate=True)
        new = replace(
            self._desk.vehicle_of(whole), vehicle_id=vehicle_id, retired=int(retired)
        )

        def unit(tx: Transaction) -> Vehicle:
            return self._edit_vehicle(tx, old, new, why, actor)

        return await self._database.write(unit)

    def _edit_vehicle(
        self, tx: Transaction, judged: Vehicle, new: Vehicle, why: str, actor: Actor
    ) -> Vehicle:
        old = customers.find_vehicle(tx.connection, new.vehicle_id)
        if old is None or old != judged:
            raise RowMoved
        require_no_card(tx.connection, old)
        if new.retired and not old.retired:
            values, told = {"retired": 1}, [FieldChange("retired", "0", "1")]
        else:
            require_free(tx.connection, new, was=None if old.retired else old)
            values, told = self._differences(old, new)
        if not told:
            raise NoFieldChanged
        customers.change_vehicle(tx, old.vehicle_id, reason=why, actor=actor, **values)
        _tell(tx, actor, _Row("vehicle", old.plate, why), told)
        return customers.find_vehicle(tx.connection, old.vehicle_id) or new

    def _differences(
        self, old: Vehicle, new: Vehicle
    ) -> tuple[dict[str, Any], list[FieldChange]]:
        """Return the columns that differ, and what may be told of them."""
        values: dict[str, Any] = {}
        told: list[FieldChange] = []
        for name in (*_PLAIN, "retired"):
            before, after = getattr(old, name), getattr(new, name)
            if before != after:
                values[name] = after
                told.append(FieldChange(name, str(before or ""), str(after or "")))
        for name in ("driver", "owner"):
            before, after = getattr(old, name), getattr(new, name)
            if before != after:
                values[name] = after
                told.append(FieldChange(name, masked_name(before), masked_name(after)))
        masks = {"id_no": self._desk.id_no_masked, "phone": self._desk.phone_masked}
        for name, digest in _SEALED.items():
            if getattr(old, digest) != getattr(new, digest):
                values |= {column: getattr(new, column) for column in _columns_of(name)}
                told.append(FieldChange(name, masks[name](old), masks[name](new)))
        if told:
            values |= {
                "initials": new.initials,
                "plate_overridden": new.plate_overridden,
            }
        return values, told

    async def add_type(self, code: str, name: str, actor: Actor) -> VehicleType:
        """Add a vehicle type.

        Raises:
            Refusal: why not; nothing has changed.
        """
        added = VehicleType(clean(code).strip(), _type_name(name), 0)
        if not (added.code.isascii() and added.code.isalnum()) or (
            len(added.code) > _LONGEST_CODE
        ):
            raise FieldWrong(field="code", why="1 to 8 letters or digits")

        def unit(tx: Transaction) -> VehicleType:
            for known in customers.every_vehicle_type(tx.connection):
                if known.code == added.code or known.name == added.name:
                    raise AlreadyRegistered(what=f"{known.code} {known.name}")
            customers.add_vehicle_type(tx, added.code, added.name, actor)
            audit.record(
                tx, actor, "vehicle_type.register", added.code, after=added.name
            )
            return added

        return await self._database.write(unit)

    async def edit_type(
        self, code: str, name: str, reason: str, actor: Actor, *, retired: bool
    ) -> VehicleType:
        """Rename or retire a vehicle type; vehicles that have it keep it.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why, wanted = reason_of(reason), _type_name(name)

        def unit(tx: Transaction) -> VehicleType:
            types = customers.every_vehicle_type(tx.connection)
            old = next((known for known in types if known.code == code), None)
            if old is None:
                raise UnknownVehicleRow(what=clean(code, limit=20))
            if any(t.name == wanted and t.code != code for t in types):
                raise AlreadyRegistered(what=wanted)
            new = replace(old, name=wanted, retired=int(retired))
            values, told = _plain_differences(old, new, ("name", "retired"))
            customers.change_vehicle_type(tx, code, reason=why, actor=actor, **values)
            _tell(tx, actor, _Row("vehicle_type", code, why), told)
            return new

        return await self._database.write(unit)


def require_no_card(connection: Connection, vehicle: Vehicle) -> None:
    """Refuse a vehicle that has a card in use.

    Raises:
        VehicleHasCard: it has one.
    """
    for card in cards.of_vehicle(connection, vehicle.vehicle_id):
        if card.state not in ENDED:
            raise VehicleHasCard(plate=vehicle.plate, card_no=card.card_no)


def masked_name(name: str) -> str:
    """Return what may be told of a name: how it begins."""
    return name[:1] + "*" * (len(name) - 1) if name else ""


def _company(connection: Connection, company_no: str) -> Company:
    found = customers.find_company(connection, company_no)
    if found is None:
        raise UnknownCompany(company_no=company_no)
    return found


def _with_phone_of(connection: Connection, company: Company) -> Company:
    """Return a company with the phone that is in the register."""
    kept = _company(connection, company.company_no)
    return replace(
        company, phone_sealed=kept.phone_sealed, phone_digest=kept.phone_digest
    )


def _plain_differences(
    old: object, new: object, names: tuple[str, ...], *, may_be_same: bool = False
) -> tuple[dict[str, Any], list[FieldChange]]:
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in names}
    values = {name: after for name, (before, after) in pairs.items() if before != after}
    told = [
        FieldChange(name, str(pairs[name][0]), str(pairs[name][1])) for name in values
    ]
    if not told and not may_be_same:
        raise NoFieldChanged
    return values, told


def _columns_of(name: str) -> tuple[str, ...]:
    if name == "phone":
        return ("phone_sealed", "phone_digest", "phone_tail_digest")
    return ("id_no_sealed", "id_no_digest")


def _tell(tx: Transaction, actor: Actor, row: _Row, told: list[FieldChange]) -> None:
    for change in told:
        audit.record(
            tx,
            actor,
            f"{row.register}.edit.{change.field}",
            row.subject,
            reason=row.why,
            before=change.before,
            after=change.after,
        )


def _type_name(name: str) -> str:
    wanted = clean(name, limit=_LONGEST_NAME).strip()
    if not wanted:
        raise FieldEmpty(field="name")
    return wanted
