"""Sinopec FA overheard: both directions' frames in words.

The host is address 0. Between two other addresses the command tells who speaks, where
only one of them says it.
"""

from collections.abc import Iterable

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
from cngstation.protocols.dispenser.sinopec import codes
from cngstation.protocols.dispenser.sinopec.frames import Command, Frame, FrameParser
from cngstation.protocols.dispenser.sinopec.messages import (
    CardIn,
    GreyQuery,
    Info,
    ListAsk,
    RealTime,
    Record,
    SegmentAsk,
    TotalsBody,
)

_HOST_ADDRESS = 0
_PROOF_BITS = 8 + 8 + o.CRC_BITS
_POLL_BYTES = 14
_KINDS = {
    codes.NORMAL: mark("normal"),
    codes.GREY: mark("grey card"),
    codes.ERROR_CARD: mark("card error"),
    codes.MAKE_UP_DEBIT: mark("debit made up"),
    codes.GREY_CLEARED: mark("grey card cleared"),
    codes.LOG_ON: mark("on duty"),
    codes.LOG_OFF: mark("off duty"),
    codes.NO_CARD: mark("without a card"),
    codes.PRICE_RECEIVED: mark("price received"),
    codes.CARD_ERROR: mark("card error"),
}
_DOWNLOADS = {
    0: mark("base list"),
    1: mark("added"),
    2: mark("deleted"),
    3: mark("white list"),
    4: mark("prices"),
    5: mark("station"),
}
_list_name = o.coded(_DOWNLOADS)

_HOST: dict[int, str] = {
    Command.POLL: mark("poll"),
    Command.RECORD: mark("record acknowledged"),
    Command.LIST_LENGTH: mark("length of a list"),
    Command.LIST_SEGMENTS: mark("block of a list"),
    Command.GREY_CARD: mark("what a grey card owes"),
    Command.LIST_CHECK: mark("whether a card is listed"),
    Command.TOTALS: mark("totals asked"),
    Command.IDENTITY: mark("identity asked"),
    Command.TEXT_TAKEN: mark("text acknowledged"),
    Command.REREAD: mark("record asked again"),
}
_DISPENSER: dict[int, str] = {
    Command.REAL_TIME: mark("status"),
    Command.RECORD: mark("record of a fill"),
    Command.LIST_LENGTH: mark("list asked"),
    Command.LIST_SEGMENTS: mark("block of a list asked"),
    Command.GREY_CARD: mark("grey card asked about"),
    Command.LIST_CHECK: mark("list check asked"),
    Command.TOTALS: mark("totals"),
    Command.IDENTITY: mark("identity"),
    Command.TEXT: mark("text"),
    Command.NO_RECORD: mark("no such record"),
}
_RECORD = (
    ("seq", o.SEQUENCE, str),
    ("sort", o.TYPE, o.coded(_KINDS)),
    ("nozzle", o.NOZZLE, str),
    ("card", o.CARD, o.bcd_digits),
    ("time", o.TIME, o.bcd_time),
    ("quantity", o.QUANTITY, hundredths),
    ("price", o.PRICE, hundredths),
    ("amount", o.AMOUNT, hundredths),
    ("balance", o.BALANCE_AFTER, hundredths),
    ("total", o.TOTAL_QUANTITY, hundredths),
)
_CARD_IN = (
    ("nozzle", o.NOZZLE, str),
    ("card", o.CARD, o.bcd_digits),
    ("state", o.STATE, str),
    ("balance", o.BALANCE, hundredths),
)
_FUELLING = (
    ("nozzle", o.NOZZLE, str),
    ("quantity", o.QUANTITY, hundredths),
    ("amount", o.AMOUNT, hundredths),
    ("price", o.PRICE, hundredths),
)
_GREY = (
    ("card", o.CARD, o.bcd_digits),
    ("balance", o.BALANCE, hundredths),
    ("card_count", o.COUNT, str),
    ("time", o.TIME, o.bcd_time),
)
_INFO = (
    ("maker", o.MAKER, o.gb_text),
    ("station", o.STATION, str),
    ("time", o.TIME, o.bcd_time),
)


def sinopec_tap() -> Tap:
    """Hear hosts and dispensers of a Sinopec line."""
    return Tap(FrameParser(), _explained)


def _explained(frame: Frame) -> Overheard:
    from_host = _is_from_host(frame)
    says = _HOST_SAYS if from_host else _DISPENSER_SAYS
    address = frame.receiver if from_host else frame.sender
    raw = frame.to_bytes()
    return says.explain(frame.command, frame.body, address, raw, _PROOF_BITS)


def _is_from_host(frame: Frame) -> bool:
    if _HOST_ADDRESS in {frame.sender, frame.receiver}:
        return frame.sender == _HOST_ADDRESS
    return frame.command in _HOST.keys() - _DISPENSER.keys()


def _rest(body: bytes) -> Iterable[Figure]:
    return (figure(o.VALUE, body[:16].hex().upper()),) if body else ()


def _poll(body: bytes) -> Iterable[Figure]:
    if len(body) != _POLL_BYTES:
        raise RemoteProtocolError(why=f"{len(body)} bytes of a poll")
    names = (o.ADDED, o.DELETED, o.WHITE, o.PRICES_VERSION, o.STATION)
    versions = [
        (o.BASE, int.from_bytes(body[7:9], "big")),
        *zip(names, body[9:14], strict=True),
    ]
    return o.polled(body[:7], versions)


def _real_time(body: bytes) -> Iterable[Figure]:
    entries = RealTime.from_bytes(body).entries
    if not entries:
        return (figure(o.STATE, o.Coded("", mark("idle"))),)
    found: list[Figure] = []
    for entry in entries:
        shown = _CARD_IN if isinstance(entry, CardIn) else _FUELLING
        found += figures_of(entry, shown)
    return found


def _list_length(body: bytes) -> Iterable[Figure]:
    if len(body) != 5:
        raise RemoteProtocolError(why=f"{len(body)} bytes of a length")
    return (
        figure(o.LIST, _list_name(body[4])),
        figure(o.COUNT, int.from_bytes(body[:4], "big")),
    )


def _segments(body: bytes) -> Iterable[Figure]:
    ask = SegmentAsk.from_bytes(body[:4])
    return _segment_figures(ask)


def _segment_figures(ask: SegmentAsk) -> Iterable[Figure]:
    return (
        figure(o.LIST, _list_name(ask.kind)),
        figure(o.OFFSET, ask.offset),
        figure(o.COUNT, ask.count),
    )


def _list_asked(body: bytes) -> Iterable[Figure]:
    ask = ListAsk.from_bytes(body)
    kind = figure(o.LIST, _list_name(ask.kind))
    return (kind, figure(o.VERSION, ask.version))


def _totals(body: bytes) -> Iterable[Figure]:
    return [
        figure(o.TOTAL_QUANTITY, f"{nozzle}: {hundredths(total)}")
        for nozzle, total in TotalsBody.from_bytes(body).totals.items()
    ]


def _text(body: bytes) -> Iterable[Figure]:
    return (figure(o.TEXT, o.gb_text(body) or ""),)


_HOST_READERS: dict[int, o.Reader] = {
    Command.POLL: _poll,
    Command.LIST_LENGTH: _list_length,
    Command.LIST_SEGMENTS: _segments,
    Command.REREAD: o.numbered,
}
_READERS: dict[int, o.Reader] = {
    Command.REAL_TIME: _real_time,
    Command.RECORD: lambda body: figures_of(Record.from_bytes(body), _RECORD),
    Command.LIST_LENGTH: _list_asked,
    Command.LIST_SEGMENTS: lambda body: _segment_figures(SegmentAsk.from_bytes(body)),
    Command.GREY_CARD: lambda body: figures_of(GreyQuery.from_bytes(body), _GREY),
    Command.TOTALS: _totals,
    Command.IDENTITY: lambda body: figures_of(Info.from_bytes(body), _INFO),
    Command.TEXT: _text,
    Command.NO_RECORD: o.numbered,
}
_HOST_SAYS = o.Vocabulary(Speaker.HOST, _HOST, _HOST_READERS, _rest)
_DISPENSER_SAYS = o.Vocabulary(Speaker.DISPENSER, _DISPENSER, _READERS, _rest)
