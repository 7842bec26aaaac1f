"""Settles a grey card (解灰): one write takes the unpaid fill and unlocks.

The amount comes from the dispenser's record, never from a keyboard; the sale was
booked with it, so the settling itself books nothing. Where the record cannot be had,
two people may type an amount up to a limit; it waits in a clearing account until the
record comes after all.
"""

import json
from dataclasses import dataclass
from typing import Any

from cngstation.domain import ledger
from cngstation.domain.card_life import Act
from cngstation.domain.evidence import Evidence
from cngstation.domain.ledger import Posting, move
from cngstation.domain.lots import use_lots
from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.domain.sale_postings import asked_of_purse
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.services.act_kind import ActKind, Moves, only_as_found
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.do_card_act import ActOrder, Planned, Sight, write_purse
from cngstation.services.price_top_up import AmountRefused
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import (
    CardDisagrees,
    purse_evidence,
    purse_value,
    slip_facts,
)
from cngstation.storage import findings, journal, sales
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit, share_of, yuan_text

KIND, BY_HAND = "settle_grey", "settle_grey_by_hand"
NO_RECORD = "ungrey_without_record"
_UNPAID = mark(
    "Fill {number} at nozzle {nozzle}: {quantity} for {amount} yuan is unpaid."
)
_REST = mark("The card covers a part; {rest} yuan stay owed.")
_TYPED = mark("There is no record of fill {number}; the amount is typed by two people.")


class NoGreyRecord(Refusal):
    """The unpaid fill's record is not in the book."""

    code = "refusal.no_grey_record"
    text = (
        "The record of the unpaid fill {number} (station {station}, nozzle {nozzle}) "
        "has not come. Nothing was written. Wait until that dispenser is on line and "
        "has delivered; only where it never will, two people settle by hand."
    )


class GreyRecordThere(Refusal):
    """The record is in the book, and nothing is typed then."""

    code = "refusal.grey_record_there"
    text = (
        "The record of this unpaid fill is in the books. Nothing was written. Settle "
        "the card by the record, nothing has to be typed."
    )


class AboveHandLimit(Refusal):
    """More than two people may type."""

    code = "refusal.above_hand_limit"
    text = (
        "{amount} yuan is more than the {limit} yuan that may be typed, or more than "
        "the card has. Nothing was written."
    )


def grey_parts(grey: str) -> tuple[str, int, int]:
    """Return station, nozzle and number of the unpaid fill that a card names."""
    station, gun, number = grey.split("/")
    return station, int(gun), int(number)


def record_of(connection: Connection, seen: Evidence) -> dict[str, Any] | None:
    """Return the booked record of a grey card's unpaid fill."""
    number = grey_parts(seen.grey)[2]
    return sales.grey_fill(connection, seen.card_key, number, seen.pseq)


@dataclass(frozen=True, slots=True)
class SettleGrey:
    """Settles by the dispenser's record."""

    kind: ActKind
    act: Act = Act.SETTLE_GREY
    right: str = "card.settle_grey"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Take what the fill was booked with; refuse where there is no record."""
        seen, mode = sight.seen, sight.card.payment_mode
        fill = record_of(connection, seen)
        if fill is None:
            station, nozzle, number = grey_parts(seen.grey)
            raise NoGreyRecord(station=station, nozzle=nozzle, number=number)
        if fill["balance_before"] != seen.balance:
            raise CardDisagrees(
                card_no=sight.card.card_no, why="another balance than at the fill"
            )
        asked = asked_of_purse(
            mode, fill["quantity_milli"], fill["amount_e4"], seen.balance
        )
        after = seen.balance - asked if mode.prepaid else seen.balance + asked
        said = {
            "number": fill["device_seq"],
            "nozzle": fill["nozzle_no"],
            "quantity": yuan_text(10 * fill["quantity_milli"]),
            "amount": yuan_text(fill["amount_e4"]),
        }
        notes: list[tuple[str, dict[str, str | int]]] = [(_UNPAID, said)]
        rest = fill["amount_e4"] - purse_to_book(mode, asked)
        if mode is PaymentMode.PREPAID_MONEY and after == 0 and rest > 0:
            notes.append((_REST, {"rest": yuan_text(rest)}))
        plan = {"device_seq": fill["device_seq"], "sale_seq": fill["seq"]}
        return Planned(after=after, plan=plan, notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class SettleByHand:
    """Settles without a record: two people, a reason, an amount up to the limit."""

    kind: ActKind
    rules: StationRules
    act: Act = Act.SETTLE_GREY
    right: str = "card.settle_grey_by_hand"
    two_people: bool = True

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Take what was typed, at most the limit and what the card has."""
        seen, card = sight.seen, sight.card
        if record_of(connection, seen) is not None:
            raise GreyRecordThere
        number = grey_parts(seen.grey)[2]
        mode = card.payment_mode
        value = purse_value(card, order.amount)
        too_much = mode.prepaid and order.amount > seen.balance
        if too_much or value > self.rules.by_hand:
            raise AboveHandLimit(
                amount=yuan_text(value.e4), limit=yuan_text(self.rules.by_hand.e4)
            )
        if order.amount < 0:
            raise AmountRefused(why="an amount to take is not below zero")
        after = seen.balance - order.amount
        if not mode.prepaid:
            after = seen.balance + order.amount
        book = purse_to_book(mode, order.amount)
        return Planned(
            after=after,
            amount=-book if mode.prepaid else book,
            plan={"device_seq": number},
            notes=((_TYPED, {"number": number}),),
        )


def settle_kind() -> ActKind:
    """Return how the engine settles by a record: it books nothing more."""

    def registers(tx: Transaction, intent: Intent) -> None:
        number = json.loads(intent.plan)["device_seq"]
        close_grey(tx, intent.card_key, number, intent.operator_no)

    return ActKind(
        name=KIND,
        evidence=purse_evidence,
        write=_unlock,
        registers=registers,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        after=only_as_found,
        takes=True,
        overtaken=_collected,
    )


def by_hand_kind() -> ActKind:
    """Return how the engine settles what two people typed."""

    def registers(tx: Transaction, intent: Intent) -> None:
        number = _number(intent)
        if _record_for(tx.connection, intent) is not None:
            close_grey(tx, intent.card_key, number, intent.operator_no)
            return
        findings.open_once(tx, NO_RECORD, intent.card_key, {"number": number})

    return ActKind(
        name=BY_HAND,
        evidence=purse_evidence,
        write=_unlock,
        registers=registers,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        moves=_by_hand_moves,
        after=only_as_found,
        takes=True,
        overtaken=_collected,
    )


def close_grey(
    tx: Transaction, card_key: str, number: int | None, operator_no: str
) -> None:
    """Close the row of a card's unpaid fill."""
    for found in findings.open_findings(tx.connection, card_key):
        is_this = json.loads(found.facts).get("number") == number
        if found.kind == "grey_card" and is_this:
            reason = "settled at the counter" if operator_no else "paid by hand before"
            findings.close_finding(tx, found.seq, reason, operator_no)


def settled_by_hand(
    connection: Connection, card_key: str, number: int, pseq: int
) -> Intent | None:
    """Return the act that settled a fill by hand before its record came."""
    return journal.last_done(connection, card_key, BY_HAND, f"%/{number}", pseq)


def late_record_postings(
    connection: Connection, intent: Intent, amount_e4: int, rest: str
) -> tuple[Posting, ...]:
    """Book a fill whose card was settled by hand: what was typed pays it.

    The rest goes to an account, as owed. Too much typed is owed to the customer.
    """
    clearing = ledger.clearing_account(intent.intent_id)
    row = connection.execute(
        "SELECT coalesce(sum(amount), 0) FROM posting WHERE account=? AND unit='CNY'",
        (clearing,),
    ).fetchone()
    typed = -row[0]
    return move(ledger.GAS_SALES, clearing, Unit.CNY, typed) + move(
        ledger.GAS_SALES, rest, Unit.CNY, amount_e4 - typed
    )


def _by_hand_moves(tx: Transaction, intent: Intent) -> Moves:
    mode = PaymentMode(json.loads(intent.plan)["payment_mode"])
    account = ledger.card_account(intent.card_key)
    clearing = ledger.clearing_account(intent.intent_id)
    taken = abs(intent.amount)
    if (fill := _record_for(tx.connection, intent)) is not None:
        return _instead_of_record(tx, intent, mode, fill)
    if not mode.in_quantity:
        return Moves(move(clearing, account, Unit.CNY, taken))
    if not mode.prepaid:
        return Moves(move(ledger.GAS_LENT, account, Unit(intent.unit), taken))
    uses, _ = use_lots(sales.lots_left(tx.connection, intent.card_key), taken)
    money = sum(use.money_e4 for use in uses)
    return Moves(
        move(ledger.GAS_OWED, account, Unit(intent.unit), taken)
        + move(clearing, ledger.DEFERRED_REVENUE, Unit.CNY, money),
        lot_uses=tuple(use.row() for use in uses),
    )


def _record_for(connection: Connection, intent: Intent) -> dict[str, Any] | None:
    """Return the record of the fill that an act settles, if it is booked by now."""
    number, pseq = _number(intent), intent.before_pseq
    return sales.grey_fill(connection, intent.card_key, number, pseq)


def _instead_of_record(
    tx: Transaction, intent: Intent, mode: PaymentMode, fill: dict[str, Any]
) -> Moves:
    """Book that a card gave what was typed, where the record came before its write.

    The record was booked with what the card would give: the difference is owed.
    """
    account = ledger.card_account(intent.card_key)
    owed = ledger.receivable_account(intent.card_key)
    unit = Unit(intent.unit)
    asked = asked_of_purse(
        mode, fill["quantity_milli"], fill["amount_e4"], fill["balance_before"]
    )
    less = purse_to_book(mode, asked) - abs(intent.amount)
    if not mode.in_quantity:
        return Moves(move(account, owed, unit, less))
    if not mode.prepaid:
        return Moves(move(account, ledger.GAS_LENT, unit, less))
    goods = move(account, ledger.GAS_OWED, unit, less)
    if less <= 0:
        uses, _ = use_lots(sales.lots_left(tx.connection, intent.card_key), -less)
        money = sum(use.money_e4 for use in uses)
        return Moves(
            goods + move(owed, ledger.DEFERRED_REVENUE, Unit.CNY, money),
            lot_uses=tuple(use.row() for use in uses),
        )
    money = share_of(fill["amount_e4"], less, fill["quantity_milli"])
    lot = {
        "card_key": intent.card_key,
        "unit": intent.unit,
        "quantity_milli": less,
        "money_e4": money,
        "price_e4": intent.price_e4,
    }
    return Moves(
        goods + move(ledger.DEFERRED_REVENUE, owed, Unit.CNY, money), lots=(lot,)
    )


async def _unlock(port: CardPort, intent: Intent, reading: CardReading) -> None:
    if reading.purse is None:
        raise AssertionError("the engine compared the evidence before")
    taken = abs(intent.after_balance - intent.before_balance)
    consumed = reading.purse.consumed_total + taken
    await write_purse(port, intent, reading, grey=None, consumed_total=consumed)


def _collected(intent: Intent, seen: Evidence) -> bool:
    """A dispenser has taken the debit itself: the mark is gone by its write."""
    return not seen.grey and seen.pseq > intent.before_pseq


def _number(intent: Intent) -> int:
    number: int = json.loads(intent.plan)["device_seq"]
    return number
