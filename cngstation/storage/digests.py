"""Daily digests: each ends at a place of the chain where the next one begins.

No act is in two digests or in none, whatever the clock says.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from cngstation.domain.digest import GIVEN_UP, DigestRow, Happened, Section
from cngstation.moments import Instant
from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection

KIND = "digest"


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened behind one place of the chain up to another."""

    business_day: str
    from_seq: int
    to_seq: int
    rows: tuple[DigestRow, ...]
    seq: int = 0  # 0: not yet in the chain


def add(tx: Transaction, digest: Digest) -> int:
    """Put a digest into the chain and the outbox; return its seq."""
    row = {
        "business_day": digest.business_day,
        "from_seq": digest.from_seq,
        "to_seq": digest.to_seq,
        "content": canonical({"rows": [_told(row) for row in digest.rows]}),
    }
    return prove_row(tx, KIND, digest.business_day, row)


def _told(row: DigestRow) -> dict[str, str | int]:
    return {name: value for name, value in asdict(row).items() if value != ""}


def last(connection: Connection) -> Digest | None:
    """Return the newest digest."""
    return _one(connection, "1 ORDER BY seq DESC LIMIT 1", ())


def of_day(connection: Connection, business_day: str) -> Digest | None:
    """Return the digest of a day."""
    return _one(connection, "business_day=?", (business_day,))


def days(connection: Connection) -> frozenset[str]:
    """Return the days that have their digest."""
    found = connection.execute("SELECT business_day FROM digest")
    return frozenset(day for (day,) in found)


def _one(
    connection: Connection, where: str, values: Sequence[str | int]
) -> Digest | None:
    row = connection.execute(
        "SELECT business_day, from_seq, to_seq, content, seq FROM digest"  # noqa: S608
        f" WHERE {where}",
        tuple(values),
    ).fetchone()
    if row is None:
        return None
    day, from_seq, to_seq, content, seq = row
    rows = tuple(_row(told) for told in json.loads(content)["rows"])
    return Digest(day, from_seq, to_seq, rows, seq)


def _row(told: dict[str, str | int]) -> DigestRow:
    empty = dict.fromkeys(DigestRow.__dataclass_fields__, "")
    section = Section(str(told["section"]))
    return DigestRow(**{**empty, "times": 1, **told, "section": section})  # type: ignore[arg-type]


# Every act in the audit, and every act on a card that was given up.
_HAPPENED = (
    "SELECT seq, at_ms, act, subject, outcome, operator_no, terminal, reason, before,"
    " after FROM audit WHERE seq > :after AND seq <= :up_to UNION ALL"
    " SELECT seq, at_ms, :given_up||'.'||kind, card_key, state, operator_no, terminal,"
    " reason, '', CAST(cash_e4 AS TEXT) FROM intent_change"
    " WHERE state IN ('VOID', 'SCRAP') AND seq > :after AND seq <= :up_to ORDER BY seq"
)


def happened(connection: Connection, after: int, up_to: int) -> Iterator[Happened]:
    """Yield what happened behind one place of the chain up to another."""
    places = {"after": after, "up_to": up_to, "given_up": GIVEN_UP}
    found = connection.execute(_HAPPENED, places)
    return (Happened(*row) for row in found)


def moments(connection: Connection, after: int) -> Iterator[tuple[int, Instant]]:
    """Yield place and moment of what happened behind a place of the chain."""
    found = connection.execute(
        "SELECT seq, at_ms, mono_ms, boot_id FROM audit WHERE seq > :after UNION ALL"
        " SELECT seq, at_ms, mono_ms, boot_id FROM intent_change"
        " WHERE state IN ('VOID', 'SCRAP') AND seq > :after ORDER BY seq",
        {"after": after},
    )
    return ((seq, Instant(*at)) for seq, *at in found)
