"""Which card replaced which, and up to when each nozzle has delivered its records."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from cngstation.storage import registers
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

MADE, UNDONE = "made", "undone"


@dataclass(frozen=True, slots=True)
class Replacement:
    """A replacement; `proof` says how its balance was known, `missing` what was not."""

    intent_id: str
    old_card_key: str
    new_card_key: str
    state: str
    proof: str
    missing: str


def add(tx: Transaction, replacement: Replacement, actor: Actor) -> None:
    """Record a replacement; a card that has one already is refused by the table."""
    registers.add(tx, "card_replacement", asdict(replacement), actor=actor)


def undo(tx: Transaction, intent_id: str, actor: Actor) -> None:
    """Record that a replacement was not made; its old card may be replaced again."""
    key = {"intent_id": intent_id}
    registers.change(
        tx, "card_replacement", key, {"state": UNDONE}, reason="undone", actor=actor
    )


def of_old_card(connection: Connection, card_key: str) -> Replacement | None:
    """Return how a card was replaced, if it was."""
    found = rows(
        connection,
        "SELECT * FROM card_replacement WHERE old_card_key=? AND state='made'",
        (card_key,),
    )
    row = next(found, None)
    return None if row is None else Replacement(**row)


def of_new_card(connection: Connection, card_key: str) -> Replacement | None:
    """Return which replacement made a card, if one did."""
    found = rows(
        connection,
        "SELECT * FROM card_replacement WHERE new_card_key=? AND state='made'",
        (card_key,),
    )
    row = next(found, None)
    return None if row is None else Replacement(**row)


def delivered(tx: Transaction, nozzles: Iterable[NozzleKey], at_ms: int) -> None:
    """Record that nozzles have no record left that they had at this moment."""
    tx.connection.executemany(
        "INSERT INTO delivery_mark VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET"
        " delivered_at_ms=max(delivered_at_ms, excluded.delivered_at_ms)",
        [(n.station_no, n.dispenser_no, n.nozzle_no, at_ms) for n in nozzles],
    )


def not_delivered(
    connection: Connection, nozzles: Iterable[NozzleKey], since_ms: int
) -> list[NozzleKey]:
    """Return the nozzles that may still have records of before a moment."""
    marks = {
        NozzleKey(station_no, dispenser_no, nozzle_no): at_ms
        for station_no, dispenser_no, nozzle_no, at_ms in connection.execute(
            "SELECT station_no, dispenser_no, nozzle_no, delivered_at_ms"
            " FROM delivery_mark"
        )
    }
    return [nozzle for nozzle in nozzles if marks.get(nozzle, 0) < since_ms]
