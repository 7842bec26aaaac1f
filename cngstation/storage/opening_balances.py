"""Balances of an old system's cards, and what each card said at its first tap."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection

CONFIRMED, CONTESTED, ACCEPTED = "confirmed", "contested", "accepted"


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """What a sheet's row says that a card holds; `uid` may be unknown (empty)."""

    card_key: str
    uid: str
    unit: str
    balance_purse: int
    source: str
    source_row: int
    operator_no: str
    terminal: str


@dataclass(frozen=True, slots=True)
class OpeningVerdict:
    """What was found at a card's first tap, or decided after it."""

    card_key: str
    verdict: str
    why: str
    uid: str
    book_purse: int
    card_purse: int
    wseq: int
    operator_no: str
    terminal: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A balance with its newest verdict, None while its card waits to be tapped."""

    balance: OpeningBalance
    verdict: OpeningVerdict | None


def add(tx: Transaction, balance: OpeningBalance) -> int:
    """Record a balance; return its place in the chain."""
    return prove_row(tx, "opening_balance", balance.card_key, asdict(balance))


def judge(tx: Transaction, verdict: OpeningVerdict) -> int:
    """Record a verdict; return its place in the chain."""
    return prove_row(tx, "opening_verdict", verdict.card_key, asdict(verdict))


def find(connection: Connection, card_key: str) -> Opening | None:
    """Return the opening balance of a card, if it came from an old system."""
    found = rows(
        connection, "SELECT * FROM opening_balance WHERE card_key=?", (card_key,)
    )
    row = next(found, None)
    return None if row is None else _opening(connection, row)


def every(connection: Connection) -> Iterator[Opening]:
    """Yield all opening balances in the order of their import."""
    found = list(rows(connection, "SELECT * FROM opening_balance ORDER BY seq"))
    return (_opening(connection, row) for row in found)


def _opening(connection: Connection, row: Mapping[str, Any]) -> Opening:
    balance = OpeningBalance(
        **{name: row[name] for name in OpeningBalance.__dataclass_fields__}
    )
    found = rows(
        connection,
        "SELECT * FROM opening_verdict WHERE card_key=? ORDER BY seq DESC LIMIT 1",
        (balance.card_key,),
    )
    newest = next(found, None)
    if newest is None:
        return Opening(balance, None)
    names = OpeningVerdict.__dataclass_fields__
    return Opening(balance, OpeningVerdict(**{name: newest[name] for name in names}))
