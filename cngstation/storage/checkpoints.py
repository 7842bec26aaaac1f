"""Where the chain stood: facts of their own, queued for head office like any other."""

import hashlib
from dataclasses import dataclass

from cngstation.storage import chain
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place of the chain and its head as hex; the readings of the clock with it."""

    seq: int
    epoch: int
    of_seq: int
    of_head: str
    at_ms: int
    mono_ms: int
    boot_id: str


def add(tx: Transaction, station_no: str, cause: str, signature: str) -> Checkpoint:
    """Say where the chain stands, before this fact itself."""
    of_seq, of_head, epoch = tx.tip.seq, tx.tip.head.hex(), tx.tip.epoch
    row = {
        "station_no": station_no,
        "of_seq": of_seq,
        "of_head": of_head,
        "cause": cause,
        "signature": signature,
    }
    seq = prove_row(tx, "checkpoint", str(of_seq), row)
    now = tx.now
    return Checkpoint(
        seq, epoch, of_seq, of_head, now.wall_ms, now.mono_ms, now.boot_id
    )


def newest(connection: Connection) -> Checkpoint | None:
    """Return the checkpoint that was made last."""
    row = connection.execute(
        "SELECT p.seq, c.epoch, p.of_seq, p.of_head, p.at_ms, p.mono_ms, p.boot_id"
        " FROM checkpoint p JOIN chain c USING (seq) ORDER BY p.seq DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Checkpoint(*row)


def shift_ended_since(connection: Connection, seq: int) -> bool:
    """Tell whether a shift was handed over, or closed by force, after a row."""
    row = connection.execute(
        "SELECT 1 FROM shift_step WHERE seq > ? AND step = 'ended' LIMIT 1", (seq,)
    ).fetchone()
    return row is not None


def head_at(connection: Connection, seq: int) -> str | None:
    """Return the head that is kept at a place, as hex; None where there is no row."""
    row = connection.execute("SELECT head FROM chain WHERE seq=?", (seq,)).fetchone()
    return None if row is None else row[0].hex()


def linked_to(connection: Connection, seq: int) -> str:
    """Link all bodies from the first to a place; return the head that comes out."""
    head = bytes(32)
    for (text,) in connection.execute(
        "SELECT CAST(body AS BLOB) FROM chain WHERE seq <= ? ORDER BY seq", (seq,)
    ):
        head = hashlib.sha256(b"\0" + head + text).digest()
    return head.hex()


def ends(connection: Connection) -> tuple[int, int]:
    """Return the epoch of the chain and its last place."""
    tip = chain.read_tip(connection)
    return tip.epoch, tip.seq
