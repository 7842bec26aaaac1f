"""The last try with each nozzle: what it was sent, took, or did not take, and why."""

from typing import NamedTuple

from cngstation.hygiene import clean
from cngstation.storage import downloads
from cngstation.storage.database import Transaction
from cngstation.storage.downloads import Published
from cngstation.storage.facts import prove_row
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

SENT, TAKEN, REFUSED = "sent", "taken", "refused"
_LONGEST_WHY = 40
_BLACKLIST = ("base", "added", "deleted")


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


def lacks_blacklist_since(connection: Connection, nozzle: NozzleKey) -> int | None:
    """Return when the first part of the blacklist that it lacks was published.

    None: it holds all that is published.
    """
    held = downloads.held(connection, nozzle)
    since: list[int] = []
    for kind in _BLACKLIST:
        newest = downloads.newest_list(connection, kind)
        version, _ = held.get(kind, (0, 0))
        if newest is None or newest.version == version:
            continue
        row = connection.execute(
            "SELECT min(at_ms) FROM card_list WHERE kind=?1 AND seq > coalesce("
            " (SELECT max(seq) FROM card_list WHERE kind=?1 AND version=?2), 0)",
            (kind, version),
        ).fetchone()
        since.append(row[0] if row[0] is not None else newest.at_ms)
    return min(since, default=None)


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
