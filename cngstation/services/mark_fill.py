"""Says of a fill without a card that it was not paid in cash, and why.

Test and calibration fills are no sale at all: their gas went back; where it did not
it is a loss. A company may owe a fill, a driver may have left without paying, another
way of paying may have been taken. Each is a correcting entry that names the fill; the
fill itself stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.domain.fill_marks import (
    ALWAYS_TWO,
    BY_TENDER,
    NO_SALE,
    FillMark,
    MarkedAlone,
)
from cngstation.domain.ledger import Entry, Posting
from cngstation.errors import Refusal
from cngstation.services.act_result import ActIdTaken
from cngstation.services.approve import Approved, reason_of
from cngstation.services.confirm_marks import RIGHT, Marking, see_mark
from cngstation.services.name_debt import name_debt
from cngstation.services.take_payment import CompanyFundsShort, NoCompany
from cngstation.services.tell_day import today
from cngstation.storage import (
    audit,
    cash_fills,
    company_money,
    customers,
    facts,
    shifts,
)
from cngstation.storage.audit import Actor
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.database import Transaction
from cngstation.units import Money, Unit, yuan_text


class NoCashFill(Refusal):
    """The fill was paid by a card, or there is none."""

    code = "refusal.no_cash_fill"
    text = (
        "Only a fill that was sold without a card can be marked. Nothing was done and "
        "no money moved."
    )


class FillHandedOver(Refusal):
    """The money of the fill was handed over with its shift."""

    code = "refusal.fill_handed_over"
    text = (
        "Shift {shift} was handed over with this fill. Nothing was done and no money "
        "moved. Correct it where the money is: in the till."
    )


class NoSuchShift(Refusal):
    """There is no open shift with this number."""

    code = "refusal.no_such_shift"
    text = "There is no open shift {shift}. Nothing was done and no money moved."


@dataclass(frozen=True, slots=True)
class MarkOrder:
    """What a fill is to be marked as.

    `company_no` is whose account pays it; `shift_no` is the shift that is to owe a
    fill of nobody's, else 0.
    """

    act_id: str
    sale_seq: int
    mark: FillMark
    reason: str
    company_no: str = ""
    shift_no: int = 0


def mark_fill(
    tx: Transaction,
    order: MarkOrder,
    actor: Actor,
    *,
    cut_off_minute: int,
    approved: Approved | None = None,
    alone: MarkedAlone = ALWAYS_TWO,
) -> CashFill:
    """Mark a fill; return it as it is now. A repeat changes nothing.

    Without a second person a mark that brings no money is a row, beyond `alone`.

    Raises:
        ReasonMissing, NoCashFill, FillHandedOver, NoSuchShift, NoCompany,
        CompanyFundsShort: nothing was done.
        ActIdTaken: the id belongs to another act.
    """
    reason = reason_of(order.reason)
    fill = cash_fills.find(tx.connection, order.sale_seq)
    if fill is None:
        raise NoCashFill
    entry_id = f"{order.act_id}.fill_mark"
    if facts.entry_seq(tx.connection, entry_id) is not None:
        if not _is_same(tx, fill, order, entry_id):
            raise ActIdTaken
        return fill
    owner = _owner(tx, fill, order)
    wanted = _accounts(tx, fill, order, owner)
    _require_in_hand(tx, fill, wanted, owner)
    postings = _difference(fill.accounts, wanted)
    day = today(tx, cut_off_minute=cut_off_minute)
    shift = shifts.find(tx.connection, owner) if owner else None
    entry = Entry(
        entry_id=entry_id,
        kind=f"{cash_fills.MARK}{order.mark}",
        business_day=shift.business_day if shift and shift.is_open else day,
        operator_no=actor.operator_no,
        terminal=actor.terminal,
        postings=postings,
        corrects=fill.entry_id,
        note=reason,
    )
    facts.post(tx, entry)
    if shift is not None and not shift.is_open:
        name_debt(tx, owner, why="marked", operator_no=actor.operator_no)
    audit.record(
        tx,
        actor,
        RIGHT,
        f"nozzle {fill.nozzle_no} fill {fill.sale['device_seq']}",
        reason=reason,
        before=fill.marked or FillMark.CASH,
        after=order.mark,
    )
    changed = cash_fills.find(tx.connection, order.sale_seq)
    assert changed is not None, "it was found before"
    marking = Marking(fill, changed, _payer_of(order), approved, alone)
    see_mark(tx, marking, actor)
    return changed


def _is_same(tx: Transaction, fill: CashFill, order: MarkOrder, entry_id: str) -> bool:
    """Tell whether an entry that is booked is the mark that is asked for again."""
    kind, corrects = facts.kind_and_corrected(tx.connection, entry_id)
    if (kind, corrects) != (f"{cash_fills.MARK}{order.mark}", fill.entry_id):
        return False
    if order.mark is not FillMark.COMPANY or not fill.amount_e4:
        return True
    payer = ledger.company_account(order.company_no)
    booked = facts.booked_by(tx.connection, entry_id, payer)
    return bool(booked) or payer in fill.accounts


def _payer_of(order: MarkOrder) -> str:
    return order.company_no if order.mark is FillMark.COMPANY else ""


def _owner(tx: Transaction, fill: CashFill, order: MarkOrder) -> int:
    """Return the shift that owes the fill from now on."""
    if fill.shift_no or not order.shift_no:
        return fill.shift_no
    shift = shifts.find(tx.connection, order.shift_no)
    if shift is None or not shift.is_open:
        raise NoSuchShift(shift=order.shift_no)
    return order.shift_no


def _accounts(
    tx: Transaction, fill: CashFill, order: MarkOrder, owner: int
) -> Mapping[str, int]:
    """Return what the fill's entries shall come to, by account."""
    if order.mark in NO_SALE:
        return {}
    amount = fill.amount_e4
    if order.mark is FillMark.DRIVE_OFF:
        payer = ledger.DRIVE_OFFS
    elif order.mark is FillMark.TEST_LOST:
        payer = ledger.TEST_LOSSES
    elif order.mark is FillMark.COMPANY:
        payer = _company(tx, fill, order)
    else:
        payer = ledger.crew_account(owner, BY_TENDER[order.mark])
    return {payer: amount, ledger.GAS_SALES: -amount} if amount else {}


def _company(tx: Transaction, fill: CashFill, order: MarkOrder) -> str:
    company = customers.find_company(tx.connection, order.company_no)
    if company is None or company.retired:
        raise NoCompany
    account = ledger.company_account(company.company_no)
    left = company_money.balance(tx.connection, company.company_no)
    left += company_money.credit_limit(tx.connection, company.company_no)
    left += Money(fill.accounts.get(account, 0))
    if Money(fill.amount_e4) > left:
        raise CompanyFundsShort(
            company=company.name,
            left=yuan_text(left.e4),
            wanted=yuan_text(fill.amount_e4),
        )
    return account


def _require_in_hand(
    tx: Transaction, fill: CashFill, wanted: Mapping[str, int], owner: int
) -> None:
    """Refuse to touch what an ended shift has handed over already."""
    shift = shifts.find(tx.connection, owner) if owner else None
    if shift is None or shift.is_open:
        return
    for account in {*fill.accounts, *wanted}:
        if not account.startswith(cash_fills.CREW):
            continue
        change = wanted.get(account, 0) - fill.accounts.get(account, 0)
        if facts.balance(tx.connection, account, Unit.CNY) + change < 0 or change > 0:
            raise FillHandedOver(shift=owner)


def _difference(
    present: Mapping[str, int], wanted: Mapping[str, int]
) -> tuple[Posting, ...]:
    changes = {
        name: wanted.get(name, 0) - present.get(name, 0)
        for name in sorted({*present, *wanted})
    }
    return tuple(
        Posting(name, Unit.CNY, change) for name, change in changes.items() if change
    )
