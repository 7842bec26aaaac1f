"""The first administrator of a station that has no operators yet."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cngstation.errors import Refusal
from cngstation.hygiene import is_clean
from cngstation.services.log_in import ACTIVE
from cngstation.services.passwords import Passwords
from cngstation.storage import audit, operators
from cngstation.storage.audit import STATION
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection

FIRST_OPERATOR_NO = "1001"
ROLE = "administrator"
LONGEST_NAME = 40
# No letter that is taken for another; 16 of them are 77 bits.
_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"
_SECRET_GROUPS, _GROUP = 4, 4


class AlreadyFounded(Refusal):
    """The station has operators."""

    code = "refusal.already_founded"
    text = (
        "The database {path} has operators already: this station was set up before. "
        "Nothing was changed. Log in with an operator of the station; to begin with "
        "new books, use cngstation initialise."
    )


class NameNotFit(Refusal):
    """A login name or a name that nobody could type or read."""

    code = "refusal.operator_name"
    text = (
        "A login name and a full name have 1 to {longest} characters of plain text. "
        "Nothing was made."
    )


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who runs the station, as typed at its first start."""

    login_name: str
    full_name: str


def one_time_secret() -> str:
    """Return a password that is shown once and must be changed at the first log-in."""
    groups = (
        "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))
        for _ in range(_SECRET_GROUPS)
    )
    return "-".join(groups)


def require_names(person: Administrator) -> None:
    """Refuse names that are empty, too long or unclean.

    Raises:
        NameNotFit: so it is.
    """
    for name in (person.login_name, person.full_name):
        if not 0 < len(name.strip()) <= LONGEST_NAME or not is_clean(name):
            raise NameNotFit(longest=LONGEST_NAME)


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
    """Register the first administrator; `tell` shows the secret before it holds.

    Shown first: cut off in between, a secret that opens nothing is harmless, and a
    station that nobody can enter is not.

    Raises:
        AlreadyFounded: the station has operators.
        NameNotFit: a name is not fit.
    """
    require_names(person)
    if await database.read(has_operators):
        raise AlreadyFounded(path=path)
    secret = one_time_secret()
    operator = Operator(
        operator_no=FIRST_OPERATOR_NO,
        login_name=person.login_name,
        full_name=person.full_name,
        role=ROLE,
        password_hash=await passwords.hash(secret),
        must_change=1,
        state=ACTIVE,
    )
    tell(secret)

    def unit(tx: Transaction) -> None:
        if has_operators(tx.connection):
            raise AlreadyFounded(path=path)
        operators.add(tx, operator)
        audit.record(tx, STATION, "station.found", operator.operator_no, after=ROLE)

    await database.write(unit)
