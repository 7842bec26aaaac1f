"""Who answers for a command: an operator with the right for it, as at a login.

By password, and by the own staff card where logins take one; see `staff_card`.
"""

import argparse
import asyncio
import getpass
import os
import sys
from dataclasses import dataclass

from pydantic import SecretStr

from cngstation.cli.staff_card import CardAtCommand
from cngstation.config import StationConfig
from cngstation.errors import Refusal
from cngstation.language import _
from cngstation.moments import SystemClock
from cngstation.rpc.authority import Peer
from cngstation.rpc.session import Login, Release
from cngstation.services.count_refusals import Refused
from cngstation.services.log_in import Gate, confirm
from cngstation.services.name_terminal import terminal_of
from cngstation.services.passwords import Passwords
from cngstation.services.station_rules import gate_rules
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers for a command, and who lets them in without a staff card, and why."""

    login_name: str
    released_by: str = ""
    release_reason: str = ""
    password: SecretStr | None = None


def answering(given: argparse.Namespace) -> Answering:
    """Return who was named on the command line."""
    return Answering(given.operator, given.released_by, given.release_reason)


def gate_of(config: StationConfig, database: Database) -> Gate:
    """Return who checks passwords and staff cards."""
    gate = Gate(
        database,
        Passwords(),
        SystemClock(),
        gate_rules(config.security),
    )
    gate.second = CardAtCommand(config, database, gate)
    return gate


def add_release(parser: argparse.ArgumentParser) -> None:
    """Let an administrator answer for whoever has no staff card, or no reader."""
    parser.add_argument(
        "--released-by", default="", help="who lets --operator in without a staff card"
    )
    parser.add_argument("--release-reason", default="", help="and why")


async def password_of(login_name: str) -> SecretStr:
    """Ask for a password; without a terminal it is one line of the input."""
    text = _("Password of {name}: ").format(name=login_name)
    if sys.stdin.isatty():
        return SecretStr(await asyncio.to_thread(getpass.getpass, text))
    line = await asyncio.to_thread(sys.stdin.readline)
    return SecretStr(line.rstrip("\n"))


def own_terminal() -> str:
    """Return Linux user and device of this command, as a socket names its clients."""
    return terminal_of(Peer(os.getpid(), os.getuid(), os.getgid()), "")


async def actor_at(
    database: Database,
    gate: Gate,
    given: Answering,
    right: str,
    where: str,
) -> Actor:
    """Return who acts; the password is asked for unless it is there already.

    `where` is the command; Linux user and device stand before it in the audit.

    Raises:
        Refusal: a password or card is wrong, or the operator may not do this.
        DeviceError: the reader or the card failed.
    """
    where = f"{own_terminal()} {where}"
    typed = given.password or await password_of(given.login_name)
    operator = await gate.identify(given.login_name, typed, where)
    operator = await database.write(lambda tx: confirm(tx, operator))
    actor = Actor(operator.operator_no, where)
    try:
        await gate.require_right(operator, right)
    except Refusal:
        await gate.refusals.note(Refused(actor, "session.login", right))
        raise
    release = None
    if given.released_by:
        release = Release(
            login_name=given.released_by,
            password=await password_of(given.released_by),
            reason=given.release_reason,
        )
    login = Login(
        login_name=operator.login_name, password=typed, terminal=where, release=release
    )
    assert gate.second is not None, "made by gate_of"
    try:
        await gate.second.passed(operator, where, login)
    except Refusal as refused:
        await gate.refusals.note(Refused(actor, "session.login", refused.code))
        raise
    return actor
