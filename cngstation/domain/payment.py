"""The four payment modes and what each keeps on a card."""

from enum import StrEnum

from cngstation.units import (
    Unit,
    hundredths_to_e4,
    hundredths_to_milli,
    milli_to_hundredths,
)


class PaymentMode(StrEnum):
    """消费方式: whether a card is paid before or after, and in money or in gas."""

    PREPAID_MONEY = "prepaid_money"  # 预购金额
    PREPAID_QUANTITY = "prepaid_quantity"  # 预购气量
    CREDIT_MONEY = "credit_money"  # 记帐金额
    CREDIT_QUANTITY = "credit_quantity"  # 记帐气量

    @property
    def prepaid(self) -> bool:
        """Whether the purse holds what may still be spent."""
        return self in _PREPAID

    @property
    def in_quantity(self) -> bool:
        """Whether the purse counts gas rather than money."""
        return self in _IN_QUANTITY


_PREPAID = frozenset({PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY})
_IN_QUANTITY = frozenset({PaymentMode.PREPAID_QUANTITY, PaymentMode.CREDIT_QUANTITY})


# On the card the mode is one byte; the order is part of the card layout.
MODE_CODES = {mode: code for code, mode in enumerate(PaymentMode)}
MODE_OF_CODE = dict(enumerate(PaymentMode))


def purse_unit(mode: PaymentMode, gas_unit: Unit) -> Unit:
    """Return the unit in which a card of this mode is booked."""
    return gas_unit if mode.in_quantity else Unit.CNY


def purse_to_book(mode: PaymentMode, purse: int) -> int:
    """Turn a purse figure (fen or 0.01 unit) into the ledger's (e4 or milli)."""
    return hundredths_to_milli(purse) if mode.in_quantity else hundredths_to_e4(purse)


def book_to_purse(mode: PaymentMode, amount: int) -> int:
    """Turn a ledger figure into a purse figure; refuses what a purse cannot hold.

    Raises:
        ValueError: there is a part of a fen or of 0.01 unit.
    """
    if mode.in_quantity:
        return milli_to_hundredths(amount)
    fen, rest = divmod(amount, 100)
    if rest:
        raise ValueError(f"{amount} e4 is not whole fen")
    return fen
