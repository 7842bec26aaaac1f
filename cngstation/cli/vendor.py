"""`cngstation vendor`: lets a technician of the vendor in, by a signed ticket.

    cngstation vendor accept FILE|CODE|- --operator NAME

The password of the administrator who lets them in is asked for; without a terminal it
is the first line of the input. - reads the code line by line until an empty one.
Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.cli.enrol import text_of
from cngstation.cli.saying import guarded
from cngstation.cli.staff import actor_at, add_release, answering, gate_of
from cngstation.cli.verify import DEFAULT_CONFIG
from cngstation.config import StationConfig, load_config
from cngstation.language import LANGUAGES, _, use_language
from cngstation.moments import SystemClock, time_text
from cngstation.services.admit_vendor import Admitted, VendorDesk
from cngstation.services.keep_parameters import in_force
from cngstation.services.passwords import Passwords
from cngstation.services.station_key import identity_of
from cngstation.storage.database import Database

PROGRAM = "cngstation vendor"
RIGHT = "vendor.admit"


def run(arguments: Sequence[str]) -> int:
    """Take a ticket; return the exit code."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=LANGUAGES)
    steps = parser.add_subparsers(dest="step", required=True)
    accept = steps.add_parser("accept", help="let the holder of a ticket in")
    accept.add_argument("source", help="file, code, or - to type")
    accept.add_argument("--operator", required=True, help="login name of who does it")
    add_release(accept)
    given = parser.parse_args(arguments)
    return guarded(PROGRAM, lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
    config = load_config(given.config)
    use_language(given.language or config.station.language)
    admitted = asyncio.run(_accept(config, given))
    text = _(
        "{holder} may work until {until}: {rights}\nLogin name {name}, number {number}."
        " Password for one login: {password}\n"
    )
    operator, ticket = admitted.operator, admitted.ticket
    sys.stdout.write(
        text.format(
            holder=ticket.holder, until=time_text(ticket.until_ms),
            rights=ticket.rights, name=operator.login_name,
            number=operator.operator_no,
            password=admitted.password.get_secret_value(),
        )
    )  # fmt: skip
    return 0


async def _accept(config: StationConfig, given: argparse.Namespace) -> Admitted:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        who = identity_of(await in_force(database, config))
        gate = gate_of(config, database)
        actor = await actor_at(database, gate, answering(given), RIGHT, "vendor")
        text = await asyncio.to_thread(text_of, given.source, who)
        return await VendorDesk(database, Passwords(), gate).accept(text, who, actor)
    finally:
        await database.close()
