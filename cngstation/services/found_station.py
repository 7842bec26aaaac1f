"""The first start of a station: its first administrator, and nobody before."""

from collections.abc import Callable
from dataclasses import dataclass

from cngstation.errors import Refusal
from cngstation.services.keep_operators import (
    StationHasAdministrator,
    add_first_administrator,
)
from cngstation.services.passwords import Passwords
from cngstation.storage import audit, parameters
from cngstation.storage.audit import STATION
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sqlite import Connection


class AlreadyFounded(Refusal):
    """The station has operators."""

    code = "refusal.already_founded"
    text = (
        "The database {path} has operators already: this station was set up before. "
        "Nothing was changed. Log in with an operator of the station; to begin with "
        "new books, use cngstation initialise."
    )


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who runs the station, as typed at its first start."""

    login_name: str
    full_name: str


def has_operators(connection: Connection) -> bool:
    """Tell whether anybody could ever log in."""
    return connection.execute("SELECT 1 FROM operator").fetchone() is not None


async def found(
    database: Database,
    path: str,
    passwords: Passwords,
    person: Administrator,
    tell: Callable[[str], None],
) -> None:
    """Register the first administrator; `tell` shows the one-time password.

    Raises:
        AlreadyFounded: the station has operators.
        FieldEmpty, FieldWrong: a name cannot be used.
    """
    if await database.read(has_operators):
        raise AlreadyFounded(path=path)
    try:
        await add_first_administrator(
            database,
            passwords,
            person.login_name,
            person.full_name,
            within=_note,
            tell=tell,
        )
    except StationHasAdministrator:  # somebody else was quicker
        raise AlreadyFounded(path=path) from None


def _note(tx: Transaction) -> None:
    audit.record(tx, STATION, "station.found", "station")
    parameters.put(tx, parameters.FIRST_START, "1")
