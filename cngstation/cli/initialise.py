"""`cngstation initialise`: new books; the old ones are archived, nothing is wiped.

    cngstation initialise --operator NAME --second NAME --reason WHY [--archive FOLDER]

For the end of a trial run. Both passwords are asked for; without a terminal they are
the first two lines of the input, and --yes stands for the last question.
Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.cli.ask import BrokenOff, ask
from cngstation.cli.saying import REFUSED, guarded, said
from cngstation.cli.staff import actor_at, add_release, answering, gate_of, password_of
from cngstation.cli.verify import DEFAULT_CONFIG
from cngstation.config import StationConfig, load_config
from cngstation.language import LANGUAGES, _, use_language
from cngstation.moments import SystemClock
from cngstation.services.approve import (
    Approval,
    Approvals,
    Approved,
    Paper,
    Wish,
    still_approved,
)
from cngstation.services.carry_over import require_rest
from cngstation.services.initialise_station import ACT, NewBooks, initialise
from cngstation.services.keep_parameters import in_force
from cngstation.storage import epochs
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database

PROGRAM = "cngstation initialise"
_WHERE = "initialise"


def run(arguments: Sequence[str]) -> int:
    """Begin new books; return the exit code."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--language", choices=LANGUAGES)
    parser.add_argument("--operator", required=True, help="login name of who begins it")
    parser.add_argument("--second", required=True, help="and of who stands behind it")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--archive", type=Path, help="folder of the old books")
    parser.add_argument("--yes", action="store_true", help="do not ask once more")
    add_release(parser)
    given = parser.parse_args(arguments)
    return guarded(PROGRAM, lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
    config = load_config(given.config)
    use_language(given.language or config.station.language)
    networked = config.station.network == "networked"
    actor, approved, number = asyncio.run(_people(config, given, networked=networked))
    if not given.yes and not _sure(number):
        return said(PROGRAM, _("Broken off. Nothing was changed."), REFUSED)
    path = config.paths.database
    made = asyncio.run(
        initialise(
            path,
            given.archive or path.parent / "archive",
            SystemClock(),
            actor,
            approved,
            networked=networked,
        )
    )
    sys.stdout.write(_done(made))
    return 0


async def _people(
    config: StationConfig, given: argparse.Namespace, *, networked: bool
) -> tuple[Actor, Approved, str]:
    """Return who begins the new books, who stands behind it, and the station's number.

    Raises:
        Refusal: one of them may not, or the station is not at rest.
    """
    clock = SystemClock()
    database = await Database.open(config.paths.database, clock)
    try:
        gate = gate_of(config, database)
        actor = await actor_at(database, gate, answering(given), ACT, _WHERE)
        now = clock.now()
        await database.read(lambda c: require_rest(c, now, networked=networked))
        epoch = await database.read(epochs.epoch_of)
        prints = 1 if config.printer.port else 0
        paper = Paper(config.station.cut_off_minute, prints)
        approvals = Approvals(gate, paper, first_is_asked=True)
        second = Approval(given.second, await password_of(given.second))
        wish = Wish(ACT, str(epoch + 1))
        approved = await approvals.approve(second, wish, actor, given.reason)
        # The new books do not know who gave whom a password.
        async with approvals.noting(wish, actor, approved):
            await database.write(lambda tx: still_approved(tx, approved, wish, actor))
        return actor, approved, (await in_force(database, config)).station.station_no
    finally:
        await database.close()


def _sure(station_no: str) -> bool:
    text = _("Type the station's number to begin new books, anything else to leave it")
    try:
        return ask(text, "", lambda _answer: "") == station_no
    except BrokenOff:
        return False


def _done(made: NewBooks) -> str:
    text = _(
        "New books have begun (epoch {epoch}). The old ones are in {archive}, "
        "read-only; their head is {head}. Write it down.\n"
    )
    return text.format(epoch=made.epoch, archive=made.archive, head=made.head[:16])
