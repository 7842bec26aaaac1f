"""Staff cards (员工卡): whose they are, how they prove it, and what became of them."""

from dataclasses import asdict, dataclass
from typing import Any

from cngstation.errors import Refusal
from cngstation.storage import registers
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection

ISSUING, ACTIVE = "issuing", "active"
ENDED = "ended"  # of a session
LOST, WITHDRAWN, BLOCKED = "lost", "withdrawn", "blocked"


class StaffCardEnded(Refusal):
    """The card may not be used any more."""

    code = "refusal.staff_card_ended"
    text = (
        "Staff card {card_no} is out of use ({state}). Nothing was done. Ask the "
        "administrator for another one."
    )


@dataclass(frozen=True, slots=True)
class StaffCardRow:
    """A staff card; the hashes are of tokens, empty on a card with a key."""

    card_no: str
    operator_no: str
    holder: str
    uid: str
    kind: str
    state: str
    token_hash: str
    pending_hash: str
    issued_at_ms: int


def add(tx: Transaction, card: StaffCardRow, *, actor: Actor) -> None:
    """Register a staff card."""
    registers.add(tx, "staff_card", asdict(card), actor=actor)


def change(
    tx: Transaction, card_no: str, *, reason: str, actor: Actor, **values: Any
) -> None:
    """Change a staff card's state or tokens; a fact says why and by whom."""
    key = {"card_no": card_no}
    registers.change(tx, "staff_card", key, values, reason=reason, actor=actor)


def find(connection: Connection, card_no: str) -> StaffCardRow | None:
    """Return a staff card by its number."""
    return _one(connection, "card_no=?", card_no)


def in_use_on(connection: Connection, uid: str) -> StaffCardRow | None:
    """Return the card that a chip is, or was until its issue was cut off."""
    where = f"uid=? AND state IN ('{ISSUING}', '{ACTIVE}', '{BLOCKED}', '{LOST}')"
    return _one(connection, where, uid)


def of_operator(connection: Connection, operator_no: str) -> StaffCardRow | None:
    """Return an operator's card that may be logged in with, or is blocked."""
    where = f"operator_no=? AND state IN ('{ACTIVE}', '{BLOCKED}')"
    return _one(connection, where, operator_no)


def out_of_use(connection: Connection, card_no: str) -> StaffCardEnded | None:
    """Say why no session begins with a card; "" is none."""
    card = find(connection, card_no) if card_no else None
    if card is None or card.state == ACTIVE:
        return None
    return StaffCardEnded(card_no=card_no, state=card.state)


def every(connection: Connection) -> list[StaffCardRow]:
    """Return all staff cards, newest first."""
    found = rows(connection, "SELECT * FROM staff_card ORDER BY card_no DESC")
    return [StaffCardRow(**row) for row in found]


def next_card_no(connection: Connection) -> str:
    """Return the next number; rows stay, so that none comes twice."""
    (last,) = connection.execute(
        "SELECT coalesce(max(CAST(card_no AS INTEGER)), 0) FROM staff_card"
    ).fetchone()
    return f"{last + 1:08d}"


def end_sessions(tx: Transaction, card_no: str) -> int:
    """End every session that was begun with a card; return how many."""
    found = tx.connection.execute(
        "SELECT token_hash FROM session WHERE staff_card_no=? AND state<>?",
        (card_no, ENDED),
    ).fetchall()
    for (token_hash,) in found:
        key = {"token_hash": token_hash}
        registers.change(tx, "session", key, {"state": ENDED})
    return len(found)


def _one(connection: Connection, where: str, value: str) -> StaffCardRow | None:
    sql = f"SELECT * FROM staff_card WHERE {where} ORDER BY card_no DESC LIMIT 1"  # noqa: S608 - our words
    return next((StaffCardRow(**row) for row in rows(connection, sql, (value,))), None)
