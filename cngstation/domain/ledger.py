"""Double entry: an entry's postings sum to zero in every unit.

Amounts are signed: positive is a debit, negative a credit, in 1/10 000 yuan for CNY
and in 1/1000 unit for goods. An entry is never changed; a correction names it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from cngstation.errors import LedgerImbalance
from cngstation.units import Unit


class Posting(NamedTuple):
    """One line of an entry."""

    account: str
    unit: Unit
    amount: int


class Entry(NamedTuple):
    """One balanced fact of the books; `entry_id` is chosen by whoever asked for it."""

    entry_id: str
    kind: str
    business_day: str
    operator_no: str
    terminal: str
    postings: tuple[Posting, ...]
    intent_id: str = ""
    corrects: str = ""
    note: str = ""


def totals(postings: Iterable[Posting]) -> dict[Unit, int]:
    """Sum postings in each unit."""
    sums: dict[Unit, int] = {}
    for posting in postings:
        sums[posting.unit] = sums.get(posting.unit, 0) + posting.amount
    return sums


def require_balance(entry: Entry) -> None:
    """Refuse an entry that does not sum to zero in some unit.

    Raises:
        LedgerImbalance: the sum in some unit is not zero.
    """
    for unit, total in totals(entry.postings).items():
        if total:
            raise LedgerImbalance(entry_id=entry.entry_id, unit=unit, total=total)


def move(source: str, target: str, unit: Unit, amount: int) -> tuple[Posting, ...]:
    """Credit `source` and debit `target` by an amount; nothing for zero."""
    if amount == 0:
        return ()
    return (Posting(target, unit, amount), Posting(source, unit, -amount))


def card_account(card_key: str) -> str:
    """Name the account of a card; a prepaid balance is a credit on it."""
    return f"card:{card_key}"


def till_account(till: str, tender: str) -> str:
    """Name the account of what a till holds in one way of paying."""
    return f"till:{till}:{tender}"


def company_account(company_no: str) -> str:
    """Name the account of a company's money; what is left of it is a credit."""
    return f"company:{company_no}"


def bank_account(tender: str) -> str:
    """Name the account of what a till took by a tender and handed over."""
    return f"bank:{tender}"


def kept_account(tender: str) -> str:
    """Name the account of where the money of a tender is while its till is closed."""
    return SAFE if tender == "cash" else bank_account(tender)


def suspense_account(intent_id: str) -> str:
    """Name the account that holds the money of an act that is under way."""
    return f"suspense:{intent_id}"


def clearing_account(intent_id: str) -> str:
    """Name the account of what was taken by hand until its record comes."""
    return f"clearing:{intent_id}"


def receivable_account(card_key: str) -> str:
    """Name the account of what a card's holder still owes."""
    return f"receivable:{card_key}"


def crew_account(shift_no: int, tender: str) -> str:
    """Name the account of what the crew of a shift took and owes in a way of paying.

    Shift 0 is nobody's: a fill was sold while no crew was on duty.
    """
    return f"crew:{shift_no or 'nobody'}:{tender}"


SAFE = "safe:cash"
PAY_OUTS = "expense:pay_out"
OVER_SHORT = "expense:over_short"  # 长款/短款
OPENING = "equity:opening"  # what an old system handed over
CARD_FEES = "income:card_fee"  # 工本费
GAS_SALES = "income:gas"
DISCOUNTS = "expense:discount"
PROMOTION = "expense:promotion"  # 充值优惠
LOSSES = "expense:loss"
DRIVE_OFFS = "expense:drive_off"  # 逃单
TEST_LOSSES = "expense:test_gas"  # 检测耗气: gas of a test that did not go back
ROUNDING = "income:rounding"  # parts of a fen that no drawer holds
DEFERRED_REVENUE = "liability:deferred_revenue"  # money taken for gas not yet filled
GAS_OWED = "stock:gas_owed"  # gas that prepaid-quantity cards may still fill
GAS_LENT = "stock:gas_lent"  # gas filled on credit by quantity
SUSPENSE_SALES = "suspense:unknown_card"  # fills of cards that the register lacks
