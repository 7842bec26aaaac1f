"""Named rows that say what is wrong and what cures it; closing one is a new row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection

LONGEST_SEQ = 19  # digits: less than 2^63


@dataclass(frozen=True, slots=True)
class Finding:
    """An open row: its kind, what it is about, and its facts as JSON."""

    seq: int
    kind: str
    subject: str
    facts: str
    at_ms: int


def open_finding(
    tx: Transaction, kind: str, subject: str, facts: Mapping[str, str | int]
) -> int:
    """Record that something needs a person; return the row's seq."""
    row = {"kind": kind, "subject": subject, "facts": canonical(facts)}
    return prove_row(tx, "finding", subject, row)


def open_once(
    tx: Transaction, kind: str, subject: str, facts: Mapping[str, str | int]
) -> int | None:
    """Record a finding unless one of its kind is open for the subject."""
    if any(f.kind == kind for f in open_findings(tx.connection, subject)):
        return None
    return open_finding(tx, kind, subject, facts)


def was_named(
    connection: Connection, kind: str, subject: str, facts: Mapping[str, str | int]
) -> bool:
    """Tell whether a row with these facts was ever opened, closed or not."""
    row = connection.execute(
        "SELECT 1 FROM finding WHERE kind=? AND subject=? AND facts=?",
        (kind, subject, canonical(facts)),
    ).fetchone()
    return row is not None


def close_finding(
    tx: Transaction, finding_seq: int, reason: str, operator_no: str
) -> None:
    """Record that a finding is settled."""
    row = {"finding_seq": finding_seq, "reason": reason, "operator_no": operator_no}
    prove_row(tx, "finding_closed", str(finding_seq), row)


def find_open(connection: Connection, row_id: str) -> Finding | None:
    """Return an open row by its number."""
    if not (row_id.isascii() and row_id.isdigit() and len(row_id) < LONGEST_SEQ):
        return None
    found = [row for row in open_findings(connection) if row.seq == int(row_id)]
    return found[0] if found else None


def open_findings(connection: Connection, subject: str | None = None) -> list[Finding]:
    """Return the findings that nobody has closed, oldest first."""
    where, values = ("", ()) if subject is None else ("AND subject=?", (subject,))
    found: Iterable[tuple[int, str, str, str, int]] = connection.execute(
        "SELECT seq, kind, subject, facts, at_ms FROM finding f WHERE NOT EXISTS"  # noqa: S608
        f" (SELECT 1 FROM finding_closed c WHERE c.finding_seq = f.seq) {where}"
        " ORDER BY seq",
        values,
    )
    return [Finding(*row) for row in found]


def with_closers(
    connection: Connection, kind: str, *, but: str = ""
) -> list[tuple[Finding, str]]:
    """Return findings of a kind with who closed them; empty while they are open.

    Those that were closed because of `but` are left out.
    """
    found = connection.execute(
        "SELECT f.seq, f.kind, f.subject, f.facts, f.at_ms, coalesce(c.operator_no, '')"
        " FROM finding f LEFT JOIN finding_closed c ON c.finding_seq = f.seq"
        " WHERE f.kind=?1 AND (?2='' OR coalesce(c.reason, '')<>?2)"
        " ORDER BY f.seq",
        (kind, but),
    )
    return [(Finding(*row[:5]), row[5]) for row in found]


def all_of(connection: Connection, subject: str, kind: str) -> list[Finding]:
    """Return every finding of a kind about a subject, the closed ones too."""
    found: Iterable[tuple[int, str, str, str, int]] = connection.execute(
        "SELECT seq, kind, subject, facts, at_ms FROM finding"
        " WHERE subject=? AND kind=? ORDER BY seq",
        (subject, kind),
    )
    return [Finding(*row) for row in found]
