"""Changing rows of the registers: each form begins with what is there."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.rpc.contract.counter import (
    COMPANY_EDIT,
    OPENING_ACCEPT,
    VEHICLE_EDIT,
    VEHICLE_TYPE_ADD,
    VEHICLE_TYPE_EDIT,
    CompanyEdit,
    CompanyRow,
    OpeningAccept,
    OpeningRow,
    VehicleEdit,
    VehicleRow,
    VehicleTypeDraft,
    VehicleTypeEdit,
    VehicleTypeRow,
)
from tui.desk import Desk
from tui.figures import purse_text
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import BOTH_PEOPLE, approval_of, hide_passwords
from tui.screens.register_vehicle import RegisterVehicleScreen
from tui.texts import filled

_YES, _NO = "y", "n"
_RETIRED = Field("retired", mark("Retired"), mark("y or n; a retired row is kept"), 1)
_REASON = Field("reason", mark("Reason"), mark("why it is changed"), 60)
_COMPANY_DONE = mark("Changed company {company_no} {name}.")
_VEHICLE_DONE = mark("Changed vehicle {plate}.")
_TYPE_DONE = mark("Changed vehicle type {code} {name}.")
_TYPE_ADDED = mark("Added vehicle type {code} {name}.")
_BOTH = mark("{card_no}: {old} / {card}")
_ACCEPTED = mark("Card {card_no} has {card} in the book, as the card says.")
_HELP = mark(
    "The fields hold what is in the register. Change what is wrong, give the reason, "
    "and save with F2. Every changed field is written down with who, when and why. "
    "Retired: y takes the row out of use, n brings it back; nothing is deleted. An "
    "empty phone or ID number stays as it is; - takes a phone out."
)


class NotYesOrNo(Refusal):
    """The field of a yes or no holds something else."""

    code = "tui.not_yes_or_no"
    text = "Retired is y or n. Nothing was changed."


def _retired(form: FormScreen) -> bool:
    typed = form.value("retired").lower() or _NO
    if typed not in {_YES, _NO}:
        raise NotYesOrNo
    return typed == _YES


class EditCompanyScreen(FormScreen):
    """Name, address, phone; the number stays."""

    TITLE_TEXT = mark("Change a company")
    HELP = _HELP
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("name", mark("Company name"), longest=60),
        Field("address", mark("Address"), longest=60),
        Field("phone", mark("Phone"), longest=20),
        _RETIRED,
        _REASON,
    )

    def __init__(self, desk: Desk, row: CompanyRow) -> None:
        super().__init__(desk)
        self._row = row

    def initial(self) -> dict[str, str]:
        """Begin with the company as it is."""
        row = self._row
        return {
            "name": row.name,
            "address": row.address,
            "retired": _YES if row.retired else _NO,
        }

    def hint_text(self, field: Field) -> str:
        """Say of the phone what is in the register."""
        if field.name == "phone" and self._row.phone_masked:
            return self._row.phone_masked
        return super().hint_text(field)

    async def save(self) -> str:
        """Change the company."""
        edit = CompanyEdit(
            company_no=self._row.company_no,
            name=self.value("name"),
            address=self.value("address"),
            phone=self.value("phone"),
            retired=_retired(self),
            reason=self.value("reason"),
        )
        row = await self.desk.link.call(COMPANY_EDIT, edit)
        return filled(_COMPANY_DONE, company_no=row.company_no, name=row.name)


class EditVehicleScreen(RegisterVehicleScreen):
    """The fields of a registration; personal numbers are typed only when they change.

    A vehicle whose card is in use is changed with the card; the service says so.
    """

    TITLE_TEXT = mark("Change a vehicle")
    HELP = _HELP
    FIELDS: ClassVar[Sequence[Field]] = (
        *RegisterVehicleScreen.FIELDS,
        _RETIRED,
        _REASON,
    )

    def __init__(self, desk: Desk, row: VehicleRow) -> None:
        super().__init__(desk)
        self._row = row

    def initial(self) -> dict[str, str]:
        """Begin with the vehicle as it is, personal numbers left empty."""
        row = self._row
        return {
            "plate": row.plate,
            "vehicle-type": row.vehicle_type,
            "company": row.company_no,
            "driver": row.driver,
            "owner": row.owner,
            "cylinder-no": row.cylinder_no,
            "cylinder-due": row.cylinder_due,
            "fleet-no": row.fleet_no,
            "fleet-name": row.fleet_name,
            "route-no": row.route_no,
            "retired": _YES if row.retired else _NO,
        }

    def hint_text(self, field: Field) -> str:
        """Say of a personal number what is in the register."""
        if field.name == "phone" and self._row.phone_masked:
            return self._row.phone_masked
        if field.name == "id-no":
            return self._row.id_no_masked
        return super().hint_text(field)

    async def save(self) -> str:
        """Change the vehicle."""
        edit = VehicleEdit(
            vehicle_id=self._row.vehicle_id,
            draft=self.draft(),
            retired=_retired(self),
            reason=self.value("reason"),
        )
        row = await self.desk.link.call(VEHICLE_EDIT, edit)
        return filled(_VEHICLE_DONE, plate=row.plate)

    def chosen_type(self) -> str:
        """Keep a type that is retired by now while nothing else is typed."""
        kept = self._row.vehicle_type
        return kept if self.value("vehicle-type") == kept else super().chosen_type()

    def chosen_company(self) -> str:
        """Keep a company that is retired by now while nothing else is typed."""
        kept = self._row.company_no
        return kept if self.value("company") == kept else super().chosen_company()


class EditTypeScreen(FormScreen):
    """Name of a vehicle type; its code stays."""

    TITLE_TEXT = mark("Change a vehicle type")
    HELP = _HELP
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("name", mark("Name"), longest=40),
        _RETIRED,
        _REASON,
    )

    def __init__(self, desk: Desk, row: VehicleTypeRow) -> None:
        super().__init__(desk)
        self._row = row

    def initial(self) -> dict[str, str]:
        """Begin with the type as it is."""
        row = self._row
        return {"name": row.name, "retired": _YES if row.retired else _NO}

    async def save(self) -> str:
        """Change the type."""
        edit = VehicleTypeEdit(
            code=self._row.code,
            name=self.value("name"),
            retired=_retired(self),
            reason=self.value("reason"),
        )
        row = await self.desk.link.call(VEHICLE_TYPE_EDIT, edit)
        return filled(_TYPE_DONE, code=row.code, name=row.name)


class AddTypeScreen(FormScreen):
    """Code and name of a new vehicle type."""

    TITLE_TEXT = mark("Add a vehicle type")
    HELP = mark("A code of at most eight letters or digits, and the name to show.")
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("code", mark("Code"), longest=8),
        Field("name", mark("Name"), longest=40),
    )

    async def save(self) -> str:
        """Add the type."""
        draft = VehicleTypeDraft(code=self.value("code"), name=self.value("name"))
        row = await self.desk.link.call(VEHICLE_TYPE_ADD, draft)
        return filled(_TYPE_ADDED, code=row.code, name=row.name)


class AcceptOpeningScreen(FormScreen):
    """The manager decides that the card is right; the difference is booked."""

    TITLE_TEXT = mark("Accept what an old card says")
    HELP = mark(
        "The old system and the card say different balances. If the card is right, "
        "give the reason and save: the book takes over the card's figure, and the "
        "card can be topped up. If it is not, keep the card and leave with Esc. It "
        "takes two people: a second operator with this right gives name and password."
    )
    FIELDS: ClassVar[Sequence[Field]] = (_REASON, *BOTH_PEOPLE)

    def __init__(self, desk: Desk, row: OpeningRow) -> None:
        super().__init__(desk)
        self._row = row

    def hint_text(self, field: Field) -> str:
        """Say both figures beside the reason."""
        row = self._row
        if field.name != _REASON.name:
            return super().hint_text(field)
        old, card = purse_text(row.imported_purse), purse_text(row.card_purse)
        return filled(_BOTH, card_no=row.card_no, old=old, card=card)

    def on_mount(self) -> None:
        """Hide what is secret."""
        hide_passwords(self)

    async def save(self) -> str:
        """Accept the card's figure."""
        request = OpeningAccept(
            card_key=self._row.card_key,
            reason=self.value("reason"),
            approval=approval_of(self),
        )
        row = await self.desk.link.call(OPENING_ACCEPT, request)
        return filled(_ACCEPTED, card_no=row.card_no, card=purse_text(row.card_purse))
