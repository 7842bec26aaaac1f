"""The intents: every act on a card is here before the card is touched.

PREPARED  the money is accepted and the card may be written
INDOUBT   the program ended or the card left before the write was confirmed
DONE, VOID, SCRAP  settled; nothing more happens to the card for it
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from cngstation.domain.evidence import Before
from cngstation.domain.tenders import Payment
from cngstation.storage.database import Transaction
from cngstation.storage.facts import insert, prove_row, rows
from cngstation.storage.sqlite import Connection


class IntentState(StrEnum):
    """Where an act on a card stands."""

    PREPARED = "PREPARED"
    INDOUBT = "INDOUBT"
    DONE = "DONE"
    VOID = "VOID"
    SCRAP = "SCRAP"


# In a plan: the total that a card without counters had consumed when the act began.
CONSUMED = "before_consumed"
OPEN_STATES = (IntentState.PREPARED, IntentState.INDOUBT)


@dataclass(frozen=True, slots=True)
class Intent:
    """An act on a card: amount in the card's book unit, balances as purse figures.

    `plan` is what else the act needs to be finished later, as JSON.
    """

    intent_id: str
    kind: str
    card_key: str
    uid: str
    state: IntentState
    amount: int
    unit: str
    cash_e4: int
    fee_e4: int
    bonus: int
    price_e4: int
    before_balance: int
    before_wseq: int
    before_pseq: int
    before_grey: str
    after_balance: int
    operator_no: str
    terminal: str
    till: str
    plan: str
    attempts: int = 0

    @property
    def before(self) -> Before:
        """The card as this act found it."""
        return Before(
            self.uid,
            self.before_balance,
            self.before_wseq,
            self.before_pseq,
            self.before_grey,
            json.loads(self.plan).get(CONSUMED) if self.plan else None,
        )

    @property
    def payment(self) -> Payment:
        """How this act was paid; what is given back goes the same way."""
        return Payment.of_plan(json.loads(self.plan))


COLUMNS = tuple(field.name for field in fields(Intent))


def hold(tx: Transaction, intent: Intent) -> None:
    """Record a new act; at most one act of a card is open at a time."""
    row = _row(intent)
    insert(tx.connection, "intent", {**row, "changed_seq": tx.tip.seq})
    _change(tx, intent, "")


def change(tx: Transaction, intent: Intent, reason: str, **values: Any) -> Intent:
    """Record that an act went on; return it as it now is."""
    changed = replace(intent, **values)
    names = ", ".join(f"{name}=?" for name in values)
    tx.connection.execute(
        f"UPDATE intent SET {names} WHERE intent_id=?",  # noqa: S608 - our names
        (*values.values(), intent.intent_id),
    )
    _change(tx, changed, reason)
    return changed


def find(connection: Connection, intent_id: str) -> Intent | None:
    """Return an act by its id."""
    return _one(connection, "intent_id=?", intent_id)


def open_for_card(connection: Connection, card_key: str) -> Intent | None:
    """Return the open act of a card, if it has one."""
    return _one(connection, "card_key=? AND state IN ('PREPARED','INDOUBT')", card_key)


def open_for_uid(connection: Connection, uid: str) -> Intent | None:
    """Return the open act that was begun with a chip, if there is one."""
    return _one(connection, "uid=? AND state IN ('PREPARED','INDOUBT')", uid)


def last_done(
    connection: Connection, card_key: str, kind: str, grey: str, pseq: int
) -> Intent | None:
    """Return a card's newest finished act of a kind that found it grey like this."""
    found = rows(
        connection,
        "SELECT * FROM intent WHERE card_key=? AND kind=? AND state='DONE'"
        " AND before_grey LIKE ? AND before_pseq=? ORDER BY changed_seq DESC LIMIT 1",
        (card_key, kind, grey, pseq),
    )
    row = next(found, None)
    return None if row is None else _intent(row)


def was_never_written(connection: Connection, card_key: str) -> bool:
    """Tell whether the act that was to make a card was given up."""
    return (
        _one(
            connection,
            "kind IN ('issue', 'replace') AND state='SCRAP' AND card_key=?",
            card_key,
        )
        is not None
    )


def open_intents(connection: Connection) -> list[Intent]:
    """Return every open act, oldest first."""
    found = rows(
        connection,
        "SELECT * FROM intent WHERE state IN ('PREPARED','INDOUBT') ORDER BY intent_id",
    )
    return [_intent(row) for row in found]


def _one(connection: Connection, where: str, value: str) -> Intent | None:
    found = rows(connection, f"SELECT * FROM intent WHERE {where}", (value,))  # noqa: S608
    row = next(found, None)
    return None if row is None else _intent(row)


def _intent(row: Mapping[str, Any]) -> Intent:
    values = {name: row[name] for name in COLUMNS}
    return Intent(**{**values, "state": IntentState(values["state"])})


def _row(intent: Intent) -> dict[str, Any]:
    return {name: getattr(intent, name) for name in COLUMNS}


def _change(tx: Transaction, intent: Intent, reason: str) -> None:
    # All of the act is proved: finishing it later books what its row says.
    row = {**_row(intent), "reason": reason}
    seq = prove_row(tx, "intent_change", intent.intent_id, row)
    tx.connection.execute(
        "UPDATE intent SET changed_seq=? WHERE intent_id=?", (seq, intent.intent_id)
    )
