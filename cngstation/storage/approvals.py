"""What two people did: read from the audit, where the second person has a row."""

from typing import Any

from cngstation.domain.two_people import Approval
from cngstation.storage.sqlite import Connection

# An act's name and this name the row of its second person; `before` of that row is
# the first person's number, `after` the slip's and the proof that was given.
SUFFIX = ".approve"


def between(
    connection: Connection, from_ms: int, until_ms: int
) -> tuple[Approval, ...]:
    """Return what two people did from one moment until before another, in order."""
    found = connection.execute(
        "SELECT seq, at_ms, act, subject, reason, before, operator_no, terminal, after"
        " FROM audit WHERE act GLOB ? AND at_ms >= ? AND at_ms < ? ORDER BY seq",
        (f"*{SUFFIX}", from_ms, until_ms),
    )
    return tuple(map(_approval, found))


def _approval(row: tuple[Any, ...]) -> Approval:
    seq, at_ms, act, subject, reason, first_no, second_no, terminal, after = row
    slip, _, proof = after.partition(" ")
    return Approval(
        seq=seq,
        at_ms=at_ms,
        act=act.removesuffix(SUFFIX),
        subject=subject,
        reason=reason,
        first_no=first_no,
        second_no=second_no,
        terminal=terminal,
        slip_no=int(slip or 0),
        proof=proof,
    )
