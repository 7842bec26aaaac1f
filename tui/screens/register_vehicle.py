"""Registering a vehicle: type by digit or name, company by number, name or initials."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.content import Content
from textual.widgets import Input

from cngstation.errors import Refusal, StationError
from cngstation.hygiene import clean, cut
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    CHOICES,
    COMPANY_SEARCH,
    VEHICLE_REGISTER,
    Choice,
    CompanyRow,
    Search,
    VehicleDraft,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.form_screen import Field, FormScreen
from tui.texts import filled
from tui.widgets.lines import line

_DONE = mark("Registered vehicle {plate}. Put a new card on the reader to issue one.")
_TYPING_PAUSE_S = 0.15
_HINT_ROOM = 28


class NotChosen(Refusal):
    """A field that chooses from a list holds nothing of it."""

    code = "tui.not_chosen"
    text = "{field}: {typed} is none of the list. Nothing was registered."


class RegisterVehicleScreen(FormScreen):
    """Twelve fields; the service checks them and its refusal names the field."""

    TITLE_TEXT = mark("Register a vehicle")
    HELP = mark(
        "Type the fields; Enter goes to the next one and saves from the last, F2 saves "
        "at once. Type: its digit or name. Company: number, part of the name or pinyin "
        "initials; what was found stands beside the field. Dates are YYYY-MM-DD."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("plate", mark("Plate"), longest=12),
        Field("vehicle-type", mark("Vehicle type"), longest=20),
        Field("company", mark("Company")),
        Field("driver", mark("Driver")),
        Field("phone", mark("Phone"), longest=20),
        Field("owner", mark("Owner"), longest=60),
        Field("id-no", mark("ID number"), mark("18 characters, or 15"), 18),
        Field("cylinder-no", mark("Cylinder number")),
        Field("cylinder-due", mark("Cylinder due"), mark("YYYY-MM-DD"), 10),
        Field("fleet-no", mark("Fleet no"), longest=12),
        Field("fleet-name", mark("Fleet name")),
        Field("route-no", mark("Route no"), longest=12),
    )
    ACCEPTS: ClassVar[dict[str, str]] = {
        "refusal.plate_unusual": "plate",
        "refusal.id_number_unusual": "id_no",
    }

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._types: tuple[Choice, ...] = ()
        self._companies: tuple[CompanyRow, ...] = ()

    def on_mount(self) -> None:
        """Fetch the types and the first companies."""
        self.run_worker(self._fetch_types(), group="types")
        self.run_worker(self._search_companies(0), group="company", exclusive=True)

    async def _fetch_types(self) -> None:
        try:
            choices = await self.desk.link.call(CHOICES, Nothing())
        except StationError as error:
            self.say_error(error)
        else:
            self._types = choices.vehicle_types
            self.redraw()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Look for the company as it is typed."""
        super().on_input_changed(changed)
        if changed.input.id == "company":
            self.run_worker(
                self._search_companies(_TYPING_PAUSE_S), group="company", exclusive=True
            )

    async def _search_companies(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        try:
            request = Search(text=self.value("company"), limit=10)
            found = await self.desk.link.call(COMPANY_SEARCH, request)
        except (StationError, ValueError):
            self._companies = ()
        else:
            self._companies = found.rows
        self.redraw()

    def hint(self, field: Field) -> Content:
        """Show what a choosing field has found so far."""
        if field.name == "vehicle-type":
            return self._type_hint()
        if field.name == "company":
            company = self._company()
            found = f"{company.company_no} {clean(company.name)}" if company else ""
            return line((cut(found, _HINT_ROOM), "$accent"))
        return super().hint(field)

    def _type_hint(self) -> Content:
        chosen = self._vehicle_type()
        if chosen is not None:
            return line((cut(clean(chosen.name), _HINT_ROOM), "$accent"))
        offered = (f"{n} {clean(c.name)}" for n, c in enumerate(self._types, 1))
        return line(cut("  ".join(offered), _HINT_ROOM))

    def _vehicle_type(self) -> Choice | None:
        typed = self.value("vehicle-type")
        for number, choice in enumerate(self._types, 1):
            if typed and typed in {str(number), choice.code, choice.name}:
                return choice
        named = [c for c in self._types if typed and typed in c.name]
        return named[0] if len(named) == 1 else None

    def _company(self) -> CompanyRow | None:
        typed = self.value("company")
        if not typed:
            return None
        exact = [c for c in self._companies if c.company_no == typed]
        return next(iter(exact or self._companies), None)

    async def save(self) -> str:
        """Register the vehicle."""
        row = await self.desk.link.call(VEHICLE_REGISTER, self.draft())
        return filled(_DONE, plate=row.plate)

    def draft(self) -> VehicleDraft:
        """Return what was typed.

        Raises:
            NotChosen: type or company is none of the list.
        """
        return VehicleDraft(
            plate=self.value("plate"),
            accept_plate=self.accepts("plate"),
            id_no=self.value("id-no"),
            accept_id_no=self.accepts("id_no"),
            driver=self.value("driver"),
            phone=self.value("phone"),
            owner=self.value("owner"),
            vehicle_type=self.chosen_type(),
            company_no=self.chosen_company(),
            cylinder_no=self.value("cylinder-no"),
            cylinder_due=self.value("cylinder-due"),
            fleet_no=self.value("fleet-no"),
            route_no=self.value("route-no"),
            fleet_name=self.value("fleet-name"),
        )

    def chosen_type(self) -> str:
        """Return the code of the type that was typed."""
        vehicle_type = self._vehicle_type()
        if vehicle_type is None:
            raise self._not_chosen("vehicle-type", mark("Vehicle type"))
        return vehicle_type.code

    def chosen_company(self) -> str:
        """Return the number of the company that was typed, or nothing."""
        company = self._company()
        if company is None and self.value("company"):
            raise self._not_chosen("company", mark("Company"))
        return company.company_no if company else ""

    def _not_chosen(self, name: str, label: str) -> NotChosen:
        self.query_one(f"#{name}", Input).focus()
        return NotChosen(field=label, typed=clean(self.value(name)) or _("nothing"))
