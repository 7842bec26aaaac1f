"""How one fill is booked: gas sold, card debited, discount and receivable between.

The dispenser's own figures are the record. A stored-value card pays what was debited;
what its purse could not pay is a receivable. A prepaid-quantity card gives back gas
it was owed and turns deferred revenue into sales by the lots it was bought in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.domain.ledger import Posting, move
from cngstation.domain.lots import LotUse
from cngstation.domain.payment import PaymentMode
from cngstation.units import Unit


@dataclass(frozen=True, slots=True)
class FillToBook:
    """A fill in ledger units; `debited` is in the unit of the card's purse."""

    card_key: str
    mode: PaymentMode
    gas_unit: Unit
    quantity_milli: int
    amount_e4: int
    debited: int
    purse_emptied: bool
    collected: bool


def fill_postings(
    fill: FillToBook, uses: Sequence[LotUse] = (), missing_milli: int = 0
) -> tuple[Posting, ...]:
    """Return the postings of a fill; they sum to zero in every unit."""
    if fill.mode is PaymentMode.PREPAID_MONEY:
        return _prepaid_money(fill)
    if fill.mode is PaymentMode.PREPAID_QUANTITY:
        return _prepaid_quantity(fill, uses, missing_milli)
    account = ledger.card_account(fill.card_key)
    money = move(ledger.GAS_SALES, _owed(fill), Unit.CNY, fill.amount_e4)
    if fill.mode is PaymentMode.CREDIT_MONEY:
        return money
    return money + move(ledger.GAS_LENT, account, fill.gas_unit, fill.quantity_milli)


def unknown_card_postings(amount_e4: int) -> tuple[Posting, ...]:
    """Return the postings of a fill whose card the register does not have."""
    return move(ledger.GAS_SALES, ledger.SUSPENSE_SALES, Unit.CNY, amount_e4)


def _owed(fill: FillToBook) -> str:
    if fill.mode is PaymentMode.CREDIT_MONEY:
        return ledger.card_account(fill.card_key)
    return ledger.receivable_account(fill.card_key)


def _prepaid_money(fill: FillToBook) -> tuple[Posting, ...]:
    # An uncollected fill is owed in full: the card's purse still holds the money,
    # and the un-grey takes it from there.
    debited = fill.debited if fill.collected else fill.amount_e4
    account = ledger.card_account(fill.card_key)
    rest = fill.amount_e4 - debited
    if rest > 0 and fill.purse_emptied:
        payer = ledger.receivable_account(fill.card_key)
    else:
        payer = ledger.DISCOUNTS if rest > 0 else ledger.SUSPENSE_SALES
    return move(ledger.GAS_SALES, account, Unit.CNY, debited) + move(
        ledger.GAS_SALES, payer, Unit.CNY, rest
    )


def _prepaid_quantity(
    fill: FillToBook, uses: Sequence[LotUse], missing_milli: int
) -> tuple[Posting, ...]:
    account = ledger.card_account(fill.card_key)
    debited = fill.debited if fill.collected else fill.quantity_milli
    goods = move(ledger.GAS_OWED, account, fill.gas_unit, debited)
    money = move(
        ledger.GAS_SALES,
        ledger.DEFERRED_REVENUE,
        Unit.CNY,
        sum(use.money_e4 for use in uses),
    )
    if missing_milli and fill.quantity_milli:
        # More gas than the lots hold: its share of the dispenser's amount is owed.
        owed = fill.amount_e4 * missing_milli // fill.quantity_milli
        money += move(
            ledger.GAS_SALES,
            ledger.receivable_account(fill.card_key),
            Unit.CNY,
            owed,
        )
    return goods + money
