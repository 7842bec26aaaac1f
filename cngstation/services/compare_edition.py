"""Compares the edition of the certificate with how the station runs.

Head office sells the single edition (单站), which keeps to itself, and the networked
one (联网版), which sends its records. A station that runs as the other opens a row;
nothing stops for it. What else head office calls an edition is shown, no more.
"""

from cngstation.config import StationConfig
from cngstation.domain.enrolment import Certificate
from cngstation.storage import audit, enrolments, findings
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection

EDITIONS = frozenset({"single", "networked"})
DIFFERS = "edition_differs"
_ACT, _SUBJECT = "enrolment.edition", "station"
_FITS = "edition and configuration agree"


def fits(edition: str, runs: str) -> bool:
    """Tell whether a station may run so; an unknown edition forbids nothing."""
    return edition not in EDITIONS or edition == runs


async def compare_edition(database: Database, config: StationConfig) -> None:
    """Open or close the row about the edition, at a program's start."""
    runs = config.station.network

    def is_told(connection: Connection) -> bool:
        paper = enrolments.last_paper(connection)
        open_ = findings.open_findings(connection, _SUBJECT)
        is_open = any(row.kind == DIFFERS for row in open_)
        if paper is None:
            return not is_open
        return is_open != fits(Certificate.read(paper).edition, runs)

    def unit(tx: Transaction) -> None:
        paper = enrolments.last_paper(tx.connection)
        tell_edition(tx, Certificate.read(paper).edition if paper else "", runs)

    if not await database.read(is_told):
        await database.write(unit)


def tell_edition(tx: Transaction, edition: str, runs: str) -> None:
    """Open or close the row about an edition."""
    if not fits(edition, runs):
        facts = {"edition": edition, "runs": runs}
        if findings.open_once(tx, DIFFERS, _SUBJECT, facts) is not None:
            audit.record(tx, audit.STATION, _ACT, _SUBJECT, before=runs, after=edition)
        return
    for row in findings.open_findings(tx.connection, _SUBJECT):
        if row.kind == DIFFERS:
            findings.close_finding(tx, row.seq, _FITS, "")
