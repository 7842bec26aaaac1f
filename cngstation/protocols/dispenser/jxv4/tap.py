"""JX-V4 overheard: both directions' frames in words."""

from collections.abc import Iterable

from cngstation.errors import RemoteProtocolError
from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.jxv4 import tap_words as words
from cngstation.protocols.dispenser.jxv4.duty_messages import (
    ShiftBody,
    card_check,
    list_check,
    parameter_change,
)
from cngstation.protocols.dispenser.jxv4.frames import (
    Command,
    Frame,
    FrameParser,
    Sender,
    conceal,
)
from cngstation.protocols.dispenser.jxv4.list_messages import KEY_LIST
from cngstation.protocols.dispenser.jxv4.messages import (
    DebitRequestBody,
    IdentityBody,
    Record,
    Reread,
    Status,
    TotalsBody,
)
from cngstation.protocols.dispenser.overheard import (
    Figure,
    Overheard,
    Speaker,
    Tap,
    figure,
    figures_of,
    hundredths,
)

# Start, the host's 00, CRC and end are certain in a frame.
_PROOF_BITS = 16 + 8 + o.CRC_BITS + 16
_list_name = o.coded(words.LIST_NAMES)
_IFSF_STATUS_BYTES = 32

_METER_FIGURES = (
    o.FLOW,
    mark("temperature"),
    mark("mass"),
    mark("density"),
    mark("drive gain"),
)
_STATUS = (
    ("state", o.STATE, o.coded(words.STATES)),
    ("price", o.PRICE, hundredths),
    ("quantity", o.QUANTITY, hundredths),
    ("amount", o.AMOUNT, hundredths),
    ("pressure", o.PRESSURE, hundredths),
    ("shift_no", o.SHIFT, o.if_any),
    ("employee", o.CREW_CARD, o.bcd_digits),
    ("card", o.CARD, o.bcd_digits),
    ("plate", o.PLATE, o.gb_text),
    ("device", o.DEVICE, o.coded(words.DEVICES)),
)
_RECORD = (
    ("seq", o.SEQUENCE, str),
    ("transaction", o.TYPE, o.coded(words.KINDS)),
    ("card", o.CARD, o.bcd_digits),
    ("plate", o.PLATE, o.gb_text),
    ("started", o.STARTED, o.bcd_time),
    ("ended", o.ENDED, o.bcd_time),
    ("quantity", o.QUANTITY, hundredths),
    ("price", o.PRICE, hundredths),
    ("amount", o.AMOUNT, hundredths),
    ("debited", o.DEBITED, hundredths),
    ("balance_before", o.BALANCE_BEFORE, hundredths),
    ("balance_after", o.BALANCE_AFTER, hundredths),
    ("gun_total_quantity", o.TOTAL_QUANTITY, hundredths),
    ("pressure_before", o.PRESSURE_BEFORE, hundredths),
    ("pressure_after", o.PRESSURE_AFTER, hundredths),
    ("stop", o.REASON, o.coded(words.STOPS)),
)
_DEBIT = (
    ("kind", o.KIND, str),
    ("card", o.CARD, o.bcd_digits),
    ("quantity", o.QUANTITY, hundredths),
    ("amount", o.AMOUNT, hundredths),
    ("balance", o.BALANCE, hundredths),
    ("seq", o.SEQUENCE, str),
)
_TOTALS = (
    ("seq", o.SEQUENCE, str),
    ("gun_quantity", o.TOTAL_QUANTITY, hundredths),
    ("gun_amount", o.TOTAL_AMOUNT, hundredths),
    ("shift_quantity", o.SHIFT_QUANTITY, hundredths),
    ("shift_amount", o.SHIFT_AMOUNT, hundredths),
)
_IDENTITY = (
    ("last_seq", o.SEQUENCE, str),
    ("maker", o.MAKER, o.gb_text),
    ("firmware", o.FIRMWARE, o.gb_text),
    ("station", o.STATION, o.bcd_digits),
    ("station_name", o.STATION, o.gb_text),
    ("province", mark("province"), o.bcd_digits),
    ("city", mark("city"), o.bcd_digits),
    ("parent", mark("head office"), o.bcd_digits),
    ("base_version", o.BASE, o.if_any),
    ("added_version", o.ADDED, o.if_any),
    ("deleted_version", o.DELETED, o.if_any),
    ("white_version", o.WHITE, o.if_any),
    ("price_version", o.PRICES_VERSION, o.if_any),
    ("common_version", mark("station data"), o.if_any),
)
_SHIFT = (
    ("seq", o.SEQUENCE, str),
    ("kind", o.KIND, str),
    ("shift_no", o.SHIFT, str),
    ("employee", o.CREW_CARD, o.bcd_digits),
    ("started", o.STARTED, o.bcd_time),
    ("ended", o.ENDED, o.bcd_time),
    ("fills", o.FILLS, str),
    ("shift_quantity", o.SHIFT_QUANTITY, hundredths),
    ("shift_amount", o.SHIFT_AMOUNT, hundredths),
)
_CHANGE = (
    ("device_seq", o.SEQUENCE, str),
    ("parameter", o.PARAMETER, str),
    ("before", o.FROM, str),
    ("after", o.VALUE, str),
    ("changed_at", o.TIME, lambda text: text),
)
_CHECK = (
    ("question", o.KIND, str),
    ("card_no", o.CARD, lambda text: text),
    ("balance_hundredths", o.BALANCE, lambda n: None if n is None else hundredths(n)),
)


def jx_tap() -> Tap:
    """Hear hosts and dispensers of a JX-V4 line."""
    return Tap(FrameParser(), _explained)


def _explained(frame: Frame) -> Overheard:
    says = _HOST_SAYS if frame.sender is Sender.HOST else _DISPENSER_SAYS
    raw = conceal(frame.to_bytes())
    return says.explain(frame.command, frame.body, frame.gun, raw, _PROOF_BITS)


def _one_byte(body: bytes) -> Iterable[Figure]:
    return (figure(o.ANSWER, body.hex().upper()),) if body else ()


def _status(body: bytes) -> Iterable[Figure]:
    if len(body) != _IFSF_STATUS_BYTES:
        status = Status.from_bytes(body)
        shown = figures_of(status, _STATUS)
        return (*shown, *_meters(status), *_alarms(status.alarms))
    price = int.from_bytes(body[2:4], "little")
    quantity, amount = (int.from_bytes(body[at : at + 4], "little") for at in (4, 8))
    return (
        figure(o.STATE, body[1]),
        figure(o.PRICE, hundredths(price)),
        figure(o.QUANTITY, hundredths(quantity)),
        figure(o.AMOUNT, hundredths(amount)),
    )


def _meters(status: Status) -> Iterable[Figure]:
    """Tell what the meters measure; one that measures nothing is left out."""
    for place, figures in zip(words.METERS, status.meters(), strict=True):
        if any(figures):
            yield figure(o.TYPE, o.Coded("", place))
            for name, milli in zip(_METER_FIGURES, figures, strict=True):
                yield figure(name, o.thousandths(milli))


def _alarms(alarms: int) -> Iterable[Figure]:
    for bit, word in enumerate(words.ALARMS):
        if alarms >> bit & 1:
            yield figure(o.ALARMS, o.Coded(str(bit), word))
    if unknown := alarms >> len(words.ALARMS):
        yield figure(o.ALARMS, f"{unknown << len(words.ALARMS):X}H")


def _reread(body: bytes) -> Iterable[Figure]:
    reread = Reread.from_bytes(body)
    if reread.record is None:
        return (figure(o.SEQUENCE, reread.seq), figure(o.ANSWER, "-"))
    return figures_of(reread.record, _RECORD)


def _list_asked(body: bytes) -> Iterable[Figure]:
    _at_least(body, 1)
    return (figure(o.LIST, _list_name(body[0])),)


def _block_asked(body: bytes) -> Iterable[Figure]:
    _at_least(body, 4)
    return (
        figure(o.LIST, _list_name(body[0])),
        figure(o.OFFSET, int.from_bytes(body[1:3], "little")),
        figure(o.COUNT, body[3]),
    )


def _poll(body: bytes) -> Iterable[Figure]:
    _at_least(body, 12)
    names = (o.BASE, o.ADDED, o.DELETED, o.WHITE, o.PRICES_VERSION)
    versions = zip(names, body[7:12], strict=True) if len(body) > 12 else ()
    return o.polled(body[:7], versions)


def _acknowledgement(body: bytes) -> Iterable[Figure]:
    _at_least(body, 6)
    return (
        figure(o.ANSWER, body[0]),
        figure(o.SEQUENCE, int.from_bytes(body[2:6], "big")),
    )


def _list(body: bytes) -> Iterable[Figure]:
    """Tell a list's length; of a key nothing but that there is one."""
    _at_least(body, 1)
    if body[0] == KEY_LIST:
        return (figure(o.KEY, o.Coded("", o.HIDDEN)),)
    _at_least(body, 5)
    return (
        figure(o.LIST, _list_name(body[0])),
        figure(o.COUNT, int.from_bytes(body[1:5], "big")),
    )


def _block(body: bytes) -> Iterable[Figure]:
    _at_least(body, 5)
    return (
        figure(o.LIST, _list_name(body[0])),
        figure(o.OFFSET, int.from_bytes(body[1:3], "big")),
        figure(o.COUNT, body[3]),
        figure(o.VERSION, body[4]),
    )


def _decision(body: bytes) -> Iterable[Figure]:
    _at_least(body, 26)
    amount, debited, before, after = (
        int.from_bytes(body[at : at + 4], "big") for at in range(10, 26, 4)
    )
    return (
        figure(o.ANSWER, body[0]),
        figure(o.CARD, o.bcd_digits(body[2:10]) or "-"),
        figure(o.AMOUNT, hundredths(amount)),
        figure(o.DEBITED, hundredths(debited)),
        figure(o.BALANCE_BEFORE, hundredths(before)),
        figure(o.BALANCE_AFTER, hundredths(after)),
    )


def _verdict(body: bytes) -> Iterable[Figure]:
    _at_least(body, 9)
    card = figure(o.CARD, o.bcd_digits(body[:8]) or "-")
    return (card, figure(o.ANSWER, body[8]))


def _prices(body: bytes) -> Iterable[Figure]:
    _at_least(body, 10)
    prices = [
        hundredths(int.from_bytes(body[at : at + 2], "big"))
        for at in range(10, len(body) - 1, 2)
    ]
    return (
        figure(o.VERSION, body[0]),
        figure(o.TIME, o.bcd_time(body[2:9])),
        figure(o.PRICE, " ".join(prices)),
    )


def _at_least(body: bytes, size: int) -> None:
    if len(body) < size:
        raise RemoteProtocolError(why=f"{len(body)} bytes instead of {size}")


_HOST_READERS: dict[int, o.Reader] = {
    Command.STATUS: _poll,
    Command.RECORD: _acknowledgement,
    Command.LIST: _list,
    Command.LIST_BLOCK: _block,
    Command.DEBIT: _decision,
    Command.REREAD: o.numbered,
    Command.CARD_CHECK: _verdict,
    Command.LIST_CHECK: _verdict,
    Command.PRICES: _prices,
}
_READERS: dict[int, o.Reader] = {
    Command.STATUS: _status,
    Command.RECORD: lambda body: figures_of(Record.from_bytes(body), _RECORD),
    Command.LIST: _list_asked,
    Command.LIST_BLOCK: _block_asked,
    Command.DEBIT: lambda body: figures_of(DebitRequestBody.from_bytes(body), _DEBIT),
    Command.TOTALS: lambda body: figures_of(TotalsBody.from_bytes(body), _TOTALS),
    Command.REREAD: _reread,
    Command.IDENTITY: lambda body: figures_of(IdentityBody.from_bytes(body), _IDENTITY),
    Command.SHIFT_RECORD: lambda body: figures_of(ShiftBody.from_bytes(body), _SHIFT),
    Command.PARAMETER_CHANGE: lambda body: figures_of(parameter_change(body), _CHANGE),
    Command.CARD_CHECK: lambda body: figures_of(card_check(body), _CHECK),
    Command.LIST_CHECK: lambda body: figures_of(list_check(body), _CHECK),
}
_HOST_SAYS = o.Vocabulary(Speaker.HOST, words.HOST, _HOST_READERS, _one_byte)
_DISPENSER_SAYS = o.Vocabulary(Speaker.DISPENSER, words.DISPENSER, _READERS, _one_byte)
