"""Sessions of tills: each opening and each closing is a proved row with its counts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cngstation.domain.tenders import Tender
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection

OPENED, CLOSED = "opened", "closed"
# Kinds of the entries that move cash in or out beside the acts.
DROP, PAY_OUT, PAY_IN = "till.drop", "till.pay_out", "till.pay_in"
MOVES = (DROP, PAY_OUT, PAY_IN)


@dataclass(frozen=True, slots=True)
class Count:
    """What the books expected of a tender, and what was counted; None: not counted."""

    tender: Tender
    expected_e4: int
    counted_e4: int | None

    @property
    def over_e4(self) -> int:
        """How much more there is than the books say; negative when money is short."""
        return 0 if self.counted_e4 is None else self.counted_e4 - self.expected_e4


@dataclass(frozen=True, slots=True)
class TillStep:
    """An opening or a closing of a till."""

    seq: int
    session_no: int
    step: str
    counts: tuple[Count, ...]
    operator_no: str
    at_ms: int

    @property
    def is_open(self) -> bool:
        """Whether money may go in and out after this step."""
        return self.step == OPENED


@dataclass(frozen=True, slots=True)
class Session:
    """Which session of which till a step belongs to."""

    till: str
    session_no: int
    step: str


def record(
    tx: Transaction, session: Session, counts: Iterable[Count], actor: Actor
) -> int:
    """Record that a till was opened or closed; return the row's seq."""
    row = {
        **asdict(session),
        "counts": json.dumps([asdict(count) for count in counts]),
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    return prove_row(tx, "till_session", f"{session.till}/{session.session_no}", row)


def last_step(connection: Connection, till: str) -> TillStep | None:
    """Return how a till was left; None if it never had a session."""
    return next(iter(steps(connection, till, limit=1)), None)


def steps(connection: Connection, till: str, *, limit: int) -> list[TillStep]:
    """Return openings and closings of a till, newest first."""
    found = rows(
        connection,
        "SELECT * FROM till_session WHERE till=? ORDER BY session_no DESC, step"
        " LIMIT ?",
        (till, limit),
    )
    return [_step(row) for row in found]


def step_of_entry(connection: Connection, till: str, seq: int) -> TillStep:
    """Return the opening or the closing that an entry was booked for."""
    found = rows(
        connection,
        "SELECT * FROM till_session WHERE till=? AND seq>? ORDER BY seq LIMIT 1",
        (till, seq),
    )
    return _step(next(found))


def opening_of(connection: Connection, till: str, session_no: int) -> TillStep:
    """Return how a session of a till was opened."""
    found = rows(
        connection,
        "SELECT * FROM till_session WHERE till=? AND session_no=? AND step=?",
        (till, session_no, OPENED),
    )
    return _step(next(found))


def _step(row: Mapping[str, Any]) -> TillStep:
    return TillStep(
        seq=row["seq"],
        session_no=row["session_no"],
        step=row["step"],
        counts=tuple(
            Count(Tender(c["tender"]), c["expected_e4"], c["counted_e4"])
            for c in json.loads(row["counts"])
        ),
        operator_no=row["operator_no"],
        at_ms=row["at_ms"],
    )
