"""Marks of cards: loss, blacklist, activation; each is a fact with its reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cngstation.domain.card_life import CardState
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class CardMark:
    """What was said of a card, by whom and why, and the states it lies between."""

    card_key: str
    mark: str
    state_before: CardState
    state_after: CardState
    reason: str
    takes_effect_at_ms: int
    operator_no: str
    second_operator_no: str
    terminal: str


_COLUMNS = tuple(CardMark.__dataclass_fields__)


def add(tx: Transaction, mark: CardMark) -> int:
    """Record a mark; return its place in the chain."""
    words = {
        "state_before": str(mark.state_before),
        "state_after": str(mark.state_after),
    }
    return prove_row(tx, "card_mark", mark.card_key, {**asdict(mark), **words})


def last(connection: Connection, card_key: str, mark: str) -> CardMark | None:
    """Return the newest mark of its kind that a card has."""
    found = rows(
        connection,
        "SELECT * FROM card_mark WHERE card_key=? AND mark=? ORDER BY seq DESC LIMIT 1",
        (card_key, mark),
    )
    row = next(found, None)
    return None if row is None else _mark(row)


def _mark(row: Mapping[str, Any]) -> CardMark:
    values = {name: row[name] for name in _COLUMNS}
    states = {name: CardState(row[name]) for name in ("state_before", "state_after")}
    return CardMark(**{**values, **states})
