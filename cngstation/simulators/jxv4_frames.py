"""JX-V4 frames and bodies as the dispenser's end builds and reads them.

    host       AA FF  gun 00   cmd  len u16be  body  crc u16be  CC FF
    dispenser  BB EE  00  gun  cmd  len u16be  body  crc u16be  DD EE

CRC-16/MODBUS over gun .. body, high byte first. The host's integers are big-endian,
the dispenser's little-endian; money, quantity, price and pressure are hundredths.
Source: the public JX-V4 dispenser firmware family. UNVERIFIED against hardware.
"""

import struct
from collections import Counter
from dataclasses import astuple, dataclass, replace
from datetime import datetime

from fastcrc import crc16

POLL, RECORD, LIST, BLOCK, DEBIT, LIST_CHECK = 0x51, 0x52, 0x53, 0x54, 0x55, 0x56
TOTALS, RECORD_AGAIN, IDENTITY = 0x57, 0x58, 0x59
SHIFT_RECORD, PARAMETER, CARD_CHECK = 0x5A, 0x5B, 0x5C
OFF_DUTY_NOW, PRICES, LOCK = 0x5D, 0x5E, 0x5F
AUTHORISE, STOP = 0x70, 0x72  # of the adapter's dialect

STATUS_BYTES = 84
RECORD_BYTES = 147
BUFFER_BYTES = 200  # the firmware's receive buffer
_START = 0xAA
_HEAD_BYTES = 7
_STATUS = struct.Struct("<BBHIIB8s8s9sH10fI")
_RECORD = struct.Struct("<IB8sB8sB9s4s7s7sH12IHHIIBBBIII20s")
_DEBIT = struct.Struct("<BB8sIIi4sBI")
_DECISION = "BB8sIIiiHIIIII"
_PARAMETER = struct.Struct("<IB8sHBII7s")
_ADAPTER_STATUS = struct.Struct("<BBHII10sHII")
BIG, LITTLE = "big", "little"
_SHIFT = struct.Struct("<IBB8s7s7sIIIIIBBI20s")
_IDENTITY = struct.Struct("<BI6s4s2s2s4s40s16s40s")


@dataclass(frozen=True, slots=True)
class Request:
    """A good frame of the host for one gun."""

    gun: int
    command: int
    body: bytes


def answer_frame(gun: int, command: int, body: bytes) -> bytes:
    """Return the frame in which a gun speaks."""
    covered = bytes([0, gun, command]) + len(body).to_bytes(2, "big") + body
    crc = crc16.modbus(covered).to_bytes(2, "big")
    return b"\xbb\xee" + covered + crc + b"\xdd\xee"


class Ear:
    """The receive buffer of one dispenser, with the firmware's habits.

    Nothing is kept until a byte is AA; 200 bytes without a frame are thrown away; a
    complete frame is judged at the main-loop tick and the whole buffer is wiped with
    it, so what was appended behind it is lost.
    """

    def __init__(self, gun: int) -> None:
        self._gun = gun
        self._buffer = bytearray()
        self.ignored: Counter[str] = Counter()

    def hear(self, data: bytes) -> None:
        """Take bytes from the line."""
        while data:
            if not self._buffer:
                start = data.find(_START)
                if start < 0:
                    return
                data = data[start:]
            room = BUFFER_BYTES - len(self._buffer)
            self._buffer += data[:room]
            data = data[room:]
            if len(self._buffer) >= BUFFER_BYTES:
                self._buffer.clear()
                self.ignored["overflow"] += 1

    def at_tick(self) -> Request | None:
        """Judge what has arrived; return a good frame for this gun.

        The start's second byte and the trailer are not looked at, and a frame counts
        as complete two bytes before its trailer ends, as in the firmware.
        """
        held = bytes(self._buffer)
        if len(held) < _HEAD_BYTES:
            return None
        end = _HEAD_BYTES + int.from_bytes(held[5:7], "big")
        if len(held) < end + 2:
            return None
        self._buffer.clear()
        self._count_glued(held[end + 4 :])
        if held[2] != self._gun:
            return None
        if crc16.modbus(held[2:end]) != int.from_bytes(held[end : end + 2], "big"):
            self.ignored["bad_crc"] += 1
            return None
        return Request(gun=held[2], command=held[4], body=held[_HEAD_BYTES:end])

    def _count_glued(self, behind: bytes) -> None:
        start = behind.find(_START)
        if start >= 0 and behind[start + 2 : start + 3] == bytes([self._gun]):
            self.ignored["glued"] += 1


@dataclass(frozen=True, slots=True)
class Status:
    """Body of 51H; price, quantity, amount and pressure in hundredths."""

    device_type: int
    status: int
    price: int
    quantity: int
    amount: int
    shift: int
    employee: bytes
    card: bytes
    plate: bytes
    pressure: int

    def to_bytes(self) -> bytes:
        """Return the 84 bytes; the CNG firmware sends its ten meter figures as 0."""
        return _STATUS.pack(*astuple(self), *([0.0] * 10), 0)

    def in_state(self, status: int) -> "Status":
        """Return the same with another status byte."""
        return replace(self, status=status)


@dataclass(frozen=True, slots=True)
class Record:
    """Body of 52H in wire order; figures in hundredths, density in 1/10 000."""

    trans_no: int
    shift: int
    employee: bytes
    trans_type: int
    card: bytes
    card_type: int
    plate: bytes
    station: bytes
    started_at: bytes
    ended_at: bytes
    price: int
    quantity: int
    amount: int
    real_debit: int
    balance_before: int
    balance_after: int
    top_up_count: int
    topped_up: int
    consumption_count: int
    consumed_quantity: int
    consumed_money: int
    gun_total_quantity: int
    gun_total_amount: int
    pressure_before: int
    pressure_after: int
    density: int
    equivalent: int
    device_type: int
    unit_code: int
    stop_reason: int
    related_grey_id: int
    shift_record_id: int
    return_quantity: int = 0
    reserve: bytes = bytes(20)

    def to_bytes(self) -> bytes:
        """Return the 147 bytes; balances below zero go as two's complement."""
        wire = [v & 0xFFFFFFFF if isinstance(v, int) else v for v in astuple(self)]
        return _RECORD.pack(*wire)

    @classmethod
    def from_bytes(cls, body: bytes) -> "Record":
        """Read a record back from memory."""
        return cls(*_RECORD.unpack(body))


@dataclass(frozen=True, slots=True)
class DebitRequest:
    """Body of 55H: kind 0 after a fill, 1 to unlock a card that is still grey."""

    card_type: int
    card: bytes
    quantity: int
    amount: int
    balance: int
    station: bytes
    gun: int
    trans_no: int
    kind: int = 0

    def to_bytes(self) -> bytes:
        """Return the 31 bytes."""
        return _DEBIT.pack(self.kind, *astuple(self)[:-1])


@dataclass(frozen=True, slots=True)
class Decision:
    """The host's answer to 55H; fields that this dispenser does not use are left."""

    found: int
    kind: int
    card: bytes
    real_money: int
    real_debit: int
    balance_before: int
    balance_after: int
    related_grey_id: int = 0

    @classmethod
    def from_bytes(cls, body: bytes, byte_order: str = BIG) -> "Decision | None":
        """Read a decision; None when it is not 48 bytes."""
        layout = struct.Struct((">" if byte_order == BIG else "<") + _DECISION)
        if len(body) != layout.size:
            return None
        read = layout.unpack(body)
        return cls(*read[:7], *read[-1:])


@dataclass(frozen=True, slots=True)
class ShiftRecord:
    """Body of 5AH; kind 0 = on duty, 1 = off duty."""

    record_id: int
    kind: int
    shift: int
    employee: bytes
    started_at: bytes
    ended_at: bytes
    gun_quantity: int
    gun_amount: int
    shift_quantity: int
    shift_amount: int
    fills: int
    device_type: int
    unit_code: int
    on_duty_record_id: int

    def to_bytes(self) -> bytes:
        """Return the 74 bytes; totals beyond u32 begin again at 0."""
        wire = [v & 0xFFFFFFFF if isinstance(v, int) else v for v in astuple(self)]
        return _SHIFT.pack(*wire, bytes(20))


def parameter_body(
    number: int,
    shift: int,
    card: bytes,
    changed: tuple[int, int, int, int],
    changed_at: bytes,
) -> bytes:
    """Return the 31 bytes of 5BH; `changed` is index, decimals, before, after."""
    return _PARAMETER.pack(number, shift, card, *changed, changed_at)


def adapter_status_body(status: Status, *, unpaid: int, error: int = 0) -> bytes:
    """Return the 32 bytes in which the adapter's dialect tells a status."""
    return _ADAPTER_STATUS.pack(
        status.device_type,
        status.status,
        status.price,
        status.quantity,
        status.amount,
        bytes(2) + status.card.rjust(8, b"\x00"),
        status.pressure,
        unpaid,
        error,
    )


def host_int(data: bytes, byte_order: str) -> int:
    """Read an integer of the host in the byte order of the dialect."""
    return int.from_bytes(data, "little" if byte_order == LITTLE else "big")


def identity_body(
    gun: int, last_trans_no: int, station: bytes, versions: bytes
) -> bytes:
    """Return the 119 bytes of 59H; versions are base to price, and a common one."""
    return _IDENTITY.pack(
        gun,
        last_trans_no,
        versions,
        station,
        bytes(2),
        bytes(2),
        bytes(4),
        b"",
        b"SIM JX-V4 1.0",
        b"cngstation",
    )


def figures(*values: int) -> bytes:
    """Return little-endian u32 figures."""
    return struct.pack(f"<{len(values)}I", *(v & 0xFFFFFFFF for v in values))


def wire_time(moment: datetime) -> bytes:
    """Write a time as bcd7 20 YY MM DD hh mm ss."""
    return bytes.fromhex(moment.strftime("%Y%m%d%H%M%S"))


def parse_wire_time(data: bytes, zone_of: datetime) -> datetime | None:
    """Read a bcd7 time in the zone of another one; None when it is no time."""
    try:
        return datetime.strptime(data.hex(), "%Y%m%d%H%M%S").replace(
            tzinfo=zone_of.tzinfo
        )
    except ValueError:
        return None
