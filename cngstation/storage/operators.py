"""Operators and their sessions."""

from dataclasses import asdict, dataclass
from typing import Any

from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may log in; wrong tries count on the monotonic clock of a boot."""

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


def set_tries(
    tx: Transaction, operator_no: str, tries: int, blocked_until_mono_ms: int
) -> None:
    """Store the count of wrong passwords and until when the next try must wait."""
    tx.connection.execute(
        "UPDATE operator SET wrong_tries=?, blocked_until_mono_ms=?, blocked_boot_id=?"
        " WHERE operator_no=?",
        (tries, blocked_until_mono_ms, tx.now.boot_id, operator_no),
    )


def set_password(tx: Transaction, operator_no: str, password_hash: str) -> None:
    """Store a new password's hash."""
    change(
        tx,
        operator_no,
        reason="a new password",
        password_hash=password_hash,
        must_change=0,
    )


def add_session(tx: Transaction, session: SessionRow) -> None:
    """Record a login."""
    actor = Actor(session.operator_no, session.terminal)
    registers.add(tx, "session", asdict(session), actor=actor)


def find_session(connection: Connection, token_hash: bytes) -> SessionRow | None:
    """Return the session of a token's hash."""
    found = rows(connection, "SELECT * FROM session WHERE token_hash=?", (token_hash,))
    row = next(found, None)
    return None if row is None else SessionRow(**row)


def set_session_state(tx: Transaction, token_hash: bytes, state: str) -> None:
    """Lock, unlock or end a session."""
    registers.change(tx, "session", {"token_hash": token_hash}, {"state": state})
