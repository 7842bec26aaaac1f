"""A session with the operator behind it, and why there is none."""

import hashlib
from dataclasses import dataclass, field

from pydantic import SecretStr

from cngstation.errors import NotLoggedIn, Refusal
from cngstation.rpc.authority import Session


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


def staff_of(session: Session) -> StaffSession:
    """Return a session of ours.

    Raises:
        NotLoggedIn: it is another authority's.
    """
    if not isinstance(session, StaffSession):
        raise NotLoggedIn
    return session


def digest_of(token: SecretStr) -> bytes:
    """Return what is kept of a session's token."""
    return hashlib.sha256(token.get_secret_value().encode()).digest()
