"""The audit read back: page by page from the newest, and one row with its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cngstation.storage.approvals import SUFFIX
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection

# A question looks at so many rows at most, whatever it filters.
MOST_LOOKED_AT = 20_000
_LAST_SEQ = 2**63 - 1
# The second person's row is written with the act's own.
_NEAR = 64


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows are looked for; empty fields and those that are None filter nothing.

    The rows of an outlet are those of its people and those that nobody did.
    """

    operator_no: str = ""
    acts: Sequence[str] | None = None
    subject: str = ""
    outcome: str = ""
    from_ms: int = 0
    until_ms: int = _LAST_SEQ
    outlet_no: str | None = None


def page(
    connection: Connection, wanted: Filter, before_seq: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Return rows before a place, newest first, and the place to go on from; 0: none.

    The page may be empty and yet not the last one.
    """
    before = before_seq or _LAST_SEQ
    lowest = connection.execute(
        "SELECT min(seq), count(*) FROM"
        " (SELECT seq FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?)",
        (before, MOST_LOOKED_AT),
    ).fetchone()
    where, values = _where(wanted)
    found = list(
        rows(
            connection,
            "SELECT a.*, coalesce(o.full_name, '') AS operator_name FROM audit a"  # noqa: S608 - our words
            " LEFT JOIN operator o USING (operator_no)"
            f" WHERE seq < ? AND seq >= ?{where} ORDER BY seq DESC LIMIT ?",
            (before, lowest[0] or before, *values, limit),
        )
    )
    if len(found) == limit:
        return found, int(found[-1]["seq"])
    return found, int(lowest[0]) if lowest[1] == MOST_LOOKED_AT else 0


def _where(wanted: Filter) -> tuple[str, list[Any]]:
    where = ""
    values: list[Any] = []
    if wanted.operator_no:
        where += " AND a.operator_no=?"
        values.append(wanted.operator_no)
    if wanted.acts is not None:
        where += f" AND a.act IN ({', '.join('?' * len(wanted.acts))})"
        values += wanted.acts
    if wanted.subject:
        where += " AND instr(upper(a.subject), upper(?)) > 0"
        values.append(wanted.subject)
    if wanted.outcome:
        where += " AND instr(a.outcome, ?) > 0"
        values.append(wanted.outcome)
    if wanted.from_ms or wanted.until_ms != _LAST_SEQ:
        where += " AND a.at_ms >= ? AND a.at_ms < ?"
        values += [wanted.from_ms, wanted.until_ms]
    if wanted.outlet_no is not None:
        where += " AND (a.operator_no='' OR o.outlet_no=?)"
        values.append(wanted.outlet_no)
    return where, values


def every_act(connection: Connection) -> list[str]:
    """Return the acts that the audit has."""
    # One jump in the index for each act, however many rows it has.
    found = connection.execute(
        "WITH RECURSIVE acts(act) AS (SELECT min(act) FROM audit UNION ALL"
        " SELECT (SELECT min(act) FROM audit WHERE act > acts.act) FROM acts"
        " WHERE act IS NOT NULL) SELECT act FROM acts WHERE act IS NOT NULL"
    )
    return [act for (act,) in found]


def one(connection: Connection, seq: int) -> dict[str, Any] | None:
    """Return a row with its place in the chain and the heads around it."""
    found = rows(
        connection,
        "SELECT a.*, coalesce(o.full_name, '') AS operator_name,"
        " coalesce(o.outlet_no, '') AS outlet_no, c.epoch, c.head,"
        " coalesce(b.head, zeroblob(32)) AS head_before,"
        " (SELECT max(seq) FROM chain) AS chain_rows FROM audit a"
        " JOIN chain c USING (seq) LEFT JOIN chain b ON b.seq = a.seq - 1"
        " LEFT JOIN operator o USING (operator_no) WHERE a.seq=?",
        (seq,),
    )
    return next(found, None)


def second_of(connection: Connection, row: dict[str, Any]) -> str:
    """Return the number of the person who stood behind an act; empty for nobody."""
    found = connection.execute(
        "SELECT operator_no FROM audit WHERE seq > ? AND seq < ? AND act=?"
        " AND subject=? AND before=? ORDER BY seq LIMIT 1",
        (
            row["seq"], row["seq"] + _NEAR, row["act"] + SUFFIX, row["subject"],
            row["operator_no"],
        ),
    ).fetchone()  # fmt: skip
    return "" if found is None else str(found[0])


def name_of(connection: Connection, operator_no: str) -> str:
    """Return an operator's name; empty for nobody."""
    found = connection.execute(
        "SELECT full_name FROM operator WHERE operator_no=?", (operator_no,)
    ).fetchone()
    return "" if found is None else str(found[0])
