"""Wrong tries at a login, and the waits after them.

A wait counts on the monotonic clock of a boot: setting the wall clock changes none. A
boot later it counts from the start of that boot, so that a reboot shortens nothing.
A name that nobody has is counted in the same way and told the same: the refusals do
not tell which names there are. Of such names the newest are kept.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cngstation.errors import Refusal
from cngstation.moments import Instant
from cngstation.storage import operators
from cngstation.storage.database import Transaction
from cngstation.storage.operators import Operator, UnknownName
from cngstation.storage.sqlite import Connection

FIRST_WAIT_MS = 30_000
LONGEST_WAIT_MS = 30 * 60_000
MOST_UNKNOWN_NAMES = 1_000


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


class Counted(Protocol):
    """Who was wrong how often, and how long the wait after that is."""

    @property
    def wrong_tries(self) -> int: ...
    @property
    def blocked_until_mono_ms(self) -> int: ...
    @property
    def blocked_for_ms(self) -> int: ...
    @property
    def blocked_boot_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LockOut:
    """Counts wrong tries: that of number `wrong_tries` and all after it make a wait."""

    wrong_tries: int

    def wrong_try(
        self, tx: Transaction, operator: Operator | None, name: str
    ) -> Refusal:
        """Count a wrong try durably, and say how it goes on."""
        if operator is not None:
            known = operators.find(tx.connection, operator.operator_no) or operator
            tries = known.wrong_tries + 1
            wait_ms = self._wait_after(tries)
            operators.set_tries(
                tx, operator.operator_no, tries, _until(tx.now, wait_ms), wait_ms
            )
        else:
            tag = tag_of(name)
            unknown = operators.unknown_name(tx.connection, tag)
            tries = unknown.wrong_tries + 1 if unknown else 1
            wait_ms = self._wait_after(tries)
            row = UnknownName(
                tag, tries, _until(tx.now, wait_ms), wait_ms, tx.now.boot_id
            )
            operators.keep_unknown_name(tx, row, most=MOST_UNKNOWN_NAMES)
        if wait_ms:
            return LoginMustWait(seconds=wait_ms // 1000)
        return LoginRefused(left=self.wrong_tries - tries)

    def _wait_after(self, tries: int) -> int:
        beyond = tries - self.wrong_tries
        return (
            0 if beyond < 0 else min(FIRST_WAIT_MS << min(beyond, 10), LONGEST_WAIT_MS)
        )


def who_may_try(connection: Connection, name: str, now: Instant) -> Operator | None:
    """Return the operator of a login name, if there is one.

    Raises:
        LoginMustWait: too many wrong tries; nobody's name waits likewise.
    """
    found = operators.with_login_name(connection, name)
    if wait := wait_of(counted_as(connection, found, name), now):
        raise wait
    return found


def counted_as(
    connection: Connection, operator: Operator | None, name: str
) -> Counted | None:
    """Return the count under which a name's tries stand, if it has any."""
    return operator or operators.unknown_name(connection, tag_of(name))


def wait_of(counted: Counted | None, now: Instant) -> LoginMustWait | None:
    """Say how long somebody still has to wait, if at all."""
    if counted is None:
        return None
    left_ms = counted.blocked_until_mono_ms - now.mono_ms
    if counted.blocked_boot_id != now.boot_id:
        left_ms = counted.blocked_for_ms - now.mono_ms
    return LoginMustWait(seconds=(left_ms + 999) // 1000) if left_ms > 0 else None


def tag_of(name: str) -> int:
    """Return what is kept of a name that nobody has.

    Four bytes: what was typed there by mistake, a password say, cannot be found from
    them, and two of the names kept hardly ever have the same.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _until(now: Instant, wait_ms: int) -> int:
    return now.mono_ms + wait_ms if wait_ms else 0
