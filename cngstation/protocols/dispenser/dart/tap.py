"""DART overheard: both directions' frames in words.

Data and acknowledgements look alike both ways. A pump speaks only when it was polled:
data behind a poll are its own, and whoever did not send data acknowledges them.
"""

from collections.abc import Iterable
from functools import partial

from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.dart import transactions as t
from cngstation.protocols.dispenser.dart.frames import (
    FIRST_ADDRESS,
    Control,
    Frame,
    FrameParser,
)
from cngstation.protocols.dispenser.overheard import (
    Figure,
    Overheard,
    Speaker,
    Tap,
    Told,
    figure,
)

# Address, kind and end of a control frame; noise can look like one now and then.
_CONTROL_BITS = 12
_DATA_BITS = _CONTROL_BITS + o.CRC_BITS + 8
_NAMES = {
    Control.POLL: mark("poll"),
    Control.NAK: mark("not understood"),
    Control.EOT: mark("nothing to say"),
    Control.ACK: mark("acknowledged"),
    Control.ACKPOLL: mark("acknowledged and polled"),
}
_ORDER, _REPORT = mark("order"), mark("report")
_COMMANDS: dict[int, str] = {
    t.Command.RETURN_STATUS: mark("status asked"),
    t.Command.RETURN_PARAMETERS: mark("parameters asked"),
    t.Command.RETURN_IDENTITY: mark("identity asked"),
    t.Command.RETURN_FILLING: mark("figures asked"),
    t.Command.RESET: mark("reset"),
    t.Command.AUTHORISE: mark("authorise ordered"),
    t.Command.STOP: mark("stop ordered"),
    t.Command.SWITCH_OFF: mark("switched off"),
}
_STATES: dict[int, str] = {
    t.Status.NOT_PROGRAMMED: mark("not programmed"),
    t.Status.RESET: mark("idle"),
    t.Status.AUTHORISED: mark("authorised"),
    t.Status.FILLING: mark("fuelling"),
    t.Status.COMPLETE: mark("fill complete"),
    t.Status.MAXIMUM_REACHED: mark("limit of a fill reached"),
    t.Status.SWITCHED_OFF: mark("switched off"),
    t.Status.SUSPENDED: mark("suspended"),
}
_command, _state = o.coded(_COMMANDS), o.coded(_STATES)
_OUT, _IN = mark("nozzle out"), mark("nozzle in")
_HOST_FIGURES = {
    t.NOZZLES: o.NOZZLE,
    t.PRESET_VOLUME: o.PRESET,
    t.PRESET_AMOUNT: o.PRESET,
    t.PRICES: o.PRICE,
    t.TOTALS: o.TOTAL_QUANTITY,
}


def dart_tap() -> Tap:
    """Hear hosts and pumps of a DART line."""
    return Tap(FrameParser(hears_hosts=True), _Ear().explain)


class _Ear:
    """Remembers who has the word."""

    def __init__(self) -> None:
        self._awaits_pump = False
        self._last_data: Speaker = Speaker.UNKNOWN

    def explain(self, frame: Frame) -> Overheard:
        """Say what a frame means, and who sent it."""
        speaker = self._speaker(frame.control)
        is_data = frame.control is Control.DATA
        if is_data:
            told = _told(frame.data, from_host=speaker is Speaker.HOST)
        else:
            told = Told(_NAMES[frame.control])
        return told.by(
            speaker,
            frame.address - FIRST_ADDRESS + 1,
            frame.to_bytes(),
            _DATA_BITS if is_data else _CONTROL_BITS,
        )

    def _speaker(self, control: Control) -> Speaker:
        match control:
            case Control.POLL | Control.ACKPOLL:
                self._awaits_pump = True
                return Speaker.HOST
            case Control.EOT:
                self._awaits_pump = False
                return Speaker.DISPENSER
            case Control.DATA:
                is_answer, self._awaits_pump = self._awaits_pump, False
                self._last_data = Speaker.DISPENSER if is_answer else Speaker.HOST
                return self._last_data
        if self._last_data is Speaker.UNKNOWN:
            return Speaker.UNKNOWN
        by_host = self._last_data is Speaker.DISPENSER
        return Speaker.HOST if by_host else Speaker.DISPENSER


def _told(data: bytes, *, from_host: bool) -> Told:
    name = _ORDER if from_host else _REPORT
    return o.told_or_odd(name, partial(_figures, data, from_host=from_host))


def _figures(data: bytes, *, from_host: bool) -> Iterable[Figure]:
    if from_host:
        return [_order(kind, body) for kind, body in t.transactions(data)]
    found: list[Figure] = []
    for said in t.said(data):
        match said:
            case t.Status():
                found.append(figure(o.STATE, _state(said)))
            case t.Filled(volume, amount):
                found.append(figure(o.QUANTITY, volume))
                found.append(figure(o.AMOUNT, amount))
            case t.NozzlePlace(price, nozzle, is_out):
                place = o.Coded(str(nozzle), _OUT if is_out else _IN)
                found.append(figure(o.NOZZLE, place))
                found.append(figure(o.PRICE, price))
            case t.SideTotals(nozzle, volume, amount):
                found.append(figure(o.NOZZLE, nozzle))
                found.append(figure(o.TOTAL_QUANTITY, volume))
                found.append(figure(o.TOTAL_AMOUNT, amount))
    return found


def _order(kind: int, body: bytes) -> Figure:
    if kind == t.COMMAND and len(body) == 1:
        return figure(o.CODE, _command(body[0]))
    if kind in _HOST_FIGURES:
        return figure(_HOST_FIGURES[kind], body.hex().upper())
    return figure(o.CODE, f"{kind:02X}H {body[:16].hex().upper()}")
