"""What Sinopec frames carry, field by field, as the wire has it.

Integers are big-endian, dates and card numbers BCD; money is in fen, volume, price and
totals in hundredths. A nozzle is a number of the dispenser's own.
"""

import struct
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Self

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.sinopec import codes
from cngstation.protocols.dispenser.sinopec.frames import Command

ASN_BYTES = 10
SEGMENT_BYTES = 16
_LISTED, _NOT_LISTED = 0, 1
_FOUND, _NOT_FOUND = 0, 1
_CARD_INFO_BYTES = 0x10
# u24 has no code in struct: it is read as three bytes.
_RECORD = struct.Struct(">IB7s10sI3sH4s4s4s10s6sIBBBBB2s3sHBI11s4s")
_CARD_IN = struct.Struct(">B10sHI")
_FUELLING = struct.Struct(">B3s3sH")
_GREY_QUERY = struct.Struct(">10sIHB7s")
_GREY_ANSWER = struct.Struct(">B10sI3sHB7s4s6sI")
_INFO_HEAD = struct.Struct(">12sBBII7sB")
_INFO_VERSIONS = struct.Struct(">HBBBBB")
_LIST_ASK = struct.Struct(">BH")
_SEGMENT_ASK = struct.Struct(">BHB")
_TOTAL = struct.Struct(">BI")
_POLL = struct.Struct(">7sHBBBBB")
RECORD_BYTES = _RECORD.size


def _unpack(layout: struct.Struct, data: bytes, name: str) -> tuple[object, ...]:
    if len(data) != layout.size:
        raise RemoteProtocolError(why=f"{len(data)} bytes of {name}")
    return layout.unpack(data)


def _u24(data: bytes) -> int:
    return int.from_bytes(data, "big")


@dataclass(frozen=True, slots=True)
class Record:
    """32H from a dispenser: one numbered record, 95 bytes.

    `balance` is the purse after it; `reserved` and the codes of the security module
    are kept as they came.
    """

    seq: int
    kind: int
    time: bytes
    card: bytes
    balance: int
    amount: int
    card_count: int
    tac: bytes
    gmac: bytes
    psam_tac: bytes
    psam_card: bytes
    psam_terminal: bytes
    psam_count: int
    debit_source: int
    unit: int
    card_application: int
    version: int
    nozzle: int
    product: bytes
    quantity: int
    price: int
    employee: int
    total: int
    reserved: bytes
    mac: bytes

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        if len(body) != _RECORD.size:
            raise RemoteProtocolError(why=f"{len(body)} bytes of a record")
        fields = list(_RECORD.unpack(body))
        for at in (5, 19):  # amount and quantity
            fields[at] = _u24(fields[at])
        return cls(*fields)

    @property
    def sort(self) -> int:
        """The kind without its high bits."""
        return self.kind & codes.KIND_BITS


@dataclass(frozen=True, slots=True)
class CardIn:
    """A card lies in a nozzle's reader."""

    nozzle: int
    card: bytes
    state: int
    balance: int


@dataclass(frozen=True, slots=True)
class Fuelling:
    """Gas flows."""

    nozzle: int
    unit: int
    amount: int
    quantity: int
    price: int


@dataclass(frozen=True, slots=True)
class RealTime:
    """31H from a dispenser: the nozzles where something happens."""

    entries: tuple[CardIn | Fuelling, ...]

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if an entry is unknown or bytes are left."""
        if not body:
            raise RemoteProtocolError(why="a state without a count")
        count, rest = body[0], body[1:]
        entries: list[CardIn | Fuelling] = []
        for _ in range(count):
            entry, rest = cls._entry(rest)
            entries.append(entry)
        if rest:
            raise RemoteProtocolError(why=f"{len(rest)} bytes behind a state")
        return cls(tuple(entries))

    @staticmethod
    def _entry(rest: bytes) -> tuple[CardIn | Fuelling, bytes]:
        head, tail = rest[:2], rest[2:]
        if len(head) != 2:
            raise RemoteProtocolError(why="half an entry of a state")
        nozzle = head[1]
        match head[0]:
            case codes.CARD_INSERTED:
                part, tail = tail[: _CARD_IN.size], tail[_CARD_IN.size :]
                size, card, state, balance = _unpack(_CARD_IN, part, "a card")
                if size != _CARD_INFO_BYTES:
                    raise RemoteProtocolError(why=f"{size} bytes of a card")
                return CardIn(nozzle, _bytes(card), _int(state), _int(balance)), tail
            case codes.FUELLING:
                part, tail = tail[: _FUELLING.size], tail[_FUELLING.size :]
                unit, amount, quantity, price = _unpack(_FUELLING, part, "a fill")
                figures = (_u24(_bytes(amount)), _u24(_bytes(quantity)), _int(price))
                return Fuelling(nozzle, _int(unit), *figures), tail
        raise RemoteProtocolError(why=f"nozzle state {head[0]}")


@dataclass(frozen=True, slots=True)
class ListAsk:
    """33H from a dispenser: how long is this list?"""

    kind: int
    version: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        kind, version = _unpack(_LIST_ASK, body, "a question for a list")
        return cls(_int(kind), _int(version))


@dataclass(frozen=True, slots=True)
class SegmentAsk:
    """34H from a dispenser: these segments of 16 bytes, please."""

    kind: int
    offset: int
    count: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        kind, offset, count = _unpack(_SEGMENT_ASK, body, "a question for segments")
        return cls(_int(kind), _int(offset), _int(count))


@dataclass(frozen=True, slots=True)
class GreyQuery:
    """35H from a dispenser: what did this grey card owe?"""

    card: bytes
    balance: int
    card_count: int
    debit_source: int
    time: bytes

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        card, balance, count, source, time = _unpack(_GREY_QUERY, body, "a grey card")
        return cls(_bytes(card), _int(balance), _int(count), _int(source), _bytes(time))

    def answer(self, owed: Record | None) -> bytes:
        """Return the data of our 35H: the unpaid fill, or that there is none."""
        if owed is None:
            nothing = (0, bytes(3), self.card_count, self.debit_source, self.time)
            proof = (bytes(4), bytes(6), 0)
            packed = _GREY_ANSWER.pack(_NOT_FOUND, self.card, *nothing, *proof)
        else:
            packed = _GREY_ANSWER.pack(
                _FOUND,
                self.card,
                owed.balance,
                owed.amount.to_bytes(3, "big"),
                owed.card_count,
                owed.debit_source,
                owed.time,
                owed.gmac,
                owed.psam_terminal,
                owed.psam_count,
            )
        return bytes([Command.GREY_CARD]) + packed


@dataclass(frozen=True, slots=True)
class TotalsBody:
    """38H from a dispenser: volume totals by nozzle."""

    totals: dict[int, int]

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if its count does not fit its size."""
        size = _TOTAL.size
        if not body or len(body) != 1 + body[0] * size:
            raise RemoteProtocolError(why=f"{len(body)} bytes of totals")
        parts = (body[at : at + size] for at in range(1, len(body), size))
        return cls(dict(_TOTAL.unpack(part) for part in parts))


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that a poll announces, and that a dispenser says it holds."""

    base: int = 0
    added: int = 0
    deleted: int = 0
    white: int = 0
    price: int = 0
    station: int = 0


@dataclass(frozen=True, slots=True)
class Info:
    """3AH from a dispenser."""

    maker: bytes
    province: int
    city: int
    superior: int
    station: int
    time: bytes
    nozzles: bytes
    versions: Versions

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if its count does not fit its size."""
        head, rest = body[: _INFO_HEAD.size], body[_INFO_HEAD.size :]
        fields = _unpack(_INFO_HEAD, head, "an identity")
        *named, count = fields
        nozzles, rest = rest[: _int(count)], rest[_int(count) :]
        versions = Versions(*map(_int, _unpack(_INFO_VERSIONS, rest, "versions")))
        maker, province, city, superior, station, time = named
        return cls(
            _bytes(maker),
            _int(province),
            _int(city),
            _int(superior),
            _int(station),
            _bytes(time),
            nozzles,
            versions,
        )


def poll_data(clock: datetime, versions: Versions) -> bytes:
    """30H to a dispenser: the station's local time and its versions.

    Raises:
        LocalProtocolError: a version does not fit.
    """
    try:
        packed = _POLL.pack(bcd_time(clock), *astuple(versions))
    except struct.error as error:
        raise LocalProtocolError(why=str(error)) from error
    return bytes([Command.POLL]) + packed


def acknowledgement_data() -> bytes:
    """32H to a dispenser: the record is committed, it may forget it.

    Its code could say that the record's MAC is wrong; without the security module
    nobody can tell.
    """
    return bytes([Command.RECORD, 0])


def text_taken_data() -> bytes:
    """3CH to a dispenser: its text is kept."""
    return bytes([Command.TEXT_TAKEN, Command.TEXT])


def list_length_data(kind: int, byte_count: int) -> bytes:
    """33H to a dispenser: a list is so many bytes long."""
    return bytes([Command.LIST_LENGTH]) + byte_count.to_bytes(4, "big") + bytes([kind])


def segments_data(ask: SegmentAsk, segments: list[bytes]) -> bytes:
    """34H to a dispenser: segments from the asked offset on; each of 16 bytes."""
    head = _SEGMENT_ASK.pack(ask.kind, ask.offset, len(segments))
    return bytes([Command.LIST_SEGMENTS]) + head + b"".join(segments)


def list_check_data(card: bytes, *, is_listed: bool) -> bytes:
    """36H to a dispenser: whether a card is on the list."""
    flag = _LISTED if is_listed else _NOT_LISTED
    return bytes([Command.LIST_CHECK, flag]) + card


def reread_data(seq: int) -> bytes:
    """3EH to a dispenser: send this record again."""
    return bytes([Command.REREAD]) + seq.to_bytes(4, "big")


def bcd_time(clock: datetime) -> bytes:
    """Encode a time as 7 bytes BCD."""
    return bytes.fromhex(clock.strftime("%Y%m%d%H%M%S"))


def _bytes(field: object) -> bytes:
    assert isinstance(field, bytes)
    return field


def _int(field: object) -> int:
    assert isinstance(field, int)
    return field
