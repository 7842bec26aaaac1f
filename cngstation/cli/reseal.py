"""`cngstation reseal`: another key for the personal numbers.

    cngstation reseal OLD_KEY_FILE --operator NAME --second NAME --reason WHY

The configuration names the new key's file already, and the card-reader service is
down. Both passwords are asked for; without a terminal they are two lines of the input.
Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.cli.saying import guarded
from cngstation.cli.staff import actor_at, add_release, answering, gate_of, password_of
from cngstation.cli.verify import DEFAULT_CONFIG
from cngstation.config import StationConfig, load_config
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.errors import Refusal
from cngstation.language import _, use_language
from cngstation.moments import SystemClock
from cngstation.services.approve import Approval, Approvals, Paper
from cngstation.services.keep_sealed import ACT, reseal, wish_of
from cngstation.services.read_credentials import read_credential
from cngstation.storage.database import Database

PROGRAM = "cngstation reseal"
_WHERE = "reseal"
_KEY_BYTES = 32


class CounterRuns(Refusal):
    """The service would go on with the old key."""

    code = "refusal.counter_runs"
    text = (
        "The card-reader service is running. Nothing was changed. Stop it, seal the "
        "numbers anew, and start it again."
    )


def run(arguments: Sequence[str]) -> int:
    """Seal anew; return the exit code."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("old_key", type=Path, help="file of the key until now")
    parser.add_argument("--operator", required=True, help="login name of who does it")
    parser.add_argument("--second", required=True, help="and of who stands behind it")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    add_release(parser)
    given = parser.parse_args(arguments)
    return guarded(PROGRAM, lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
    config = load_config(given.config)
    use_language(config.station.language)
    if _listens(config.paths.runtime_dir / "counter.sock"):
        raise CounterRuns
    old = PersonalDataSeal(read_credential(given.old_key, _KEY_BYTES))
    new = PersonalDataSeal(read_credential(config.paths.personal_data_key, _KEY_BYTES))
    changed = asyncio.run(_reseal(config, given, old, new))
    text = _("{count} rows are sealed with key {key}. Keep no copy of the old key.")
    sys.stdout.write(text.format(count=changed, key=new.key_id) + "\n")
    return 0


async def _reseal(
    config: StationConfig,
    given: argparse.Namespace,
    old: PersonalDataSeal,
    new: PersonalDataSeal,
) -> int:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        gate = gate_of(config, database)
        actor = await actor_at(database, gate, answering(given), ACT, _WHERE)
        second = Approval(given.second, await password_of(given.second))
        prints = 1 if config.printer.port else 0
        paper = Paper(config.station.cut_off_minute, prints)
        approvals = Approvals(gate, paper, first_is_asked=True)
        wish = wish_of(new)
        approved = await approvals.approve(second, wish, actor, given.reason)
        async with approvals.noting(wish, actor, approved):
            return await database.write(
                lambda tx: reseal(tx, old, new, actor, approved)
            )
    finally:
        await database.close()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        try:
            knocking.connect(str(path))
        except OSError:
            return False
    return True
