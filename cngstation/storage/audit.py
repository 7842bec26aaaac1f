"""Who did what, from where, why, and how it ended; each row is in the chain."""

from dataclasses import dataclass

from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the operator's number and the terminal the act came from."""

    operator_no: str
    terminal: str


STATION = Actor("", "station")


def record(
    tx: Transaction,
    actor: Actor,
    act: str,
    subject: str,
    *,
    outcome: str = "done",
    reason: str = "",
    before: str = "",
    after: str = "",
) -> int:
    """Record an act; personal numbers never go in here."""
    row = {
        "act": act,
        "subject": subject,
        "outcome": outcome,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
        "reason": reason,
        "before": before,
        "after": after,
    }
    return prove_row(tx, "audit", subject, row)
