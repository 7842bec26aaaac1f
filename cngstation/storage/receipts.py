"""Receipts: gapless numbers, one original at most, every further print a copy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import insert
from cngstation.storage.sqlite import Connection

ANCHOR_EVERY = 100  # receipts: so many carry where the books stood
_HEAD_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt and how often it was printed; `wanted` prints are still due."""

    receipt_no: int
    entry_id: str
    kind: str
    content: Mapping[str, Any]
    originals: int
    copies: int
    wanted: int
    outcome: str


def make(
    tx: Transaction,
    entry_id: str,
    kind: str,
    content: Mapping[str, Any],
    *,
    wanted: int,
) -> int:
    """Record a receipt under the next number and ask for its prints."""
    number = tx.tip.receipt_no + 1
    if number % ANCHOR_EVERY == 0:
        content = {**anchor_of(tx), **content}
    tx.tip = replace(tx.tip, receipt_no=number)
    paper = {
        "receipt_no": number,
        "entry_id": entry_id,
        "kind": kind,
        "content": canonical(content),
    }
    prints = {"originals": 0, "copies": 0, "wanted": wanted, "outcome": ""}
    seq = tx.prove("receipt", str(number), paper)
    insert(tx.connection, "receipt", {"seq": seq, **paper, **prints})
    return number


def anchor_of(tx: Transaction) -> dict[str, int | str]:
    """Return where the books stand now, as paper says it."""
    return {"books_seq": tx.tip.seq, "books_head": tx.tip.head.hex()[:_HEAD_DIGITS]}


def ask_for_print(tx: Transaction, receipt_no: int) -> bool:
    """Want one more print of a receipt; False where one waits already.

    A printer that stands still would bring out every wish that was made meanwhile.
    """
    asked = tx.connection.execute(
        "UPDATE receipt SET wanted=1 WHERE receipt_no=? AND wanted=0", (receipt_no,)
    )
    return asked.rowcount == 1


def begin_print(tx: Transaction, receipt_no: int) -> Receipt | None:
    """Take one wanted print and count it before paper is touched.

    What is returned has the counts as they were: `originals` 0 means that the paper
    to be printed is the original.
    """
    receipt = find(tx.connection, receipt_no)
    if receipt is None or receipt.wanted == 0:
        return None
    column = "copies" if receipt.originals else "originals"
    tx.connection.execute(
        f"UPDATE receipt SET {column}={column}+1, wanted=wanted-1, outcome='printing'"  # noqa: S608
        " WHERE receipt_no=?",
        (receipt_no,),
    )
    return receipt


def end_print(tx: Transaction, receipt_no: int, outcome: str) -> None:
    """Record how a print ended."""
    tx.connection.execute(
        "UPDATE receipt SET outcome=? WHERE receipt_no=?", (outcome, receipt_no)
    )


def doubt_printing(tx: Transaction) -> None:
    """At start: of a print that was under way nobody knows whether it is on paper."""
    tx.connection.execute(
        "UPDATE receipt SET outcome='unknown' WHERE outcome='printing'"
    )


def give_back(tx: Transaction, receipt: Receipt) -> None:
    """Undo `begin_print` where it is certain that nothing reached the paper."""
    tx.connection.execute(
        "UPDATE receipt SET originals=?, copies=?, wanted=?, outcome='waiting'"
        " WHERE receipt_no=?",
        (receipt.originals, receipt.copies, receipt.wanted, receipt.receipt_no),
    )


def find(connection: Connection, receipt_no: int) -> Receipt | None:
    """Return a receipt by its number."""
    return _one(connection, "receipt_no=?", receipt_no)


def of_entry(connection: Connection, entry_id: str) -> Receipt | None:
    """Return the receipt of an entry."""
    return _one(connection, "entry_id=?", entry_id)


def newest(
    connection: Connection, limit: int, card_key: str = ""
) -> list[tuple[Receipt, str]]:
    """Return the receipts made last, newest first, each with the key of its card.

    With a card's key only those of its acts.
    """
    of_card = "WHERE i.card_key=?" if card_key else ""
    found = connection.execute(
        f"SELECT {_COLUMNS}, coalesce(i.card_key, '') FROM receipt r"  # noqa: S608
        " LEFT JOIN entry e ON e.entry_id = r.entry_id"
        f" LEFT JOIN intent i ON i.intent_id = e.intent_id {of_card}"
        " ORDER BY r.receipt_no DESC LIMIT ?",
        (*([card_key] if card_key else ()), limit),
    )
    return [(_receipt(row[:-1]), row[-1]) for row in found]


def oldest_wanted(connection: Connection) -> Receipt | None:
    """Return the receipt that waits longest for paper."""
    return _one(connection, "wanted > ? ORDER BY receipt_no LIMIT 1", 0)


def _one(connection: Connection, where: str, value: str | int) -> Receipt | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM receipt r WHERE {where}",  # noqa: S608 - our names
        (value,),
    ).fetchone()
    return None if row is None else _receipt(row)


_COLUMNS = (
    "r.receipt_no, r.entry_id, r.kind, r.content, r.originals, r.copies, r.wanted,"
    " r.outcome"
)


def _receipt(row: tuple[Any, ...]) -> Receipt:
    number, entry_id, kind, content, originals, copies, wanted, outcome = row
    return Receipt(
        receipt_no=number,
        entry_id=entry_id,
        kind=kind,
        content=json.loads(content),
        originals=originals,
        copies=copies,
        wanted=wanted,
        outcome=outcome,
    )
