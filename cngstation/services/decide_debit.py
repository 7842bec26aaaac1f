"""Answers what to take from a card after a fill: asked twice, it answers the same.

Nothing is posted here; the sale is booked by the record that follows. A card that the
book does not know gets an answer too: the gas is gone, and its debit must be taken.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
    """Answer with the unpaid fill that a card names by its counter, or by its number.

    One that is paid, or whose card's balance has moved, is not owed by the card.
    """
    key, count = wire_card_key(request.card_no), request.card_consumption_count
    card = cards.payer(connection, key)
    if card is None or card.is_replaced:
        return NOT_FOUND
    if count is None:
        grey = _named_by_number(connection, key, request)
    else:
        grey = sales.unpaid_fill(connection, key, count)
    if grey is None or is_paid(connection, grey):
        return NOT_FOUND
    found = DebitDecision(
        found=True,
        amount_e4=grey["amount_e4"],
        price_e4=grey["price_e4"],
        quantity_milli=grey["quantity_milli"],
        related_grey_seq=grey["device_seq"],
        grey_frame=grey["raw_frame"],
    )
    if count is not None:
        return found
    # A dispenser that was told the balance is told what becomes of it.
    mode, before = card.payment_mode, request.balance_hundredths
    debited = asked_of_purse(mode, grey["quantity_milli"], grey["amount_e4"], before)
    return replace(
        found,
        debited_hundredths=debited,
        balance_before_hundredths=before,
        balance_after_hundredths=before - debited if mode.prepaid else before + debited,
    )


def _named_by_number(
    connection: Connection, key: str, request: DebitRequest
) -> Mapping[str, Any] | None:
    """Return the unpaid fill of this number on which the card's balance still stands.

    A number is used again after a dispenser lost its memory; the balance tells.
    """
    grey = sales.unpaid_fill_by_number(connection, key, request.device_seq)
    if grey is None or grey["station_no"] != request.station_no:
        return None
    is_untouched = grey["balance_before"] == request.balance_hundredths
    return grey if is_untouched else None


def _mode_by_kind(kind: CardKind) -> PaymentMode:
    if kind is CardKind.CREDIT:
        return PaymentMode.CREDIT_MONEY
    return PaymentMode.PREPAID_MONEY
