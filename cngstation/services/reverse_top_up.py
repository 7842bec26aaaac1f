"""Takes a top-up back (充负值): names the original, never goes below zero, two people.

At most what the original gave and was not taken back yet; its bonus goes back in
proportion. The money leaves the till after the card was written, the way it came.
"""

import json
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.domain.card_life import Act
from cngstation.domain.discounts import bonus_to_take_back, most_to_take_back
from cngstation.domain.ledger import move
from cngstation.domain.lots import Lot, use_lots
from cngstation.domain.payment import PaymentMode, book_to_purse, purse_to_book
from cngstation.domain.tenders import Payment
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.services.act_kind import ActKind, Moves
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.do_card_act import ActOrder, Planned, Sight, write_purse
from cngstation.services.pay_back import as_it_came, refund_postings
from cngstation.services.price_top_up import GAS_STEP_MILLI
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import purse_evidence, slip_facts
from cngstation.storage import facts, journal, sales
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.sqlite import Connection
from cngstation.units import E4_PER_FEN, Money, Unit, divide_down, yuan_text

KIND = "reverse_top_up"
_ORIGINAL = mark("Top-up of {cash} yuan; {taken} yuan of it were taken back before.")


class NegativeOff(Refusal):
    """The station's settings do not allow it."""

    code = "refusal.negative_top_up_off"
    text = (
        "The settings of this station do not allow taking a top-up back. Nothing was "
        "done and no money moved."
    )


class NotThatTopUp(Refusal):
    """The act named is no finished top-up of this card."""

    code = "refusal.not_that_top_up"
    text = (
        "This is not a finished top-up of this card. Nothing was done and no money "
        "moved. Choose the top-up that is to be taken back."
    )


class MoreThanWasGiven(Refusal):
    """More is to be taken back than is left of the original or on the card."""

    code = "refusal.more_than_given"
    text = (
        "At most {most} can be taken back: what is left of that top-up and of the "
        "balance. Nothing was done and no money moved."
    )


@dataclass(frozen=True, slots=True)
class ReverseTopUp:
    """Takes back a part or all of one top-up; the amount is a purse figure."""

    kind: ActKind
    rules: StationRules
    act: Act = Act.REVERSE
    right: str = "card.reverse_top_up"
    two_people: bool = True

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return what goes off the card and back to the customer."""
        if not self.rules.negative_top_up:
            raise NegativeOff
        card, seen, mode = sight.card, sight.seen, sight.card.payment_mode
        original = journal.find(connection, order.of_intent_id)
        if original is None or not _is_top_up_of(original, card.card_key):
            raise NotThatTopUp
        taken = _taken_back(connection, original.intent_id)
        wanted = purse_to_book(mode, order.amount)
        lot = _lot(connection, original) if mode.in_quantity else None
        most = _most_of(original, taken, purse_to_book(mode, seen.balance), lot)
        if not 0 < wanted <= most:
            raise MoreThanWasGiven(most=yuan_text(100 * book_to_purse(mode, most)))
        bonus = _bonus_of(original, taken, wanted)
        money = wanted
        if lot is not None:
            uses, _ = use_lots([lot], wanted + bonus)
            # A lot's share may end in a part of a fen; the drawer has none.
            money = 100 * divide_down(sum(use.money_e4 for use in uses), 100)
        return Planned(
            after=seen.balance - book_to_purse(mode, wanted + bonus),
            amount=-wanted,
            bonus=-bonus,
            refund=Money(money),
            plan={
                "of_intent_id": original.intent_id,
                "refunds": as_it_came(original.payment, money),
            },
            notes=(
                (
                    _ORIGINAL,
                    {
                        "cash": yuan_text(original.cash_e4),
                        "taken": yuan_text(taken if not mode.in_quantity else 0),
                    },
                ),
            ),
        )


def reverse_kind() -> ActKind:
    """Return how the engine takes back."""

    async def write(port: CardPort, intent: Intent, reading: CardReading) -> None:
        total = reading.purse.recharged_total if reading.purse else 0
        off = intent.before_balance - intent.after_balance
        await write_purse(port, intent, reading, recharged_total=max(total - off, 0))

    return ActKind(
        name=KIND,
        evidence=purse_evidence,
        write=write,
        registers=lambda tx, intent: None,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        moves=_moves,
        takes=True,
    )


def _moves(tx: Transaction, intent: Intent) -> Moves:
    plan = json.loads(intent.plan)
    account = ledger.card_account(intent.card_key)
    corrects = f"{plan['of_intent_id']}.finish"
    if not PaymentMode(plan["payment_mode"]).in_quantity:
        return Moves(
            refund_postings(intent, account)
            + move(ledger.PROMOTION, account, Unit.CNY, -intent.bonus),
            corrects=corrects,
        )
    off = -intent.amount - intent.bonus
    original = journal.find(tx.connection, plan["of_intent_id"])
    first = _lot(tx.connection, original) if original else None
    others = sales.lots_left(tx.connection, intent.card_key)
    lots = [first] if first else []
    lots += [lot for lot in others if first is None or lot.seq != first.seq]
    uses, _ = use_lots(lots, off)
    money = sum(use.money_e4 for use in uses)
    refund = sum(part["e4"] for part in plan["refunds"])
    return Moves(
        move(ledger.GAS_OWED, account, Unit(intent.unit), off)
        + refund_postings(intent, ledger.DEFERRED_REVENUE)
        + move(ledger.LOSSES, ledger.DEFERRED_REVENUE, Unit.CNY, money - refund),
        lot_uses=tuple(use.row() for use in uses),
        corrects=corrects,
    )


@dataclass(frozen=True, slots=True)
class GivenBefore:
    """A finished top-up: purse figures of it and of what is left to take back."""

    intent_id: str
    at_ms: int
    amount: int
    left: int
    payment: Payment


def given_before(
    connection: Connection, card_key: str, limit: int
) -> tuple[GivenBefore, ...]:
    """Return a card's last top-ups, newest first."""
    rows = connection.execute(
        "SELECT i.intent_id, e.at_ms FROM intent i"
        " JOIN entry e ON e.entry_id = i.intent_id || '.finish'"
        " WHERE i.card_key=? AND i.kind='top_up' AND i.state='DONE'"
        " ORDER BY e.seq DESC LIMIT ?",
        (card_key, limit),
    ).fetchall()
    return tuple(_given(connection, *row) for row in rows)


def _given(connection: Connection, intent_id: str, at_ms: int) -> GivenBefore:
    original = journal.find(connection, intent_id)
    if original is None:
        raise AssertionError("an act that is in the book has its row")
    mode = PaymentMode(json.loads(original.plan)["payment_mode"])
    taken = _taken_back(connection, intent_id)
    lot = _lot(connection, original) if mode.in_quantity else None
    left = _most_of(original, taken, original.amount + original.bonus, lot)
    return GivenBefore(
        intent_id=intent_id,
        at_ms=at_ms,
        amount=original.after_balance - original.before_balance,
        left=book_to_purse(mode, left),
        payment=original.payment,
    )


def _is_top_up_of(intent: Intent, card_key: str) -> bool:
    whole = (intent.kind, intent.card_key, intent.state)
    return whole == ("top_up", card_key, IntentState.DONE)


def _taken_back(connection: Connection, of_intent_id: str) -> int:
    row = connection.execute(
        "SELECT coalesce(-sum(amount), 0) FROM intent WHERE kind=?"
        " AND json_extract(plan, '$.of_intent_id')=? AND state<>'VOID'",
        (KIND, of_intent_id),
    ).fetchone()
    return int(row[0])


def _bonus_of(original: Intent, taken: int, wanted: int) -> int:
    """Return the bonus that goes back with a part: all of it with the last part."""
    return bonus_to_take_back(
        bonus=original.bonus,
        paid=original.amount,
        back=wanted,
        back_before=taken,
        step=_step_of(original),
    )


def _most_of(original: Intent, taken: int, room: int, lot: Lot | None) -> int:
    """Return how much can be paid back: its bonus goes off the card with it."""
    return most_to_take_back(
        bonus=original.bonus,
        paid=original.amount,
        back_before=taken,
        room=room if lot is None else min(room, lot.quantity_milli),
        step=_step_of(original),
    )


def _step_of(original: Intent) -> int:
    return E4_PER_FEN if original.unit == Unit.CNY else GAS_STEP_MILLI


def _lot(connection: Connection, original: Intent) -> Lot:
    seq = facts.entry_seq(connection, f"{original.intent_id}.finish")
    lots = sales.lots_left(connection, original.card_key)
    return next((lot for lot in lots if lot.seq == seq), Lot(0, 0, 0))
