"""Closes a row that no act and no device closes: somebody looked, and says why.

Rows that end by an act, a record or a card are not closed by words. Where two people
decide, two people close.
"""

from dataclasses import dataclass

from cngstation.errors import Refusal
from cngstation.services.approve import (
    Approval,
    Approvals,
    SamePerson,
    Wish,
    reason_of,
    record,
    record_later,
)
from cngstation.services.card_keys import CONFIRM, confirm
from cngstation.services.card_keys import WAITS as WAITS_FOR_TWO
from cngstation.services.confirm_marks import KIND as MARKED
from cngstation.services.confirm_marks import fill_of, marked_by_of, wish_of
from cngstation.services.drawn_from_safe import WAITS
from cngstation.storage import audit, findings
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sqlite import Connection

RIGHT = "row.explain"
BY_ONE = frozenset(
    {
        WAITS,
        "amount_break",
        "amount_differs",
        "cash_without_crew",
        "clock_off_dispensers",
        "device_counter_reset",
        "duty_differs",
        "fill_of_replaced_card",
        "given_up_came",
        "guard_loosened",
        "nozzle_unreadable",
        "parameter_changed",
        "shift_over",
        "shift_short",
        "till_over",
        "till_short",
        "totaliser_break",
        "unasked_gas",
        "unasked_gas_flows",
        "unit_differs",
        "unknown_staff_card",
        "unusual_record",
    }
)
# Not by whoever did what the row is about.
BY_ANOTHER = frozenset({MARKED})
BY_TWO = frozenset(
    {
        "anchors_unread",
        WAITS_FOR_TWO,
        "card_balance_differs",
        "card_disagrees",
        "card_rolled_back",
        "clock_crept",
        "clock_went_back",
        "clock_went_forward",
        "fill_shown_before",
        "older_books",
        "grey_collected_twice",
        "personal_numbers_read",
        "sequence_gap",
    }
)


class RowClosesItself(Refusal):
    """What a row waits for is an act, a record or a card, not words."""

    code = "refusal.row_closes_itself"
    text = (
        "This row is not closed by words. Nothing was done. Do what stands under it; "
        "then it closes by itself."
    )


class NoSuchRow(Refusal):
    """There is no open row with this number."""

    code = "refusal.no_such_row"
    text = "This row is not open any more. Nothing was done."


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which row is closed, and why."""

    row_id: str
    reason: str
    approval: Approval | None = None


def people_of(kind: str) -> int:
    """Return how many people close rows of a kind by words; 0: words do not."""
    return 1 if kind in BY_ONE | BY_ANOTHER else 2 if kind in BY_TWO else 0


class ExplainRows:
    """Closes rows; what a row waits for besides words is done with it."""

    def __init__(self, database: Database, approvals: Approvals) -> None:
        self._database = database
        self._approvals = approvals

    async def explain(self, wanted: Explanation, actor: Actor) -> Finding:
        """Close a row; return it.

        Raises:
            NoSuchRow, RowClosesItself, ReasonMissing: nothing was done.
            SecondPersonMissing, SamePerson, RightMissing, LoginRefused: likewise.
        """
        reason = reason_of(wanted.reason)
        row = await self._database.read(lambda connection: _row(connection, wanted))
        approved, asked = None, _wish_of(row)
        async with self._approvals.noting(asked, actor, None):
            if row.kind in BY_ANOTHER and marked_by_of(row) == actor.operator_no:
                raise SamePerson
        if people_of(row.kind) > 1:
            approved = await self._approvals.approve(
                wanted.approval, asked, actor, reason
            )

        def unit(tx: Transaction) -> Finding:
            found = _row(tx.connection, wanted)
            findings.close_finding(tx, found.seq, reason, actor.operator_no)
            audit.record(tx, actor, RIGHT, found.subject, reason=reason)
            if approved:
                record(tx, approved, _wish_of(found), actor)
            if found.kind == WAITS_FOR_TWO:
                confirm(tx, found.subject, reason, actor)
            if found.kind in BY_ANOTHER:
                wish, first_no = wish_of(fill_of(found)), marked_by_of(found)
                paper = self._approvals.paper
                record_later(tx, wish, first_no, actor, reason=reason, paper=paper)
            return found

        async with self._approvals.noting(asked, actor, approved):
            return await self._database.write(unit)


def _wish_of(row: Finding) -> Wish:
    """Return what two people agree on: words, or the key that the row is about."""
    return Wish(CONFIRM if row.kind == WAITS_FOR_TWO else RIGHT, row.subject)


def _row(connection: Connection, wanted: Explanation) -> Finding:
    row = findings.find_open(connection, wanted.row_id)
    if row is None:
        raise NoSuchRow
    if not people_of(row.kind):
        raise RowClosesItself
    return row
