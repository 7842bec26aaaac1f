"""Who answers for a command: an operator with the right for it, by password."""

import asyncio
import getpass
import sys

from pydantic import SecretStr

from cngstation.config import StationConfig
from cngstation.language import _
from cngstation.moments import SystemClock
from cngstation.services.log_in import Gate, confirm
from cngstation.services.passwords import Passwords
from cngstation.services.station_rules import gate_rules
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database


def gate_of(config: StationConfig, database: Database) -> Gate:
    """Return who checks passwords."""
    return Gate(
        database,
        Passwords(),
        SystemClock(),
        gate_rules(config.security),
    )


async def password_of(login_name: str) -> SecretStr:
    """Ask for a password; without a terminal it is one line of the input."""
    text = _("Password of {name}: ").format(name=login_name)
    if sys.stdin.isatty():
        return SecretStr(await asyncio.to_thread(getpass.getpass, text))
    line = await asyncio.to_thread(sys.stdin.readline)
    return SecretStr(line.rstrip("\n"))


async def actor_at(
    database: Database, gate: Gate, login_name: str, right: str, where: str
) -> Actor:
    """Return who acts.

    Raises:
        Refusal: the password is wrong, or the operator may not do this.
    """
    given = await password_of(login_name)
    operator = await gate.identify(login_name, given, where)
    operator = await database.write(lambda tx: confirm(tx, operator))
    await gate.require_right(operator, right)
    return Actor(operator.operator_no, where)
