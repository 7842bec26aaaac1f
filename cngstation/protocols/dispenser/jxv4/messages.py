"""JX-V4 bodies: what the host reads from dispensers and what it sends them.

A dispenser's integers are little-endian (packed structs of its controller), the
host's are big-endian. Card numbers are 8 bytes BCD, times 7 bytes BCD
`20 YY MM DD hh mm ss`, plates 9 bytes GB2312 filled with 00 from the left; money, gas,
price and pressure are in hundredths, density and equivalent in 1/10 000.

    51H status 84    52H record 147 or 133, core 123    55H debit request 31
    57H totals 20    58H re-read 5 or 5 + record        59H identity 119
    host: 51H poll 13, 52H acknowledgement 6, 55H decision 48, 58H record number 4

Source: public dispenser firmware and host programs of the JX family; UNVERIFIED
against a captured line. Figures here are raw; `mapping` gives them their units.
"""

from dataclasses import astuple, dataclass, replace
from datetime import datetime
from struct import Struct
from typing import Self

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.jxv4.packing import bcd_time, pack, unpack
from cngstation.units import wire_f32_to_milli

_STATUS = Struct("<BBHIIB8s8s9sH40sI")
_RECORD = Struct("<IB8sB8sB9s4s7s7sH12IHHIIBBBII")
_DEBIT_REQUEST = Struct("<BB8sIII4sBI")
_DECISION = "BB8sIIIIHIIIII"
_TOTALS = Struct("<5I")
_REREAD = Struct("<IB")
_IDENTITY = Struct("<BI6B4s2s2s4s40s16s40s")
_ACKNOWLEDGEMENT = "BBI"
_RECORD_NO = "I"

# The order of the host's integers, as `struct` writes it.
BIG_ENDIAN, LITTLE_ENDIAN = ">", "<"
RECORD_CORE_BYTES = _RECORD.size
_RETURN_TAIL = Struct("<I20x")
_F32 = 4
METER_FIGURES = 5


@dataclass(frozen=True, slots=True)
class Status:
    """51H from a dispenser; `measurements` are ten f32 of both meters."""

    device: int
    state: int
    price: int
    quantity: int
    amount: int
    shift_no: int
    employee: bytes
    card: bytes
    plate: bytes
    pressure: int
    measurements: bytes
    alarms: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        return cls(*unpack(_STATUS, body, "a status"))

    def meters(self) -> list[tuple[int, ...]]:
        """Return inlet and return meter, each figure in 1/1000.

        Flow, temperature, mass, density and drive gain; all 0 where a firmware fills
        none, and what is no number is 0 too.
        """
        figures = [
            wire_f32_to_milli(self.measurements[at : at + _F32]) or 0
            for at in range(0, len(self.measurements), _F32)
        ]
        return [tuple(figures[:METER_FIGURES]), tuple(figures[METER_FIGURES:])]


@dataclass(frozen=True, slots=True)
class Record:
    """52H from a dispenser; `tail` is what a firmware puts behind the core."""

    seq: int
    shift_no: int
    employee: bytes
    transaction: int
    card: bytes
    card_kind: int
    plate: bytes
    station: bytes
    started: bytes
    ended: bytes
    price: int
    quantity: int
    amount: int
    debited: int
    balance_before: int
    balance_after: int
    card_top_ups: int
    card_top_up_total: int
    card_consumptions: int
    card_consumed_quantity: int
    card_consumed_total: int
    gun_total_quantity: int
    gun_total_amount: int
    pressure_before: int
    pressure_after: int
    density: int
    equivalent: int
    device: int
    unit: int
    stop: int
    related_grey_seq: int
    shift_record_seq: int
    tail: bytes = b""

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode the core; RemoteProtocolError if it is shorter."""
        core, tail = body[:RECORD_CORE_BYTES], body[RECORD_CORE_BYTES:]
        return replace(cls(*unpack(_RECORD, core, "a record")), tail=tail)

    @property
    def return_quantity(self) -> int | None:
        """The gas that came back, in 0.01; None where the firmware sends another tail.

        147 bytes end with it and a reserve, 133 with how the fill was started.
        """
        if len(self.tail) != _RETURN_TAIL.size:
            return None
        quantity: int = _RETURN_TAIL.unpack(self.tail)[0]
        return quantity


@dataclass(frozen=True, slots=True)
class DebitRequestBody:
    """55H from a dispenser: kind 0 debit after a fill, 1 unlock of a grey card."""

    kind: int
    card_kind: int
    card: bytes
    quantity: int
    amount: int
    balance: int
    station: bytes
    gun: int
    seq: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        return cls(*unpack(_DEBIT_REQUEST, body, "a debit request"))


@dataclass(frozen=True, slots=True)
class DecisionBody:
    """55H to a dispenser."""

    found: int
    kind: int
    card: bytes
    amount: int
    debited: int
    balance_before: int
    balance_after: int
    price: int
    quantity: int
    total_count: int
    total_amount: int
    total_quantity: int
    related_grey_seq: int

    def to_bytes(self, order: str = BIG_ENDIAN) -> bytes:
        """Encode; LocalProtocolError if a figure does not fit."""
        return pack(Struct(order + _DECISION), *astuple(self))


@dataclass(frozen=True, slots=True)
class TotalsBody:
    """57H from a dispenser."""

    seq: int
    gun_quantity: int
    gun_amount: int
    shift_quantity: int
    shift_amount: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        return cls(*unpack(_TOTALS, body, "totals"))


@dataclass(frozen=True, slots=True)
class Reread:
    """58H from a dispenser: a record by its number, None if it does not hold it."""

    seq: int
    record: Record | None

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if a part is missing or names another record."""
        head, rest = body[: _REREAD.size], body[_REREAD.size :]
        seq, exists = unpack(_REREAD, head, "a re-read")
        if not exists:
            return cls(seq, None)
        record = Record.from_bytes(rest)
        if record.seq != seq:
            raise RemoteProtocolError(why=f"record {record.seq} sent as {seq}")
        return cls(seq, record)


@dataclass(frozen=True, slots=True)
class IdentityBody:
    """59H from a dispenser."""

    gun: int
    last_seq: int
    base_version: int
    added_version: int
    deleted_version: int
    white_version: int
    price_version: int
    common_version: int
    station: bytes
    province: bytes
    city: bytes
    parent: bytes
    station_name: bytes
    firmware: bytes
    maker: bytes

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if it is not of this size."""
        return cls(*unpack(_IDENTITY, body, "an identity"))


@dataclass(frozen=True, slots=True)
class Versions:
    """The list and price versions that a poll announces; 0 means "do not fetch".

    The key version is not among them: it is always 0, so that no dispenser ever asks
    for a key in clear.
    """

    base: int = 0
    added: int = 0
    deleted: int = 0
    white: int = 0
    price: int = 0

    def to_bytes(self) -> bytes:
        """Encode the five; every poll has them."""
        versions = (self.base, self.added, self.deleted, self.white, self.price)
        return bytes(versions)


NO_VERSIONS = Versions()
_KEY_VERSION = 0


def poll_body(clock: datetime, versions: Versions = NO_VERSIONS) -> bytes:
    """51H to a dispenser: the station's local time and its versions."""
    return bcd_time(clock) + versions.to_bytes() + bytes([_KEY_VERSION])


def acknowledgement_body(transaction: int, seq: int, order: str = BIG_ENDIAN) -> bytes:
    """52H to a dispenser: the record is committed, it may forget it."""
    return pack(Struct(order + _ACKNOWLEDGEMENT), 1, transaction, seq)


def record_no_body(seq: int, order: str = BIG_ENDIAN) -> bytes:
    """58H to a dispenser: the number of the record to read again."""
    return pack(Struct(order + _RECORD_NO), seq)
