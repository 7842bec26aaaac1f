"""Two people for a dangerous act: the second gives a password at the same terminal.

The second person is another operator who has the right of the act, and is named in the
audit beside the first, with the reason. Passwords are checked and wrong ones counted
as at a login. What was checked is asked once more in the transaction of the act.
"""

from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.services.check_rights import RightMissing, require_right
from cngstation.services.log_in import confirm
from cngstation.storage import audit, operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.operators import Operator

SHORTEST_REASON = 2
LONGEST_REASON = 200


class ReasonMissing(Refusal):
    """Why the act is done has to be written down."""

    code = "refusal.reason_missing"
    text = "This is only done with a reason. Nothing was done. Write down why."


class SecondPersonMissing(Refusal):
    """The act takes two people."""

    code = "refusal.second_person_missing"
    text = (
        "This takes two people. Nothing was done and no money moved. Let a second "
        "operator with this right give name and password."
    )


class SamePerson(Refusal):
    """The second person is the first."""

    code = "refusal.same_person"
    text = (
        "The second person must be another operator than the first. Nothing was done "
        "and no money moved."
    )


@dataclass(frozen=True, slots=True)
class Approval:
    """Name and password of the second person, as given."""

    login_name: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Approved:
    """Who approved an act with which right; good for one transaction, by `record`."""

    operator: Operator
    right: str
    reason: str

    @property
    def operator_no(self) -> str:
        """The number of the second person."""
        return self.operator.operator_no


class Gatekeeper(Protocol):
    """Who checks passwords; `Gate` fits."""

    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator: ...
    async def require_right(self, operator: Operator, right: str) -> None: ...


class Approvals:
    """Finds out whether a second person stands behind an act."""

    def __init__(self, gate: Gatekeeper) -> None:
        self._gate = gate

    async def approve(
        self, given: Approval | None, right: str, actor: Actor, reason: str
    ) -> Approved:
        """Return who approves an act.

        Raises:
            ReasonMissing, SecondPersonMissing, SamePerson, RightMissing: why nobody.
            LoginRefused, LoginMustWait: the password was wrong.
        """
        why = reason_of(reason)
        if given is None:
            raise SecondPersonMissing
        second = await self._gate.identify(
            given.login_name, given.password, actor.terminal
        )
        if second.operator_no == actor.operator_no:
            raise SamePerson
        await self._gate.require_right(second, right)
        return Approved(second, right, why)


def reason_of(text: str) -> str:
    """Return a reason as it is kept.

    Raises:
        ReasonMissing: there is none.
    """
    why = clean(text, limit=LONGEST_REASON).strip()
    if len(why) < SHORTEST_REASON:
        raise ReasonMissing
    return why


def record(
    tx: Transaction, approved: Approved, act: str, subject: str, first: Actor
) -> None:
    """Write the second person down; both must have the right at this moment.

    Raises:
        LoginMustWait, OperatorRetired, LoginRefused, RightMissing: not any more.
    """
    now = confirm(tx, approved.operator)
    other = operators.find(tx.connection, first.operator_no)
    if other is None:
        raise RightMissing(right=approved.right)
    for person in (now, other):
        require_right(tx.connection, person, approved.right, other.outlet_no)
    second = Actor(now.operator_no, first.terminal)
    audit.record(tx, second, f"{act}.approve", subject, reason=approved.reason)
