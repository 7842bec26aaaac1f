"""Clears a credit card (记帐清零): its fills are paid and its figure is nought.

What the card shows is paid: in money its own figure, in gas the amounts of the fills
that the dispensers recorded. Fills up to the card's own counter are settled by it, no
other; one whose record is still under way is booked against it when it comes.
"""

import json
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.domain.card_life import Act
from cngstation.domain.ledger import move
from cngstation.domain.payment import purse_to_book
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.services.act_kind import ActKind, Moves
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.do_card_act import ActOrder, Planned, Sight, write_purse
from cngstation.services.top_up_card import purse_evidence, slip_facts
from cngstation.storage import facts, sales
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, Unit, yuan_text

KIND = "clear_credit"
_FILLS = mark("{count} fills since the last clearing, {amount} yuan.")
_MISSING = mark("Not all fills have come from the dispensers; the card counts.")


class NotCredit(Refusal):
    """Only a credit card is cleared."""

    code = "refusal.not_credit"
    text = (
        "Card {card_no} is prepaid: it owes nothing to clear. Nothing was done. Top it "
        "up instead."
    )


class NothingOwed(Refusal):
    """The card owes nothing."""

    code = "refusal.nothing_owed"
    text = "Card {card_no} owes nothing. Nothing was done and no money was taken."


class FillsMissing(Refusal):
    """What gas on credit costs is known from the records alone."""

    code = "refusal.fills_missing"
    text = (
        "Not all fills of card {card_no} have come from the dispensers: what is owed "
        "or left is not known. Nothing was done. Wait until they are on line, then "
        "try again."
    )


@dataclass(frozen=True, slots=True)
class ClearCredit:
    """Clears what a credit card owes."""

    kind: ActKind
    act: Act = Act.CLEAR_CREDIT
    right: str = "card.clear_credit"
    two_people: bool = False

    def plan(self, connection: Connection, sight: Sight, order: ActOrder) -> Planned:
        """Return what is owed for the fills up to the card's counter."""
        card, seen = sight.card, sight.seen
        mode = card.payment_mode
        if mode.prepaid:
            raise NotCredit(card_no=card.card_no)
        whole = sales.all_in(connection, card.card_key, seen.pseq)
        account = ledger.receivable_account(card.card_key)
        rest = facts.balance(connection, account, Unit.CNY)
        if mode.in_quantity:
            if not whole:
                raise FillsMissing(card_no=card.card_no)
            owed, rest = rest, 0
        else:
            owed = purse_to_book(mode, seen.balance)
            # What too little typed by hand left owed is paid too, too much is used.
            rest = max(rest, -owed)
        if not owed + rest and not seen.balance:
            raise NothingOwed(card_no=card.card_no)
        # A receivable has the dispensers' amounts, which are whole fen.
        cash = Money(owed + rest)
        first = _cleared_up_to(connection, card.card_key)
        count, amount = sales.sum_between(connection, card.card_key, first, seen.pseq)
        notes: list[tuple[str, dict[str, str | int]]] = [
            (_FILLS, {"count": count, "amount": yuan_text(amount)})
        ]
        if not whole:
            notes.append((_MISSING, {}))
        return Planned(
            after=0,
            amount=-purse_to_book(mode, seen.balance),
            cash=cash,
            plan={
                "from_pseq": first,
                "to_pseq": seen.pseq,
                "fills": count,
                "rest_e4": rest,
            },
            notes=tuple(notes),
        )


def clear_kind() -> ActKind:
    """Return how the engine clears."""

    async def write(port: CardPort, intent: Intent, reading: CardReading) -> None:
        await write_purse(port, intent, reading)

    return ActKind(
        name=KIND,
        evidence=purse_evidence,
        write=write,
        registers=lambda tx, intent: None,
        undoes=lambda tx, intent: None,
        slip=slip_facts,
        moves=_moves,
    )


def _moves(tx: Transaction, intent: Intent) -> Moves:
    suspense = ledger.suspense_account(intent.intent_id)
    account = ledger.card_account(intent.card_key)
    owed = ledger.receivable_account(intent.card_key)
    if intent.unit == Unit.CNY:
        rest = json.loads(intent.plan).get("rest_e4", 0)
        return Moves(
            move(account, suspense, Unit.CNY, intent.cash_e4 - rest)
            + move(owed, suspense, Unit.CNY, rest)
        )
    return Moves(
        move(owed, suspense, Unit.CNY, intent.cash_e4)
        + move(account, ledger.GAS_LENT, Unit(intent.unit), -intent.amount)
    )


def _cleared_up_to(connection: Connection, card_key: str) -> int:
    row = connection.execute(
        "SELECT coalesce(max(json_extract(plan, '$.to_pseq')), 0) FROM intent"
        " WHERE card_key=? AND kind=? AND state IN ('DONE', 'SCRAP')",
        (card_key, KIND),
    ).fetchone()
    return int(row[0])
