"""Which second person is to lay a staff card on the reader, for which act of whom."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from cngstation.moments import Instant
from cngstation.storage import registers
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import Connection

ASKED, SHOWN, USED = "asked", "shown", "used"
_TABLE = "second_card"


@dataclass(frozen=True, slots=True)
class AskedCard:
    """A card that is asked for; `asked_no` 0 until it is kept."""

    asked_no: int
    act: str
    subject: str
    first_no: str
    second_no: str
    terminal: str
    state: str
    staff_card_no: str
    boot_id: str
    until_mono_ms: int


def ask(tx: Transaction, asked: AskedCard, *, actor: Actor) -> None:
    """Ask for a card, in place of whatever that person was asked there before."""
    (last,) = tx.connection.execute(
        "SELECT coalesce(max(asked_no), 0) FROM second_card"
    ).fetchone()
    registers.add(tx, _TABLE, asdict(replace(asked, asked_no=last + 1)), actor=actor)


def change(tx: Transaction, asked_no: int, *, actor: Actor, **values: Any) -> None:
    """Say that a card was shown, or used up."""
    registers.change(tx, _TABLE, {"asked_no": asked_no}, values, actor=actor)


def standing(
    connection: Connection, first_no: str, terminal: str, now: Instant
) -> AskedCard | None:
    """Return what a person was asked last at a terminal, while it is good."""
    found = rows(
        connection,
        "SELECT * FROM second_card WHERE first_no=? AND terminal=?"
        " ORDER BY asked_no DESC LIMIT 1",
        (first_no, terminal),
    )
    asked = next((AskedCard(**row) for row in found), None)
    if asked is None or asked.state == USED or asked.boot_id != now.boot_id:
        return None
    return asked if now.mono_ms < asked.until_mono_ms else None
