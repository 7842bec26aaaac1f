"""UniPump overheard: both directions' frames in words.

Requests and answers look alike; their codes and the number of their fields differ.
"""

from collections.abc import Iterable
from functools import partial

from cngstation.errors import RemoteProtocolError
from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.overheard import (
    Figure,
    Overheard,
    Speaker,
    Tap,
    figure,
    figures_of,
    hundredths,
)
from cngstation.protocols.dispenser.unipump.frames import Frame, FrameParser
from cngstation.protocols.dispenser.unipump.messages import (
    Filling,
    Prices,
    State,
    Status,
    TotalsBody,
    Transaction,
    Version,
    read_answer,
)

_PROOF_BITS = 16 + o.CRC_BITS + 16
_EXTENDED = "E"
_REQUESTS = {
    "S": mark("poll"),
    "A": mark("authorise ordered"),
    "H": mark("stop ordered"),
    "C": mark("transaction closed"),
    "T": mark("totals asked"),
    "L": mark("lock ordered"),
    "U": mark("unlock ordered"),
    "p": mark("prices"),
    "P": mark("prices asked"),
    "V": mark("identity asked"),
}
# What a request's data are at most, where an answer has the same code.
_LONGEST_REQUEST = {"S": 0, "U": 0, "A": 14, "T": 1, "C": 2, "P": 0, "V": 0}
_MOST_REQUEST_FIELDS = {"T": 1, "C": 1, "P": 0}
_AUTHORISE_FIELDS = 4
_ANSWERS = {
    "S": mark("status"),
    "U": mark("status"),
    "A": mark("fuelling"),
    "T": mark("fill complete"),
    "C": mark("totals"),
    "P": mark("prices"),
    "V": mark("identity"),
}
_STATES: dict[int, str] = {
    State.OFFLINE: mark("off line"),
    State.IDLE: mark("idle"),
    State.NOZZLE_UP: mark("nozzle out"),
    State.READY: mark("authorised"),
    State.WORK: mark("fuelling"),
    State.COMPLETED: mark("fill complete"),
    State.STOPPED: mark("stopped"),
    State.ERROR: mark("fault"),
}
_STATUS = (
    ("state", o.STATE, o.coded(_STATES)),
    ("nozzle", o.NOZZLE, o.if_any),
    ("pending", o.CODE, lambda text: text or None),
)
_FILLING = (
    ("transaction", o.SEQUENCE, str),
    ("nozzle", o.NOZZLE, str),
    ("volume", o.QUANTITY, hundredths),
)
_TRANSACTION = (
    *_FILLING,
    ("price", o.PRICE, hundredths),
    ("amount", o.AMOUNT, hundredths),
)
_TOTALS = (
    ("nozzle", o.NOZZLE, str),
    ("volume", o.TOTAL_QUANTITY, hundredths),
    ("amount", o.TOTAL_AMOUNT, hundredths),
)
_PRICES = (("prices", o.PRICE, lambda prices: " ".join(map(hundredths, prices))),)
_VERSION = (("text", o.FIRMWARE, o.gb_text),)


def unipump_tap() -> Tap:
    """Hear hosts and controllers of a UniPump line."""
    return Tap(FrameParser(), _explained)


def _explained(frame: Frame) -> Overheard:
    code, fields = chr(frame.code), None
    if code == _EXTENDED and frame.data:
        code = chr(frame.data[0])
        fields = frame.data[1:].removesuffix(b";").split(b";")
    from_host = _is_request(code, frame, fields)
    name = (_REQUESTS if from_host else _ANSWERS).get(code)
    if name is None:
        told = o.unknown_code(frame.code)
    elif from_host:
        told = o.Told(name, tuple(_request(frame.data)))
    else:
        told = o.told_or_odd(name, partial(_answer, frame))
    speaker = Speaker.HOST if from_host else Speaker.DISPENSER
    return told.by(speaker, frame.point or 0, frame.to_bytes(), _PROOF_BITS)


def _is_request(code: str, frame: Frame, fields: list[bytes] | None) -> bool:
    if code not in _ANSWERS:
        return True
    if fields is None:
        if code == "A":
            return len(frame.data) == _LONGEST_REQUEST[code]
        return len(frame.data) <= _LONGEST_REQUEST[code]
    if code == "A":
        return len(fields) == _AUTHORISE_FIELDS
    return len([one for one in fields if one]) <= _MOST_REQUEST_FIELDS.get(code, 0)


def _request(data: bytes) -> Iterable[Figure]:
    text = data.decode("ascii", "replace")
    return (figure(o.VALUE, text),) if text else ()


def _answer(frame: Frame) -> Iterable[Figure]:
    answer = read_answer(frame)
    match answer:
        case Status():
            return figures_of(answer, _STATUS)
        case Filling():
            return figures_of(answer, _FILLING)
        case Transaction():
            return figures_of(answer, _TRANSACTION)
        case TotalsBody():
            return figures_of(answer, _TOTALS)
        case Prices():
            return figures_of(answer, _PRICES)
        case Version():
            return figures_of(answer, _VERSION)
    raise RemoteProtocolError(why="an answer of no kind")
