"""The first fact of an epoch: it holds the head of the books before, so all of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cngstation.storage import chain
from cngstation.storage.chain import Tip, canonical
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection

TABLE = "epoch_start"
ENTRY_ID = "epoch.carried"


@dataclass(frozen=True, slots=True)
class EpochStart:
    """Where the books before ended; `carried` is what accounts had (1/10 000 yuan)."""

    previous_epoch: int
    previous_seq: int
    previous_head: str
    archive: str
    archive_sha256: str
    open_rows: int
    carried: Mapping[str, int]
    reason: str
    operator_no: str
    second_no: str
    terminal: str


def begin(tx: Transaction, start: EpochStart, card_serial: int) -> None:
    """Begin an epoch in empty books; card numbers go on from a serial."""
    tip = tx.tip
    tx.tip = Tip(
        start.previous_epoch + 1, tip.seq, tip.head, tip.outbox_seq, tip.receipt_no,
        card_serial,
    )  # fmt: skip
    row = {**asdict(start), "carried": canonical(start.carried)}
    prove_row(tx, TABLE, str(start.previous_epoch + 1), row)


def find(connection: Connection) -> EpochStart | None:
    """Return how the epoch began; None for a station's first one."""
    starts = every(connection)
    return None if not starts else _start(starts[0])


def every(connection: Connection) -> list[dict[str, Any]]:
    """Return the rows; the first one is how this epoch began."""
    if not has_table(connection, TABLE):
        return []
    return list(rows(connection, f"SELECT * FROM {TABLE} ORDER BY seq"))  # noqa: S608


def epoch_of(connection: Connection) -> int:
    """Return the epoch of the books."""
    return chain.read_tip(connection).epoch


def _start(row: Mapping[str, Any]) -> EpochStart:
    names = EpochStart.__dataclass_fields__
    values = {name: row[name] for name in names}
    return EpochStart(**{**values, "carried": json.loads(row["carried"])})
