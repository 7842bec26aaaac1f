"""Operators and their sessions."""

from dataclasses import asdict, dataclass, field
from typing import Any

from cngstation.domain.rights import ADMINISTRATOR
from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.roles import DEFAULT_OUTLET
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may log in; wrong tries count on the monotonic clock of a boot.

    `role` is a ready-made one by its name, or the number of one made at the station.
    """

    operator_no: str
    login_name: str
    full_name: str
    role: str
    password_hash: str
    must_change: int
    state: str
    wrong_tries: int = 0
    blocked_until_mono_ms: int = 0
    blocked_boot_id: str = ""
    outlet_no: str = DEFAULT_OUTLET
    sex: str = ""
    phone_sealed: bytes = field(default=b"", repr=False)
    blocked_for_ms: int = 0


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that nobody has, by its tag, and how often it was tried."""

    tag: int
    wrong_tries: int
    blocked_until_mono_ms: int
    blocked_for_ms: int
    blocked_boot_id: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A login that holds until its end on the monotonic clock of its boot."""

    token_hash: bytes
    operator_no: str
    uid: int
    terminal: str
    state: str
    started_at_ms: int
    ends_mono_ms: int
    boot_id: str
    active_mono_ms: int = 0
    staff_card_no: str = ""


def add(tx: Transaction, operator: Operator, actor: Actor = STATION) -> None:
    """Register an operator."""
    registers.add(tx, "operator", asdict(operator), actor=actor)


def change(
    tx: Transaction,
    operator_no: str,
    *,
    reason: str,
    actor: Actor = STATION,
    **values: Any,
) -> None:
    """Change an operator's role, state or name; a fact says why and by whom.

    Raises:
        StorageError: there is no such operator.
    """
    key = {"operator_no": operator_no}
    registers.change(tx, "operator", key, values, reason=reason, actor=actor)


def with_login_name(connection: Connection, login_name: str) -> Operator | None:
    """Return an operator by login name, letter case counting."""
    found = rows(connection, "SELECT * FROM operator WHERE login_name=?", (login_name,))
    row = next(found, None)
    return None if row is None else Operator(**row)


def find(connection: Connection, operator_no: str) -> Operator | None:
    """Return an operator by number."""
    found = rows(
        connection, "SELECT * FROM operator WHERE operator_no=?", (operator_no,)
    )
    row = next(found, None)
    return None if row is None else Operator(**row)


def every(connection: Connection) -> list[Operator]:
    """Return all operators, the retired ones too, by number."""
    sql = "SELECT * FROM operator ORDER BY length(operator_no), operator_no"
    return [Operator(**row) for row in rows(connection, sql)]


def login_name_taken(connection: Connection, login_name: str) -> bool:
    """Tell whether anybody has or had a login name, in whatever letter case."""
    sql = "SELECT 1 FROM operator WHERE lower(login_name)=lower(?)"
    return connection.execute(sql, (login_name,)).fetchone() is not None


def next_operator_no(connection: Connection) -> str:
    """Return the next job number; rows stay, so that none comes twice."""
    row = connection.execute(
        "SELECT max(1000, coalesce(max(CAST(operator_no AS INTEGER)), 0)) + 1"
        " FROM operator"
    ).fetchone()
    return str(row[0])


def with_role(connection: Connection, role: str) -> list[Operator]:
    """Return who has a role and is not retired."""
    sql = "SELECT * FROM operator WHERE role=? AND state<>'retired'"
    return [Operator(**row) for row in rows(connection, sql, (role,))]


def other_administrators(connection: Connection, operator_no: str) -> int:
    """Return how many others are active administrators."""
    row = connection.execute(
        "SELECT count(*) FROM operator"
        " WHERE role=? AND state='active' AND operator_no<>?",
        (ADMINISTRATOR, operator_no),
    ).fetchone()
    return int(row[0])


def set_tries(
    tx: Transaction,
    operator_no: str,
    tries: int,
    blocked_until_mono_ms: int,
    blocked_for_ms: int = 0,
) -> None:
    """Store the count of wrong passwords, and until when and how long a try waits."""
    tx.connection.execute(
        "UPDATE operator SET wrong_tries=?, blocked_until_mono_ms=?, blocked_boot_id=?,"
        " blocked_for_ms=? WHERE operator_no=?",
        (tries, blocked_until_mono_ms, tx.now.boot_id, blocked_for_ms, operator_no),
    )


def unknown_name(connection: Connection, tag: int) -> UnknownName | None:
    """Return the count of a name that nobody has."""
    row = connection.execute(
        "SELECT tag, wrong_tries, blocked_until_mono_ms, blocked_for_ms,"
        " blocked_boot_id FROM unknown_name WHERE tag=?",
        (tag,),
    ).fetchone()
    return None if row is None else UnknownName(*row)


def keep_unknown_name(tx: Transaction, row: UnknownName, *, most: int) -> None:
    """Store the count of a name that nobody has; the longest untried one goes."""
    tx.connection.execute(
        "INSERT OR REPLACE INTO unknown_name VALUES (?,?,?,?,?,?)",
        (
            row.tag, row.wrong_tries, row.blocked_until_mono_ms, row.blocked_for_ms,
            row.blocked_boot_id, tx.now.wall_ms,
        ),
    )  # fmt: skip
    tx.connection.execute(
        "DELETE FROM unknown_name WHERE tag IN (SELECT tag FROM unknown_name"
        " ORDER BY tried_at_ms DESC, tag LIMIT -1 OFFSET ?)",
        (most,),
    )


def set_password(
    tx: Transaction,
    operator_no: str,
    password_hash: str,
    *,
    must_change: bool = False,
    reason: str = "a new password",
    actor: Actor = STATION,
) -> None:
    """Store a new password's hash; one that must be changed is good for that alone."""
    change(
        tx,
        operator_no,
        reason=reason,
        actor=actor,
        password_hash=password_hash,
        must_change=int(must_change),
    )


def renew_hash(
    tx: Transaction, operator_no: str, password_hash: str, actor: Actor
) -> None:
    """Store another hash of the same password; all else stays as it is."""
    why = "a stronger hash of the same password"
    change(tx, operator_no, reason=why, actor=actor, password_hash=password_hash)


def add_session(tx: Transaction, session: SessionRow) -> None:
    """Record a login."""
    actor = Actor(session.operator_no, session.terminal)
    registers.add(tx, "session", asdict(session), actor=actor)


def find_session(connection: Connection, token_hash: bytes) -> SessionRow | None:
    """Return the session of a token's hash."""
    found = rows(connection, "SELECT * FROM session WHERE token_hash=?", (token_hash,))
    row = next(found, None)
    return None if row is None else SessionRow(**row)


def touch_session(tx: Transaction, token_hash: bytes) -> None:
    """Store that a session's operator did something just now."""
    tx.connection.execute(
        "UPDATE session SET active_mono_ms=? WHERE token_hash=? AND boot_id=?",
        (tx.now.mono_ms, token_hash, tx.now.boot_id),
    )


def set_session_state(tx: Transaction, token_hash: bytes, state: str) -> None:
    """Lock, unlock or end a session."""
    registers.change(tx, "session", {"token_hash": token_hash}, {"state": state})


def end_sessions(
    tx: Transaction,
    operator_no: str,
    *,
    reason: str,
    actor: Actor = STATION,
    keep: bytes = b"",
) -> None:
    """End an operator's sessions everywhere, except the one to `keep`.

    Those of an earlier boot, or past their end, are over already.
    """
    found = tx.connection.execute(
        "SELECT token_hash FROM session WHERE operator_no=? AND state<>'ended'"
        " AND boot_id=? AND ends_mono_ms>? AND token_hash<>?",
        (operator_no, tx.now.boot_id, tx.now.mono_ms, keep),
    ).fetchall()
    for (token_hash,) in found:
        key, values = {"token_hash": token_hash}, {"state": "ended"}
        registers.change(tx, "session", key, values, reason=reason, actor=actor)


def end_sessions_soon(
    tx: Transaction, operator_no: str, terminal: str, in_ms: int, *, actor: Actor
) -> None:
    """End an operator's sessions: those at a terminal in a while, others now."""
    until = tx.now.mono_ms + in_ms
    found = tx.connection.execute(
        "SELECT token_hash, terminal, ends_mono_ms FROM session WHERE operator_no=?"
        " AND state<>'ended' AND boot_id=? AND ends_mono_ms>?",
        (operator_no, tx.now.boot_id, tx.now.mono_ms),
    ).fetchall()
    for token_hash, at, ends_mono_ms in found:
        values: dict[str, str | int] = {"state": "ended"}
        if at == terminal:
            values = {"ends_mono_ms": min(ends_mono_ms, until)}
        key, why = {"token_hash": token_hash}, "shift handed over"
        registers.change(tx, "session", key, values, reason=why, actor=actor)
