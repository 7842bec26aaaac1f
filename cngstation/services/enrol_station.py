"""Enrols the station with head office: asks, and takes the answer if it is for us.

Head office's key is the one pinned in the configuration, else that of the certificate
accepted before; the first one is trusted when a person has compared its fingerprint,
and takes two people, as a new key of the station does.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.domain.enrolment import (
    Certificate,
    Request,
    call_code,
    fingerprint,
    public_bytes,
)
from cngstation.domain.typed_code import code_text, read_code
from cngstation.errors import Refusal
from cngstation.moments import time_text
from cngstation.services.approve import Approved, Wish
from cngstation.services.compare_edition import tell_edition
from cngstation.services.enrol_by_two import KEY, TRUST, stand_behind
from cngstation.storage import audit, enrolments, findings
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.enrolments import Requested
from cngstation.storage.sqlite import Connection

MS_PER_DAY = 86_400_000
WARNED_DAYS = 30
# A clock of head office may be a little ahead of ours.
CLOCK_SLACK_MS = 10 * 60_000
EXPIRES = "enrolment_expires"
EXPIRED = "enrolment_expired"


class NothingRequested(Refusal):
    """There is no key that a certificate could be for."""

    code = "refusal.enrolment_no_request"
    text = (
        "This station has made no request yet. Nothing was changed. Make one first: "
        "cngstation enrol request."
    )


class OtherStation(Refusal):
    """The certificate is for another station."""

    code = "refusal.enrolment_other_station"
    text = (
        "This certificate is for station {station_no}, area {area_no}. Nothing was "
        "changed. Ask head office for the one of this station."
    )


class OtherKey(Refusal):
    """The certificate is for a key that this station has not."""

    code = "refusal.enrolment_other_key"
    text = (
        "This certificate was made for another request of this station. Nothing was "
        "changed. Send head office the newest request, {call_code}."
    )


class NotValidNow(Refusal):
    """The certificate's time is not now."""

    code = "refusal.enrolment_time"
    text = (
        "This certificate is good from {begins} to {ends} only. Nothing was changed. "
        "Check the clock of this machine, or ask for a new one."
    )


class RolledBack(Refusal):
    """The certificate is older than the one in force."""

    code = "refusal.enrolment_older"
    text = (
        "This certificate (number {serial}) is not newer than the one in force "
        "(number {newest}). Nothing was changed."
    )


class OtherOffice(Refusal):
    """The certificate was signed by somebody else than our head office."""

    code = "refusal.enrolment_other_office"
    text = (
        "This certificate was signed with another key ({shown}) than head office's "
        "({known}). Nothing was changed. Call head office on the number you know."
    )


class OfficeNotConfirmed(Refusal):
    """Nobody has yet compared the fingerprint of head office's key."""

    code = "refusal.enrolment_office_unknown"
    text = (
        "Head office's key is not known here yet. Its fingerprint is {shown}. Compare "
        "it over the phone and give it with the certificate. Nothing was changed."
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this station is, and whose certificates it takes (empty: not pinned).

    `network` is how it runs, single or networked; empty where nobody asks.
    """

    station_no: str
    area_no: str
    office_key: bytes = b""
    network: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How the station stands with head office."""

    request: Requested | None
    certificate: Certificate | None

    def days_left(self, now_ms: int) -> int | None:
        """Count the days for which the certificate is still good."""
        if self.certificate is None:
            return None
        return (self.certificate.until_ms - now_ms) // MS_PER_DAY


def request_text(request: Requested) -> str:
    """Return a request as it is sent, shown and typed."""
    read = Request.read(request.paper)
    return code_text(
        request.paper,
        (
            "cngstation enrolment request",
            f"station {read.station_no}, area {read.area_no},"
            f" {time_text(read.made_at_ms)}",
            f"to read over the phone: {request.call_code}",
        ),
    )


def certificate_text(paper: bytes) -> str:
    """Return a certificate as it is sent, shown and typed."""
    read = Certificate.read(paper)
    return code_text(
        paper,
        (
            f"cngstation enrolment certificate, number {read.serial}",
            f"station {read.station_no}, area {read.area_no}, {read.edition},"
            f" until {time_text(read.until_ms)}",
            f"head office's key: {fingerprint(read.office_key)}",
        ),
    )


def key_wish(connection: Connection, station_key: bytes) -> Wish | None:
    """Return what two people agree on; None for the key that was asked for before."""
    before = enrolments.last_request(connection)
    if before is not None and before.station_key == station_key:
        return None
    return Wish(KEY, fingerprint(station_key))


def trust_wish(
    connection: Connection, who: Identity, certificate: Certificate, compared: str
) -> Wish | None:
    """Return what two people agree on; None for an office that is known.

    Raises:
        OtherOffice, OfficeNotConfirmed: it is not to be trusted at all.
    """
    known = _require_office(certificate, who, standing(connection), compared)
    return None if known else Wish(TRUST, fingerprint(certificate.office_key))


async def make_request(
    database: Database,
    key: Ed25519PrivateKey,
    who: Identity,
    actor: Actor,
    approved: Approved | None = None,
) -> Requested:
    """Record and return a request signed by the station's own key.

    Raises:
        SecondPersonMissing: the key is another one than before.
    """

    def unit(tx: Transaction) -> Requested:
        wish = key_wish(tx.connection, public_bytes(key))
        if wish is not None:
            last = enrolments.last_request(tx.connection)
            before = fingerprint(last.station_key) if last else ""
            stand_behind(tx, wish, approved, actor, before=before, after=wish.subject)
        asked = Request(who.station_no, who.area_no, tx.now.wall_ms, public_bytes(key))
        paper = asked.signed(key)
        request = Requested(paper, asked.station_key, call_code(paper))
        enrolments.add_request(tx, request, actor)
        audit.record(tx, actor, "enrolment.request", request.call_code)
        return request

    return await database.write(unit)


async def accept(
    database: Database,
    text: str,
    who: Identity,
    actor: Actor,
    *,
    compared: str = "",
    approved: Approved | None = None,
) -> Certificate:
    """Take a certificate into force; `compared` is the fingerprint as a person gave it.

    Raises:
        CodeMistyped, CodeIncomplete, CodeTooLong: it was not typed right.
        NotThisPaper, SignatureWrong, OtherOffice, OfficeNotConfirmed, NothingRequested,
        OtherStation, OtherKey, NotValidNow, RolledBack: it is not for us, or not now.
        SecondPersonMissing: nobody stands behind the first trust in head office's key.
    """
    paper = read_code(text)
    certificate = Certificate.read(paper)

    def unit(tx: Transaction) -> None:
        now = standing(tx.connection)
        wish = trust_wish(tx.connection, who, certificate, compared)
        _require_ours(certificate, who, now, tx.now.wall_ms)
        before = now.certificate
        if wish is not None:
            stand_behind(tx, wish, approved, actor, after=wish.subject)
        enrolments.add(tx, certificate, paper, actor)
        audit.record(
            tx, actor, "enrolment.accept", str(certificate.serial),
            before=str(before.serial) if before else "",
            after=f"{certificate.edition} {time_text(certificate.until_ms)}",
        )  # fmt: skip
        _close_warnings(tx, actor.operator_no, "a new certificate")
        if who.network:
            tell_edition(tx, certificate.edition, who.network)

    await database.write(unit)
    return certificate


def standing(connection: Connection) -> Enrolled:
    """Return how the station stands."""
    paper = enrolments.last_paper(connection)
    return Enrolled(
        enrolments.last_request(connection),
        None if paper is None else Certificate.read(paper),
    )


def warn(tx: Transaction) -> None:
    """Open a row when the certificate ends soon or has ended; selling goes on."""
    certificate = standing(tx.connection).certificate
    if certificate is None:
        return
    left_ms = certificate.until_ms - tx.now.wall_ms
    if left_ms >= WARNED_DAYS * MS_PER_DAY:
        return
    kind = EXPIRES if left_ms > 0 else EXPIRED
    if kind == EXPIRED:
        _close_warnings(tx, "", "it has ended")
    facts = {"until": time_text(certificate.until_ms)}
    findings.open_once(tx, kind, str(certificate.serial), facts)


def warning_due(connection: Connection, now_ms: int) -> bool:
    """Tell whether a row should be open that is not."""
    certificate = standing(connection).certificate
    if certificate is None:
        return False
    left_ms = certificate.until_ms - now_ms
    kind = EXPIRES if left_ms > 0 else EXPIRED
    there = findings.open_findings(connection, str(certificate.serial))
    return left_ms < WARNED_DAYS * MS_PER_DAY and all(f.kind != kind for f in there)


def _require_office(
    certificate: Certificate, who: Identity, now: Enrolled, compared: str
) -> bool:
    """Return whether head office's key is known.

    Raises:
        OtherOffice, OfficeNotConfirmed: it is another one, or nobody compared it.
    """
    known = who.office_key
    if not known and now.certificate is not None:
        known = now.certificate.office_key
    shown = fingerprint(certificate.office_key)
    if known and certificate.office_key != known:
        raise OtherOffice(shown=shown, known=fingerprint(known))
    plain = compared.replace("-", "").replace(" ", "").upper()
    if not known and plain != shown.replace("-", ""):
        raise OfficeNotConfirmed(shown=shown)
    return bool(known)


def _require_ours(
    certificate: Certificate, who: Identity, now: Enrolled, now_ms: int
) -> None:
    if (certificate.station_no, certificate.area_no) != (who.station_no, who.area_no):
        raise OtherStation(
            station_no=certificate.station_no, area_no=certificate.area_no
        )
    if now.request is None:
        raise NothingRequested
    if certificate.station_key != now.request.station_key:
        raise OtherKey(call_code=now.request.call_code)
    if not certificate.from_ms - CLOCK_SLACK_MS <= now_ms < certificate.until_ms:
        raise NotValidNow(
            begins=time_text(certificate.from_ms), ends=time_text(certificate.until_ms)
        )
    newest = now.certificate
    if newest is not None and certificate.serial <= newest.serial:
        raise RolledBack(serial=certificate.serial, newest=newest.serial)


def _close_warnings(tx: Transaction, operator_no: str, why: str) -> None:
    for finding in findings.open_findings(tx.connection):
        if finding.kind in {EXPIRES, EXPIRED}:
            findings.close_finding(tx, finding.seq, why, operator_no)
