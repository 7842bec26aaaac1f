"""How one fill is booked: gas sold, card debited, discount and receivable between.

The dispenser's own figures are the record. A stored-value card pays what was debited;
what its purse could not pay is a receivable. A prepaid-quantity card gives back gas
it was owed and turns deferred revenue into sales by the lots it was bought in.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cngstation.domain import ledger
from cngstation.domain.ledger import Posting, move
from cngstation.domain.lots import LotUse
from cngstation.domain.payment import PaymentMode
from cngstation.domain.tenders import Tender
from cngstation.units import (
    Unit,
    divide_down,
    hundredths_to_e4,
    hundredths_to_milli,
    share_of,
)


class FillToBook(NamedTuple):
    """A fill in ledger units; `debited` is in the unit of the card's purse.

    Of an unpaid fill it is what the grey card will be asked for.
    """

    card_key: str
    mode: PaymentMode
    gas_unit: Unit
    quantity_milli: int
    amount_e4: int
    debited: int
    purse_emptied: bool


def fill_postings(
    fill: FillToBook, uses: Sequence[LotUse] = (), missing_milli: int = 0
) -> tuple[Posting, ...]:
    """Return the postings of a fill; they sum to zero in every unit."""
    if fill.mode is PaymentMode.PREPAID_MONEY:
        return _prepaid_money(fill)
    if fill.mode is PaymentMode.PREPAID_QUANTITY:
        return _prepaid_quantity(fill, uses, missing_milli)
    account = ledger.card_account(fill.card_key)
    if fill.mode is PaymentMode.CREDIT_MONEY:
        # What the card added is what it owes; a difference was given as a discount.
        discount = fill.amount_e4 - fill.debited
        return move(ledger.GAS_SALES, account, Unit.CNY, fill.debited) + move(
            ledger.GAS_SALES, ledger.DISCOUNTS, Unit.CNY, discount
        )
    receivable = ledger.receivable_account(fill.card_key)
    return move(ledger.GAS_SALES, receivable, Unit.CNY, fill.amount_e4) + move(
        ledger.GAS_LENT, account, fill.gas_unit, fill.debited
    )


def asked_of_purse(
    mode: PaymentMode, quantity_milli: int, amount_e4: int, balance: int
) -> int:
    """Return the purse figure that a fill debits: at most what a prepaid card has."""
    if mode.in_quantity:
        # A dispenser of three decimals: the purse has two, the rest is not debited.
        due = divide_down(quantity_milli, hundredths_to_milli(1))
    else:
        due = divide_down(amount_e4, hundredths_to_e4(1))
    return min(due, max(balance, 0)) if mode.prepaid else due


def collection_postings(fill: FillToBook, collected: int) -> tuple[Posting, ...]:
    """Return what is corrected when another debit is collected than was booked."""
    account = ledger.card_account(fill.card_key)
    if fill.mode.in_quantity:
        pool = ledger.GAS_OWED if fill.mode.prepaid else ledger.GAS_LENT
        return move(account, pool, fill.gas_unit, fill.debited - collected)
    payer = ledger.DISCOUNTS
    if fill.mode.prepaid and fill.purse_emptied:
        payer = ledger.receivable_account(fill.card_key)
    return move(account, payer, Unit.CNY, fill.debited - collected)


def unknown_card_postings(amount_e4: int) -> tuple[Posting, ...]:
    """Return the postings of a fill whose card the register does not have."""
    return move(ledger.GAS_SALES, ledger.SUSPENSE_SALES, Unit.CNY, amount_e4)


def cash_fill_postings(shift_no: int, amount_e4: int) -> tuple[Posting, ...]:
    """Return the postings of a fill without a card: the crew on duty owes its cash."""
    crew = ledger.crew_account(shift_no, Tender.CASH)
    return move(ledger.GAS_SALES, crew, Unit.CNY, amount_e4)


def _prepaid_money(fill: FillToBook) -> tuple[Posting, ...]:
    account = ledger.card_account(fill.card_key)
    rest = fill.amount_e4 - fill.debited
    if rest > 0 and fill.purse_emptied:
        payer = ledger.receivable_account(fill.card_key)
    else:
        payer = ledger.DISCOUNTS if rest > 0 else ledger.SUSPENSE_SALES
    return move(ledger.GAS_SALES, account, Unit.CNY, fill.debited) + move(
        ledger.GAS_SALES, payer, Unit.CNY, rest
    )


def _prepaid_quantity(
    fill: FillToBook, uses: Sequence[LotUse], missing_milli: int
) -> tuple[Posting, ...]:
    account = ledger.card_account(fill.card_key)
    goods = move(ledger.GAS_OWED, account, fill.gas_unit, fill.debited)
    money = move(
        ledger.GAS_SALES,
        ledger.DEFERRED_REVENUE,
        Unit.CNY,
        sum(use.money_e4 for use in uses),
    )
    unpaid = missing_milli + max(fill.quantity_milli - fill.debited, 0)
    if unpaid and fill.quantity_milli:
        # More gas than purse and lots hold: its share of the amount is owed.
        owed = share_of(fill.amount_e4, unpaid, fill.quantity_milli)
        money += move(
            ledger.GAS_SALES,
            ledger.receivable_account(fill.card_key),
            Unit.CNY,
            owed,
        )
    return goods + money
