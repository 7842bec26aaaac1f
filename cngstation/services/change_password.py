"""Lets operators change their own passwords, the one-time ones first of all."""

import asyncio
from dataclasses import dataclass

from pydantic import SecretStr

from cngstation.errors import Refusal
from cngstation.services.approve import Gatekeeper
from cngstation.services.guess_password import PasswordGuessable, is_guessable
from cngstation.services.log_in import StaffSession, still_right
from cngstation.services.operator_guards import UnknownOperator
from cngstation.services.passwords import Passwords
from cngstation.storage import audit, operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction


class PasswordsDiffer(Refusal):
    """The new password was not typed the same twice."""

    code = "refusal.passwords_differ"
    text = (
        "The new password was not typed the same twice. The password was not changed."
    )


class PasswordNotNew(Refusal):
    """The new password is the old one."""

    code = "refusal.password_not_new"
    text = "The new password is the old one. The password was not changed."


@dataclass(frozen=True, slots=True)
class NewPassword:
    """What was typed."""

    old: SecretStr
    new: SecretStr
    again: SecretStr


class OwnPasswords:
    """Changes passwords."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        gate: Gatekeeper,
        known: tuple[str, ...] = (),
    ) -> None:
        self._database = database
        self._known = known
        self._passwords = passwords
        self._gate = gate

    async def change(self, session: StaffSession, typed: NewPassword) -> None:
        """Change the password of a session's operator; other sessions end.

        A wrong old password counts as a wrong one at the login.

        Raises:
            PasswordsDiffer, PasswordNotNew, PasswordWeak, PasswordGuessable: the new
                one cannot be used.
            LoginRefused, LoginMustWait, OperatorRetired: the old one is wrong, or its
                operator may not work now.
        """
        number = session.operator_no
        actor = Actor(number, session.terminal)
        operator = await self._database.read(lambda c: operators.find(c, number))
        if operator is None:
            raise UnknownOperator(operator_no=number)
        checked = await self._gate.identify(
            operator.login_name, typed.old, session.terminal
        )
        new = typed.new.get_secret_value()
        if new != typed.again.get_secret_value():
            raise PasswordsDiffer
        if new == typed.old.get_secret_value():
            raise PasswordNotNew
        stored = await self._passwords.hash(new)
        known = (number, operator.login_name, operator.full_name, *self._known)
        if await asyncio.to_thread(is_guessable, new, known):
            raise PasswordGuessable

        def unit(tx: Transaction) -> None:
            still_right(tx, checked)
            why = "own password changed"
            operators.set_password(tx, number, stored, reason=why, actor=actor)
            operators.end_sessions(
                tx, number, reason=why, actor=actor, keep=session.token_hash
            )
            audit.record(tx, actor, "operator.change_password", number)

        await self._database.write(unit)
