"""JSON-RPC 2.0 as this product speaks it: models to lines and lines to models.

    {"jsonrpc":"2.0","id":7,"method":"card.top_up","params":{...}}      a request
    {"jsonrpc":"2.0","id":7,"result":{...}}                             its answer
    {"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":...,
     "data":{"code","text","facts","money"}}}                           or its refusal
    {"jsonrpc":"2.0","method":"sale.recorded","params":{...}}           an event

Source: the JSON-RPC 2.0 specification (jsonrpc.org). Narrower than it: ids are
integers, parameters are objects, there are no batches, and every request has an id.
"""

import json
import re
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, StringConstraints, ValidationError

from cngstation import hygiene
from cngstation.errors import (
    BadRequest,
    MoneyMoved,
    RpcError,
    StationError,
    registered,
)
from cngstation.protocols.ndjson import LONGEST_LINE
from cngstation.rpc.failures import InternalFault, MalformedLine, UnknownMethod
from cngstation.rpc.method import Event, Message, Method
from cngstation.rpc.session import CLOSING

Payload = TypeVar("Payload", bound=Message)
Id = Annotated[int, Field(ge=0)]
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Fact = int | Annotated[str, StringConstraints(max_length=2_000)]

_STATION_ERROR = -32000  # the specification leaves -32000 to -32099 to the server
_NUMBERS: dict[type[StationError], int] = {
    MalformedLine: -32700,
    UnknownMethod: -32601,
    BadRequest: -32602,
    InternalFault: -32603,
}
_ONLY_NAMED_FIELDS = re.compile(r"(?:[^{}]|\{[a-z][a-z0-9_]*\})*+")
_SHOWN_PROBLEMS = 3


class Called(Message, Generic[Payload]):
    """A request."""

    jsonrpc: Literal["2.0"]
    id: Id
    method: str
    params: Payload


class Answered(Message, Generic[Payload]):
    """The result of a request."""

    jsonrpc: Literal["2.0"]
    id: Id
    result: Payload


class Told(Message, Generic[Payload]):
    """An event."""

    jsonrpc: Literal["2.0"]
    method: str
    params: Payload


class ErrorData(Message):
    """A StationError on the wire; `text` is also the key of its translation."""

    code: Annotated[str, StringConstraints(max_length=80)]
    text: Annotated[str, StringConstraints(max_length=1_000)]
    facts: Annotated[dict[FactName, Fact], Field(max_length=20)]
    money: Literal["no", "yes", "unknown"]


class ErrorObject(Message):
    """The error member of JSON-RPC."""

    code: int
    message: Annotated[str, StringConstraints(max_length=4_000)]
    data: ErrorData


class Failed(Message):
    """The refusal of a request; no id when the request had none that can be read."""

    jsonrpc: Literal["2.0"]
    id: Id | None
    error: ErrorObject


def request_line(request_id: int, name: str, params: Message) -> bytes:
    """Write a request."""
    head = f'{{"jsonrpc":"2.0","id":{request_id},"method":"{name}","params":'
    return _line(head, params)


def result_line(request_id: int, result: Message) -> bytes:
    """Write an answer."""
    return _line(f'{{"jsonrpc":"2.0","id":{request_id},"result":', result)


def event_line(name: str, params: Message) -> bytes:
    """Write an event, once for all who get it."""
    return _line(f'{{"jsonrpc":"2.0","method":"{name}","params":', params)


def closing_line(reason: StationError) -> bytes:
    """Write why a connection is about to be closed."""
    return event_line(CLOSING, error_data(reason))


def error_line(request_id: int | None, error: StationError) -> bytes:
    """Write a refusal."""
    number = next((_NUMBERS[c] for c in type(error).__mro__ if c in _NUMBERS), None)
    data = error_data(error)
    whole = {
        "jsonrpc": "2.0",
        "id": request_id,
        "error": {
            "code": _STATION_ERROR if number is None else number,
            "message": hygiene.clean(error.sentence(), limit=1_000),
            "data": data.model_dump(),
        },
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _line(head: str, body: Message) -> bytes:
    line = f"{head}{body.model_dump_json()}}}\n".encode()
    if len(line) > LONGEST_LINE:
        raise ValueError(f"a {type(body).__name__} of {len(line)} bytes is too long")
    return line


def read_called(method: Method[Any, Any], line: bytes) -> Any:
    """Read the parameters of a request by the model of its method.

    Raises:
        BadRequest: the line does not fit; the sentence names the fields, not values.
    """
    return _read(_around(Called, method.request), line, "forbid").params


def read_answered(method: Method[Any, Any], line: bytes, *, newer: bool = False) -> Any:
    """Read the result of a request; keys added by a newer server are passed over.

    Raises:
        BadRequest: the line does not fit.
    """
    extra: Literal["ignore", "forbid"] = "ignore" if newer else "forbid"
    return _read(_around(Answered, method.reply), line, extra).result


def read_told(event: Event[Any], line: bytes, *, newer: bool = False) -> Any:
    """Read the body of an event; keys added by a newer server are passed over.

    Raises:
        BadRequest: the line does not fit.
    """
    extra: Literal["ignore", "forbid"] = "ignore" if newer else "forbid"
    return _read(_around(Told, event.model), line, extra).params


def read_failed(line: bytes) -> tuple[int | None, StationError]:
    """Read a refusal into the id of its request and the error itself.

    Raises:
        BadRequest: the line does not fit.
    """
    failed: Failed = _read(Failed, line, "ignore")
    return failed.id, error_from(failed.error.data)


def read_closing(line: bytes) -> StationError:
    """Read why the other side closes the connection.

    Raises:
        BadRequest: the line does not fit.
    """
    return error_from(_read(_around(Told, ErrorData), line, "ignore").params)


def _around(envelope: Any, payload: object) -> type[Any]:
    """Return the model of an envelope around a payload; pydantic keeps those made."""
    made: type[Any] = envelope[payload]
    return made


def _read(model: type[Any], line: bytes, extra: Literal["ignore", "forbid"]) -> Any:
    try:
        return model.model_validate_json(line, extra=extra)
    except ValidationError as error:
        raise BadRequest(why=_problems(error)) from None


def _problems(error: ValidationError) -> str:
    """Name the first fields that do not fit, never what was in them."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    named = (
        f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}"
        for problem in found[:_SHOWN_PROBLEMS]
    )
    return hygiene.clean("; ".join(named), limit=400)


def error_data(error: StationError) -> ErrorData:
    """Turn an error into what crosses the wire."""
    facts = {
        name: fact if isinstance(fact, int) else hygiene.clean(fact, limit=500)
        for name, fact in error.facts.items()
    }
    return ErrorData(
        code=error.code, text=error.text, facts=facts, money=error.money.value
    )


def error_from(data: ErrorData) -> StationError:
    """Make the error again that the other side raised.

    A code that this program does not know becomes an RpcError that keeps the code,
    the text and what it says about money.
    """
    known = registered().get(data.code)
    error = (known or RpcError).__new__(known or RpcError)
    if known is None:
        # Beside the class, so that whoever shows it need not know the difference.
        vars(error).update(
            code=hygiene.clean(data.code, limit=80),
            text=_harmless(hygiene.clean(data.text, limit=1_000)),
            money=MoneyMoved(data.money),
        )
    error.facts = {
        name: fact if isinstance(fact, int) else hygiene.clean(fact, limit=500)
        for name, fact in data.facts.items()
    }
    Exception.__init__(error, error.sentence())
    return error


def _harmless(template: str) -> str:
    """Keep a template whose fields are plain names; show any other as it stands."""
    if _ONLY_NAMED_FIELDS.fullmatch(template):
        return template
    return template.replace("{", "{{").replace("}", "}}")
