"""Answers what to take from a card after a fill: asked twice, it answers the same.

Nothing is posted here; the sale is booked by the record that follows. A card that the
book does not know gets an answer too: the gas is gone, and its debit must be taken.
"""

from cngstation.domain.payment import PaymentMode
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    CardKind,
    DebitDecision,
    DebitKind,
    DebitRequest,
)
from cngstation.services.check_sale import wire_card_key
from cngstation.storage import cards
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection
from cngstation.units import divide_down, hundredths_to_e4, hundredths_to_milli


def decide(request: DebitRequest, mode: PaymentMode) -> DebitDecision:
    """Return the debit of a fill: its amount, at most the balance of a prepaid card."""
    if mode.in_quantity:
        # A dispenser of three decimals: the purse has two, the rest is not debited.
        due = divide_down(request.quantity_milli, hundredths_to_milli(1))
    else:
        due = request.amount_e4 // hundredths_to_e4(1)
    before = request.balance_hundredths
    if mode.prepaid:
        debited = min(due, max(before, 0))
        after = before - debited
    else:
        debited, after = due, before + due
    return DebitDecision(
        found=True,
        amount_e4=request.amount_e4,
        debited_hundredths=debited,
        balance_before_hundredths=before,
        balance_after_hundredths=after,
    )


class DebitDesk:
    """Looks the card's payment mode up and decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, request: DebitRequest) -> DebitDecision:
        """Answer a dispenser; an unlock has no answer before its record is here."""
        if request.kind is DebitKind.UNLOCK:
            return NOT_FOUND
        key = wire_card_key(request.card_no)

        def question(connection: Connection) -> PaymentMode | None:
            card = cards.find(connection, key)
            return card.payment_mode if card else None

        mode = await self._database.read(question)
        return decide(request, mode or _mode_by_kind(request.card_kind))


def _mode_by_kind(kind: CardKind) -> PaymentMode:
    if kind is CardKind.CREDIT:
        return PaymentMode.CREDIT_MONEY
    return PaymentMode.PREPAID_MONEY
