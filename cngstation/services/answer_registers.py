"""Answers for companies, vehicles, prices and the card list."""

from pydantic import SecretStr

from cngstation.hygiene import clean
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.edit_registers import CompanyEdit
from cngstation.services.register_customers import VehicleDraft
from cngstation.services.reveal_personal import SHOWN_S, Wanted, What
from cngstation.services.show_registers import type_row


class RegisterAnswers:
    """Answers for companies, vehicles, prices and the card list."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        registers = self._parts.registers
        made.add(counter.COMPANY_REGISTER, self.register_company)
        made.add(counter.COMPANY_SEARCH, registers.search_companies)
        made.add(counter.VEHICLE_REGISTER, self.register_vehicle)
        made.add(counter.VEHICLE_SEARCH, registers.search_vehicles)
        made.add(counter.COMPANY_EDIT, self.edit_company)
        made.add(counter.VEHICLE_EDIT, self.edit_vehicle)
        made.add(counter.VEHICLE_TYPES, registers.list_types)
        made.add(counter.VEHICLE_TYPE_ADD, self.add_type)
        made.add(counter.VEHICLE_TYPE_EDIT, self.edit_type)
        made.add(counter.EDIT_LIST, registers.list_edits)
        made.add(counter.CHOICES, registers.choices)
        made.add(counter.CARD_LIST, registers.list_cards)
        made.add(counter.PERSONAL_REVEAL, self.reveal)
        made.add(counter.PERSONAL_FORGET, self.forget)

    async def register_company(
        self, draft: counter.CompanyDraft, call: CallContext
    ) -> counter.CompanyRow:
        """Register a company."""
        company = await self._parts.customers.register_company(
            draft.name, draft.address, draft.phone, actor_of(call)
        )
        return self._parts.registers.company_row(company)

    async def register_vehicle(
        self, draft: counter.VehicleDraft, call: CallContext
    ) -> counter.VehicleRow:
        """Register a vehicle."""
        wanted = VehicleDraft(**draft.model_dump())
        vehicle = await self._parts.customers.register_vehicle(wanted, actor_of(call))
        return await self._parts.registers.vehicle_row(vehicle)

    async def edit_company(
        self, edit: counter.CompanyEdit, call: CallContext
    ) -> counter.CompanyRow:
        """Change a company."""
        wanted = CompanyEdit(**edit.model_dump(exclude={"reason"}))
        company = await self._parts.edits.edit_company(
            wanted, edit.reason, actor_of(call)
        )
        return self._parts.registers.company_row(company)

    async def edit_vehicle(
        self, edit: counter.VehicleEdit, call: CallContext
    ) -> counter.VehicleRow:
        """Change a vehicle that has no card."""
        vehicle = await self._parts.edits.edit_vehicle(
            edit.vehicle_id,
            VehicleDraft(**edit.draft.model_dump()),
            edit.reason,
            actor_of(call),
            retired=edit.retired,
        )
        return await self._parts.registers.vehicle_row(vehicle)

    async def forget(
        self, order: counter.ForgetOrder, call: CallContext
    ) -> counter.Forgotten:
        """Clear the personal data of a row that is out of use."""
        subject = await self._parts.forgetting.forget(
            order.register_name, order.key, order.reason, actor_of(call)
        )
        return counter.Forgotten(subject=clean(subject, limit=40))

    async def reveal(
        self, order: counter.RevealOrder, call: CallContext
    ) -> counter.Revealed:
        """Show a personal number whole."""
        wanted = Wanted(order.register_name, order.key, What(order.what), order.reason)
        number = await self._parts.personal.reveal(wanted, actor_of(call))
        return counter.Revealed(number=SecretStr(number), shown_s=SHOWN_S)

    async def add_type(
        self, draft: counter.VehicleTypeDraft, call: CallContext
    ) -> counter.VehicleTypeRow:
        """Add a vehicle type."""
        added = await self._parts.edits.add_type(draft.code, draft.name, actor_of(call))
        return type_row(added)

    async def edit_type(
        self, edit: counter.VehicleTypeEdit, call: CallContext
    ) -> counter.VehicleTypeRow:
        """Rename or retire a vehicle type."""
        edited = await self._parts.edits.edit_type(
            edit.code, edit.name, edit.reason, actor_of(call), retired=edit.retired
        )
        return type_row(edited)
