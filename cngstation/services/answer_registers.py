"""Answers for companies, vehicles, prices and the card list."""

from cngstation.errors import Refusal
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.price_top_up import require_price_on_card
from cngstation.services.register_customers import VehicleDraft
from cngstation.storage import audit, prices
from cngstation.storage.database import Transaction
from cngstation.units import E4_PER_FEN, Price, yuan_text


class PriceTooFine(Refusal):
    """Dispensers take prices of whole fen."""

    code = "refusal.price_too_fine"
    text = (
        "The price {price} has a part of a fen; dispensers cannot show it. The price "
        "was not changed."
    )


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
        made.add(counter.CHOICES, registers.choices)
        made.add(counter.PRICE_PLAN, self.plan_price)
        made.add(counter.CARD_LIST, registers.list_cards)

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

    async def plan_price(
        self, plan: counter.PricePlan, call: CallContext
    ) -> counter.Choices:
        """Give a level its price from now on."""
        actor = actor_of(call)
        price = Price(plan.price_e4)
        if price.e4 % E4_PER_FEN:
            raise PriceTooFine(price=yuan_text(price.e4))
        require_price_on_card(price)

        def unit(tx: Transaction) -> None:
            prices.plan(
                tx,
                level=plan.level,
                price=price,
                unit=self._parts.rules.gas_unit,
                from_ms=tx.now.wall_ms,
                operator_no=actor.operator_no,
            )
            audit.record(
                tx, actor, "price.plan", str(plan.level), after=yuan_text(price.e4)
            )

        await self._parts.database.write(unit)
        return await self._parts.registers.choices(Nothing(), call)
