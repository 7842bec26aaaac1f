"""Registers companies and vehicles; personal numbers are sealed on the way in."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from cngstation.domain import numbers
from cngstation.domain.numbers import IdNumberFault
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.storage import audit, customers
from cngstation.storage.audit import Actor
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

ID_COLUMN = "vehicle.id_no"
PHONE_COLUMN = "vehicle.phone"
PHONE_TAIL_COLUMN = "vehicle.phone_tail"
COMPANY_PHONE_COLUMN = "company.phone"
# Typed in place of a phone: there is none any more.
NO_PHONE = "-"
PHONE_TAIL_DIGITS = 4
# A longer one would be cut, and two vehicles could become one.
LONGEST_FLEET_NO = 6
_FLEET_NO_TOO_LONG = mark("at most 6 characters")
_PHONE = re.compile(r"[0-9+() -]{5,20}")
_PHONE_PART = re.compile(r"[0-9+() -]{4,20}")


class FieldEmpty(Refusal):
    """A field that must be filled in is empty."""

    code = "refusal.field_empty"
    text = "{field} must be filled in. Nothing was registered."


class FieldWrong(Refusal):
    """A field's content has not the form it must have."""

    code = "refusal.field_wrong"
    text = "{field} is not well formed: {why}. Nothing was registered."


class PlateUnusual(Refusal):
    """The plate has a form that the standard does not know; may be accepted."""

    code = "refusal.plate_unusual"
    text = (
        "{plate} does not look like a plate: check it against the vehicle. Nothing was "
        "registered."
    )


class IdNumberUnusual(Refusal):
    """The ID number fails its check; may be accepted."""

    code = "refusal.id_number_unusual"
    text = (
        "The ID number fails its check ({why}): compare it with the document. Nothing "
        "was registered."
    )


class AlreadyRegistered(Refusal):
    """The same plate, name or own number is in the register."""

    code = "refusal.already_registered"
    text = "{what} is in the register already. Nothing was registered; use that one."


class UnknownCompany(Refusal):
    """A vehicle belongs to a registered company."""

    code = "refusal.unknown_company"
    text = "There is no company {company_no}. Register the company first."


@dataclass(frozen=True, slots=True)
class VehicleDraft:
    """A vehicle as the form has it; dates are YYYY-MM-DD, empty where unknown."""

    plate: str
    accept_plate: bool
    id_no: str = field(repr=False)
    accept_id_no: bool
    driver: str
    phone: str = field(repr=False)
    owner: str
    vehicle_type: str
    company_no: str
    cylinder_no: str
    cylinder_due: str
    fleet_no: str
    route_no: str
    fleet_name: str


def initials_of(text: str) -> str:
    """Return the pinyin initials of a name, by which people search it."""
    # Its dictionary is a third of what a daemon reads at its start, and the monitor
    # never asks for it: gas flows unwatched until that is up again.
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER)).lower()[:100]


class CustomerDesk:
    """Writes the registers."""

    def __init__(self, database: Database, seal: PersonalDataSeal) -> None:
        self._database = database
        self._seal = seal

    @property
    def seal(self) -> PersonalDataSeal:
        """What opens personal numbers."""
        return self._seal

    async def register_company(
        self, name: str, address: str, phone: str, actor: Actor
    ) -> Company:
        """Register a company under the next number.

        Raises:
            FieldEmpty: it has no name.
            AlreadyRegistered: the name is there.
        """
        wanted = self.company_of(name, address, phone)

        def unit(tx: Transaction) -> Company:
            return add_company(tx, wanted, actor)

        return await self._database.write(unit)

    def company_of(self, name: str, address: str, phone: str) -> Company:
        """Return a company without a number as a form describes it, its phone sealed.

        Raises:
            FieldEmpty, FieldWrong: it has no name, or its phone is none.
        """
        wanted = clean(name).strip()
        if not wanted:
            raise FieldEmpty(field="name")
        number = phone_of(phone)
        return Company(
            company_no="",
            name=wanted,
            address=clean(address).strip(),
            phone="",
            initials=initials_of(wanted),
            phone_sealed=self._seal.seal(number, COMPANY_PHONE_COLUMN),
            phone_digest=self._seal.digest(
                re.sub(r"\D", "", number), COMPANY_PHONE_COLUMN
            ),
        )

    async def register_vehicle(self, draft: VehicleDraft, actor: Actor) -> Vehicle:
        """Register a vehicle.

        Raises:
            Refusal: a field is empty, malformed, unusual or taken.
        """
        vehicle = self.vehicle_of(draft)
        overridden = draft.accept_plate or draft.accept_id_no

        def unit(tx: Transaction) -> Vehicle:
            return add_vehicle(tx, vehicle, actor, overridden=overridden)

        return await self._database.write(unit)

    def vehicle_of(self, draft: VehicleDraft) -> Vehicle:
        """Return the vehicle that a form describes, its personal numbers sealed.

        Raises:
            Refusal: a field is empty, malformed or unusual.
        """
        plate = numbers.normal_plate(clean(draft.plate, limit=20))
        _require_filled(draft, plate)
        if not draft.accept_plate and not numbers.plate_is_regular(plate):
            raise PlateUnusual(plate=plate)
        id_no = _id_number(draft)
        if len(draft.fleet_no.strip()) > LONGEST_FLEET_NO:
            raise FieldWrong(field="fleet number", why=_FLEET_NO_TOO_LONG)
        return self._vehicle(draft, plate, id_no, date_of(draft.cylinder_due))

    def draft_of(self, vehicle: Vehicle) -> VehicleDraft:
        """Return a vehicle as a form would have it, its unusual numbers accepted."""
        return VehicleDraft(
            plate=vehicle.plate,
            accept_plate=bool(vehicle.plate_overridden),
            id_no=self._seal.open(vehicle.id_no_sealed, ID_COLUMN),
            accept_id_no=True,
            driver=vehicle.driver,
            phone=self._seal.open(vehicle.phone_sealed, PHONE_COLUMN),
            owner=vehicle.owner,
            vehicle_type=vehicle.vehicle_type,
            company_no=vehicle.company_no,
            cylinder_no=vehicle.cylinder_no,
            cylinder_due=vehicle.cylinder_due,
            fleet_no=vehicle.fleet_no or "",
            route_no=vehicle.route_no,
            fleet_name=vehicle.fleet_name,
        )

    def _vehicle(
        self, draft: VehicleDraft, plate: str, id_no: str, due: str
    ) -> Vehicle:
        driver, owner = clean(draft.driver).strip(), clean(draft.owner).strip()
        phone = phone_of(draft.phone)
        digits = re.sub(r"\D", "", phone)
        return Vehicle(
            vehicle_id=0,
            plate=plate,
            plate_overridden=int(not numbers.plate_is_regular(plate)),
            fleet_no=clean(draft.fleet_no).strip() or None,
            route_no=clean(draft.route_no, limit=20).strip(),
            fleet_name=clean(draft.fleet_name, limit=40).strip(),
            vehicle_type=draft.vehicle_type,
            company_no=draft.company_no,
            driver=driver,
            owner=owner,
            id_no_sealed=self._seal.seal(id_no, ID_COLUMN),
            id_no_digest=self._seal.digest(id_no, ID_COLUMN),
            phone_sealed=self._seal.seal(phone, PHONE_COLUMN),
            phone_digest=self._seal.digest(digits, PHONE_COLUMN),
            phone_tail_digest=self._seal.digest(
                digits[-PHONE_TAIL_DIGITS:], PHONE_TAIL_COLUMN
            ),
            cylinder_no=clean(draft.cylinder_no, limit=40).strip(),
            cylinder_due=due,
            initials=initials_of(f"{plate} {driver} {owner}"),
        )

    def digests_of(self, text: str) -> dict[str, bytes]:
        """Return the digests under which a search text would be found."""
        plain = text.strip().upper()
        digits = re.sub(r"\D", "", plain) if _PHONE_PART.fullmatch(plain) else ""
        tail = digits[-PHONE_TAIL_DIGITS:] if len(digits) >= PHONE_TAIL_DIGITS else ""
        # A blob that no row can have stands for "not such a number".
        return {
            "id_no": self._seal.digest(plain, ID_COLUMN) or b"\0",
            "phone": self._seal.digest(digits, PHONE_COLUMN) or b"\0",
            "tail": self._seal.digest(tail, PHONE_TAIL_COLUMN) or b"\0",
        }

    def answers_to(self, vehicle: Vehicle, text: str) -> bool:
        """Tell whether a vehicle found by a digest has the whole number.

        The digest of a phone's tail has four digits; who types six means all six.
        """
        plain = text.strip().upper()
        if (
            plain in {vehicle.plate, vehicle.fleet_no}
            or len(plain) <= PHONE_TAIL_DIGITS
        ):
            return True
        if self._seal.digest(plain, ID_COLUMN) == vehicle.id_no_digest:
            return True
        phone = re.sub(r"\D", "", self._seal.open(vehicle.phone_sealed, PHONE_COLUMN))
        return phone.endswith(re.sub(r"\D", "", plain))

    def id_no_masked(self, vehicle: Vehicle) -> str:
        """Return the ID number with its middle hidden."""
        return numbers.masked(self.id_no(vehicle))

    def phone_masked(self, of: Vehicle | Company) -> str:
        """Return the phone number with its middle hidden."""
        return numbers.masked(self.phone(of), head=3, tail=4)

    def id_no(self, vehicle: Vehicle) -> str:
        """Return the whole ID number; who asks for it must be written down."""
        return self._seal.open(vehicle.id_no_sealed, ID_COLUMN)

    def phone(self, of: Vehicle | Company) -> str:
        """Return the whole phone number; who asks for it must be written down."""
        is_company = isinstance(of, Company)
        column = COMPANY_PHONE_COLUMN if is_company else PHONE_COLUMN
        return self._seal.open(of.phone_sealed, column)


def phone_of(typed: str) -> str:
    """Return a phone number as it is kept, empty for none.

    Raises:
        FieldWrong: it is none.
    """
    phone = typed.strip()
    if phone == NO_PHONE:
        return ""
    if phone and not _PHONE.fullmatch(phone):
        raise FieldWrong(field="phone", why="digits, + - ( ) and spaces")
    return phone


def add_company(tx: Transaction, wanted: Company, actor: Actor) -> Company:
    """Write a company under the next number.

    Raises:
        AlreadyRegistered: the name is there.
    """
    if customers.company_named(tx.connection, wanted.name):
        raise AlreadyRegistered(what=wanted.name)
    number = customers.next_company_no(tx.connection)
    company = replace(wanted, company_no=number)
    customers.add_company(tx, company, actor)
    audit.record(tx, actor, "company.register", number, after=wanted.name)
    return company


def add_vehicle(
    tx: Transaction, vehicle: Vehicle, actor: Actor, *, overridden: bool
) -> Vehicle:
    """Write a vehicle; return it with its id.

    Raises:
        Refusal: plate or own number is taken, or company or type is not there.
    """
    require_free(tx.connection, vehicle)
    vehicle_id = customers.add_vehicle(tx, vehicle, actor)
    audit.record(
        tx,
        actor,
        "vehicle.register",
        vehicle.plate,
        reason="an unusual number was accepted" if overridden else "",
        after=vehicle.company_no,
    )
    return replace(vehicle, vehicle_id=vehicle_id)


def require_free(
    connection: Connection, vehicle: Vehicle, *, was: Vehicle | None = None
) -> None:
    """Refuse numbers that are another vehicle's, and what is not in the registers.

    Company and type that the vehicle `was` of may be retired ones.
    """
    plated = customers.vehicle_with_plate(connection, vehicle.plate)
    if plated is not None and plated.vehicle_id != vehicle.vehicle_id:
        raise AlreadyRegistered(what=vehicle.plate)
    if vehicle.fleet_no:
        numbered = customers.vehicle_with_fleet_no(connection, vehicle.fleet_no)
        if numbered is not None and numbered.vehicle_id != vehicle.vehicle_id:
            raise AlreadyRegistered(what=vehicle.fleet_no)
    company = customers.find_company(connection, vehicle.company_no)
    stays = was is not None and was.company_no == vehicle.company_no
    if company is None or (company.retired and not stays):
        raise UnknownCompany(company_no=vehicle.company_no)
    known = {code for code, _ in customers.vehicle_types(connection)}
    known |= {was.vehicle_type} if was is not None else set()
    if vehicle.vehicle_type not in known:
        raise FieldWrong(field="vehicle type", why="not one of the list")


def _require_filled(draft: VehicleDraft, plate: str) -> None:
    needed = {
        "plate": plate,
        "ID number": draft.id_no,
        "vehicle type": draft.vehicle_type,
        "cylinder inspection date": draft.cylinder_due,
        "company_no": draft.company_no,
    }
    for name, value in needed.items():
        if not value.strip():
            raise FieldEmpty(field=name)


def _id_number(draft: VehicleDraft) -> str:
    read = numbers.read_id_number(draft.id_no)
    if isinstance(read, IdNumberFault):
        if not draft.accept_id_no:
            raise IdNumberUnusual(why=str(read))
        return clean(draft.id_no, limit=18).strip().upper()
    return read.text


def date_of(text: str) -> str:
    """Return a date as YYYY-MM-DD.

    Raises:
        FieldWrong: it is none.
    """
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").strftime("%Y-%m-%d")  # noqa: DTZ007
    except ValueError as error:
        raise FieldWrong(
            field="cylinder inspection date", why="a date such as 2027-03-15"
        ) from error
