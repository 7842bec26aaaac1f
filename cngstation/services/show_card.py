"""The card on the reader as its page shows it: who, what, how much, and what now."""

from dataclasses import dataclass

from cngstation.domain.card_kinds import BY_CODE
from cngstation.domain.card_life import WAY_OUT
from cngstation.domain.card_life import CardState as Life
from cngstation.domain.evidence import Evidence
from cngstation.domain.payment import MODE_OF_CODE, PaymentMode
from cngstation.language import mark
from cngstation.moments import days_until
from cngstation.protocols.card_image.purse import Purse
from cngstation.rpc.contract.counter import CardOnReaderState, CardView, TopUpRow
from cngstation.services import old_on_card
from cngstation.services.card_on_reader import CardReading, CardState, evidence_of
from cngstation.services.old_on_card import acts_that_write, cylinder_due
from cngstation.services.prices_now import in_force_now
from cngstation.services.show_sales import sale_row
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import (
    CardDisagrees,
    require_continuity,
    standing_of,
)
from cngstation.storage import cards, customers, facts, journal, sales
from cngstation.storage.cards import Card
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

_CYLINDER_SOON = mark("The cylinder inspection is due soon.")
_DISAGREES = mark(
    "The card does not continue the books: perhaps a copy or an old image. "
    "Keep the card, call the manager."
)
_PLATE_OLD = mark("The plate on the card is not the plate of its vehicle now.")
_DATE_OLD = mark("The cylinder date on the card is not that of its vehicle now.")
_LIMITS_OLD = mark("The limits on the card are not those that it has now.")
_PRICE_OLD = mark("The price on the card is not the price of its level now.")
_OLD = {
    old_on_card.EDIT: _PLATE_OLD,
    old_on_card.CYLINDER: _DATE_OLD,
    old_on_card.LIMITS: _LIMITS_OLD,
    old_on_card.PRICE: _PRICE_OLD,
}

_STATES = {
    CardState.BLANK: CardOnReaderState.BLANK,
    CardState.OURS: CardOnReaderState.OURS,
    CardState.TORN_ISSUE: CardOnReaderState.TORN_ISSUE,
    CardState.FOREIGN: CardOnReaderState.FOREIGN,
    CardState.BOTH_BAD: CardOnReaderState.UNREADABLE,
}


@dataclass(frozen=True, slots=True)
class Looked:
    """A view of a card and, where the register has it, the card itself."""

    view: CardView
    card: Card | None
    seen: Evidence | None


def look_at(
    connection: Connection, reading: CardReading, rules: StationRules, now_ms: int
) -> Looked:
    """Put together what the register and the books know of the card in the field."""
    uid = reading.uid.hex().upper()
    on_reader = _STATES[reading.state]
    open_intent = journal.open_for_uid(connection, uid)
    if on_reader is not CardOnReaderState.OURS:
        return Looked(_bare(uid, on_reader, open_intent), None, None)
    if reading.purse is None or reading.info is None:
        # A purse that nothing says whose it is: shown, and nothing done with it.
        view = _bare(uid, CardOnReaderState.UNREADABLE, open_intent)
        return Looked(view, None, None)
    seen = evidence_of(reading)
    card = cards.find(connection, seen.card_key)
    if card is None:
        view = _bare(uid, CardOnReaderState.UNREGISTERED, open_intent)
        if reading.purse is not None:
            view = _with_purse(view, reading.purse, rules)
        return Looked(view, None, seen)
    in_force = in_force_now(connection, rules.gas_unit, now_ms)
    price = in_force.get(card.price_level)
    acts = acts_that_write(connection, card, reading, price.e4 if price else None)
    view = _whole(connection, card, seen, rules, now_ms)
    cures = acts if view.standing == Life.NORMAL and not view.open_intent_id else ()
    said = {
        "warnings": (*view.warnings, *(_OLD[act] for act in acts)),
        "cure": cures[0] if cures else "",
    }
    return Looked(view.model_copy(update=said), card, seen)


def _whole(
    connection: Connection,
    card: Card,
    seen: Evidence,
    rules: StationRules,
    now_ms: int,
) -> CardView:
    vehicle = customers.find_vehicle(connection, card.vehicle_id)
    company = (
        customers.find_company(connection, vehicle.company_no) if vehicle else None
    )
    state = standing_of(connection, card, seen, now_ms).state
    intent = journal.open_for_card(connection, card.card_key)
    last_sales = sales.newest_of_card(connection, card.card_key, 1)
    due = cylinder_due(connection, card)
    days = days_until(due, now_ms) if due else None
    receivable = facts.balance(connection, f"receivable:{card.card_key}", Unit.CNY)
    return CardView(
        uid=seen.uid,
        on_reader=CardOnReaderState.OURS,
        card_key=card.card_key,
        card_no=card.card_no,
        kind=card.kind,
        payment_mode=str(card.payment_mode),
        unit=str(card.unit),
        standing=str(state),
        way_out="" if state is Life.NORMAL else WAY_OUT[state],
        plate=vehicle.plate if vehicle else "",
        company_name=company.name if company else "",
        driver=vehicle.driver if vehicle else "",
        price_level=card.price_level,
        price_e4=card.price_e4,
        balance_purse=seen.balance,
        receivable_e4=receivable,
        cylinder_due=due,
        cylinder_days=days,
        grey=seen.grey,
        open_intent_id=intent.intent_id if intent else "",
        last_sale=sale_row(last_sales[0]) if last_sales else None,
        last_top_up=_last_top_up(connection, card),
        warnings=tuple(_warnings(connection, card, seen, rules, now_ms)),
        holder=card.holder,
    )


def _warnings(
    connection: Connection,
    card: Card,
    seen: Evidence,
    rules: StationRules,
    now_ms: int,
) -> list[str]:
    found = []
    try:
        require_continuity(card, seen)
    except CardDisagrees:
        # Of a card with an open act the act's own evidence decides.
        if journal.open_for_card(connection, card.card_key) is None:
            found.append(_DISAGREES)
    if due := cylinder_due(connection, card):
        days = days_until(due, now_ms)
        if 0 <= days <= rules.cylinder_warning_days:
            found.append(_CYLINDER_SOON)
    return found


def _last_top_up(connection: Connection, card: Card) -> TopUpRow | None:
    row = connection.execute(
        "SELECT e.at_ms, i.after_balance - i.before_balance, i.cash_e4,"
        " coalesce(r.receipt_no, 0), i.intent_id FROM intent i"
        " JOIN entry e ON e.entry_id = i.intent_id || '.finish'"
        " LEFT JOIN receipt r ON r.entry_id = e.entry_id"
        " WHERE i.card_key=? AND i.kind='top_up' ORDER BY e.seq DESC LIMIT 1",
        (card.card_key,),
    ).fetchone()
    if row is None:
        return None
    at_ms, amount_purse, cash_e4, receipt_no, intent_id = row
    return TopUpRow(
        at_ms=at_ms,
        amount_purse=amount_purse,
        cash_e4=cash_e4,
        receipt_no=receipt_no,
        intent_id=intent_id,
    )


def _bare(
    uid: str, on_reader: CardOnReaderState, intent: journal.Intent | None
) -> CardView:
    return CardView(
        uid=uid,
        on_reader=on_reader,
        card_key=intent.card_key if intent else "",
        card_no=intent.card_key[-8:] if intent else "",
        kind="",
        payment_mode="",
        unit="",
        standing=str(Life.PENDING if intent else Life.NEW),
        way_out=WAY_OUT[Life.PENDING] if intent else "",
        plate="",
        company_name="",
        driver="",
        price_level=0,
        price_e4=0,
        balance_purse=0,
        receivable_e4=0,
        cylinder_due="",
        cylinder_days=None,
        grey="",
        open_intent_id=intent.intent_id if intent else "",
        last_sale=None,
        last_top_up=None,
        warnings=(),
    )


def _with_purse(view: CardView, purse: Purse, rules: StationRules) -> CardView:
    mode = MODE_OF_CODE.get(purse.payment_mode, PaymentMode.PREPAID_MONEY)
    kind = BY_CODE.get(purse.kind)
    changes = {
        "card_no": purse.card_no,
        "kind": kind.name if kind else "",
        "payment_mode": str(mode),
        "unit": str(rules.gas_unit if mode.in_quantity else Unit.CNY),
        "price_level": purse.price_level,
        "balance_purse": purse.balance,
        "cylinder_due": purse.cylinder_due or "",
    }
    return view.model_copy(update=changes)
