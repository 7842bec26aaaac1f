"""Opens, feeds, empties and closes the till; each step is an entry and a row.

Between sessions a till holds nothing by the books: what was counted at its closing is
in the safe or with the bank, what was over or short in an account of its own. The first
opening brings what a till took before it had sessions to the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.domain.ledger import Posting, move
from cngstation.domain.tenders import CASH, IN_TILL, Tender
from cngstation.errors import Refusal
from cngstation.services import till_slip
from cngstation.services.act_result import ActIdTaken
from cngstation.services.book_entry import book_entry
from cngstation.services.station_rules import StationRules
from cngstation.services.till_state import require_open
from cngstation.storage import audit, facts, findings, receipts, tills
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection
from cngstation.storage.tills import PAY_IN, PAY_OUT, Count, Session
from cngstation.units import ZERO, Money, Unit, yuan_text


class TillIsOpen(Refusal):
    """A till has one session at a time."""

    code = "refusal.till_is_open"
    text = "Till {till} is open already. Nothing was done. Close it first."


class TillNotOpen(Refusal):
    """There is no session to close."""

    code = "refusal.till_not_open"
    text = "Till {till} is not open. Nothing was done. Open it first (F10)."


class CashNotCounted(Refusal):
    """A closing needs the count of the cash."""

    code = "refusal.cash_not_counted"
    text = "Count the cash of the till first. Nothing was done; the till stays open."


class MoreThanInTill(Refusal):
    """More is taken out than the till can hold by the books."""

    code = "refusal.more_than_in_till"
    text = (
        "By the books the till does not hold {amount} yuan in cash. Nothing was done. "
        "Count it, and close the till if it is over."
    )


class PayOutReasonMissing(Refusal):
    """Money that leaves the business needs a reason."""

    code = "refusal.pay_out_reason_missing"
    text = "A pay-out needs its reason. Nothing was done and no money moved."


class NoAmount(Refusal):
    """Nothing is to be moved."""

    code = "refusal.no_amount"
    text = "Type an amount above zero. Nothing was done."


@dataclass(frozen=True, slots=True)
class CashMove:
    """Cash that goes to the safe, comes from it, or is paid out for a reason."""

    act_id: str
    kind: str
    amount: Money
    reason: str


def open_till(
    tx: Transaction, rules: StationRules, act_id: str, counted: Money, actor: Actor
) -> None:
    """Open a session with a counted float, which comes out of the safe.

    Raises:
        TillIsOpen: there is a session already.
        ActIdTaken: this id was another act, or an opening with another float.
    """
    entry_id = f"{act_id}.till_open"
    counts = {Tender.CASH: counted}
    if _was_done(tx.connection, act_id, entry_id, rules.till, counts):
        return
    last = tills.last_step(tx.connection, rules.till)
    if last is not None and last.is_open:
        raise TillIsOpen(till=rules.till)
    held = held_in_till(tx.connection, rules.till)
    postings = [
        posting
        for tender, amount in held.items()
        for posting in _handed_over(rules.till, tender, amount)
    ]
    postings += _handed_over(rules.till, Tender.CASH, -counted.e4)
    book_entry(tx, rules, actor, entry_id=entry_id, kind="till.open", postings=postings)
    number = last.session_no + 1 if last else 1
    float_ = Count(Tender.CASH, 0, counted.e4)
    opened = Session(rules.till, number, tills.OPENED)
    tills.record(tx, opened, (float_,), actor)
    audit.record(tx, actor, "till.open", rules.till, after=yuan_text(counted.e4))


def move_cash(
    tx: Transaction, rules: StationRules, wanted: CashMove, actor: Actor
) -> None:
    """Move cash between till and safe, or pay it out.

    Raises:
        NoAmount, PayOutReasonMissing, TillClosed, TillNotOpen, MoreThanInTill.
        ActIdTaken: this id was another act, or moved something else.
    """
    entry_id = f"{wanted.act_id}.{wanted.kind.replace('.', '_')}"
    drawer = CASH.account(rules.till)
    if (seq := _booked(tx.connection, wanted.act_id, entry_id)) is not None:
        moved = abs(facts.booked_by(tx.connection, entry_id, drawer) or 0)
        found = (moved, facts.note_of(tx.connection, seq))
        if found != (wanted.amount.e4, wanted.reason):
            raise ActIdTaken
        return
    if wanted.amount <= ZERO:
        raise NoAmount
    if wanted.kind == PAY_OUT and not wanted.reason.strip():
        raise PayOutReasonMissing
    require_open(tx.connection, rules.till, Tender.CASH)
    if tills.last_step(tx.connection, rules.till) is None:
        raise TillNotOpen(till=rules.till)
    amount = wanted.amount.e4
    if wanted.kind == PAY_IN:
        postings = move(ledger.SAFE, drawer, Unit.CNY, amount)
    else:
        if amount > facts.balance(tx.connection, drawer, Unit.CNY):
            raise MoreThanInTill(amount=yuan_text(amount))
        target = ledger.PAY_OUTS if wanted.kind == PAY_OUT else ledger.SAFE
        postings = move(drawer, target, Unit.CNY, amount)
    book_entry(
        tx,
        rules,
        actor,
        entry_id=entry_id,
        kind=wanted.kind,
        postings=postings,
        note=wanted.reason,
    )
    audit.record(
        tx,
        actor,
        wanted.kind,
        rules.till,
        reason=wanted.reason,
        after=yuan_text(amount),
    )


def close_till(
    tx: Transaction,
    rules: StationRules,
    act_id: str,
    counted: Mapping[Tender, Money],
    actor: Actor,
    *,
    prints_wanted: int = 0,
) -> None:
    """Close the session; what was not counted is taken as the books have it.

    A tender that is over or short is a finding with its figures. The slip of the
    closing is a receipt, printed at once and later as a copy.

    Raises:
        TillNotOpen: there is no session.
        CashNotCounted: the count of the cash is missing.
        ActIdTaken: this id was another act, or a closing with other counts.
    """
    entry_id = f"{act_id}.till_close"
    if _was_done(tx.connection, act_id, entry_id, rules.till, counted):
        return
    last = tills.last_step(tx.connection, rules.till)
    if last is None or not last.is_open:
        raise TillNotOpen(till=rules.till)
    if Tender.CASH not in counted:
        raise CashNotCounted
    counts = [
        Count(tender, expected, counted[tender].e4 if tender in counted else None)
        for tender, expected in held_in_till(tx.connection, rules.till).items()
        if expected or tender in counted
    ]
    opening = tills.opening_of(tx.connection, rules.till, last.session_no)
    slip = till_slip.content_of(tx, rules.till, opening, counts, actor)
    postings: list[Posting] = []
    for count in counts:
        account = ledger.till_account(rules.till, count.tender)
        there = count.expected_e4 + count.over_e4
        postings += _handed_over(rules.till, count.tender, there)
        postings += move(account, ledger.OVER_SHORT, Unit.CNY, -count.over_e4)
    book_entry(
        tx, rules, actor, entry_id=entry_id, kind="till.close", postings=postings
    )
    closed = Session(rules.till, last.session_no, tills.CLOSED)
    tills.record(tx, closed, counts, actor)
    for count in counts:
        _name_difference(tx, rules.till, last.session_no, count, actor)
    receipts.make(tx, entry_id, till_slip.KIND, slip, wanted=prints_wanted)
    audit.record(tx, actor, "till.close", rules.till)


def _was_done(
    connection: Connection,
    act_id: str,
    entry_id: str,
    till: str,
    counted: Mapping[Tender, Money],
) -> bool:
    """Tell whether a till was opened or closed by this id, with these counts."""
    seq = _booked(connection, act_id, entry_id)
    if seq is None:
        return False
    step = tills.step_of_entry(connection, till, seq)
    found = {c.tender: c.counted_e4 for c in step.counts if c.counted_e4 is not None}
    if found != {tender: amount.e4 for tender, amount in counted.items()}:
        raise ActIdTaken
    return True


def _booked(connection: Connection, act_id: str, entry_id: str) -> int | None:
    """Return where an act is booked; an id that booked anything else is taken."""
    booked = facts.entries_of_act(connection, act_id)
    if booked.keys() - {entry_id}:
        raise ActIdTaken
    return booked.get(entry_id)


def held_in_till(connection: Connection, till: str) -> dict[Tender, int]:
    """Return what a till holds by the books, by tender, in 1/10 000 yuan."""
    return {
        tender: facts.balance(connection, ledger.till_account(till, tender), Unit.CNY)
        for tender in IN_TILL
    }


def _handed_over(till: str, tender: Tender, amount_e4: int) -> tuple[Posting, ...]:
    """Move money out of a till to where it is kept; negative brings it in."""
    kept = ledger.kept_account(tender)
    return move(ledger.till_account(till, tender), kept, Unit.CNY, amount_e4)


def _name_difference(
    tx: Transaction, till: str, session_no: int, count: Count, actor: Actor
) -> None:
    if not count.over_e4 or count.counted_e4 is None:
        return
    kind = "till_over" if count.over_e4 > 0 else "till_short"
    findings.open_finding(
        tx,
        kind,
        f"{till}/{session_no}",
        {
            "tender": str(count.tender),
            "counted": yuan_text(count.counted_e4),
            "expected": yuan_text(count.expected_e4),
            "difference": yuan_text(abs(count.over_e4)),
            "operator": actor.operator_no,
        },
    )
