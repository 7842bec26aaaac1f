"""`cngstation centre`: head office's side of the enrolment, on a machine of its own.

    cngstation centre new-key KEYFILE
    cngstation centre sign-enrolment REQUEST --key KEYFILE --out FILE [--days N]
        [--edition TEXT] [--url URL --pin SHA256] [--serial N] [--yes]
    cngstation centre sign-ticket --station NO --holder NAME --reason WHY --key KEYFILE
        --out FILE [--rights "NAME NAME"] [--hours N]

Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cngstation.cli.ask import BrokenOff, agreed
from cngstation.cli.saying import REFUSED, UNREACHED, USAGE, guarded, said
from cngstation.domain.enrolment import (
    LONGEST_EDITION,
    LONGEST_HOLDER,
    LONGEST_RIGHTS,
    LONGEST_URL,
    LONGEST_WHY,
    TICKET_ID_BYTES,
    Certificate,
    Request,
    Ticket,
    call_code,
    fingerprint,
    public_bytes,
)
from cngstation.domain.rights import TECHNICIAN
from cngstation.domain.typed_code import MOST_LETTERS, code_text, read_code
from cngstation.hygiene import is_clean
from cngstation.language import LANGUAGES, _, use_language
from cngstation.moments import MS_PER_HOUR, SystemClock, time_text
from cngstation.services.admit_vendor import LONGEST_MS
from cngstation.services.enrol_station import MS_PER_DAY, certificate_text
from cngstation.services.made_files import make_key
from cngstation.services.read_credentials import read_credential
from cngstation.services.station_key import KEY_FILE_BYTES

PROGRAM = "cngstation centre"
_MS_PER_SECOND = 1_000


def run(arguments: Sequence[str]) -> int:
    """Make a key or sign a request; return the exit code."""
    given = _parser().parse_args(arguments)
    use_language(given.language)
    steps = {"new-key": _new_key, "sign-ticket": _ticket, "sign-enrolment": _sign}
    work = steps[given.step]
    return guarded(PROGRAM, lambda: work(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("--language", choices=LANGUAGES, default="zh_CN")
    steps = parser.add_subparsers(dest="step", required=True)
    new = steps.add_parser("new-key", help="make head office's key")
    new.add_argument("key", type=Path)
    sign = steps.add_parser("sign-enrolment", help="answer a station's request")
    sign.add_argument("request", type=Path)
    sign.add_argument("--key", type=Path, required=True)
    sign.add_argument("--out", type=Path, required=True)
    sign.add_argument("--days", type=int, default=365, help="good for so long")
    sign.add_argument("--edition", default="networked")
    sign.add_argument("--url", default="", help="where the station sends its records")
    sign.add_argument("--pin", default="", help="SHA-256 of that server's certificate")
    sign.add_argument("--serial", type=int, help="default: the second of now")
    sign.add_argument("--yes", action="store_true", help="the code was compared")
    ticket = steps.add_parser("sign-ticket", help="let a technician in at a station")
    ticket.add_argument("--station", required=True, help="its number, 8 digits")
    ticket.add_argument("--holder", required=True, help="the technician's name")
    ticket.add_argument("--reason", required=True)
    ticket.add_argument("--key", type=Path, required=True)
    ticket.add_argument("--out", type=Path, required=True)
    ticket.add_argument("--rights", default=" ".join(sorted(TECHNICIAN)))
    ticket.add_argument("--hours", type=int, default=8, help="good for so long")
    return parser


def _new_key(given: argparse.Namespace) -> int:
    if not make_key(given.key, KEY_FILE_BYTES):
        text = _("There is a file {path} already. Nothing was changed.")
        return said(PROGRAM, text.format(path=given.key), REFUSED)
    key = public_bytes(_key(given.key))
    text = _("Public key {key}\nFingerprint {shown}\n")
    sys.stdout.write(text.format(key=key.hex(), shown=fingerprint(key)))
    return 0


def _key(path: Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(read_credential(path, KEY_FILE_BYTES))


def _sign(given: argparse.Namespace) -> int:
    if wrong := _wrong_option(given):
        return said(PROGRAM, wrong, USAGE)
    with given.request.open("rb") as file:
        paper = read_code(file.read(MOST_LETTERS + 1).decode("utf-8", "replace"))
    request, key = Request.read(paper), _key(given.key)
    text = _("Station {station_no}, area {area_no}, made {at}. Code: {code}\n")
    sys.stdout.write(
        text.format(
            station_no=request.station_no,
            area_no=request.area_no,
            at=time_text(request.made_at_ms),
            code=call_code(paper),
        )
    )
    try:
        asked = _("Did the station read out this code over the phone (y/n)")
        if not given.yes and not agreed(asked):
            return said(PROGRAM, _("Nothing was signed."), REFUSED)
    except BrokenOff:
        return said(PROGRAM, _("Nothing was signed."), UNREACHED)
    now_ms = SystemClock().now().wall_ms
    certificate = Certificate(
        serial=given.serial or now_ms // _MS_PER_SECOND,
        station_no=request.station_no,
        area_no=request.area_no,
        edition=given.edition,
        from_ms=now_ms,
        until_ms=now_ms + given.days * MS_PER_DAY,
        station_key=request.station_key,
        office_key=public_bytes(key),
        url=given.url,
        pin=bytes.fromhex(given.pin),
    )
    given.out.write_text(certificate_text(certificate.signed(key)), "utf-8")
    sys.stdout.write(_("Certificate written to {path}.\n").format(path=given.out))
    return 0


def _ticket(given: argparse.Namespace) -> int:
    if wrong := _wrong_of_ticket(given):
        return said(PROGRAM, wrong, USAGE)
    key, now_ms = _key(given.key), SystemClock().now().wall_ms
    ticket = Ticket(
        ticket_id=secrets.token_bytes(TICKET_ID_BYTES),
        station_no=given.station,
        holder=given.holder,
        rights=given.rights,
        from_ms=now_ms,
        until_ms=now_ms + given.hours * MS_PER_HOUR,
        reason=given.reason,
        office_key=public_bytes(key),
    )
    until = time_text(ticket.until_ms)
    remarks = (
        "cngstation vendor ticket",
        f"station {ticket.station_no}, {ticket.holder}, until {until}",
        f"{ticket.rights}: {ticket.reason}",
    )
    given.out.write_text(code_text(ticket.signed(key), remarks), "utf-8")
    sys.stdout.write(_("Ticket written to {path}.\n").format(path=given.out))
    return 0


def _wrong_of_ticket(given: argparse.Namespace) -> str:
    texts = (
        ("--holder", given.holder, LONGEST_HOLDER),
        ("--reason", given.reason, LONGEST_WHY),
        ("--rights", given.rights, LONGEST_RIGHTS),
    )
    rules = (
        ("--station", re.fullmatch("[0-9]{8}", given.station) is not None),
        ("--hours", 1 <= given.hours <= LONGEST_MS // MS_PER_HOUR),
        ("--rights", set(given.rights.split()) <= TECHNICIAN),
        *(
            (name, 0 < len(t.encode()) <= most and is_clean(t))
            for name, t, most in texts
        ),
    )
    wrong = [option for option, fits in rules if not fits]
    return _("{option} does not fit.").format(option=wrong[0]) if wrong else ""


def _wrong_option(given: argparse.Namespace) -> str:
    """Say which option cannot be; nothing for none."""
    try:
        pin_bytes = len(bytes.fromhex(given.pin))
    except ValueError:
        pin_bytes = -1
    rules = (
        ("--days", 1 <= given.days <= 3_660),
        ("--edition", 0 < len(given.edition.encode()) <= LONGEST_EDITION),
        ("--edition", is_clean(given.edition)),
        ("--url", len(given.url.encode()) <= LONGEST_URL and is_clean(given.url)),
        ("--pin", pin_bytes in {0, 32}),
        ("--serial", given.serial is None or 0 < given.serial < 2**32),
    )
    wrong = [option for option, fits in rules if not fits]
    return _("{option} does not fit.").format(option=wrong[0]) if wrong else ""
