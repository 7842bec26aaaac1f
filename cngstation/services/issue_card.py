"""Issues a card for a vehicle: fee and prepaid in one act, the card written last."""

import json
from dataclasses import dataclass
from pathlib import Path

from cngstation.domain.card_kinds import BY_NAME
from cngstation.domain.card_life import OUT_OF_USE
from cngstation.domain.card_life import CardState as Life
from cngstation.domain.evidence import Evidence
from cngstation.domain.numbers import without_personal
from cngstation.domain.payment import MODE_CODES, PaymentMode, purse_unit
from cngstation.domain.tenders import CASH, Payment
from cngstation.errors import Refusal
from cngstation.protocols.card_image.purse import CardInfo, Purse
from cngstation.services.act_kind import ActKind, load_moves
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.card_on_reader import (
    CardPort,
    CardReading,
    CardState,
)
from cngstation.services.limit_spending import limits_on_card
from cngstation.services.new_card import NewCards, plan_of
from cngstation.services.price_top_up import (
    AmountRefused,
    NoPrice,
    Priced,
    Wanted,
    price_top_up,
    require_ceiling,
    require_level_shown,
    require_limits,
    require_price_on_card,
)
from cngstation.services.station_rules import StationRules
from cngstation.services.take_payment import paying, same_payment
from cngstation.services.tell_day import told_prices_ms
from cngstation.services.top_up_card import purse_evidence, slip_facts
from cngstation.storage import audit, cards, customers, prices
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.customers import Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent
from cngstation.units import ZERO, Money, Price, Unit

KIND = "issue"


class UnknownVehicle(Refusal):
    """A card is issued for a registered vehicle."""

    code = "refusal.unknown_vehicle"
    text = (
        "There is no such vehicle in the register. Register the vehicle first, then "
        "issue its card. No money was taken."
    )


class SecondCard(Refusal):
    """The vehicle has a card that is in use; may be accepted."""

    code = "refusal.second_card"
    text = (
        "{plate} has card {card_no} already. Nothing was written and no money was "
        "taken. Confirm again to issue one more card for it."
    )


class UnknownKind(Refusal):
    """The kind or the payment mode is not one that customers get."""

    code = "refusal.unknown_kind"
    text = "Card kind {kind} cannot be issued to a vehicle. No money was taken."


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """A new card as the cashier confirmed it."""

    intent_id: str
    vehicle_id: int
    kind: str
    payment_mode: PaymentMode
    price_level: int
    wanted: Wanted
    cash: Money
    remark: str
    payment: Payment = CASH
    accept_second_card: bool = False

    def is_of(self, intent: Intent) -> bool:
        """Return whether an act is this order, tried before."""
        if (intent.kind, intent.cash_e4) != (KIND, self.cash.e4):
            return False
        plan = json.loads(intent.plan)
        ordered = (self.vehicle_id, self.kind, self.payment_mode, self.price_level)
        planned = ("vehicle_id", "kind", "payment_mode", "price_level")
        same = ordered == tuple(plan.get(name) for name in planned)
        same = same and self.wanted.is_in(plan)
        return same and same_payment(self.payment, intent.payment)


class CardIssue:
    """Issues cards to vehicles."""

    def __init__(
        self, database: Database, acts: CardActs, *, rules: StationRules, folder: Path
    ) -> None:
        self._cards = NewCards(database, acts, rules=rules, folder=folder)
        self._rules = rules

    async def issue(self, order: IssueOrder, port: CardPort, actor: Actor) -> ActResult:
        """Issue a card, or say where the issue with this id stands.

        Raises:
            Refusal: a rule said no; nothing has happened.
            DeviceError: the card cannot be read; nothing has happened.
        """
        return await self._cards.write(
            order.intent_id,
            order.is_of,
            order.payment_mode,
            lambda tx, reading: self._hold(tx, order, reading, actor),
            port,
        )

    def _hold(
        self, tx: Transaction, order: IssueOrder, reading: CardReading, actor: Actor
    ) -> Intent:
        vehicle, price, priced = self._checked(tx, order)
        uid, key = self._cards.number(tx, reading)
        card = _new_card(
            order,
            vehicle,
            uid=uid,
            price=price,
            key=key,
            unit=purse_unit(order.payment_mode, self._rules.gas_unit),
            now_ms=tx.now.wall_ms,
        )
        payment = paying(tx.connection, order.payment, order.vehicle_id, order.cash)
        intent = self._cards.begin(
            tx,
            card,
            reading,
            actor,
            intent_id=order.intent_id,
            kind=KIND,
            plan={
                **plan_of(card, vehicle.plate),
                **order.wanted.as_plan(),
                **payment.as_plan(),
                **limits_on_card(tx.connection, vehicle.company_no),
            },
            amount=priced.book,
            cash_e4=order.cash.e4,
            fee_e4=self._rules.card_fee.e4,
            price_e4=price.e4,
            after_balance=priced.purse,
        )
        audit.record(tx, actor, "card.issue", key, after=vehicle.plate)
        return intent

    def _checked(
        self, tx: Transaction, order: IssueOrder
    ) -> tuple[Vehicle, Price, Priced]:
        vehicle = customers.find_vehicle(tx.connection, order.vehicle_id)
        if vehicle is None or vehicle.retired:
            raise UnknownVehicle
        kind = BY_NAME.get(order.kind)
        if kind is None or not kind.for_customers:
            raise UnknownKind(kind=order.kind)
        now_ms = told_prices_ms(tx)
        in_force = prices.in_force(tx.connection, self._rules.gas_unit, now_ms)
        price = in_force.get(order.price_level)
        if price is None:
            raise NoPrice(level=order.price_level)
        require_price_on_card(price)
        require_level_shown(order.price_level, order.payment_mode, self._rules)
        if not order.accept_second_card:
            _require_no_other_card(tx, vehicle)
        priced = self._prepaid(order, price)
        if priced.cash + self._rules.card_fee != order.cash:
            raise AmountRefused(why="the price has changed; look at the figures again")
        return vehicle, price, priced

    def _prepaid(self, order: IssueOrder, price: Price) -> Priced:
        if not order.wanted.money and not order.wanted.quantity_hundredths:
            return Priced(0, 0, ZERO)
        if not order.payment_mode.prepaid:
            raise AmountRefused(why="a credit card is issued without prepayment")
        priced = price_top_up(order.payment_mode, order.wanted, price, self._rules)
        require_limits(priced, self._rules)
        require_ceiling(priced.cash, self._rules)
        return priced


def _new_card(
    order: IssueOrder,
    vehicle: Vehicle,
    *,
    uid: str,
    price: Price,
    key: str,
    unit: Unit,
    now_ms: int,
) -> Card:
    return Card(
        card_key=key,
        area_no=key[:4],
        card_no=key[4:],
        uid=uid,
        kind=order.kind,
        payment_mode=order.payment_mode,
        unit=unit,
        price_level=order.price_level,
        price_e4=price.e4,
        vehicle_id=vehicle.vehicle_id,
        state=Life.INACTIVE,
        issued_at_ms=now_ms,
        cylinder_due=vehicle.cylinder_due,
        remark=without_personal(order.remark),
        wseq=0,
        pseq=0,
        seen_balance=0,
        seen_wseq=0,
        seen_pseq=0,
        seen_grey="",
        seen_at_ms=0,
    )


def _require_no_other_card(tx: Transaction, vehicle: Vehicle) -> None:
    """A vehicle may have several cards; a second one is never issued by mistake."""
    for card in cards.of_vehicle(tx.connection, vehicle.vehicle_id):
        if card.state not in OUT_OF_USE:
            raise SecondCard(plate=vehicle.plate, card_no=card.card_no)


def issue_kind(name: str = KIND) -> ActKind:
    """Return how the engine writes and finishes an issue."""

    async def write(port: CardPort, intent: Intent, reading: CardReading) -> None:
        plan = json.loads(intent.plan)
        purse = Purse(
            kind=BY_NAME[plan["kind"]].code,
            payment_mode=MODE_CODES[PaymentMode(plan["payment_mode"])],
            price_level=plan["price_level"],
            card_no=plan["card_no"],
            cylinder_due=plan["cylinder_due"] or None,
            balance=intent.after_balance,
            recharged_total=intent.after_balance,
            consumed_total=0,
            grey=None,
            gen=0,
            wseq=1,
            pseq=0,
        )
        info = CardInfo(
            area_no=plan["area_no"],
            price_fen=plan["price_e4"] // 100,
            plate=plan["plate"],
            limit_per_fill_yuan=plan.get("limit_per_fill_yuan", 0),
            limit_per_day_yuan=plan.get("limit_per_day_yuan", 0),
        )
        await port.personalise(reading.uid, purse, info)

    def registers(tx: Transaction, intent: Intent) -> None:
        card = cards.find(tx.connection, intent.card_key)
        if card is not None and card.state is Life.INACTIVE:
            _enter(tx, intent, Life.NORMAL, "the issue is finished")

    def undoes(tx: Transaction, intent: Intent) -> None:
        _enter(tx, intent, Life.CANCELLED, "the issue was given back")

    return ActKind(
        name=name,
        evidence=_issue_evidence,
        write=write,
        registers=registers,
        undoes=undoes,
        slip=slip_facts,
        moves=load_moves,
        goes_on=frozenset({Life.INACTIVE, Life.NORMAL}),
    )


def _enter(tx: Transaction, intent: Intent, state: Life, reason: str) -> None:
    actor = Actor(intent.operator_no, intent.terminal)
    cards.change(tx, intent.card_key, reason=reason, actor=actor, state=state)


def _issue_evidence(intent: Intent, reading: CardReading) -> Evidence | None:
    """A chip without a whole image proves that the issue is not on it."""
    if reading.state in {CardState.BLANK, CardState.TORN_ISSUE}:
        uid = reading.uid.hex().upper()
        return Evidence(uid, intent.card_key, balance=0, wseq=0, pseq=0)
    return purse_evidence(intent, reading)
