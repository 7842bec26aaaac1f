"""Receipts: gapless numbers, one original at most, every further print a copy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cngstation.storage.chain import canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import insert
from cngstation.storage.sqlite import Connection


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


def ask_for_print(tx: Transaction, receipt_no: int) -> None:
    """Want one more print of a receipt."""
    tx.connection.execute(
        "UPDATE receipt SET wanted=wanted+1 WHERE receipt_no=?", (receipt_no,)
    )


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


def oldest_wanted(connection: Connection) -> Receipt | None:
    """Return the receipt that waits longest for paper."""
    return _one(connection, "wanted > ? ORDER BY receipt_no LIMIT 1", 0)


def _one(connection: Connection, where: str, value: str | int) -> Receipt | None:
    row = connection.execute(
        "SELECT receipt_no, entry_id, kind, content, originals, copies, wanted, outcome"  # noqa: S608
        f" FROM receipt WHERE {where}",
        (value,),
    ).fetchone()
    if row is None:
        return None
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
