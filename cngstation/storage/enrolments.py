"""Requests to head office and accepted certificates; the newest of each counts."""

from dataclasses import dataclass

from cngstation.domain.enrolment import Certificate
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Requested:
    """A request as it was made: its bytes, its key, the code to read out."""

    paper: bytes
    station_key: bytes
    call_code: str


def add_request(tx: Transaction, request: Requested, actor: Actor) -> None:
    """Record a request."""
    row = {
        "paper": request.paper.hex(),
        "station_key": request.station_key.hex(),
        "call_code": request.call_code,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    prove_row(tx, "enrolment_request", request.call_code, row)


def add(tx: Transaction, certificate: Certificate, paper: bytes, actor: Actor) -> None:
    """Record a certificate that was accepted."""
    row = {
        "paper": paper.hex(),
        "serial": certificate.serial,
        "edition": certificate.edition,
        "from_ms": certificate.from_ms,
        "until_ms": certificate.until_ms,
        "station_key": certificate.station_key.hex(),
        "office_key": certificate.office_key.hex(),
        "url": certificate.url,
        "pin": certificate.pin.hex(),
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    prove_row(tx, "enrolment", str(certificate.serial), row)


def last_request(connection: Connection) -> Requested | None:
    """Return the newest request."""
    sql = "SELECT * FROM enrolment_request ORDER BY seq DESC LIMIT 1"
    row = next(rows(connection, sql), None)
    if row is None:
        return None
    return Requested(
        bytes.fromhex(row["paper"]),
        bytes.fromhex(row["station_key"]),
        row["call_code"],
    )


def last_paper(connection: Connection) -> bytes | None:
    """Return the newest certificate that was accepted."""
    row = connection.execute(
        "SELECT paper FROM enrolment ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return None if row is None else bytes.fromhex(row[0])
