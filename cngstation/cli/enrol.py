"""`cngstation enrol`: belongs the station to head office, in place of a vendor's code.

    cngstation enrol request --operator NAME [--out FILE] [--second NAME --reason WHY]
    cngstation enrol accept FILE|FOLDER|CODE|- --operator NAME [--fingerprint TEXT]
                            [--second NAME --reason WHY]
    cngstation enrol show

A new key of the station and the first trust in head office's key take a second person,
once there is one. Passwords are asked for; without a terminal they are the first lines
of the input, the second person's behind the first's.
A FOLDER is searched for one certificate of this station, as on a USB key; - reads the
code line by line until an empty one.
Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.cli.saying import guarded
from cngstation.cli.staff import (
    actor_at,
    add_release,
    answering,
    gate_of,
    password_of,
)
from cngstation.cli.verify import DEFAULT_CONFIG
from cngstation.config import StationConfig, load_config
from cngstation.domain.enrolment import Certificate, fingerprint
from cngstation.domain.typed_code import MOST_LETTERS
from cngstation.errors import Refusal
from cngstation.language import LANGUAGES, _, use_language
from cngstation.moments import SystemClock, time_text
from cngstation.services.approve import Approval, Approvals, Paper
from cngstation.services.enrol_station import (
    Enrolled,
    Identity,
    OfficeNotConfirmed,
    request_text,
    standing,
)
from cngstation.services.enrolment_desk import EnrolmentDesk
from cngstation.services.keep_parameters import in_force
from cngstation.services.log_in import Gate
from cngstation.services.made_files import make_key
from cngstation.services.station_key import (
    KEY_FILE_BYTES,
    certificate_in,
    identity_of,
    station_key,
    station_key_file,
)
from cngstation.storage.database import Database

PROGRAM = "cngstation enrol"
RIGHT = "station.enrol"
_WHERE = "enrol"


def run(arguments: Sequence[str]) -> int:
    """Do one step of the enrolment; return the exit code."""
    given = _parser().parse_args(arguments)
    return guarded(PROGRAM, lambda: _run(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=LANGUAGES)
    steps = parser.add_subparsers(dest="step", required=True)
    request = steps.add_parser("request", help="make a request to head office")
    request.add_argument("--operator", required=True, help="login name of who asks")
    add_release(request)
    _add_second(request)
    request.add_argument("--out", type=Path, help="file of the request")
    answer = steps.add_parser("accept", help="take head office's certificate")
    answer.add_argument("source", help="file, folder of a USB key, code, or - to type")
    answer.add_argument("--operator", required=True, help="login name of who accepts")
    add_release(answer)
    _add_second(answer)
    answer.add_argument(
        "--fingerprint", default="", help="of head office's key, the first time"
    )
    steps.add_parser("show", help="how the station stands")
    return parser


def _add_second(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--second", default="", help="login name of who stands behind")
    parser.add_argument("--reason", default="", help="why, where it takes two people")


def _run(given: argparse.Namespace) -> int:
    config = load_config(given.config)
    use_language(given.language or config.station.language)
    step = {"request": _request, "accept": _accept, "show": _show}[given.step]
    return asyncio.run(step(config, given))


async def _request(config: StationConfig, given: argparse.Namespace) -> int:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        gate = gate_of(config, database)
        actor = await actor_at(database, gate, answering(given), RIGHT, _WHERE)
        desk, behind = await _both(config, database, gate, given)
        config = await in_force(database, config)
        make_key(station_key_file(config), KEY_FILE_BYTES)
        key = station_key(config)
        who = identity_of(config)
        request = await desk.request(key, who, actor, given.reason, behind)
    finally:
        await database.close()
    text = request_text(request)
    if given.out:
        given.out.write_text(text, "utf-8")
        sys.stdout.write(_("Request written to {path}.\n").format(path=given.out))
    sys.stdout.write(text)
    said = _("Read this out to head office: {code}\n")
    sys.stdout.write(said.format(code=request.call_code))
    return 0


async def _accept(config: StationConfig, given: argparse.Namespace) -> int:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        who = identity_of(await in_force(database, config))
        gate = gate_of(config, database)
        actor = await actor_at(database, gate, answering(given), RIGHT, _WHERE)
        desk, behind = await _both(config, database, gate, given)
        text = await asyncio.to_thread(text_of, given.source, who)

        async def accept(compared: str) -> Certificate:
            return await desk.accept(
                text, who, actor, compared=compared, reason=given.reason,
                approval=behind,
            )  # fmt: skip

        try:
            taken = await accept(given.fingerprint)
        except OfficeNotConfirmed as unknown:
            if given.fingerprint or not sys.stdin.isatty():
                raise
            compared = await asyncio.to_thread(_compared, unknown)
            taken = await accept(compared)
    finally:
        await database.close()
    sys.stdout.write(_standing(Enrolled(None, taken)))
    return 0


async def _both(
    config: StationConfig, database: Database, gate: Gate, given: argparse.Namespace
) -> tuple[EnrolmentDesk, Approval | None]:
    """Return who makes and takes papers, and the second person if one was named."""
    prints = 1 if config.printer.port else 0
    paper = Paper(config.station.cut_off_minute, prints)
    desk = EnrolmentDesk(database, Approvals(gate, paper, first_is_asked=True))
    if not given.second:
        return desk, None
    return desk, Approval(given.second, await password_of(given.second))


def _compared(unknown: Refusal) -> str:
    """Let a person compare the fingerprint of head office's key.

    Raises:
        Refusal: they say that it is another one.
    """
    shown = str(unknown.facts["shown"])
    text = _(
        "Head office's key has the fingerprint {shown}. Call head office; is it the "
        "same there? Type its last four letters: "
    )
    sys.stdout.write(text.format(shown=shown))
    sys.stdout.flush()
    if sys.stdin.readline().strip().upper() != shown[-4:]:
        raise unknown
    return shown


def text_of(source: str, who: Identity) -> str:
    """Return the text of a certificate from wherever it is."""
    if source == "-":
        lines = iter(sys.stdin.readline, "")
        typed = []
        for line in lines:
            if not line.strip():
                break
            typed.append(line)
        return "".join(typed)
    path = Path(source)
    if path.is_dir():
        return certificate_in(path, who)
    if path.is_file() or "/" in source:
        with path.open("rb") as file:
            return file.read(MOST_LETTERS + 1).decode("utf-8", "replace")
    return source


async def _show(config: StationConfig, _given: argparse.Namespace) -> int:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        now = await database.read(standing)
    finally:
        await database.close()
    sys.stdout.write(_standing(now))
    if now.request is not None and now.certificate is None:
        sys.stdout.write(request_text(now.request))
    return 0


def _standing(now: Enrolled) -> str:
    taken = now.certificate
    if taken is None:
        return _("Not enrolled: a single station needs nothing of it.\n")
    return _words(taken)


def _words(taken: Certificate) -> str:
    text = _(
        "Enrolled: certificate {serial}, edition {edition}, until {until}, head "
        "office's key {office}.\n"
    )
    return text.format(
        serial=taken.serial,
        edition=taken.edition,
        until=time_text(taken.until_ms),
        office=fingerprint(taken.office_key),
    )
