"""Sinopec frames and bodies as the dispenser's end builds and reads them.

    FA  to  from  number  length bcd2  data  crc u16be

From the first byte of the data to the last of the CRC an FA is sent as FA FA. The CRC
is CRC-16/ARC over to .. data, undoubled. Integers are big-endian, money in fen, volume
and price in hundredths. Source: public terminal programs. UNVERIFIED on hardware.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fastcrc import crc16

POLL, REAL_TIME, RECORD = 0x30, 0x31, 0x32
LENGTH, SEGMENTS, GREY, LISTED = 0x33, 0x34, 0x35, 0x36
TOTALS, WHO, TEXT, TEXT_TAKEN = 0x38, 0x3A, 0x3B, 0x3C
AGAIN, NOT_THERE = 0x3E, 0x3F

NORMAL, UNPAID, MADE_UP, LOG_ON, LOG_OFF, NO_CARD, PRICE_IN = 0, 1, 3, 5, 6, 7, 8
OFF_LINE = 0x20

RECORD_BYTES = 95
_MARK = 0xFA
_HEAD_BYTES = 6
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Heard:
    """A good frame of the host for this dispenser."""

    number: int
    data: bytes

    @property
    def command(self) -> int:
        return self.data[0]


def frame(address: int, number: int, data: bytes) -> bytes:
    """Return the frame in which a dispenser speaks to the host."""
    size = len(data)
    hundreds, ones = divmod(size, 100)
    bcd = bytes(part // 10 << 4 | part % 10 for part in (hundreds, ones))
    return _sealed(bytes([0, address, number]) + bcd, data)


def _sealed(head: bytes, data: bytes) -> bytes:
    crc = crc16.arc(head + data)
    out = bytearray([_MARK]) + head
    for byte in data + bytes([crc >> 8, crc & 0xFF]):
        out.append(byte)
        if byte == _MARK:
            out.append(byte)
    return bytes(out)


class Ear:
    """What one dispenser makes of the bytes on the line, one after another."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._head = bytearray()
        self._rest = bytearray()
        self._marked = False
        self._inside = False
        self.ignored: Counter[str] = Counter()

    def hear(self, data: bytes) -> Iterator[Heard]:
        """Take bytes; yield the frames that are meant for this dispenser."""
        for byte in data:
            found = self._take(byte)
            if found is not None:
                yield found

    def _take(self, byte: int) -> Heard | None:
        if byte == _MARK and not (self._inside and len(self._head) == _HEAD_BYTES - 1):
            self._begin()
            return None
        if not self._inside:
            return None
        if len(self._head) < _HEAD_BYTES - 1:
            self._head.append(byte)
            return None
        if byte == _MARK and not self._marked:
            self._marked = True
            return None
        if self._marked and byte != _MARK:
            # A lone mark: another frame has begun with this byte.
            self._begin()
            self._head.append(byte)
            return None
        self._marked = False
        self._rest.append(byte)
        return self._whole()

    def _begin(self) -> None:
        self._head.clear()
        self._rest.clear()
        self._marked, self._inside = False, True

    def _whole(self) -> Heard | None:
        digits = self._head[3:5].hex()
        length = int(digits) if digits.isdecimal() else 0
        if not 1 <= length <= _LONGEST:
            self._inside = False
            self.ignored["bad_length"] += 1
            return None
        if len(self._rest) < length + 2:
            return None
        self._inside = False
        data, crc = bytes(self._rest[:length]), self._rest[length:]
        if crc16.arc(bytes(self._head) + data) != crc[0] << 8 | crc[1]:
            self.ignored["bad_crc"] += 1
            return None
        if self._head[0] != self._address:
            return None
        return Heard(self._head[2], data)


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished transaction; what is left out is 0 on the wire."""

    seq: int
    kind: int
    moment: bytes
    card: bytes = bytes(10)
    balance: int = 0
    amount: int = 0
    count: int = 0
    gmac: bytes = bytes(4)
    terminal: bytes = bytes(6)
    terminal_count: int = 0
    nozzle: int = 0
    quantity: int = 0
    price: int = 0
    employee: int = 0
    total: int = 0

    def to_bytes(self) -> bytes:
        """Return the 95 bytes."""
        out = bytearray()
        out += struct.pack(">IB", self.seq, self.kind) + self.moment + self.card
        out += struct.pack(">I", self.balance) + self.amount.to_bytes(3, "big")
        out += struct.pack(">H", self.count) + bytes(4) + self.gmac + bytes(4)
        out += bytes(10) + self.terminal + struct.pack(">I", self.terminal_count)
        out += bytes([0, 0, 1, 1, self.nozzle]) + b"\x00\x00"
        out += self.quantity.to_bytes(3, "big")
        out += struct.pack(">HBI", self.price, self.employee, self.total)
        out += bytes(11) + crc16.arc(bytes(out)).to_bytes(4, "big")
        return bytes(out)


def card_in_entry(nozzle: int, card: bytes, balance: int) -> bytes:
    """Return one entry of the real-time answer: a card lies in the reader."""
    return bytes([1, nozzle, 16]) + card + b"\x00\x00" + struct.pack(">I", balance)


def fuelling_entry(nozzle: int, amount: int, quantity: int, price: int) -> bytes:
    """Return one entry of the real-time answer: gas flows."""
    figures = amount.to_bytes(3, "big") + quantity.to_bytes(3, "big")
    return bytes([2, nozzle, 1]) + figures + price.to_bytes(2, "big")


def bcd_time(moment: datetime) -> bytes:
    """Return a time as 7 bytes BCD."""
    return bytes.fromhex(f"{moment:%Y%m%d%H%M%S}")


def read_time(data: bytes) -> datetime | None:
    """Read 7 bytes BCD; None when they are no time."""
    try:
        return datetime.strptime(data.hex(), "%Y%m%d%H%M%S")  # noqa: DTZ007 - a device's
    except ValueError:
        return None


def sealed(head: bytes, whole: bytes) -> bytes:
    """Return a frame with another head, and a CRC that fits it."""
    plain = whole[_HEAD_BYTES:].replace(bytes([_MARK] * 2), bytes([_MARK]))
    return _sealed(head[1:], plain[:-2])
