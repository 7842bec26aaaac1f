"""Lanfeng overheard: both directions' frames in words.

A status has BCD where a request has its command. A command may be confirmed by the
request's own bytes: such a frame behind the same request is the pump's.
"""

from collections.abc import Iterable
from functools import partial

from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.lanfeng.frames import (
    Command,
    FrameParser,
    status,
    total,
)
from cngstation.protocols.dispenser.overheard import (
    Figure,
    Overheard,
    Speaker,
    Tap,
    figure,
    hundredths,
)

# The sum, the 00 and six bits of a command or a state.
_PROOF_BITS = 8 + 8 + 6
_NAMES = {
    Command.STATUS: mark("poll"),
    Command.TAKE_CONTROL: mark("control taken"),
    Command.RELEASE: mark("control given back"),
    Command.START: mark("authorise ordered"),
    Command.STOP: mark("stop ordered"),
    Command.PRESET_AMOUNT: mark("amount preset"),
    Command.PRESET_VOLUME: mark("quantity preset"),
    Command.PRICE: mark("prices"),
    Command.AMOUNT_TOTAL: mark("totals asked"),
    Command.VOLUME_TOTAL: mark("totals asked"),
}
_COMMANDS = {int(command): command for command in Command}
_STATUS, _TOTAL, _CONFIRMED = mark("status"), mark("totals"), mark("confirmed")
_OUT, _IN = mark("nozzle out"), mark("nozzle in")
_FILLING, _AT_REST = mark("fuelling"), mark("idle")
_ASKS_TOTAL = frozenset({Command.AMOUNT_TOTAL, Command.VOLUME_TOTAL})


def lanfeng_tap() -> Tap:
    """Hear hosts and pumps of a Lanfeng line."""
    return Tap(FrameParser(range(1, 256)), _Ear().explain)


class _Ear:
    """Remembers the request behind which an answer comes."""

    def __init__(self) -> None:
        self._request = b""

    def explain(self, frame: bytes) -> Overheard:
        """Say what a frame means, and who sent it."""
        command = _COMMANDS.get(frame[2])
        last = _COMMANDS.get(self._request[2]) if self._request else None
        speaker = Speaker.HOST
        if command is None or frame == self._request:
            speaker = Speaker.DISPENSER
        if command is None:
            name = _TOTAL if last in _ASKS_TOTAL else _STATUS
            read = _total if last in _ASKS_TOTAL else _status
            told = o.told_or_odd(name, partial(read, frame))
        elif speaker is Speaker.DISPENSER:
            told = o.Told(_CONFIRMED)
        else:
            told = o.Told(_NAMES[command], tuple(_request(frame)))
        self._request = frame if speaker is Speaker.HOST else b""
        # A row of zeros has a sound sum.
        proof_bits = 0 if told.is_odd else _PROOF_BITS
        return told.by(speaker, frame[0], frame, proof_bits)


def _request(frame: bytes) -> Iterable[Figure]:
    value = frame[3:11].rstrip(b"\0").hex().upper()
    return (figure(o.VALUE, value),) if value else ()


def _total(frame: bytes) -> Iterable[Figure]:
    return (figure(o.TOTAL_QUANTITY, hundredths(total(frame))),)


def _status(frame: bytes) -> Iterable[Figure]:
    shown = status(frame)
    state = o.Coded(f"{frame[10]:02X}H", _FILLING if shown.is_filling else _AT_REST)
    place = o.Coded("", _OUT if shown.is_out else _IN)
    return (
        figure(o.STATE, state),
        figure(o.NOZZLE, place),
        figure(o.PRICE, hundredths(shown.price)),
        figure(o.QUANTITY, hundredths(shown.volume)),
        figure(o.AMOUNT, hundredths(shown.amount)),
    )
