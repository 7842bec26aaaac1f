"""Logs operators in: slow hashes, growing waits after wrong tries, sessions as rows.

A session lives in the station's database, so that a login at one daemon is good at
the others; its token is good only for the Linux user that made it. Waits and ends
count on the monotonic clock of a boot: setting the wall clock changes none of them.
"""

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass, field

from pydantic import SecretStr

from cngstation.errors import NotLoggedIn, Refusal
from cngstation.hygiene import clean
from cngstation.moments import MS_PER_HOUR, Clock, Instant
from cngstation.rpc.authority import Peer, Session
from cngstation.rpc.session import Login
from cngstation.services.check_rights import (
    PasswordMustChange,
    require_right,
    rights_in_force,
)
from cngstation.services.passwords import Passwords
from cngstation.storage import audit, operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator, SessionRow
from cngstation.storage.sqlite import Connection

FIRST_WAIT_MS = 30_000
LONGEST_WAIT_MS = 30 * 60_000
ACTIVE, LOCKED, ENDED = "active", "locked", "ended"

__all__ = [
    "ACTIVE",
    "Gate",
    "LoginMustWait",
    "LoginRefused",
    "OperatorRetired",
    "Passwords",
    "ScreenLocked",
    "StaffSession",
]


class LoginRefused(Refusal):
    """The name or the password is wrong; which of them is not said."""

    code = "refusal.login"
    text = (
        "User name or password is wrong. Letter case counts. {left} more tries before "
        "a wait."
    )


class LoginMustWait(Refusal):
    """Too many wrong tries."""

    code = "refusal.login_wait"
    text = (
        "You may not use this system now: too many wrong passwords. Try again in "
        "{seconds} seconds, or let the administrator unlock you."
    )


class OperatorRetired(Refusal):
    """The operator may not log in any more."""

    code = "refusal.operator_state"
    text = "This operator is {state} and may not log in. Ask the administrator."


class ScreenLocked(Refusal):
    """The screen is locked until its operator gives the password."""

    code = "refusal.screen_locked"
    text = "The screen is locked. Give the password to go on. Nothing was done."


@dataclass(frozen=True)
class StaffSession(Session):
    """A session with the operator behind it."""

    operator_no: str = ""
    token_hash: bytes = field(default=b"", repr=False)


class Gate:
    """Decides who works here, at a till of an outlet; fits the socket's `Authority`."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        clock: Clock,
        *,
        wrong_tries: int,
        session_hours: int,
        outlet_no: str = "",
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock
        self._wrong_tries = wrong_tries
        self._session_ms = session_hours * MS_PER_HOUR
        self._outlet_no = outlet_no

    async def login(self, credentials: Login, peer: Peer) -> StaffSession:
        """Begin a session.

        Raises:
            LoginRefused, LoginMustWait, OperatorRetired: who it is may not work now.
        """
        name, terminal = credentials.login_name, _terminal(credentials.terminal)
        operator = await self.identify(name, credentials.password, terminal)
        return await self._begin(operator, peer, terminal)

    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator:
        """Check name and password, no more; who may work now is asked by `confirm`.

        Raises:
            LoginRefused, LoginMustWait: wrong, or too often wrong.
        """
        name = clean(login_name, limit=40)
        operator = await self._database.read(
            lambda connection: operators.with_login_name(connection, name)
        )
        if operator is not None:
            self._require_no_wait(operator)
        right = await self._passwords.fits(
            operator.password_hash if operator else None, password.get_secret_value()
        )
        if operator is None or not right:
            raise await self._wrong_try(name, operator, terminal)
        return operator

    async def resume(self, token: SecretStr, peer: Peer) -> StaffSession:
        """Find the session of a token made by the same Linux user.

        Raises:
            NotLoggedIn: there is none, it ended, or another user made it.
        """
        digest = _digest(token)
        row = await self._database.read(
            lambda connection: operators.find_session(connection, digest)
        )
        if row is None or row.uid != peer.uid or self._over(row):
            raise NotLoggedIn
        operator = await self._database.read(
            lambda connection: operators.find(connection, row.operator_no)
        )
        if operator is None or operator.state != ACTIVE:
            raise NotLoggedIn
        return await self._session(operator, row, token)

    async def allowed(self, session: Session, right: str) -> None:
        """Check a session and its right against the database, at every call.

        Raises:
            NotLoggedIn, ScreenLocked, PasswordMustChange, RightMissing,
            OtherOutlet: why not.
        """
        staff = _staff(session)

        def question(connection: Connection) -> None:
            row = operators.find_session(connection, staff.token_hash)
            operator = operators.find(connection, staff.operator_no)
            if row is None or self._over(row):
                raise NotLoggedIn
            if operator is None or operator.state != ACTIVE:
                raise NotLoggedIn
            if row.state == LOCKED:
                raise ScreenLocked
            require_right(connection, operator, right, self._outlet_no)

        await self._database.read(question)

    async def require_right(self, operator: Operator, right: str) -> None:
        """Check the right of somebody who has no session here.

        Raises:
            PasswordMustChange, RightMissing, OtherOutlet: why not.
        """
        await self._database.read(
            lambda connection: require_right(
                connection, operator, right, self._outlet_no
            )
        )

    async def lock(self, session: Session) -> None:
        """Refuse everything until the password is given again.

        Raises:
            NotLoggedIn: the session has ended.
        """
        await self._set_state(session, LOCKED, "session.lock")

    async def unlock(self, session: Session, password: SecretStr) -> StaffSession:
        """End a lock.

        Raises:
            LoginRefused, LoginMustWait: wrong password, or too many of them.
            NotLoggedIn: the session has ended, or its operator may not work any more.
        """
        staff = _staff(session)
        operator = await self._database.read(
            lambda connection: operators.find(connection, staff.operator_no)
        )
        if operator is None or operator.state != ACTIVE:
            raise NotLoggedIn
        self._require_no_wait(operator)
        if not await self._passwords.fits(
            operator.password_hash, password.get_secret_value()
        ):
            raise await self._wrong_try(operator.login_name, operator, session.terminal)
        await self._set_state(session, ACTIVE, "session.unlock", checked=operator)
        return staff

    async def logout(self, session: Session) -> None:
        """End a session everywhere; one that is over already stays so."""
        with contextlib.suppress(NotLoggedIn):
            await self._set_state(session, ENDED, "session.logout")

    async def _begin(
        self, operator: Operator, peer: Peer, terminal: str
    ) -> StaffSession:
        token = SecretStr(secrets.token_urlsafe(32))

        def unit(tx: Transaction) -> SessionRow | Refusal:
            actor = Actor(operator.operator_no, terminal)
            # Others were tried while this password was checked; the row decides.
            now = operators.find(tx.connection, operator.operator_no) or operator
            if refused := _refusal(now, operator, tx.now):
                audit.record(
                    tx, actor, "session.login", now.login_name, outcome="refused"
                )
                return refused
            row = SessionRow(
                token_hash=_digest(token),
                operator_no=operator.operator_no,
                uid=peer.uid,
                terminal=terminal,
                state=ACTIVE,
                started_at_ms=tx.now.wall_ms,
                ends_mono_ms=tx.now.mono_ms + self._session_ms,
                boot_id=tx.now.boot_id,
            )
            operators.add_session(tx, row)
            operators.set_tries(tx, operator.operator_no, 0, 0)
            audit.record(tx, actor, "session.login", operator.login_name)
            return row

        begun = await self._database.write(unit)
        if isinstance(begun, Refusal):
            raise begun
        return await self._session(operator, begun, token)

    async def _wrong_try(
        self, name: str, operator: Operator | None, terminal: str
    ) -> Refusal:
        """Count a wrong try durably, and say how it goes on."""

        def unit(tx: Transaction) -> Refusal:
            actor = Actor(operator.operator_no if operator else "", terminal)
            audit.record(tx, actor, "session.login", name, outcome="refused")
            if operator is None:
                return LoginRefused(left=self._wrong_tries - 1)
            now = operators.find(tx.connection, operator.operator_no) or operator
            tries = now.wrong_tries + 1
            beyond = tries - self._wrong_tries
            if beyond < 0:
                operators.set_tries(tx, operator.operator_no, tries, 0)
                return LoginRefused(left=-beyond)
            wait_ms = min(FIRST_WAIT_MS << min(beyond, 10), LONGEST_WAIT_MS)
            until = tx.now.mono_ms + wait_ms
            operators.set_tries(tx, operator.operator_no, tries, until)
            return LoginMustWait(seconds=wait_ms // 1000)

        return await self._database.write(unit)

    def _require_no_wait(self, operator: Operator) -> None:
        if wait := _wait(operator, self._clock.now()):
            raise wait

    async def _set_state(
        self,
        session: Session,
        state: str,
        act: str,
        *,
        checked: Operator | None = None,
    ) -> None:
        """Change a session that still holds: what has ended never comes back.

        `checked` is whose password was found right.

        Raises:
            NotLoggedIn: it has ended.
        """
        staff = _staff(session)

        def unit(tx: Transaction) -> None:
            row = operators.find_session(tx.connection, staff.token_hash)
            if row is None or self._over(row):
                raise NotLoggedIn
            if checked is not None:
                still_right(tx, checked)
            operators.set_session_state(tx, staff.token_hash, state)
            actor = Actor(staff.operator_no, staff.terminal)
            audit.record(tx, actor, act, staff.operator)

        await self._database.write(unit)

    def _over(self, row: SessionRow) -> bool:
        now: Instant = self._clock.now()
        ended = row.state == ENDED or row.boot_id != now.boot_id
        return ended or now.mono_ms >= row.ends_mono_ms

    async def _session(
        self, operator: Operator, row: SessionRow, token: SecretStr
    ) -> StaffSession:
        now = self._clock.now()
        held = await self._database.read(
            lambda connection: rights_in_force(connection, operator, self._outlet_no)
        )
        return StaffSession(
            session_id=row.token_hash.hex()[:16],
            operator=operator.full_name,
            terminal=row.terminal,
            rights=tuple(sorted(held)),
            expires_at_ms=now.wall_ms + row.ends_mono_ms - now.mono_ms,
            token=token,
            must_change_password=bool(operator.must_change),
            operator_no=operator.operator_no,
            token_hash=row.token_hash,
        )


def _wait(operator: Operator, now: Instant) -> LoginMustWait | None:
    left_ms = operator.blocked_until_mono_ms - now.mono_ms
    if operator.blocked_boot_id == now.boot_id and left_ms > 0:
        return LoginMustWait(seconds=(left_ms + 999) // 1000)
    return None


def confirm(tx: Transaction, checked: Operator) -> Operator:
    """Return an operator whose password was right, if they may work now.

    Raises:
        Refusal: they may not, or their password must be changed first.
    """
    now = still_right(tx, checked)
    if now.must_change:
        raise PasswordMustChange
    return now


def still_right(tx: Transaction, checked: Operator) -> Operator:
    """Return an operator whose password was right, as the row has it now.

    Raises:
        Refusal: it was changed, or they may not log in.
    """
    now = operators.find(tx.connection, checked.operator_no) or checked
    if refused := _refusal(now, checked, tx.now):
        raise refused
    operators.set_tries(tx, now.operator_no, 0, 0)
    return now


def _refusal(now: Operator, checked: Operator, moment: Instant) -> Refusal | None:
    """Say why a right password does not let an operator in."""
    if wait := _wait(now, moment):
        return wait
    if now.state != ACTIVE:
        return OperatorRetired(state=now.state)
    if now.password_hash != checked.password_hash:
        return LoginRefused(left=1)
    return None


def _staff(session: Session) -> StaffSession:
    if not isinstance(session, StaffSession):
        raise NotLoggedIn
    return session


def _digest(token: SecretStr) -> bytes:
    return hashlib.sha256(token.get_secret_value().encode()).digest()


def _terminal(text: str) -> str:
    return re.sub(r"[^\w./:-]", "", clean(text, limit=40)) or "unknown"
