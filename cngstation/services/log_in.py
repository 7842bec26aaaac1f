"""Logs operators in: slow hashes, growing waits after wrong tries, sessions as rows.

A session lives in the station's database, so that a login at one daemon is good at
the others; its token is good only for the Linux user that made it. Waits, locks and
ends count on the monotonic clock of a boot: setting the wall clock changes none.
"""

import contextlib
import secrets
from collections.abc import Callable

from pydantic import SecretStr

from cngstation.errors import NotLoggedIn, Refusal, StorageError
from cngstation.hygiene import clean
from cngstation.moments import MS_PER_HOUR, Clock, Instant
from cngstation.rpc.authority import Call, Peer, Session
from cngstation.rpc.session import Login
from cngstation.services import vendor_level
from cngstation.services.check_rights import (
    require_right,
    rights_in_force,
)
from cngstation.services.count_refusals import RefusalLog, Refused
from cngstation.services.lock_out import (
    LockOut,
    LoginMustWait,
    LoginRefused,
    wait_of,
    who_may_try,
)
from cngstation.services.name_terminal import terminal_of
from cngstation.services.one_time import one_time_over
from cngstation.services.passwords import Passwords
from cngstation.services.second_check import SecondCheck
from cngstation.services.see_hands import Hands
from cngstation.services.staff_session import (
    OperatorRetired,
    ScreenLocked,
    StaffSession,
    digest_of,
    staff_of,
)
from cngstation.services.station_rules import GateRules
from cngstation.services.still_right import ACTIVE, confirm, still_right, why_not
from cngstation.storage import audit, operators, staff_cards
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.operators import Operator, SessionRow
from cngstation.storage.sqlite import Connection

_UNKNOWN_NAME = "unknown name"
_IDLE = "nobody at the screen"
LOCKED, ENDED = "locked", "ended"

__all__ = [
    "ACTIVE",
    "Gate",
    "LoginMustWait",
    "LoginRefused",
    "OperatorRetired",
    "Passwords",
    "ScreenLocked",
    "StaffSession",
    "confirm",
    "still_right",
]


class Gate:
    """Decides who works here, at a till of an outlet; fits the socket's `Authority`."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        clock: Clock,
        rules: GateRules,
        *,
        outlet_no: str = "",
        name_terminal: Callable[[Peer, str], str] = terminal_of,
    ) -> None:
        self.refusals = RefusalLog(database, clock)
        self.database = database
        self._passwords = passwords
        self._clock = clock
        self._lock_out = LockOut(rules.wrong_tries)
        self._session_ms = rules.session_hours * MS_PER_HOUR
        self._one_time_hours = rules.one_time_hours
        self._hands = Hands(database, clock, rules.idle_minutes)
        self.outlet_no = outlet_no
        self._name_terminal = name_terminal
        self.second: SecondCheck | None = None

    async def login(self, credentials: Login, peer: Peer) -> StaffSession:
        """Begin a session.

        Raises:
            LoginRefused, LoginMustWait, OperatorRetired: who it is may not work now.
            Refusal, DeviceError: the second step of the login was not passed.
        """
        name = credentials.login_name
        terminal = self._name_terminal(peer, credentials.terminal)
        operator = await self.identify(name, credentials.password, terminal)
        card_no = await self._passed(operator, terminal, credentials)
        renewed = await self._passwords.renewed(
            operator.password_hash, credentials.password.get_secret_value()
        )
        return await self._begin(operator, peer, (terminal, card_no), renewed)

    async def _passed(
        self, operator: Operator, terminal: str, credentials: Login
    ) -> str:
        """Take the second step of a login, where there is one."""
        if self.second is None:
            return ""
        try:
            return await self.second.passed(operator, terminal, credentials)
        except Refusal as refused:
            actor = Actor(operator.operator_no, terminal)
            await self.refusals.note(Refused(actor, "session.login", refused.code))
            raise

    async def identify(
        self, login_name: str, password: SecretStr, terminal: str
    ) -> Operator:
        """Check name and password, no more; who may work now is asked by `confirm`.

        Raises:
            LoginRefused, LoginMustWait: wrong, or too often wrong.
        """
        name = clean(login_name, limit=40)

        def question(connection: Connection) -> Operator | None:
            return who_may_try(connection, name, self._clock.now())

        operator = await self.database.read(question)
        right = await self._passwords.fits(
            operator.password_hash if operator else None, password.get_secret_value()
        )
        if operator is None or not right:
            raise await self._wrong_try(name, operator, terminal)
        # Others that were tried beside it tell nobody that this one is right.
        await self.database.read(question)
        return operator

    async def resume(self, token: SecretStr, peer: Peer) -> StaffSession:
        """Find the session of a token made by the same Linux user.

        Raises:
            NotLoggedIn: there is none, it ended, or another user made it.
        """
        digest = digest_of(token)
        row = await self.database.read(
            lambda connection: operators.find_session(connection, digest)
        )
        if row is None or row.uid != peer.uid or self._over(row):
            raise NotLoggedIn
        operator = await self.database.read(
            lambda connection: operators.find(connection, row.operator_no)
        )
        if operator is None or operator.state != ACTIVE:
            raise NotLoggedIn
        return await self._session(operator, row, token)

    async def allowed(self, session: Session, right: str, call: Call) -> None:
        """Check a session and its right against the database, at every call.

        A session whose operator did nothing by hand for too long is locked.

        Raises:
            NotLoggedIn, ScreenLocked, PasswordMustChange, RightMissing,
            OtherOutlet: why not.
        """
        staff = staff_of(session)
        row, refused = await self.database.read(
            lambda connection: self._standing(connection, staff, right, call.method)
        )
        if self._hands.are_gone(row):
            # Locked it is, whether or not that can be written now.
            with contextlib.suppress(StorageError):
                await self._set_state(staff, LOCKED, "session.lock", reason=_IDLE)
            raise ScreenLocked
        if call.by_hand:
            self._hands.seen(row)
        if refused is not None:
            actor = Actor(staff.operator_no, staff.terminal)
            await self.refusals.note(Refused(actor, call.method, right))
            raise refused

    async def holds(self, session: Session, right: str) -> bool:
        """Tell whether what takes a right may be shown to a session now."""
        staff = staff_of(session)
        try:
            row, refused = await self.database.read(
                lambda connection: self._standing(connection, staff, right)
            )
        except (NotLoggedIn, ScreenLocked):
            return False
        return refused is None and not self._hands.are_gone(row)

    def _standing(
        self, connection: Connection, staff: StaffSession, right: str, method: str = ""
    ) -> tuple[SessionRow, Refusal | None]:
        row = operators.find_session(connection, staff.token_hash)
        operator = operators.find(connection, staff.operator_no)
        if row is None or self._over(row):
            raise NotLoggedIn
        if operator is None or operator.state != ACTIVE:
            raise NotLoggedIn
        if vendor_level.over(connection, operator, self._clock.now()):
            raise NotLoggedIn
        if row.state == LOCKED:
            raise ScreenLocked
        try:
            vendor_level.require_for_vendor(operator, right, method)
            require_right(connection, operator, right, self.outlet_no)
        except Refusal as refused:
            return row, refused
        return row, None

    async def require_right(self, operator: Operator, right: str) -> None:
        """Check the right of somebody who has no session here.

        Raises:
            PasswordMustChange, RightMissing, OtherOutlet: why not.
        """
        await self.database.read(
            lambda connection: require_right(
                connection, operator, right, self.outlet_no
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
        staff = staff_of(session)
        operator = await self.database.read(
            lambda connection: operators.find(connection, staff.operator_no)
        )
        if operator is None or operator.state != ACTIVE:
            raise NotLoggedIn
        if wait := wait_of(operator, self._clock.now()):
            raise wait
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
        self, operator: Operator, peer: Peer, by: tuple[str, str], renewed: str
    ) -> StaffSession:
        (terminal, card_no), token = by, SecretStr(secrets.token_urlsafe(32))

        def unit(tx: Transaction) -> SessionRow | Refusal:
            actor = Actor(operator.operator_no, terminal)
            # Others were tried while this password was checked; the row decides.
            now = operators.find(tx.connection, operator.operator_no) or operator
            gone = staff_cards.out_of_use(tx.connection, card_no)
            over = one_time_over(tx.connection, now, tx.now, self._one_time_hours)
            ended = vendor_level.over(tx.connection, now, tx.now)
            left_ms = vendor_level.left_ms(tx.connection, now, tx.now)
            if refused := gone or why_not(now, operator, tx.now) or over or ended:
                audit.record(
                    tx, actor, "session.login", now.login_name, outcome="refused"
                )
                return refused
            row = SessionRow(
                token_hash=digest_of(token),
                operator_no=operator.operator_no,
                uid=peer.uid,
                terminal=terminal,
                state=ACTIVE,
                started_at_ms=tx.now.wall_ms,
                ends_mono_ms=tx.now.mono_ms + self._longest(left_ms),
                boot_id=tx.now.boot_id,
                active_mono_ms=tx.now.mono_ms,
                staff_card_no=card_no,
            )
            operators.add_session(tx, row)
            operators.set_tries(tx, operator.operator_no, 0, 0)
            if renewed and now.password_hash == operator.password_hash:
                operators.renew_hash(tx, operator.operator_no, renewed, actor)
            audit.record(tx, actor, "session.login", operator.login_name)
            return row

        begun = await self.database.write(unit)
        if isinstance(begun, Refusal):
            raise begun
        return await self._session(operator, begun, token)

    def _longest(self, left_ms: int | None) -> int:
        return self._session_ms if left_ms is None else min(left_ms, self._session_ms)

    async def _wrong_try(
        self, name: str, operator: Operator | None, terminal: str
    ) -> Refusal:
        """Count a wrong try durably, and say how it goes on."""

        if operator is None:
            # What was typed is not kept: it may be a password in the wrong field.
            refused = Refused(Actor("", terminal), "session.login", _UNKNOWN_NAME)
            await self.refusals.note(refused)

        def unit(tx: Transaction) -> Refusal:
            if operator is not None:
                actor = Actor(operator.operator_no, terminal)
                audit.record(tx, actor, "session.login", name, outcome="refused")
            return self._lock_out.wrong_try(tx, operator, name)

        return await self.database.write(unit)

    async def _set_state(
        self,
        session: Session,
        state: str,
        act: str,
        *,
        checked: Operator | None = None,
        reason: str = "",
    ) -> None:
        """Change a session that still holds: what has ended never comes back.

        `checked` is whose password was found right.

        Raises:
            NotLoggedIn: it has ended.
        """
        staff = staff_of(session)

        def unit(tx: Transaction) -> None:
            row = operators.find_session(tx.connection, staff.token_hash)
            if row is None or self._over(row):
                raise NotLoggedIn
            if checked is not None:
                still_right(tx, checked)
                operators.touch_session(tx, staff.token_hash)
            if reason and row.state == state:
                return  # another daemon saw it first
            operators.set_session_state(tx, staff.token_hash, state)
            actor = Actor(staff.operator_no, staff.terminal)
            audit.record(tx, actor, act, staff.operator, reason=reason)

        await self.database.write(unit)

    def _over(self, row: SessionRow) -> bool:
        now: Instant = self._clock.now()
        ended = row.state == ENDED or row.boot_id != now.boot_id
        return ended or now.mono_ms >= row.ends_mono_ms

    async def _session(
        self, operator: Operator, row: SessionRow, token: SecretStr
    ) -> StaffSession:
        now = self._clock.now()
        held = await self.database.read(
            lambda connection: rights_in_force(connection, operator, self.outlet_no)
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
