"""Hires operators, changes them, locks and unlocks them, and lets them go.

Nobody is deleted: who has left is retired, with the job number and the login name that
are in the log, and neither is given again. Passwords are given for one login: the
station makes them, they are told once, and kept as slow hashes alone.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from cngstation.domain.numbers import masked
from cngstation.domain.rights import ADMINISTRATOR
from cngstation.domain.sealing import PersonalDataSeal
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.services import operator_guards as guards
from cngstation.services.approve import reason_of
from cngstation.services.edit_registers import NoFieldChanged
from cngstation.services.log_in import ACTIVE
from cngstation.services.passwords import Passwords
from cngstation.services.register_customers import (
    AlreadyRegistered,
    FieldEmpty,
    FieldWrong,
)
from cngstation.storage import audit, operators
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.roles import DEFAULT_OUTLET

LOCKED, RETIRED = "locked", "retired"
SEXES = ("", "female", "male")
PHONE_COLUMN = "operator.phone"
ONE_TIME_CHARACTERS = 10
# Without 0 o 1 l i: they are read from a screen or from paper. 49 bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
# Typed at every login with whatever input method is on: no other characters.
_LOGIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,19}")
_PHONE = re.compile(r"[0-9+() -]{5,20}")
_LOGIN_NAME_FORM = mark("2 to 20 letters, digits, . _ -")
_PHONE_FORM = mark("digits, + - ( ) and spaces")
_SEX_FORM = mark("not one of the list")


class StationHasAdministrator(Refusal):
    """The first administrator is made once."""

    code = "refusal.has_administrator"
    text = (
        "This station has operators already. Nobody was registered. An administrator "
        "registers operators at the screen."
    )


class StateAlready(Refusal):
    """The operator is in that state."""

    code = "refusal.operator_state_already"
    text = "Operator {operator_no} is {state} already. Nothing was changed."


@dataclass(frozen=True, slots=True)
class OperatorDraft:
    """An operator as a form has it; an empty phone number stays what it is."""

    login_name: str
    full_name: str
    role: str
    outlet_no: str = DEFAULT_OUTLET
    sex: str = ""
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OneTime:
    """An operator's number with the password that is good for one login."""

    operator_no: str
    password: SecretStr


class OperatorDesk:
    """Keeps the operators."""

    def __init__(
        self, database: Database, passwords: Passwords, seal: PersonalDataSeal
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._seal = seal

    async def add(self, draft: OperatorDraft, actor: Actor) -> OneTime:
        """Register an operator under the next job number.

        Raises:
            Refusal: why not; nobody was registered.
        """
        wanted = self._checked(draft)
        password = one_time_password()
        stored = await self._passwords.hash(password)

        def unit(tx: Transaction) -> str:
            guards.may_give(tx, actor, wanted.role, wanted.outlet_no)
            return _hire(tx, replace(wanted, password_hash=stored), actor)

        return OneTime(await self._database.write(unit), SecretStr(password))

    async def edit(
        self, operator_no: str, draft: OperatorDraft, reason: str, actor: Actor
    ) -> Operator:
        """Change an operator; another role ends the sessions of the old one.

        The login name stays: it is in the log.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why = reason_of(reason)
        wanted = self._checked(draft)

        def unit(tx: Transaction) -> Operator:
            was = guards.may_change(tx, actor, operator_no)
            guards.not_a_vendor(was)
            if wanted.login_name != was.login_name:
                raise FieldWrong(field="login name", why=mark("it stays as it is"))
            if (wanted.role, wanted.outlet_no) != (was.role, was.outlet_no):
                guards.not_oneself(actor, operator_no)
                guards.may_give(tx, actor, wanted.role, wanted.outlet_no)
            if wanted.full_name != was.full_name:
                guards.not_oneself(actor, operator_no)
            if wanted.role != was.role:
                guards.not_the_last(tx, was)
            sealed = wanted.phone_sealed or was.phone_sealed
            return _edit(tx, was, replace(wanted, phone_sealed=sealed), why, actor)

        return await self._database.write(unit)

    async def lock(self, operator_no: str, reason: str, actor: Actor) -> Operator:
        """Let an operator do nothing until unlocked; ends the sessions.

        Raises:
            Refusal: why not; nothing has changed.
        """
        return await self._set_state(
            operator_no, LOCKED, "operator.lock", reason, actor
        )

    async def unlock(self, operator_no: str, reason: str, actor: Actor) -> Operator:
        """Let an operator work again; wrong passwords are forgotten.

        Raises:
            Refusal: why not; nothing has changed.
        """
        why = reason_of(reason)

        def unit(tx: Transaction) -> Operator:
            was = guards.may_change(tx, actor, operator_no)
            if was.state != ACTIVE:
                operators.change(tx, operator_no, reason=why, actor=actor, state=ACTIVE)
            operators.set_tries(tx, operator_no, 0, 0)
            before = was.state if was.state != ACTIVE else f"tries {was.wrong_tries}"
            told = {"reason": why, "before": before, "after": ACTIVE}
            audit.record(tx, actor, "operator.unlock", operator_no, **told)
            return replace(was, state=ACTIVE, wrong_tries=0, blocked_until_mono_ms=0)

        return await self._database.write(unit)

    async def retire(self, operator_no: str, reason: str, actor: Actor) -> Operator:
        """Let an operator go for good; ends the sessions, keeps the row.

        Raises:
            Refusal: why not; nothing has changed.
        """
        return await self._set_state(
            operator_no, RETIRED, "operator.retire", reason, actor
        )

    async def reset_password(
        self, operator_no: str, reason: str, actor: Actor
    ) -> OneTime:
        """Give a password for one login; ends the sessions, forgets wrong passwords.

        Raises:
            Refusal: why not; the old password stays.
        """
        why = reason_of(reason)
        password = one_time_password()
        stored = await self._passwords.hash(password)

        def unit(tx: Transaction) -> None:
            guards.not_oneself(actor, operator_no)
            guards.may_change(tx, actor, operator_no)
            operators.set_password(
                tx, operator_no, stored, must_change=True, reason=why, actor=actor
            )
            operators.set_tries(tx, operator_no, 0, 0)
            operators.end_sessions(tx, operator_no, reason=why, actor=actor)
            audit.record(tx, actor, "operator.reset_password", operator_no, reason=why)

        await self._database.write(unit)
        return OneTime(operator_no, SecretStr(password))

    def phone_masked(self, operator: Operator) -> str:
        """Return the phone number with its middle hidden."""
        phone = self._seal.open(operator.phone_sealed, PHONE_COLUMN)
        return masked(phone, head=3, tail=4)

    async def _set_state(
        self, operator_no: str, state: str, act: str, reason: str, actor: Actor
    ) -> Operator:
        why = reason_of(reason)

        def unit(tx: Transaction) -> Operator:
            guards.not_oneself(actor, operator_no)
            was = guards.may_change(tx, actor, operator_no)
            if was.state == state:
                raise StateAlready(operator_no=operator_no, state=state)
            guards.not_the_last(tx, was)
            operators.change(tx, operator_no, reason=why, actor=actor, state=state)
            operators.end_sessions(tx, operator_no, reason=why, actor=actor)
            told = {"reason": why, "before": was.state, "after": state}
            audit.record(tx, actor, act, operator_no, **told)
            return replace(was, state=state)

        return await self._database.write(unit)

    def _checked(self, draft: OperatorDraft) -> Operator:
        phone = draft.phone.strip()
        if phone and not _PHONE.fullmatch(phone):
            raise FieldWrong(field="phone", why=_PHONE_FORM)
        if draft.sex not in SEXES:
            raise FieldWrong(field="sex", why=_SEX_FORM)
        return Operator(
            operator_no="",
            login_name=_login_name(draft.login_name),
            full_name=_full_name(draft.full_name),
            role=draft.role,
            password_hash="",
            must_change=1,
            state=ACTIVE,
            outlet_no=draft.outlet_no,
            sex=draft.sex,
            phone_sealed=self._seal.seal(phone, PHONE_COLUMN),
        )


async def add_first_administrator(
    database: Database,
    passwords: Passwords,
    login_name: str,
    full_name: str,
    *,
    within: Callable[[Transaction], None] = lambda _tx: None,
    tell: Callable[[str], None] = lambda _password: None,
) -> OneTime:
    """Register a station's first operator, an administrator, with a one-time password.

    `within` goes into the same transaction. `tell` shows the password before it holds:
    cut off in between, one that opens nothing is harmless, and a station that nobody
    can enter is not.

    Raises:
        StationHasAdministrator: there are operators.
        FieldEmpty, FieldWrong: a name cannot be used.
    """
    password = one_time_password()
    first = Operator(
        operator_no="",
        login_name=_login_name(login_name),
        full_name=_full_name(full_name),
        role=ADMINISTRATOR,
        password_hash=await passwords.hash(password),
        must_change=1,
        state=ACTIVE,
    )
    tell(password)

    def unit(tx: Transaction) -> str:
        if operators.every(tx.connection):
            raise StationHasAdministrator
        within(tx)
        return _hire(tx, first, STATION)

    return OneTime(await database.write(unit), SecretStr(password))


async def add_operator(
    database: Database,
    passwords: Passwords,
    operator: Operator,
    password: str,
    actor: Actor,
) -> None:
    """Register an operator whose number and first password are given.

    Raises:
        PasswordWeak: the password is too weak; nobody was registered.
    """
    stored = await passwords.hash(password)

    def unit(tx: Transaction) -> None:
        operators.add(tx, replace(operator, password_hash=stored), actor)
        audit.record(
            tx, actor, "operator.add", operator.operator_no, after=operator.role
        )

    await database.write(unit)


def check_names(login_name: str, full_name: str) -> None:
    """Refuse names that no operator can have.

    Raises:
        FieldEmpty, FieldWrong: one of them cannot be used.
    """
    _login_name(login_name)
    _full_name(full_name)


def one_time_password() -> str:
    """Return a password that nobody has thought of."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(ONE_TIME_CHARACTERS))


def _login_name(text: str) -> str:
    name = text.strip()
    if not name:
        raise FieldEmpty(field="login name")
    if not _LOGIN_NAME.fullmatch(name):
        raise FieldWrong(field="login name", why=_LOGIN_NAME_FORM)
    return name


def _full_name(text: str) -> str:
    name = clean(text, limit=40).strip()
    if not name:
        raise FieldEmpty(field="full name")
    return name


def _hire(tx: Transaction, operator: Operator, actor: Actor) -> str:
    if operators.login_name_taken(tx.connection, operator.login_name):
        raise AlreadyRegistered(what=operator.login_name)
    number = operators.next_operator_no(tx.connection)
    operators.add(tx, replace(operator, operator_no=number), actor)
    after = f"{operator.login_name} {operator.role} {operator.outlet_no}"
    audit.record(tx, actor, "operator.add", number, after=after)
    return number


def _edit(
    tx: Transaction, was: Operator, wanted: Operator, why: str, actor: Actor
) -> Operator:
    number = was.operator_no
    fields = ("full_name", "role", "outlet_no", "sex", "phone_sealed")
    changed = {
        name: getattr(wanted, name)
        for name in fields
        if getattr(wanted, name) != getattr(was, name)
    }
    if not changed:
        raise NoFieldChanged
    operators.change(tx, number, reason=why, actor=actor, **changed)
    for name, value in changed.items():
        act, told = f"operator.edit.{name.removesuffix('_sealed')}", {"reason": why}
        if name != "phone_sealed":
            told |= {"before": getattr(was, name), "after": value}
        audit.record(tx, actor, act, number, **told)
    if changed.keys() & {"role", "outlet_no"}:
        operators.end_sessions(tx, number, reason=why, actor=actor)
    return replace(was, **changed)
