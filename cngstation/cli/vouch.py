"""`cngstation vouch`: says at the machine, as root, that an operator is another person.

    cngstation vouch NAME --reason WHY

A station whose operators were all made by one has nobody who could say so at a screen.
Whoever is root made the first administrator and owns the machine. The operator stands
there and types the own password, and shows the staff card where logins take one;
without a terminal it is one line of the input.
Exit codes: 0 done, 1 refused, 2 usage, 3 could not reach what it needs.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cngstation.cli.saying import guarded
from cngstation.cli.staff import gate_of, own_terminal, password_of
from cngstation.cli.verify import DEFAULT_CONFIG
from cngstation.config import StationConfig, load_config
from cngstation.errors import Refusal
from cngstation.language import _, use_language
from cngstation.moments import SystemClock
from cngstation.rpc.session import Login
from cngstation.services.vouch import vouch_at_machine
from cngstation.storage.database import Database

PROGRAM = "cngstation vouch"


class NotRoot(Refusal):
    """Anybody could say so."""

    code = "refusal.not_root"
    text = (
        "Only root vouches for an operator at the machine. Nothing was changed. At the "
        "screen an operator for whom another has vouched can do it (Operators, v)."
    )


def run(arguments: Sequence[str]) -> int:
    """Vouch for an operator; return the exit code."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument("operator", help="login name of who is another person")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG)
    given = parser.parse_args(arguments)
    return guarded(PROGRAM, lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
    config = load_config(given.config)
    use_language(config.station.language)
    if os.geteuid() != 0:
        raise NotRoot
    name = asyncio.run(_vouched(config, given.operator, given.reason))
    text = _("{name} counts as another person from now on; the digest names it.")
    sys.stdout.write(text.format(name=name) + "\n")
    return 0


async def _vouched(config: StationConfig, login_name: str, reason: str) -> str:
    database = await Database.open(config.paths.database, SystemClock())
    try:
        gate, where = gate_of(config, database), f"{own_terminal()} vouch"
        typed = await password_of(login_name)
        operator = await gate.identify(login_name, typed, where)
        login = Login(login_name=operator.login_name, password=typed, terminal=where)
        assert gate.second is not None, "made by gate_of"
        await gate.second.passed(operator, where, login)
        await vouch_at_machine(database, operator, reason, where)
        return operator.full_name
    finally:
        await database.close()
