"""Tops up the card on the reader: refusals in a fixed order, then the engine."""

import json
from dataclasses import replace
from pathlib import Path

from cngstation.domain.card_kinds import CrewCard
from cngstation.domain.card_life import Act, Standing, require
from cngstation.domain.continuity import break_of
from cngstation.domain.evidence import Evidence
from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.errors import Refusal
from cngstation.moments import Clock, days_until
from cngstation.protocols.card_image.purse import require_room
from cngstation.services.act_kind import ActKind, load_moves
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.card_on_reader import (
    CardPort,
    CardReading,
    NoCardOnReader,
    evidence_of,
    evidence_of_purse,
)
from cngstation.services.give_bonus import bonus_for
from cngstation.services.old_on_card import cylinder_due
from cngstation.services.price_top_up import (
    AmountRefused,
    NotPrepaid,
    Priced,
    Wanted,
    price_top_up,
    require_ceiling,
    require_limits,
)
from cngstation.services.room_on_disk import require_disk
from cngstation.services.station_rules import StationRules
from cngstation.services.take_payment import paying, ways_for
from cngstation.services.tell_day import tell
from cngstation.services.top_up_order import KIND, Quoted, TopUpOrder
from cngstation.storage import cards, customers, journal
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, Price, Quantity, amount_of


class UnknownCard(Refusal):
    """The card is ours by its keys, but not in this station's register."""

    code = "refusal.unknown_card"
    text = (
        "Card {card_no} is not in the register of this station. No money was taken. "
        "Ask head office for its data."
    )


class CardDisagrees(Refusal):
    """The card does not continue what the book knows of it."""

    code = "refusal.card_disagrees"
    text = (
        "Card {card_no} does not continue the books ({why}): perhaps a copy or an old "
        "image. Nothing was written, no money was taken. Keep the card, call the "
        "manager."
    )


class CardHalfRead(Refusal):
    """One of the two copies of the purse does not open."""

    code = "refusal.card_half_read"
    text = (
        "Only one of the two copies on the card can be read: it lies badly, or it is "
        "worn out. Nothing was written and no money was taken. Lay it on the reader "
        "again; if that does not help, replace the card."
    )


class OtherCard(Refusal):
    """Another card lies on the reader than the act was begun with."""

    code = "refusal.other_card"
    text = (
        "Another card lies on the reader. Nothing was written and no money was taken."
    )


class CardChanged(Refusal):
    """The card is not as the cashier was shown it."""

    code = "refusal.card_changed"
    text = (
        "The card has changed since it was shown, perhaps at another screen. Nothing "
        "was written and no money was taken. Look at the figures and confirm again."
    )


class TopUps:
    """Quotes and makes top-ups."""

    def __init__(
        self,
        database: Database,
        acts: CardActs,
        *,
        rules: StationRules,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._database = database
        self._acts = acts
        self._rules = rules
        self._folder = folder

    async def quote(self, card_key: str, wanted: Wanted, port: CardPort) -> Quoted:
        """Say what a top-up of the card on the reader would do.

        Raises:
            Refusal: why it would not be made.
            DeviceError: the card cannot be read.
        """
        seen, reading = await present(card_key, port)
        now = self._clock.now()

        def question(connection: Connection) -> Quoted:
            now_ms = tell(connection, now).ms
            card, quoted, _ = self._checked(connection, seen, wanted, now_ms)
            ways = ways_for(connection, card.vehicle_id, quoted.cash)
            return replace(quoted, ways=ways)

        quoted = await self._database.read(question)
        _require_room(reading, quoted)
        return quoted

    async def top_up(
        self, order: TopUpOrder, port: CardPort, actor: Actor
    ) -> ActResult:
        """Make a top-up, or say where the one with this id stands.

        Raises:
            Refusal: a rule said no; nothing has happened.
            DeviceError: the card cannot be read; nothing has happened.
            CommitUncertain: ask again by the id after the restart.
        """
        if known := await self._acts.result_of(order.intent_id, order.is_of):
            return known
        require_disk(self._folder, self._rules)
        seen, reading = await present(order.card_key, port)
        intent = await self._database.write(
            lambda tx: self._hold(tx, order, seen, reading, actor)
        )
        return await self._acts.carry_out(intent, port)

    def _hold(
        self,
        tx: Transaction,
        order: TopUpOrder,
        seen: Evidence,
        reading: CardReading,
        actor: Actor,
    ) -> Intent:
        card, quoted, priced = self._checked(
            tx.connection, seen, order.wanted, tell(tx.connection, tx.now).ms
        )
        if quoted.before != order.before:
            raise CardChanged
        _require_room(reading, quoted)
        if order.bonus not in {None, quoted.bonus.purse}:
            raise AmountRefused(why="the bonus has changed; look at the figures again")
        if quoted.cash != order.cash:
            raise AmountRefused(why="the price has changed; look at the figures again")
        counted = seen.consumed is None
        payment = paying(tx.connection, order.payment, card.vehicle_id, priced.cash)
        intent = Intent(
            intent_id=order.intent_id,
            kind=KIND,
            card_key=card.card_key,
            uid=seen.uid,
            state=IntentState.PREPARED,
            amount=priced.book,
            unit=str(card.unit),
            cash_e4=priced.cash.e4,
            fee_e4=0,
            bonus=quoted.bonus.book,
            price_e4=quoted.price.e4,
            before_balance=seen.balance,
            before_wseq=seen.wseq if counted else card.wseq,
            before_pseq=seen.pseq if counted else card.pseq,
            before_grey=seen.grey,
            after_balance=quoted.after,
            operator_no=actor.operator_no,
            terminal=actor.terminal,
            till=self._rules.till,
            plan=json.dumps(
                {"payment_mode": card.payment_mode}
                | order.wanted.as_plan()
                | payment.as_plan()
                | quoted.bonus.as_plan()
                | ({} if counted else {journal.CONSUMED: seen.consumed})
            ),
        )
        self._acts.hold(tx, intent)
        return intent

    def _checked(
        self, connection: Connection, seen: Evidence, wanted: Wanted, now_ms: int
    ) -> tuple[Card, Quoted, Priced]:
        """The refusals, in their order; after them only the card can fail."""
        card = cards.find(connection, seen.card_key)
        if card is None:
            raise UnknownCard(card_no=seen.card_key)
        if not card.for_customers:
            raise CrewCard(card_no=card.card_no)
        require(Act.TOP_UP, standing_of(connection, card, seen, now_ms), card.card_no)
        require_continuity(card, seen)
        mode = card.payment_mode
        if not mode.prepaid:
            raise NotPrepaid(card_no=card.card_no)
        price = Price(card.price_e4)
        priced = price_top_up(mode, wanted, price, self._rules)
        require_limits(priced, self._rules)
        bonus = bonus_for(connection, card, priced, now_ms)
        after = seen.balance + priced.purse + bonus.purse
        require_ceiling(purse_value(card, after), self._rules)
        quoted = Quoted(seen.balance, priced.purse, after, priced.cash, price, bonus)
        return card, quoted, priced


async def present(card_key: str, port: CardPort) -> tuple[Evidence, CardReading]:
    """Read the card on the reader, which has to be this one, whole.

    Raises:
        NoCardOnReader, OtherCard, CardHalfRead, NotOurCard: it is not there.
        DeviceError: it cannot be read.
    """
    uid = await port.find()
    if uid is None:
        raise NoCardOnReader
    reading = await port.read(uid)
    seen = evidence_of(reading)
    if seen.card_key != card_key:
        raise OtherCard
    if not reading.whole:
        raise CardHalfRead
    return seen, reading


def _require_room(reading: CardReading, quoted: Quoted) -> None:
    if reading.purse is not None:
        require_room(reading.purse, quoted.change + quoted.bonus.purse)


def purse_value(card: Card, purse: int) -> Money:
    """Return what a purse is worth in money, at the card's own price."""
    book = purse_to_book(card.payment_mode, purse)
    if not card.payment_mode.in_quantity:
        return Money(book)
    return amount_of(Quantity(book, card.unit), Price(card.price_e4))


def standing_of(
    connection: Connection, card: Card, seen: Evidence, now_ms: int
) -> Standing:
    """Put together everything that decides what the card may do now."""
    return Standing(
        registered=card.state,
        has_open_intent=journal.open_for_card(connection, card.card_key) is not None,
        grey_on_card=bool(seen.grey),
        cylinder_overdue=is_overdue(connection, card, now_ms),
    )


def is_overdue(connection: Connection, card: Card, now_ms: int) -> bool:
    """Tell whether the inspection of the cylinder that a card fills is overdue."""
    due = cylinder_due(connection, card)
    return bool(due) and days_until(due, now_ms) < 0


def require_continuity(card: Card, seen: Evidence) -> None:
    """Refuse a chip or an image that does not continue what was last seen of it.

    Raises:
        CardDisagrees: with the reason.
    """
    if why := break_of(card.known, seen):
        raise CardDisagrees(card_no=card.card_no, why=str(why))


def top_up_kind() -> ActKind:
    """Return how the engine writes and finishes a top-up."""

    async def write(port: CardPort, intent: Intent, reading: CardReading) -> None:
        purse = reading.purse
        if purse is None:
            raise AssertionError("the engine compared the evidence before")
        added = intent.after_balance - intent.before_balance
        changed = replace(
            purse,
            balance=intent.after_balance,
            recharged_total=purse.recharged_total + max(added, 0),
            wseq=intent.before_wseq + 1,
        )
        await port.write_purse(reading, changed)

    return ActKind(
        name=KIND,
        evidence=purse_evidence,
        write=write,
        registers=lambda tx, intent: None,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        moves=load_moves,
    )


def purse_evidence(intent: Intent, reading: CardReading) -> Evidence | None:
    """Return what a card proves; None when it has no readable purse.

    The purse counts even where the info sector is damaged: it has its own MAC, and
    which card it is was written down with the act.
    """
    purse = reading.purse
    if purse is None or not intent.card_key.endswith(purse.card_no):
        return None
    seen = evidence_of_purse(reading.uid, purse, intent.card_key)
    if seen.consumed is None:
        return seen
    # A card without counters says nothing of them: the book's own are taken.
    return replace(seen, wseq=intent.before_wseq, pseq=intent.before_pseq)


def slip_facts(tx: Transaction, intent: Intent) -> dict[str, str | int]:
    """Return what a receipt says; personal numbers are not on it."""
    bonus = json.loads(intent.plan).get("bonus_purse", 0)
    card = cards.find(tx.connection, intent.card_key)
    vehicle = customers.find_vehicle(tx.connection, card.vehicle_id) if card else None
    company = (
        customers.find_company(tx.connection, vehicle.company_no) if vehicle else None
    )
    plan = json.loads(intent.plan)
    return {
        "kind": intent.kind,
        "card_no": card.card_no if card else intent.card_key,
        "plate": vehicle.plate if vehicle else "",
        "company": company.name if company else "",
        "payment_mode": str(PaymentMode(plan["payment_mode"])),
        "unit": intent.unit,
        "before_purse": intent.before_balance,
        "change_purse": intent.after_balance - intent.before_balance - bonus,
        **({"bonus_purse": bonus} if bonus else {}),
        "after_purse": intent.after_balance,
        "cash_e4": intent.cash_e4,
        "fee_e4": intent.fee_e4,
        "price_e4": intent.price_e4,
        **intent.payment.as_plan(),
        "refund_e4": plan.get("refund_e4", 0),
        "second_operator_no": plan.get("second_operator_no", ""),
        "operator_no": intent.operator_no,
        "at_ms": tx.now.wall_ms,
    }
