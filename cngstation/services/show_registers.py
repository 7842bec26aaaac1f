"""The registers and choices as the counter's screens show them."""

from collections.abc import Mapping, Sequence

from cngstation.domain.card_kinds import KINDS
from cngstation.domain.payment import PaymentMode
from cngstation.domain.tenders import Tender
from cngstation.hygiene import clean
from cngstation.moments import Clock
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.session import Nothing
from cngstation.services.prices_now import in_force_now
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.station_rules import StationRules
from cngstation.services.take_payment import Way, tender_offers
from cngstation.services.tell_day import tell
from cngstation.storage import audit, cards, customers, facts
from cngstation.storage.customers import Company, Vehicle, VehicleType
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection
from cngstation.storage.vehicle_index import VehicleIndex


class Registers:
    """Answers searches and lists from committed data."""

    def __init__(
        self,
        database: Database,
        desk: CustomerDesk,
        rules: StationRules,
        clock: Clock,
    ) -> None:
        self._database = database
        self._desk = desk
        self._rules = rules
        self._clock = clock
        self._index = VehicleIndex()

    async def search_companies(
        self, request: counter.Search, call: CallContext
    ) -> counter.CompanyRows:
        """Find companies."""
        found = await self._database.read(
            lambda connection: customers.search_companies(
                connection,
                request.text.strip(),
                request.limit,
                with_retired=request.with_retired,
            )
        )
        return counter.CompanyRows(rows=tuple(map(self.company_row, found)))

    async def search_vehicles(
        self, request: counter.Search, call: CallContext
    ) -> counter.VehicleRows:
        """Find vehicles: those with this very number first, then by plate."""
        text = clean(request.text).replace("·", "").strip()
        digests = self._desk.digests_of(text)

        def question(connection: Connection) -> tuple[counter.VehicleRow, ...]:
            found = self._found(
                connection,
                text,
                digests,
                request.limit,
                with_retired=request.with_retired,
            )
            return self._rows(connection, found)

        return counter.VehicleRows(rows=await self._database.read(question))

    def _found(
        self,
        connection: Connection,
        text: str,
        digests: Mapping[str, bytes],
        limit: int,
        *,
        with_retired: bool = True,
    ) -> list[Vehicle]:
        """Return vehicles with this very number, then those with it as a part."""
        numbered = customers.vehicles_with_number(connection, text.upper(), digests)
        known = {v.vehicle_id: v for v in numbered if self._desk.answers_to(v, text)}
        ids = self._index.find(
            connection, text.split(), limit, with_retired=with_retired
        )
        found = (
            known.get(vehicle_id) or customers.find_vehicle(connection, vehicle_id)
            for vehicle_id in dict.fromkeys([*known, *ids])
        )
        return [v for v in found if v is not None and v.retired <= with_retired][:limit]

    async def choices(self, _: Nothing, call: CallContext) -> counter.Choices:
        """Return what forms offer."""
        rules, now = self._rules, self._clock.now()

        def question(connection: Connection) -> counter.Choices:
            now_ms = tell(connection, now).ms
            in_force = in_force_now(connection, rules.gas_unit, now_ms)
            return counter.Choices(
                vehicle_types=tuple(
                    counter.Choice(code=code, name=name)
                    for code, name in customers.vehicle_types(connection)
                ),
                card_kinds=tuple(k.name for k in KINDS if k.for_customers),
                payment_modes=tuple(str(mode) for mode in PaymentMode),
                prices=tuple(
                    counter.LevelPrice(level=level, price_e4=price.e4)
                    for level, price in sorted(in_force.items())
                ),
                card_fee_fen=rules.card_fee.fen,
                single_lower_fen=rules.single_lower.fen,
                single_upper_fen=rules.single_upper.fen,
                balance_ceiling_fen=rules.balance_ceiling.fen,
                tenders=tender_offers(Way(tender) for tender in Tender),
            )

        return await self._database.read(question)

    async def list_cards(
        self, request: counter.Page, call: CallContext
    ) -> counter.CardRows:
        """Return the cards issued last."""

        def question(connection: Connection) -> tuple[counter.CardRow, ...]:
            found = cards.newest(connection, request.limit)
            return tuple(self._card_row(connection, card) for card in found)

        return counter.CardRows(rows=await self._database.read(question))

    async def search_cards(
        self, search: counter.Search, call: CallContext
    ) -> counter.CardRows:
        """Find cards by part of their number, or by their vehicle."""
        text = clean(search.text, limit=40).replace("·", "").strip()
        digests = self._desk.digests_of(text)

        def question(connection: Connection) -> tuple[counter.CardRow, ...]:
            found = cards.search(connection, text, search.limit)
            for vehicle in self._found(connection, text, digests, search.limit):
                found += cards.of_vehicle(connection, vehicle.vehicle_id)
            once = {card.card_key: card for card in found}
            rows = list(once.values())[: search.limit]
            return tuple(self._card_row(connection, card) for card in rows)

        return counter.CardRows(rows=await self._database.read(question))

    async def list_types(
        self, _: Nothing, call: CallContext
    ) -> counter.VehicleTypeRows:
        """Return all vehicle types."""
        found = await self._database.read(customers.every_vehicle_type)
        return counter.VehicleTypeRows(rows=tuple(map(type_row, found)))

    async def list_edits(
        self, search: counter.Search, call: CallContext
    ) -> counter.EditRows:
        """Return the fields that were changed last, of what the text names."""
        text = clean(search.text).strip().upper()
        found = await self._database.read(
            lambda connection: audit.field_changes(connection, text, search.limit)
        )
        return counter.EditRows(rows=tuple(map(_edit_row, found)))

    async def vehicle_row(self, vehicle: Vehicle) -> counter.VehicleRow:
        """Return a vehicle for the screen, personal numbers masked."""
        return await self._database.read(
            lambda connection: self._rows(connection, [vehicle])[0]
        )

    def company_row(self, company: Company) -> counter.CompanyRow:
        """Return a company for the screen."""
        return counter.CompanyRow(
            company_no=company.company_no,
            name=company.name,
            address=company.address,
            phone_masked=self._desk.phone_masked(company),
            retired=bool(company.retired),
        )

    def _rows(
        self, connection: Connection, vehicles: Sequence[Vehicle]
    ) -> tuple[counter.VehicleRow, ...]:
        companies = {
            no: customers.find_company(connection, no)
            for no in {vehicle.company_no for vehicle in vehicles}
        }
        types = {t.code: t.name for t in customers.every_vehicle_type(connection)}
        issued = customers.cards_of_vehicles(
            connection, [v.vehicle_id for v in vehicles]
        )
        return tuple(
            self._row(
                vehicle,
                companies[vehicle.company_no],
                types.get(vehicle.vehicle_type, ""),
                issued.get(vehicle.vehicle_id, 0),
            )
            for vehicle in vehicles
        )

    def _row(
        self, vehicle: Vehicle, company: Company | None, type_name: str, issued: int
    ) -> counter.VehicleRow:
        return counter.VehicleRow(
            vehicle_id=vehicle.vehicle_id,
            plate=vehicle.plate,
            id_no_masked=self._desk.id_no_masked(vehicle),
            driver=vehicle.driver[:40],
            phone_masked=self._desk.phone_masked(vehicle),
            owner=vehicle.owner,
            vehicle_type=vehicle.vehicle_type,
            vehicle_type_name=type_name,
            company_no=vehicle.company_no,
            company_name=company.name if company else "",
            cylinder_no=vehicle.cylinder_no,
            cylinder_due=vehicle.cylinder_due,
            fleet_no=vehicle.fleet_no or "",
            route_no=vehicle.route_no,
            fleet_name=vehicle.fleet_name,
            cards=issued,
            retired=bool(vehicle.retired),
        )

    def _card_row(self, connection: Connection, card: cards.Card) -> counter.CardRow:
        vehicle = customers.find_vehicle(connection, card.vehicle_id)
        company = (
            customers.find_company(connection, vehicle.company_no) if vehicle else None
        )
        booked = facts.balance(connection, f"card:{card.card_key}", str(card.unit))
        return counter.CardRow(
            card_key=card.card_key,
            card_no=card.card_no,
            uid=card.uid,
            kind=card.kind,
            state=str(card.state),
            plate=vehicle.plate if vehicle else "",
            company_name=company.name if company else "",
            driver=vehicle.driver[:40] if vehicle else "",
            route_no=vehicle.route_no if vehicle else "",
            fleet_name=vehicle.fleet_name if vehicle else "",
            cylinder_due=card.cylinder_due,
            payment_mode=str(card.payment_mode),
            unit=str(card.unit),
            price_e4=card.price_e4,
            balance_book=-booked if card.payment_mode.prepaid else booked,
            issued_at_ms=card.issued_at_ms,
            holder=card.holder,
        )


def type_row(vehicle_type: VehicleType) -> counter.VehicleTypeRow:
    """Return a vehicle type for the screen."""
    return counter.VehicleTypeRow(
        code=vehicle_type.code,
        name=vehicle_type.name,
        retired=bool(vehicle_type.retired),
        vehicles=vehicle_type.vehicles,
    )


def _edit_row(change: audit.FieldChanged) -> counter.EditRow:
    return counter.EditRow(
        at_ms=change.at_ms,
        kind=change.register,
        subject=clean(change.subject, limit=40),
        field=change.field,
        before=clean(change.before),
        after=clean(change.after),
        reason=clean(change.reason),
        operator_no=change.operator_no,
        terminal=clean(change.terminal, limit=40),
    )
