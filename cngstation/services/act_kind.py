"""What differs between acts on cards: how one is written, what its end books."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cngstation.domain import ledger
from cngstation.domain.card_life import CardState
from cngstation.domain.evidence import Evidence
from cngstation.domain.ledger import Posting, move
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.units import Unit


class Writing(Protocol):
    """How one kind of act puts its result on a card."""

    async def __call__(
        self, port: CardPort, intent: Intent, reading: CardReading
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Moves:
    """What the end of an act books: postings, lots of gas that begin, uses of lots."""

    postings: tuple[Posting, ...] = ()
    lots: tuple[Mapping[str, Any], ...] = ()
    lot_uses: tuple[Mapping[str, Any], ...] = ()
    corrects: str = ""


def by_the_same_amount(intent: Intent, seen: Evidence) -> int | None:
    """Return the balance after an act that adds or takes what it was begun for."""
    after = seen.balance + intent.after_balance - intent.before_balance
    return after if after >= 0 else None


def only_as_found(intent: Intent, seen: Evidence) -> int | None:
    """Return the balance after an act that holds for the balance it was begun with."""
    return intent.after_balance if seen.balance == intent.before_balance else None


@dataclass(frozen=True, slots=True)
class ActKind:
    """What differs between acts on cards.

    `moves` is what COMMIT 2 books; the engine adds the fee. `after` is the balance to
    write when the card is written again, None when the act no longer fits the card.
    `goes_on` are the registered states in which it may be written again. An act that
    `takes` value off the card is undone when its card breaks; any other is booked,
    because the customer's money is in it. `overtaken` says that what the act was to do
    was done by somebody else.
    """

    name: str
    evidence: Callable[[Intent, CardReading], Evidence | None]
    write: Writing
    registers: Callable[[Transaction, Intent], None]
    undoes: Callable[[Transaction, Intent], None]
    slip: Callable[[Transaction, Intent], dict[str, str | int]]
    moves: Callable[[Transaction, Intent], Moves] = lambda tx, intent: Moves()
    after: Callable[[Intent, Evidence], int | None] = by_the_same_amount
    goes_on: frozenset[CardState] = frozenset({CardState.NORMAL})
    takes: bool = False
    overtaken: Callable[[Intent, Evidence], bool] = lambda intent, seen: False


def load_moves(tx: Transaction, intent: Intent) -> Moves:
    """Return what loading a card books: suspense becomes the card's, gas is a lot."""
    suspense = ledger.suspense_account(intent.intent_id)
    account = ledger.card_account(intent.card_key)
    price_of_gas = intent.cash_e4 - intent.fee_e4
    if intent.unit == Unit.CNY:
        return Moves(
            move(account, suspense, Unit.CNY, price_of_gas)
            + move(account, ledger.PROMOTION, Unit.CNY, intent.bonus)
        )
    bought = intent.amount + intent.bonus
    if not bought:
        return Moves()
    lot = {
        "card_key": intent.card_key,
        "unit": intent.unit,
        "quantity_milli": bought,
        "money_e4": price_of_gas,
        "price_e4": intent.price_e4,
    }
    return Moves(
        move(ledger.DEFERRED_REVENUE, suspense, Unit.CNY, price_of_gas)
        + move(account, ledger.GAS_OWED, Unit(intent.unit), bought),
        lots=(lot,),
    )
