"""`cngstation export`: the books in one file that an auditor checks without us.

    cngstation export audit FILE --operator NAME [--from DATE] [--to DATE]
    cngstation export recognise FILE
    cngstation export checker FILE

`audit` writes all of the books, or the business days from one date to another; a name
that ends in .gz is packed. The operator's password is asked for; without a terminal it
is read from one line. `recognise` tells whether this station made a file, `checker`
writes the program that checks one. What is said, and what is told of the books in the
file, is in the station's language unless --language names one.
Exit codes: 0 done, 1 the books are not proved or the file is not ours, 2 usage, 3 not
written or could not reach what it needs.
"""

import argparse
import asyncio
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation import audit_checker
from cngstation.cli.saying import said, sentence
from cngstation.cli.staff import actor_at, add_release, answering, gate_of
from cngstation.config import StationConfig, load_config
from cngstation.errors import ConfigError, StationError
from cngstation.hygiene import clean
from cngstation.language import DEFAULT, LANGUAGES, _, mark, use_language
from cngstation.moments import SystemClock
from cngstation.services.export_audit import (
    RIGHT,
    Exported,
    Wanted,
    export_file,
)
from cngstation.services.keep_parameters import in_force
from cngstation.services.new_file import new_file
from cngstation.services.recognise_export import first_difference
from cngstation.services.station_key import station_key_file
from cngstation.services.station_signer import signer_in
from cngstation.services.take_out import clear_left, take_out
from cngstation.storage.database import Database

DEFAULT_CONFIG = Path("/etc/cngstation/station.toml")
_PROGRAM = "cngstation export"
WRONG, USAGE, UNREACHED = 1, 2, 3
_TERMINAL = "export"
_LEFT = mark("{name} was broken off once before; what was left of it is removed.\n")


def run(arguments: Sequence[str]) -> int:
    """Export, or recognise an export; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation export")
    parser.add_argument("what", choices=("audit", "recognise", "checker"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--from", dest="from_day", type=_day)
    parser.add_argument("--to", dest="to_day", type=_day)
    parser.add_argument("--all", action="store_true", help="all of the books")
    parser.add_argument("--operator", help="login name of who takes the books out")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=LANGUAGES)
    add_release(parser)
    given = parser.parse_args(arguments)
    if given.what == "audit" and not given.operator:
        parser.error("--operator is needed")
    if given.all and (given.from_day or given.to_day):
        parser.error("--all has no dates")
    if given.to_day and given.to_day < (given.from_day or ""):
        parser.error("--to is before --from")
    use_language(given.language or DEFAULT)
    try:
        if given.what == "checker":
            return _checker(given.file)
        config = load_config(given.config)
        use_language(given.language or config.station.language)
        if given.what == "recognise":
            return _recognise(config, given.file)
        return asyncio.run(_audit(config, given))
    except ConfigError as error:
        return said(_PROGRAM, error.sentence(), USAGE)
    except StationError as error:
        return said(_PROGRAM, sentence(error), UNREACHED)


def _day(text: str) -> str:
    return datetime.date.fromisoformat(text).isoformat()


def _checker(path: Path) -> int:
    with new_file(path) as file:
        file.write(Path(audit_checker.__file__).read_bytes())
    return 0


def _recognise(config: StationConfig, path: Path) -> int:
    differs = first_difference(config.paths.database, path)
    if differs:
        text = _("NOT as this station made it: {why}.").format(why=differs.told())
    else:
        text = _("This station made the file, and it is as it was made.")
    sys.stdout.write(f"{text}\n")
    return WRONG if differs else 0


async def _audit(config: StationConfig, given: argparse.Namespace) -> int:
    clock = SystemClock()
    database = await Database.open(config.paths.database, clock)
    try:
        gate = gate_of(config, database)
        actor = await actor_at(database, gate, answering(given), RIGHT, _TERMINAL)
        config = await in_force(database, config)
        wanted = Wanted(
            station_no=config.station.station_no,
            station=config.station.name,
            made_at_ms=clock.now().wall_ms,
            from_day=given.from_day or "",
            to_day=given.to_day or "",
            cut_off_minute=config.station.cut_off_minute,
            language=given.language or config.station.language,
        )
        target = given.file.absolute()
        for name in await clear_left(database, target.parent):
            sys.stderr.write(_(_LEFT).format(name=name))
        signer = signer_in(station_key_file(config))
        made = await take_out(
            database,
            target,
            actor,
            lambda held: asyncio.to_thread(
                export_file, config.paths.database, held, wanted, signer
            ),
        )
    finally:
        await database.close()
    sys.stdout.write(_report(made))
    return WRONG if made.first_bad else 0


def _report(made: Exported) -> str:
    signed, unsigned = _("Signed with the station's key."), _("Not signed.")
    lines = [
        _("{name}: records {first} to {last}, {size} bytes."),
        _("Head {head}, SHA-256 of its lines {sha256}."),
        signed if made.is_signed else unsigned,
    ]
    facts: dict[str, str | int] = {
        "name": clean(made.name),
        "first": made.first,
        "last": made.last,
        "size": made.size,
        "head": made.head[:16],
        "sha256": made.sha256,
    }
    if made.wrong is not None:
        lines.append(_("The books are NOT proved: {first_bad}."))
        facts["first_bad"] = made.wrong.told()
    return "".join(f"{line.format(**facts)}\n" for line in lines)
