"""Who did what, from where, why, and how it ended; each row is in the chain."""

from collections.abc import Iterator
from dataclasses import dataclass

from cngstation.domain.numbers import without_personal
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the operator's number and the terminal the act came from."""

    operator_no: str
    terminal: str


STATION = Actor("", "station")
CARRIED = "carried"  # the outcome of a row that new books took over
LONG_AGO = "long ago"  # what such a row tells of its age, where it decides
LAST = (1 << 63) - 1


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
    """Record an act; personal numbers never go in here, and are masked in reasons."""
    row = {
        "act": act,
        "subject": subject,
        "outcome": outcome,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
        "reason": without_personal(reason),
        "before": before,
        "after": after,
    }
    return prove_row(tx, "audit", subject, row)


@dataclass(frozen=True, slots=True)
class Given:
    """When somebody was given a password, and by whom.

    `told` is LONG_AGO in books that took it over from older ones, where it was.
    """

    seq: int
    by: str
    mono_ms: int
    boot_id: str
    told: str = ""


_GIVEN = f"seq, operator_no, mono_ms, boot_id, iif(outcome = '{CARRIED}', after, '')"


def password_given(connection: Connection, operator_no: str) -> Given | None:
    """Return who last gave an operator a password; own changes do not count."""
    row = connection.execute(
        f"SELECT {_GIVEN} FROM audit"  # noqa: S608 - ours
        " WHERE subject=? AND act IN ('operator.add', 'operator.reset_password')"
        " AND outcome IN ('done', 'carried')"
        " ORDER BY seq DESC LIMIT 1",
        (operator_no,),
    ).fetchone()
    return None if row is None else Given(*row)


def wall_ms_of(connection: Connection, seq: int) -> int:
    """Return when a row was written, by the wall clock."""
    row = connection.execute("SELECT at_ms FROM audit WHERE seq=?", (seq,)).fetchone()
    at_ms: int = row[0]
    return at_ms


def done_to(
    connection: Connection, subject: str, acts: tuple[str, ...]
) -> Iterator[tuple[Given, str]]:
    """Yield when acts were done to a subject, by whom, and what it was before."""
    marks = ", ".join("?" * len(acts))
    found = connection.execute(
        f"SELECT {_GIVEN}, before FROM audit"  # noqa: S608 - ours, and marks
        f" WHERE subject=? AND act IN ({marks}) AND outcome IN ('done', 'carried')"
        " ORDER BY seq DESC",
        (subject, *acts),
    ).fetchall()
    for *given, before in found:
        yield Given(*given), before


def readings_back(
    connection: Connection, seq: int, until: int = LAST
) -> Iterator[tuple[str, int]]:
    """Yield boot and monotonic clock of the rows from a later place back to another."""
    yield from connection.execute(
        "SELECT boot_id, mono_ms FROM audit WHERE seq BETWEEN ? AND ?"
        " ORDER BY seq DESC",
        (seq, until),
    )


# Acts whose last word is the field that they changed.
_FIELD_ACTS = (
    "card.edit",
    "card.cylinder_date",
    "card.rewrite_price",
    "card.rewrite_limits",
    "card.crew_rewrite",
    "vehicle.edit",
    "company.edit",
    "vehicle_type.edit",
)


@dataclass(frozen=True, slots=True)
class FieldChanged:
    """A field of a register that was changed, as its audit row tells it."""

    seq: int
    at_ms: int
    register: str
    subject: str
    field: str
    before: str
    after: str
    reason: str
    operator_no: str
    terminal: str


def field_changes(
    connection: Connection, subject: str, limit: int
) -> list[FieldChanged]:
    """Return the fields changed last of subjects that contain a text, newest first."""
    acts = " OR ".join("act GLOB ?" for _ in _FIELD_ACTS)
    found = connection.execute(
        "SELECT seq, at_ms, act, subject, before, after, reason, operator_no, terminal"  # noqa: S608 - marks alone
        f" FROM audit WHERE ({acts}) AND instr(upper(subject), ?) > 0"
        " ORDER BY seq DESC LIMIT ?",
        (*(f"{act}.*" for act in _FIELD_ACTS), subject, limit),
    )
    return [
        FieldChanged(seq, at_ms, act.split(".")[0], about, act.split(".")[2], *rest)
        for seq, at_ms, act, about, *rest in found
    ]
