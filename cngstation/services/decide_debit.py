"""Answers what to take from a card after a fill: asked twice, it answers the same.

Nothing is posted here; the sale is booked by the record that follows. A card that the
book does not know gets an answer too: the gas is gone, and its debit must be taken.
"""

from cngstation.domain.payment import PaymentMode
from cngstation.domain.sale_postings import asked_of_purse
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    CardKind,
    DebitDecision,
    DebitKind,
    DebitRequest,
)
from cngstation.services.check_sale import wire_card_key
from cngstation.services.late_records import is_paid
from cngstation.storage import cards, sales
from cngstation.storage.database import Database
from cngstation.storage.sqlite import Connection


def decide(request: DebitRequest, mode: PaymentMode) -> DebitDecision:
    """Return the debit of a fill: its amount, at most the balance of a prepaid card."""
    before = request.balance_hundredths
    debited = asked_of_purse(mode, request.quantity_milli, request.amount_e4, before)
    after = before - debited if mode.prepaid else before + debited
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
            return await self._database.read(lambda c: _unlock(c, request))
        key = wire_card_key(request.card_no)

        def question(connection: Connection) -> PaymentMode | None:
            card = cards.find(connection, key)
            return card.payment_mode if card else None

        mode = await self._database.read(question)
        return decide(request, mode or _mode_by_kind(request.card_kind))


def _unlock(connection: Connection, request: DebitRequest) -> DebitDecision:
    """Answer with the unpaid fill that a card names by its own counter.

    One that is paid, or whose card's balance has moved, is not owed by the card.
    """
    key, count = wire_card_key(request.card_no), request.card_consumption_count
    card = cards.payer(connection, key)
    if card is None or card.is_replaced or count is None:
        return NOT_FOUND
    grey = sales.unpaid_fill(connection, key, count)
    if grey is None or is_paid(connection, grey):
        return NOT_FOUND
    return DebitDecision(
        found=True,
        amount_e4=grey["amount_e4"],
        price_e4=grey["price_e4"],
        quantity_milli=grey["quantity_milli"],
        related_grey_seq=grey["device_seq"],
        grey_frame=grey["raw_frame"],
    )


def _mode_by_kind(kind: CardKind) -> PaymentMode:
    if kind is CardKind.CREDIT:
        return PaymentMode.CREDIT_MONEY
    return PaymentMode.PREPAID_MONEY
