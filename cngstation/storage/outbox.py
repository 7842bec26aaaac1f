"""What waits for head office: rows are sent in the order of the chain, without gaps."""

from dataclasses import dataclass

from cngstation.storage import chain
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait, and the place of the oldest one in the chain."""

    count: int
    chain_seq: int | None = None


def waiting(connection: Connection) -> Waiting:
    """Return what waits, by the first row that was not sent and the tip's counter."""
    first = connection.execute(
        "SELECT seq, chain_seq FROM outbox WHERE sent_at_ms IS NULL"
        " ORDER BY seq LIMIT 1"
    ).fetchone()
    if first is None:
        return Waiting(0)
    seq, chain_seq = first
    return Waiting(chain.read_tip(connection).outbox_seq - seq + 1, chain_seq)
