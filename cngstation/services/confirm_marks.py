"""A mark after which a crew owes nothing for a fill is looked at by a second person.

Either the second person signs with the mark, or the mark is a row that another
operator than the one who marked has to close; the shift cannot be handed over before.
A row is kept for what was signed too: it says who did.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cngstation.domain.fill_marks import BRINGS_NOTHING, FillMark, MarkedAlone
from cngstation.domain.ledger import company_account
from cngstation.errors import Refusal
from cngstation.services.approve import Approved, Wish, record
from cngstation.storage import cash_fills, findings, shifts
from cngstation.storage.audit import Actor
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.database import Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sqlite import Connection

RIGHT = "fill.mark"
KIND = "fill_marked"
_CHANGED = "marked again"


class MarksUnseen(Refusal):
    """Fills of the shift were marked by one person alone."""

    code = "refusal.marks_unseen"
    text = (
        "{count} fills were marked as nothing that the crew has to pay, by one person. "
        "Nothing was handed over and no money moved. Let another operator look at them "
        "and close their rows (E), or sign them at the mark (U)."
    )


@dataclass(frozen=True, slots=True)
class Marking:
    """A mark as it is being made: `marked` is the fill behind it."""

    was: CashFill
    marked: CashFill
    company_no: str
    approved: Approved | None
    alone: MarkedAlone


def wish_of(fill_seq: int) -> Wish:
    """Return what a second person is asked for when a fill is marked."""
    return Wish(RIGHT, f"fill {fill_seq}")


def see_mark(tx: Transaction, marking: Marking, actor: Actor) -> None:
    """Name a mark that nobody has confirmed, or say who has; close what is over.

    Raises:
        RightMissing: the second person may not do this any more.
    """
    fill = marking.marked
    same: Finding | None = None
    for row in _rows_of(tx.connection, fill.seq):
        told = json.loads(row.facts)
        if (told["mark"], told["company"]) == (fill.marked, marking.company_no):
            same = row
        else:
            findings.close_finding(tx, row.seq, _CHANGED, actor.operator_no)
    if fill.marked not in BRINGS_NOTHING:
        return
    if marking.approved is not None:
        seq = same.seq if same else _name(tx, marking, actor)
        record(tx, marking.approved, wish_of(fill.seq), actor)
        approved = marking.approved
        findings.close_finding(tx, seq, approved.reason, approved.operator_no)
        return
    changed = marking.was.marked, marking.was.accounts
    is_new = same is None and changed != (fill.marked, fill.accounts)
    if is_new and not _may_stand_alone(tx.connection, marking):
        _name(tx, marking, actor)


def require_seen(connection: Connection, shift_no: int) -> None:
    """Refuse while a mark of a shift waits for a second person.

    Raises:
        MarksUnseen: some do.
    """
    if count := len(_waiting(connection, shift_no)):
        raise MarksUnseen(count=count)


def waits(connection: Connection, fill: CashFill) -> bool:
    """Tell whether a fill's mark waits for a second person."""
    return bool(fill.marked) and bool(_rows_of(connection, fill.seq))


def fill_of(row: Finding) -> int:
    """Return which fill the mark of a row is about."""
    return int(json.loads(row.facts)["fill"])


def marked_by_of(row: Finding) -> str:
    """Return who made the mark of a row."""
    return str(json.loads(row.facts)["operator"])


def marks_of_shift(connection: Connection, shift_no: int) -> list[dict[str, Any]]:
    """Return the marks of a shift by kind: how many, their sum, who confirmed them."""
    ours = cash_fills.of_shift(connection, shift_no)
    marked = [fill for fill in ours if fill.marked not in {"", FillMark.CASH}]
    return _by_kind(connection, marked)


def marks_of_nobody(connection: Connection, shift_no: int) -> list[dict[str, Any]]:
    """Return what became of fills while nobody was on duty, by kind; "" is nothing yet.

    Those that this shift owes, and of those that none does what is new since the
    handover before this one: each stands on one slip, and on another if it changes.
    """
    begun, ended = shifts.begun_and_ended(connection, shift_no)
    found = [
        fill
        for owner, place in ((shift_no, begun), (shifts.NOBODY, ended))
        for fill in cash_fills.of_nobody(connection, place)
        if fill.shift_no == owner
    ]
    return _by_kind(connection, found)


def _by_kind(connection: Connection, fills: Iterable[CashFill]) -> list[dict[str, Any]]:
    named = _named(connection)
    found: dict[str, dict[str, Any]] = {}
    for fill in fills:
        empty = {"mark": fill.marked, "fills": 0, "amount_e4": 0, "alone": 0, "by": []}
        kind = found.setdefault(fill.marked, empty)
        kind["fills"] += 1
        kind["amount_e4"] += fill.amount_e4
        who = named[fill.seq].closed_by if _covers(named.get(fill.seq), fill) else ""
        if who and who not in kind["by"]:
            kind["by"].append(who)
        elif not who and fill.marked in BRINGS_NOTHING:
            kind["alone"] += 1
    return [found[name] for name in sorted(found)]


def _name(tx: Transaction, marking: Marking, actor: Actor) -> int:
    fill = marking.marked
    named: Mapping[str, str | int] = {
        "shift": fill.shift_no,
        "fill": fill.seq,
        "nozzle": fill.nozzle_no,
        "number": fill.sale["device_seq"],
        "amount_e4": fill.amount_e4,
        "mark": fill.marked,
        "company": marking.company_no,
        "reason": fill.reason,
        "operator": actor.operator_no,
    }
    return findings.open_finding(tx, KIND, _subject(fill.shift_no), named)


def _may_stand_alone(connection: Connection, marking: Marking) -> bool:
    """Tell whether a mark is among the few that a shift's crew may make by itself.

    One of a fill that ended in no shift is none, whoever owes it since.
    """
    fill = marking.marked
    if not fill.sale["of_shift"] or not marking.alone.fills:
        return False
    named = _named(connection)
    alone = [
        each.amount_e4
        for each in cash_fills.of_shift(connection, fill.shift_no)
        if each.marked in BRINGS_NOTHING
        and (each.seq == fill.seq or not _covers(named.get(each.seq), each))
    ]
    return marking.alone.allows(len(alone), sum(alone))


@dataclass(frozen=True, slots=True)
class _Named:
    """What the newest row of a fill is about; `closed_by` is empty while it waits."""

    mark: str
    company_no: str
    closed_by: str


def _named(connection: Connection) -> dict[int, _Named]:
    """Return the newest row of each fill, but for marks that were changed unseen."""
    found = {}
    for row, closed_by in findings.with_closers(connection, KIND, but=_CHANGED):
        told = json.loads(row.facts)
        found[told["fill"]] = _Named(told["mark"], told["company"], closed_by)
    return found


def _covers(named: _Named | None, fill: CashFill) -> bool:
    """Tell whether a row is about the mark that a fill has now."""
    if named is None or named.mark != fill.marked:
        return False
    payer = company_account(named.company_no)
    return not (named.company_no and fill.amount_e4) or payer in fill.accounts


def _waiting(connection: Connection, shift_no: int) -> list[Finding]:
    found = findings.open_findings(connection, _subject(shift_no))
    return [row for row in found if row.kind == KIND]


def _rows_of(connection: Connection, fill_seq: int) -> list[Finding]:
    """Return the open rows of a fill, whoever owed it when they were opened."""
    return [
        row
        for row in findings.open_findings(connection)
        if row.kind == KIND and json.loads(row.facts)["fill"] == fill_seq
    ]


def _subject(shift_no: int) -> str:
    return f"shift {shift_no}" if shift_no else "nobody"
