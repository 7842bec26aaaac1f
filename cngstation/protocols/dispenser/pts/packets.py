"""jsonPTS messages: JSON to packets and back.

    {"Protocol": "jsonPTS", "Packets": [{"Id": 1, "Type": "PumpGetStatus",
                                         "Data": {"Pump": 1}}]}

An answer repeats Id and has a Type and Data, or `"Error": true` with Code and Message.
A number with a point is a decimal fraction here and never a binary one.

Source: the controller's protocol specification as public programs use it (jsonPTS
R129); UNVERIFIED against a controller.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Never

import orjson

from cngstation import hygiene
from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.units import decimal_text

PROTOCOL_NAME = "jsonPTS"
# The controller reads 16 KB and 600 tokens; a packet of ours has at most 15.
LONGEST_MESSAGE = 16_000
MOST_PACKETS = 36
# 120 pumps with all that a status can say.
LONGEST_ANSWER = 256 * 1024
LAST_ID = 65_535
_LONGEST_TEXT = 200
# Beyond any totaliser; keeps an exponent of a million from becoming digits.
_LARGEST = Decimal(10) ** 15
_SMALLEST_EXPONENT = -15


@dataclass(frozen=True, slots=True)
class Fraction:
    """A decimal figure to send: `value` units of 10 to the minus `scale`."""

    value: int
    scale: int


@dataclass(frozen=True, slots=True)
class Request:
    """One packet to the controller."""

    type: str
    data: Mapping[str, int | str | Fraction | Sequence[Fraction]]


@dataclass(frozen=True, slots=True)
class PacketError:
    """What the controller says instead of an answer."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of the controller; `raw` is it alone as JSON."""

    id: int
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    error: PacketError | None = None
    raw: bytes = b""


def write_message(requests: Mapping[int, Request]) -> bytes:
    """Encode packets by their Id.

    Raises:
        LocalProtocolError: they are more than the controller reads.
    """
    packets = [
        {"Id": number, "Type": one.type, "Data": _data(one.data)}
        for number, one in requests.items()
    ]
    message = orjson.dumps({"Protocol": PROTOCOL_NAME, "Packets": packets})
    if len(packets) > MOST_PACKETS or len(message) > LONGEST_MESSAGE:
        raise LocalProtocolError(why=f"a message of {len(packets)} packets")
    return message


def _data(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in data.items()}


def _value(value: object) -> object:
    if isinstance(value, Fraction):
        return orjson.Fragment(decimal_text(value.value, value.scale, 0))
    if isinstance(value, tuple | list):
        return [_value(one) for one in value]
    return value


def read_message(body: bytes) -> list[Packet]:
    """Decode what came back; a packet that is none is left out.

    Raises:
        RemoteProtocolError: it is no message of this protocol.
    """
    if len(body) > LONGEST_ANSWER:
        raise RemoteProtocolError(why=f"a message of {len(body)} bytes")
    try:
        document = json.loads(body, parse_float=_fraction, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError(why=f"no JSON: {type(error).__name__}") from None
    if not isinstance(document, dict) or document.get("Protocol") != PROTOCOL_NAME:
        raise RemoteProtocolError(why="no jsonPTS message")
    packets = document.get("Packets")
    if not isinstance(packets, list):
        raise RemoteProtocolError(why="a message without packets")
    read = (_packet(one) for one in packets)
    return [packet for packet in read if packet is not None]


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        raise ValueError(text[:40]) from None


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no number")


def _packet(packet: object) -> Packet | None:
    if not isinstance(packet, dict):
        return None
    number, kind = packet.get("Id"), packet.get("Type")
    data = packet.get("Data", {})
    if type(number) is not int or not 0 < number <= LAST_ID:
        return None
    if not isinstance(kind, str) or not isinstance(data, dict):
        return None
    error = None
    if packet.get("Error") is True:
        code = packet.get("Code")
        said = PacketReader(packet).text("Message") or ""
        error = PacketError(code if type(code) is int else 0, said)
    return Packet(number, kind, data, error, _raw(packet))


def _raw(packet: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(packet, default=_as_it_came)
    except orjson.JSONEncodeError:  # too deep, half a surrogate, beyond 64 bits
        return b""


def _as_it_came(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)


class PacketReader:
    """Takes figures and texts from the data of a packet; absent ones are None."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        value = self._data.get(name)
        return value if type(value) is int and abs(value) < _LARGEST else None

    def scaled(self, name: str, scale: int) -> int | None:
        """Return a figure in units of 10 to the minus `scale`, to the nearest."""
        return scaled(self._data.get(name), scale)

    def must(self, name: str, scale: int = 0) -> int:
        """Return a figure that has to be there and not below zero.

        Raises:
            RemoteProtocolError: it is absent, below zero or no number.
        """
        value = self.scaled(name, scale)
        if value is None or value < 0:
            raise RemoteProtocolError(why=f"a packet without {name}")
        return value

    def flag(self, name: str) -> bool:
        """Tell whether a claim is there and true."""
        return self._data.get(name) is True

    def text(self, name: str) -> str | None:
        """Return a clean text."""
        value = self._data.get(name)
        if not isinstance(value, str):
            return None
        return hygiene.clean(value, limit=_LONGEST_TEXT)

    def sequence(self, name: str) -> Sequence[Any]:
        """Return a list; empty if it is none."""
        value = self._data.get(name)
        return value if isinstance(value, list) else ()


def scaled(value: object, scale: int) -> int | None:
    """Return a JSON number in units of 10 to the minus `scale`; None if it is none."""
    if type(value) is int:
        return value * 10**scale if abs(value) < _LARGEST else None
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    if not value:
        return 0
    if not _SMALLEST_EXPONENT < value.adjusted() < _LARGEST.adjusted():
        return None
    return int(value.scaleb(scale).to_integral_value("ROUND_HALF_UP"))
