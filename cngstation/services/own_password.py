"""The own password of whoever is logged in, given again for one act."""

from typing import Protocol

from pydantic import SecretStr

from cngstation.errors import Refusal
from cngstation.services.check_rights import RightMissing
from cngstation.services.lock_out import LoginRefused
from cngstation.storage import operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from cngstation.storage.operators import Operator


class OwnPasswordMissing(Refusal):
    """The first person did not give a password again."""

    code = "refusal.own_password_missing"
    text = (
        "This takes two people, and whoever is logged in gives the own password again. "
        "Nothing was done and no money moved. Type your own password beside the second "
        "operator's; a screen without that field has to be started anew."
    )


class OwnPasswordWrong(Refusal):
    """What the first person gave is not the password of the session's operator."""

    code = "refusal.own_password"
    text = (
        "The password of whoever is logged in here is wrong. Letter case counts. "
        "Nothing was done and no money moved. {left} more tries before a wait."
    )


class Doorkeeper(Protocol):
    """Who checks passwords; `Gate` fits."""

    @property
    def database(self) -> Database: ...
    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator: ...


async def person_at(gate: Doorkeeper, actor: Actor, right: str) -> Operator:
    """Return who acts, as the row has it.

    Raises:
        RightMissing: there is no such operator.
    """
    person = await gate.database.read(
        lambda connection: operators.find(connection, actor.operator_no)
    )
    if person is None:
        raise RightMissing(right=right)
    return person


async def once_more(
    gate: Doorkeeper, person: Operator, password: SecretStr | None, actor: Actor
) -> Operator:
    """Return who acts, the own password checked now.

    The name is that of the session and not typed: nobody else's password fits. A wrong
    one counts as at a login.

    Raises:
        OwnPasswordMissing, OwnPasswordWrong, LoginMustWait: why not.
    """
    if password is None:
        raise OwnPasswordMissing
    try:
        return await gate.identify(person.login_name, password, actor.terminal)
    except LoginRefused as wrong:
        raise OwnPasswordWrong(**wrong.facts) from wrong
