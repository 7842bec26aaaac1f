"""The socket's own messages: versions first, then who works here, then subscribe.

The shape of `hello` never changes, in any version: two programs of any age must be
able to tell each other that they do not fit.
"""

from typing import Annotated, Any

from pydantic import Field, PlainSerializer, SecretStr, StringConstraints

from cngstation.errors import VersionMismatch
from cngstation.rpc.method import (
    LOGGED_IN,
    OWN_LOGIN,
    Contract,
    Line,
    Message,
    Method,
    Text,
    Version,
)

# Shown to nobody, but sent: pydantic would write stars.
Secret = Annotated[
    SecretStr,
    Field(max_length=128),
    PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json"),
]
RightName = Annotated[str, StringConstraints(max_length=60)]
MOST_RIGHTS = 256


class ContractVersion(Message):
    """A version on the wire."""

    major: int
    minor: int


class Hello(Message):
    """The first message in either direction."""

    program: Line
    contract: ContractVersion
    oldest: ContractVersion


class Nothing(Message):
    """A request that needs no facts, and an answer that has none."""


class Release(Message):
    """Who lets somebody in without a staff card, once, and why."""

    login_name: Line
    password: Secret
    reason: Text


class Login(Message):
    """Who wants to work, and at which terminal."""

    login_name: Line
    password: Secret
    terminal: Line
    release: Release | None = None


class Attach(Message):
    """The token of a login made at any daemon of the station."""

    token: Secret


class Unlock(Message):
    """The password of the operator who locked the screen."""

    password: Secret


class SessionState(Message):
    """Who works on this connection, and what the screen may offer them.

    `rights` only spares the screen what would be refused: each act is checked anew.
    Until a one-time password is changed, nothing else is allowed.
    """

    operator: Line
    terminal: Line
    rights: Annotated[tuple[RightName, ...], Field(max_length=MOST_RIGHTS)]
    expires_at_ms: int
    must_change_password: bool = False


class LoggedIn(SessionState):
    """The answer to a login: the state of the session and the key to it."""

    token: Secret


HELLO = Method("hello", Hello, Hello, right=None, changes=False)
LOGIN = Method("session.login", Login, LoggedIn, right=None, changes=False)
ATTACH = Method("session.attach", Attach, SessionState, right=None, changes=False)
LOGOUT = Method("session.logout", Nothing, Nothing, right=LOGGED_IN, changes=True)
LOCK = Method("session.lock", Nothing, Nothing, right=LOGGED_IN, changes=True)
# What a screen says while keys are pressed at it: reading alone keeps nobody at work.
TOUCH = Method("session.touch", Nothing, Nothing, right=OWN_LOGIN, changes=True)
UNLOCK = Method("session.unlock", Unlock, SessionState, right=LOGGED_IN, changes=True)
SUBSCRIBE = "status.subscribe"
CLOSING = "connection.closing"


def hello_of(program: str, contract: Contract[Any]) -> Hello:
    """Return what a program says about itself."""
    return Hello(
        program=program,
        contract=ContractVersion(
            major=contract.version.major, minor=contract.version.minor
        ),
        oldest=ContractVersion(
            major=contract.oldest.major, minor=contract.oldest.minor
        ),
    )


def version_of(version: ContractVersion) -> Version:
    """Return a version from the wire as one that can be compared."""
    return Version(version.major, version.minor)


def agree(reader: Hello, other: Hello) -> None:
    """Refuse two programs of which one is too old for the other.

    The sentence is written from the side of whoever will read it.

    Raises:
        VersionMismatch: the two understand no common contract.
    """
    reads, speaks = version_of(reader.contract), version_of(other.contract)
    if reads < version_of(other.oldest):
        theirs = f"{version_of(other.oldest)} or newer"
    elif speaks < version_of(reader.oldest):
        theirs = f"at most {speaks}"
    else:
        return
    raise VersionMismatch(ours=str(reads), theirs=theirs)
