"""What a contract refuses to be."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from cngstation.errors import StationError, registered
from cngstation.rpc import session as own
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.method import (
    Contract,
    Event,
    Line,
    Message,
    Method,
    Text,
    Version,
    loose_ends,
)
from cngstation.rpc.wire import ErrorData, error_data, error_from, request_line
from tests.unit.rpc.toys import ECHO, Board, Sale, Word, contract


class Colour(StrEnum):
    RED = "red"


class Inner(Message):
    name: str


class Loose(Message):
    price: float
    note: str
    notes: tuple[Line, ...]
    inner: Inner
    maybe: str | None
    anything: Any
    table: dict[str, int]


class Tight(Message):
    count: int
    right: bool
    colour: Colour
    maybe: Text | None
    rows: Annotated[tuple[Sale, ...], Field(max_length=9)]


def test_loose_ends_are_found() -> None:
    """Fields without a bound, floats and open tables are named; others are not."""
    assert sorted(loose_ends(Loose)) == [
        "Inner.name has no maxLength",
        "Loose.anything is no integer, text or message",
        "Loose.maybe has no maxLength",
        "Loose.note has no maxLength",
        "Loose.notes has no maxItems",
        "Loose.price is no integer, text or message",
        "Loose.table takes any key",
    ]
    assert loose_ends(Tight) == []
    assert contract().loose_ends() == []


@pytest.mark.parametrize(
    "message",
    [own.Hello, own.Login, own.LoggedIn, own.Attach, own.Unlock, own.SessionState],
)
def test_the_sockets_own_messages_have_no_loose_ends(message: type[Message]) -> None:
    """What every daemon offers is bounded as well."""
    assert loose_ends(message) == []


def test_a_message_is_strict_closed_and_frozen() -> None:
    """No coercion, no unknown key, no change; enumerations and tuples from JSON."""
    tight = Tight.model_validate_json(
        '{"count":1,"right":true,"colour":"red","maybe":null,"rows":[{"sale_no":2}]}'
    )
    assert tight.colour is Colour.RED
    assert tight.rows == (Sale(sale_no=2),)
    with pytest.raises(ValidationError):
        Sale.model_validate({"sale_no": "1"})
    with pytest.raises(ValidationError):
        Sale.model_validate({"sale_no": 1, "more": 1})
    with pytest.raises(ValidationError):
        tight.count = 2  # type: ignore[misc]


def test_a_refused_message_does_not_show_what_was_in_it() -> None:
    """The text of a validation error has no password in it."""
    with pytest.raises(ValidationError) as caught:
        own.Unlock.model_validate({"password": ["s3cret"]})
    assert "s3cret" not in str(caught.value)


def test_no_line_is_written_that_the_other_side_would_refuse() -> None:
    """A message that does not fit a line raises where it is made."""
    with pytest.raises(ValueError, match="too long"):
        request_line(1, "word.echo", Word.model_construct(text="x" * 65_500))


@pytest.mark.parametrize(
    "name",
    [
        "word",
        "Word.echo",
        "word.echo",
        "session.steal",
        "hello.all",
        "status.subscribe",
    ],
)
def test_a_name_is_noun_verb_once_and_not_the_sockets_own(name: str) -> None:
    """A name that is odd, taken or reserved stops the program at import."""
    other = Method(name, Word, Word, right=None, changes=False)
    with pytest.raises(ValueError, match="contract"):
        Contract(
            version=Version(1, 0),
            oldest=Version(1, 0),
            snapshot=Board,
            methods=(ECHO, other),
            events=(),
        )


def test_events_and_methods_share_their_names() -> None:
    """An event cannot be called as a method is."""
    with pytest.raises(ValueError, match="twice"):
        Contract(
            version=Version(1, 0),
            oldest=Version(1, 0),
            snapshot=Board,
            methods=(ECHO,),
            events=(Event("word.echo", Word, replaceable=False),),
        )


def test_the_oldest_version_is_not_above_the_present() -> None:
    """A contract that does not understand itself is refused."""
    with pytest.raises(ValueError, match="oldest"):
        contract(Version(1, 0), Version(1, 1))


def test_what_changes_something_needs_a_right() -> None:
    """A changing method that is open to everybody cannot be declared."""
    with pytest.raises(ValueError, match="needs no right"):
        Method("card.wipe", Word, Word, right=None, changes=True)


def test_handlers_are_exactly_the_contract() -> None:
    """A method without handler, or a second one, stops the program at start."""

    async def echo(request: Word, _: object) -> Word:
        return request

    handlers = Handlers()
    handlers.add(ECHO, echo)
    with pytest.raises(ValueError, match="two handlers"):
        handlers.add(ECHO, echo)
    with pytest.raises(ValueError, match=r"card\.read, card\.top_up, word\.break"):
        handlers.check(contract())


@pytest.mark.parametrize("code", sorted(registered()))
def test_every_known_error_crosses_and_comes_back(code: str) -> None:
    """Class, facts, sentence and money of each error survive the wire."""
    kind = registered()[code]
    error = kind.__new__(kind)
    StationError.__init__(error, why="because", wait_ms=5)
    data = ErrorData.model_validate_json(error_data(error).model_dump_json())
    back = error_from(data)
    assert type(back) is kind
    assert (back.facts, back.money) == (error.facts, error.money)
    assert str(back) == str(error)
