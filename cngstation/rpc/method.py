"""How the contract of the local socket is declared: messages, methods, events.

A contract is data that both ends import. Example:

    class TopUp(Message):
        card_no: Line
        amount_fen: int

    TOP_UP = Method("card.top_up", TopUp, ToppedUp, right="card.top_up", changes=True)
    CONTRACT = Contract(version=Version(1, 0), oldest=Version(1, 0), snapshot=Board,
                        methods=(TOP_UP,), events=(SALE_RECORDED,))
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from cngstation import hygiene

# The right of a method that every logged-in operator has, whatever the role.
LOGGED_IN: Final = "session.any"
# The right to change the own password: all that a one-time password is good for.
OWN_LOGIN: Final = "session.own_login"

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_OWN_PREFIXES = ("hello", "session.", "status.subscribe", "connection.")


class Message(BaseModel):
    """Base of everything that crosses the socket: strict, closed, frozen.

    Its fields are int, bool, text of a stated length, enumerations, other messages
    and tuples of a stated length; `loose_ends` finds what is not.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        revalidate_instances="always",
        hide_input_in_errors=True,  # a password must not come back in a refusal
        defer_build=True,  # a hundred models are not built before the first frame
    )


def _shown_as_written(text: str) -> str:
    plain = text.isprintable() and unicodedata.is_normalized("NFC", text)
    if not plain and not hygiene.is_clean(text):
        raise ValueError("has characters that cannot be shown")
    return text


_Clean = AfterValidator(_shown_as_written)
Line = Annotated[str, StringConstraints(max_length=40), _Clean]
Text = Annotated[str, StringConstraints(max_length=200), _Clean]

Req = TypeVar("Req", bound=Message)
Rep = TypeVar("Rep", bound=Message)
Body = TypeVar("Body", bound=Message)
Snap = TypeVar("Snap", bound=Message)


class Version(NamedTuple):
    """Version of a contract; within a major one the minor only adds."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True)
class Method(Generic[Req, Rep]):
    """One thing that can be asked, `noun.verb`.

    `right` is what an operator needs for it: the name of a right, `LOGGED_IN`, or
    None for what may be asked before anybody logs in; such a method changes nothing.
    """

    name: str
    request: type[Req]
    reply: type[Rep]
    right: str | None
    changes: bool

    def __post_init__(self) -> None:
        if self.changes and self.right is None:
            raise ValueError(f"{self.name} changes something and needs no right")


@dataclass(frozen=True)
class Event(Generic[Body]):
    """One thing that happens, `noun.past`.

    `replaceable` marks a live figure, of which only the newest matters. Anything
    else is a recorded fact, and a subscriber gets every one.
    """

    name: str
    model: type[Body]
    replaceable: bool


@dataclass(frozen=True)
class Contract(Generic[Snap]):
    """Everything that one daemon offers, and the versions of it that it understands.

    `subscribe_right` is needed for the snapshot and the events.

    Raises:
        ValueError: a name is used twice, is not `noun.verb`, or is the socket's own.
    """

    version: Version
    oldest: Version
    snapshot: type[Snap]
    methods: Sequence[Method[Any, Any]]
    events: Sequence[Event[Any]]
    subscribe_right: str | None = LOGGED_IN

    def __post_init__(self) -> None:
        if self.oldest > self.version:
            raise ValueError("the oldest version understood is above our own")
        seen: set[str] = set()
        names = [method.name for method in self.methods]
        for name in names + [event.name for event in self.events]:
            if not _NAME.fullmatch(name) or name.startswith(_OWN_PREFIXES):
                raise ValueError(f"{name} cannot be a name in the contract")
            if name in seen:
                raise ValueError(f"{name} is twice in the contract")
            seen.add(name)

    @cached_property
    def methods_by_name(self) -> Mapping[str, Method[Any, Any]]:
        """The methods by name."""
        return {method.name: method for method in self.methods}

    @cached_property
    def events_by_name(self) -> Mapping[str, Event[Any]]:
        """The events by name."""
        return {event.name: event for event in self.events}

    def loose_ends(self) -> list[str]:
        """Name each field without a bound on its size, and each that is no integer.

        A test of the concrete contract asserts that there are none; it is not asked
        at start, because it builds the schema of every message.
        """
        models: set[type[BaseModel]] = {self.snapshot}
        models |= {event.model for event in self.events}
        for method in self.methods:
            models |= {method.request, method.reply}
        return sorted({end for model in models for end in loose_ends(model)})


def loose_ends(model: type[BaseModel]) -> list[str]:
    """Name the fields of a message that have no bound or could be a float."""
    schema = model.model_json_schema()
    inner: dict[str, Any] = schema.pop("$defs", {})
    found = list(_loose(schema, model.__name__))
    for name, part in inner.items():
        found += _loose(part, name)
    return found


_BOUND_OF = {"string": "maxLength", "array": "maxItems"}
_SETTLED = {"enum", "const", "$ref"}


def _loose(schema: dict[str, Any], where: str) -> Iterator[str]:
    if _SETTLED & schema.keys():
        return
    for choice in schema.get("anyOf", ()):
        yield from _loose(choice, where)
    kind = schema.get("type")
    if kind == "number" or (kind is None and "anyOf" not in schema):
        yield f"{where} is no integer, text or message"
    bound = _BOUND_OF.get(kind or "")
    if bound and bound not in schema:
        yield f"{where} has no {bound}"
    if kind == "object" and schema.get("additionalProperties") is not False:
        yield f"{where} takes any key"
    if isinstance(items := schema.get("items"), dict):
        yield from _loose(items, f"{where}[]")
    for name, part in schema.get("properties", {}).items():
        yield from _loose(part, f"{where}.{name}")
