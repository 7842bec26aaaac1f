"""The last try with each nozzle: what it was sent, took, or did not take, and why."""

from typing import NamedTuple

from cngstation.hygiene import clean
from cngstation.storage.database import Transaction
from cngstation.storage.downloads import Published
from cngstation.storage.facts import prove_row
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

SENT, TAKEN, REFUSED = "sent", "taken", "refused"
_LONGEST_WHY = 40


class Try(NamedTuple):
    """What became of a version at a nozzle, and when; `why` it was refused."""

    seq: int
    result: str
    version: int
    at_ms: int
    why: str = ""


def note_refused(
    tx: Transaction, nozzle: NozzleKey, published: Published, why: str
) -> None:
    """Record that a nozzle does not take a version, unless that was its last word."""
    said = clean(why, limit=_LONGEST_WHY)
    known = tx.connection.execute(
        "SELECT published_seq, why FROM version_refused WHERE station_no=?"
        " AND dispenser_no=? AND nozzle_no=? AND kind=? ORDER BY seq DESC LIMIT 1",
        (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no, published.kind),
    ).fetchone()
    if known == (published.seq, said):
        return
    row = {
        "station_no": nozzle.station_no,
        "dispenser_no": nozzle.dispenser_no,
        "nozzle_no": nozzle.nozzle_no,
        "kind": published.kind,
        "version": published.version,
        "published_seq": published.seq,
        "why": said,
    }
    prove_row(tx, "version_refused", f"nozzle {nozzle.nozzle_no}", row)


def last_tries(connection: Connection, nozzle: NozzleKey) -> dict[str, Try]:
    """Return the last try of each kind with a nozzle."""
    found: dict[str, Try] = {}
    for result, table, why in (
        (SENT, "version_sent", "''"),
        (TAKEN, "nozzle_version", "''"),
        (REFUSED, "version_refused", "why"),
    ):
        rows = connection.execute(
            f"SELECT kind, max(seq), version, at_ms, {why} FROM {table}"  # noqa: S608 - ours
            " WHERE station_no=? AND dispenser_no=? AND nozzle_no=? GROUP BY kind",
            (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no),
        )
        for kind, seq, version, at_ms, said in rows:
            if kind not in found or found[kind].seq < seq:
                found[kind] = Try(seq, result, version, at_ms, said)
    return found
