"""jsonPTS overheard: each packet of both directions in words.

Packets are found in any bytes, such as those of an HTTP connection or of a message
that was cut: behind the protocol's name and `[` whole objects are read one by one.
"""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from cngstation.errors import RemoteProtocolError
from cngstation.language import mark
from cngstation.protocols.dispenser import overheard as o
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.overheard import (
    Figure,
    Overheard,
    Speaker,
    Tap,
    figure,
)
from cngstation.protocols.dispenser.pts.packets import (
    LONGEST_MESSAGE,
    Packet,
    read_message,
)

# The name before it is eight bytes that chance does not write.
_PROOF_BITS = 64
_MARK, _ARRAY = b'"jsonPTS"', b'"Packets"'
# White space and a colon may stand between the name and the packets.
_HEAD_BYTES = 80
_BEGIN, _END = b'{"Protocol":"jsonPTS","Packets":[', b"]}"
_QUOTE, _ESCAPE = ord('"'), ord("\\")

_REQUESTS = {
    "PumpGetStatus": mark("poll"),
    "PumpGetTransactionInformation": mark("record asked again"),
    "PumpCloseTransaction": mark("transaction closed"),
    "PumpGetTotals": mark("totals asked"),
    "PumpGetAdditionalMeasurements": mark("measurements asked"),
    "PumpAuthorize": mark("authorise ordered"),
    "PumpStop": mark("stop ordered"),
    "PumpEmergencyStop": mark("stop ordered"),
    "PumpLock": mark("lock ordered"),
    "PumpUnlock": mark("unlock ordered"),
    "PumpGetPrices": mark("prices asked"),
    "PumpSetPrices": mark("prices"),
}
_ANSWERS = {
    "PumpIdleStatus": mark("idle"),
    "PumpFillingStatus": mark("fuelling"),
    "PumpEndOfTransactionStatus": mark("fill complete"),
    "PumpOfflineStatus": mark("off line"),
    "PumpTotals": mark("totals"),
    "PumpPrices": mark("prices"),
    "PumpTransactionInformation": mark("record read again"),
    "PumpAdditionalMeasurements": mark("measurements"),
    "PumpAuthorizeConfirmation": mark("authorise answered"),
    "UploadPumpTransaction": mark("record of a fill"),
    "UploadShift": mark("shift record"),
    "UploadStatus": mark("status"),
}
_DONE, _REFUSED = mark("done"), mark("refused")
_SHOWN = (
    ("Nozzle", o.NOZZLE),
    ("NozzleUp", mark("nozzle out")),
    ("State", o.STATE),
    ("Transaction", o.SEQUENCE),
    ("LastTransaction", o.SEQUENCE),
    ("Type", o.KIND),
    ("Dose", o.PRESET),
    ("Volume", o.QUANTITY),
    ("Price", o.PRICE),
    ("Prices", o.PRICE),
    ("NozzlePrices", o.PRICE),
    ("Amount", o.AMOUNT),
    ("TotalVolume", o.TOTAL_QUANTITY),
    ("TotalAmount", o.TOTAL_AMOUNT),
    ("Tag", o.CARD),
    ("Pressure", o.PRESSURE),
    ("Temperature", mark("temperature")),
    ("Density", mark("density")),
    ("Mass", mark("mass")),
    ("DateTimeStart", o.STARTED),
    ("DateTime", o.ENDED),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a message as it came; `packet` is None where it is none."""

    packet: Packet | None
    raw: bytes


class PacketFinder:
    """Finds packets in any stream; never raises, holds below 32 KB.

    `faults` counts what was passed over since the caller last emptied it.
    """

    def __init__(self) -> None:
        self.faults: Counter[FaultKind] = Counter()
        self._buffer = bytearray()
        self._is_inside = False
        self._at, self._depth = 0, 0
        self._is_text, self._is_escaped = False, False

    def feed(self, data: bytes) -> list[Found]:
        """Take bytes; return the packets that they complete."""
        found = []
        for at in range(0, len(data), LONGEST_MESSAGE):
            self._buffer += data[at : at + LONGEST_MESSAGE]
            while self._is_inside or self._enter():
                size = self._object_end()
                if size is None:
                    break
                if size:
                    found.append(_read(bytes(self._buffer[:size])))
                    self._drop(size)
        return found

    def reset(self) -> None:
        """Give up a packet that has begun."""
        if self._buffer:
            self.faults[FaultKind.HALF_FRAME] += 1
        self._leave(len(self._buffer))

    def _enter(self) -> bool:
        """Pass over what stands before the next message's packets."""
        while (at := self._buffer.find(_MARK)) >= 0:
            self._pass_over(at)
            head = bytes(self._buffer[len(_MARK) : _HEAD_BYTES])
            begin = head.find(b"[", max(head.find(_ARRAY), 0))
            if _ARRAY in head and begin >= 0:
                self._drop(len(_MARK) + begin + 1)
                self._is_inside = True
                return True
            if len(self._buffer) < _HEAD_BYTES:
                return False
            self._pass_over(len(_MARK))
        self._pass_over(max(len(self._buffer) - len(_MARK) + 1, 0))
        return False

    def _object_end(self) -> int | None:
        """Return where the object ends; 0 where the message ended, None: not yet."""
        while self._at < len(self._buffer):
            byte = self._buffer[self._at]
            self._at += 1
            if self._is_text:
                self._is_text = self._is_escaped or byte != _QUOTE
                self._is_escaped = byte == _ESCAPE and not self._is_escaped
            elif byte == _QUOTE:
                self._is_text = True
            elif byte in b"{[":
                self._depth += 1
            elif byte in b"}]" and self._depth:
                self._depth -= 1
                if not self._depth:
                    return self._at
            elif not self._depth and byte not in b", \r\n\t":
                self._leave(self._at)
                return 0
        if len(self._buffer) > LONGEST_MESSAGE:
            self.faults[FaultKind.TOO_LONG] += 1
            self._leave(len(self._buffer))
        return None

    def _leave(self, size: int) -> None:
        self._drop(size)
        self._is_inside = False

    def _pass_over(self, size: int) -> None:
        if size:
            self.faults[FaultKind.NOISE] += size
            self._drop(size)

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._begin_scan()

    def _begin_scan(self) -> None:
        self._at = self._depth = 0
        self._is_text = self._is_escaped = False


def pts_tap() -> Tap:
    """Hear hosts and controllers that speak jsonPTS."""
    return Tap(PacketFinder(), _explained)


def _read(data: bytes) -> Found:
    raw = _BEGIN + data.lstrip(b", \r\n\t") + _END
    try:
        packets = read_message(raw)
    except RemoteProtocolError:
        packets = []
    return Found(packets[0] if packets else None, raw)


def _explained(found: Found) -> Overheard:
    packet, raw = found.packet, found.raw
    if packet is None:
        odd = o.told_or_odd(_REFUSED, _no_packet)
        return odd.by(Speaker.UNKNOWN, 0, raw, _PROOF_BITS)
    number = packet.data.get("Pump")
    address = number if type(number) is int and 0 < number < 1_000 else 0
    told, speaker = _told(packet)
    return told.by(speaker, address, raw, _PROOF_BITS)


def _no_packet() -> list[Figure]:
    raise RemoteProtocolError(why="no packet")


def _told(packet: Packet) -> tuple[o.Told, Speaker]:
    """A request has data; what it is answered with "done" repeats its type without."""
    if packet.error is not None:
        said = figure(o.CODE, packet.error.code), figure(o.TEXT, packet.error.message)
        return o.Told(_REFUSED, said), Speaker.DISPENSER
    if packet.type in _REQUESTS and packet.data:
        command = _REQUESTS[packet.type]
        return o.Told(command, _figures(packet)), Speaker.HOST
    if packet.type in _ANSWERS:
        return o.Told(_ANSWERS[packet.type], _figures(packet)), Speaker.DISPENSER
    if packet.type in _REQUESTS:
        kind = o.Coded("", _REQUESTS[packet.type])
        return o.Told(_DONE, (figure(o.TYPE, kind),)), Speaker.DISPENSER
    kind_of_packet = (figure(o.TYPE, packet.type),)
    return o.Told(o.OTHER_COMMAND, kind_of_packet, is_odd=True), Speaker.UNKNOWN


def _figures(packet: Packet) -> tuple[Figure, ...]:
    shown = ((name, _shown(packet.data.get(key))) for key, name in _SHOWN)
    return tuple(figure(name, value) for name, value in shown if value)


def _shown(value: object) -> str:
    """Show a value as it came; nothing of what is empty, or an object of its own."""
    match value:
        case bool():
            return ""
        case int() | Decimal() | str():
            return str(value)
        case [*many]:
            return " ".join(_shown(_price(one)) for one in many)
    return ""


def _price(one: object) -> object:
    return one.get("Price") if isinstance(one, dict) else one
