"""How the engine replaces a card: all that was the old one's goes to the new one."""

import json
from dataclasses import replace

from cngstation.domain import ledger
from cngstation.domain.card_life import CardState
from cngstation.domain.ledger import move
from cngstation.domain.lots import use_lots
from cngstation.domain.payment import PaymentMode
from cngstation.services.act_kind import ActKind, Moves
from cngstation.services.issue_card import issue_kind
from cngstation.services.mark_card import REPORT_LOSS
from cngstation.services.top_up_card import slip_facts
from cngstation.storage import (
    card_marks,
    cards,
    facts,
    findings,
    journal,
    replacements,
)
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sales import fills_since, lots_left
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

KIND = "replace"
LOST_FILL = "fill_of_replaced_card"


def replace_kind() -> ActKind:
    """Return how the engine replaces: the new card is written as at an issue."""

    def registers(tx: Transaction, intent: Intent) -> None:
        actor = Actor(intent.operator_no, intent.terminal)
        card = cards.find(tx.connection, intent.card_key)
        if card is not None and card.state is CardState.INACTIVE:
            becomes = _state_before_loss(tx.connection, _old_key(intent))
            cards.change(tx, intent.card_key, reason=KIND, actor=actor, state=becomes)
        for found in findings.open_findings(tx.connection, _old_key(intent)):
            if found.kind != LOST_FILL:
                findings.close_finding(
                    tx, found.seq, "the card was replaced", intent.operator_no
                )

    def undoes(tx: Transaction, intent: Intent) -> None:
        actor = Actor(intent.operator_no, intent.terminal)
        undone = "its replacement was undone"
        cards.change(
            tx, intent.card_key, reason=undone, actor=actor, state=CardState.CANCELLED
        )
        cards.change(
            tx, _old_key(intent), reason=undone, actor=actor, state=CardState.LOST
        )
        replacements.undo(tx, intent.intent_id, actor)

    def slip(tx: Transaction, intent: Intent) -> dict[str, str | int]:
        return {**slip_facts(tx, intent), "old_card_no": _old_key(intent)[-8:]}

    return replace(
        issue_kind(),
        name=KIND,
        registers=registers,
        undoes=undoes,
        slip=slip,
        moves=_moves,
    )


def _moves(tx: Transaction, intent: Intent) -> Moves:
    """Move balance, lots and what is owed; what was typed too much is a loss."""
    connection, old_key, new_key = tx.connection, _old_key(intent), intent.card_key
    mode = PaymentMode(json.loads(intent.plan)["payment_mode"])
    old, new = ledger.card_account(old_key), ledger.card_account(new_key)
    unit = Unit(intent.unit)
    old_card = cards.find(connection, old_key)
    book = book_balance(connection, old_card) if old_card else 0
    moved = intent.amount + intent.bonus
    _name_lost_fills(tx, intent, mode)
    sign = 1 if mode.prepaid else -1
    owed = facts.balance(connection, ledger.receivable_account(old_key), Unit.CNY)
    postings = move(new, old, unit, sign * book) + move(
        ledger.receivable_account(old_key),
        ledger.receivable_account(new_key),
        Unit.CNY,
        owed,
    )
    # A typed balance, or a fill booked since: the difference is the station's.
    extra = sign * (moved - book)
    gas = ledger.GAS_OWED if mode.prepaid else ledger.GAS_LENT
    pool = ledger.LOSSES if unit is Unit.CNY else gas
    postings += move(new, pool, unit, extra)
    if not (mode.prepaid and mode.in_quantity):
        return Moves(postings)
    left = lots_left(connection, old_key)
    prices_of = dict(
        connection.execute(
            "SELECT seq, price_e4 FROM gas_lot WHERE card_key=?", (old_key,)
        ).fetchall()
    )
    uses = tuple(
        {
            "lot_seq": lot.seq,
            "quantity_milli": lot.quantity_milli,
            "money_e4": lot.money_e4,
        }
        for lot in left
    )
    moving, rest = use_lots(left, moved)
    lots = [
        _lot(intent, part.quantity_milli, part.money_e4, prices_of[part.seq])
        for part in moving
    ]
    if rest > 0:
        lots.append(_lot(intent, rest, 0, intent.price_e4))
    stays = sum(lot.money_e4 for lot in left) - sum(part.money_e4 for part in moving)
    postings += move(ledger.LOSSES, ledger.DEFERRED_REVENUE, Unit.CNY, stays)
    return Moves(postings, lots=tuple(lots), lot_uses=uses)


def _name_lost_fills(tx: Transaction, intent: Intent, mode: PaymentMode) -> None:
    """Name the fills of the old card that came while the new one was not written.

    Of gas on credit nothing is lost: what is owed for it goes to the new card.
    """
    if mode is PaymentMode.CREDIT_QUANTITY:
        return
    begun = facts.entry_seq(tx.connection, f"{intent.intent_id}.hold") or 0
    for fill in fills_since(tx.connection, _old_key(intent), begun):
        findings.open_finding(tx, LOST_FILL, _old_key(intent), fill)


def _state_before_loss(connection: Connection, old_key: str) -> CardState:
    """Return what a new card becomes: a replacement lifts no blacklist, no suspension.

    A chip that breaks lifts none either. A card whose own issue was never finished was
    not suspended by anybody; one whose replacement was not is as the card before it.
    """
    lost = card_marks.last(connection, old_key, REPORT_LOSS)
    before = lost.state_before if lost else CardState.NORMAL
    if before is CardState.WASTE:
        before = cards.state_before_waste(connection, old_key)
    if before is CardState.INACTIVE and journal.was_never_written(connection, old_key):
        made = replacements.of_new_card(connection, old_key)
        if made is None:
            return CardState.NORMAL
        return _state_before_loss(connection, made.old_card_key)
    kept = {CardState.BLACK, CardState.INACTIVE}
    return before if before in kept else CardState.NORMAL


def _lot(
    intent: Intent, quantity_milli: int, money_e4: int, price_e4: int
) -> dict[str, str | int]:
    return {
        "card_key": intent.card_key,
        "unit": intent.unit,
        "quantity_milli": quantity_milli,
        "money_e4": money_e4,
        "price_e4": price_e4,
    }


def book_balance(connection: Connection, card: Card) -> int:
    """Return what the book says is on a card: its balance, or what it was lent."""
    booked = facts.balance(connection, f"card:{card.card_key}", str(card.unit))
    return -booked if card.payment_mode.prepaid else booked


def _old_key(intent: Intent) -> str:
    key: str = json.loads(intent.plan)["old_card_key"]
    return key
