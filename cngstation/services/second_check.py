"""What proves somebody beside the password: the own staff card, where it is asked."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from cngstation.rpc.session import Login
from cngstation.storage.audit import Actor
from cngstation.storage.operators import Operator


@dataclass(frozen=True, slots=True)
class Behind:
    """A second person whose password was right, and for what of whom it was given.

    `by_card` wants the card even of somebody who need not show it.
    """

    operator: Operator
    password: SecretStr
    act: str
    subject: str
    first: Actor
    by_card: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """By what a second person was known; without a card by the password alone.

    `asked_no` is the row under which the card was asked for, 0 where there is none.
    """

    staff_card_no: str = ""
    asked_no: int = 0

    @property
    def text(self) -> str:
        """As the audit has it."""
        return f"password + card {self.staff_card_no}" if self else "password"

    def __bool__(self) -> bool:
        return bool(self.staff_card_no)


BY_PASSWORD = Proof()


class SecondCheck(Protocol):
    """What is taken beside the password; `SecondStep` fits."""

    async def passed(
        self, operator: Operator, terminal: str, credentials: Login
    ) -> str: ...
    async def behind(self, given: Behind) -> Proof: ...
