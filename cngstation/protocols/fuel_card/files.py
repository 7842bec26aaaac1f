"""Files of the fuel trade's CPU card: what the trade keeps in them, and our record.

    15  30 application  issuer 8, type 1, version 1, 01 00, number 8 bcd, valid from
                        and to bcd4, commands 1, reserved 1
    16  41 holder       card type 1, staff 1, name 20, ID number 9, ID type 1, discount
                        bcd2, its end bcd4, price level 1 at 38, level now 1, reserved
    1B  32 password     00: the holder never chose one; 31 others
    1C  96 limits       gas 2, areas 1 and 40, plate 16 at 43, unit 4, times a day 1,
                        fen a day 4 at 64, 7 reserved, mother card 8 at 75, reserved 13
    0D  64 vehicle      cylinder due bcd4, plate 16, cylinder no 16, others

Texts are UTF-16LE, numbers big-endian, what is not set is FF. Source: public programs
of the trade. Our record stands in the reserved bytes of 1C, from 83, and is our own:

    mark 1 (A1 issued, A2 being wiped), kind 1, payment mode 1, price in fen 2, yuan a
    fill 2, on-line and off-line counter before the issue 2 and 2, reserved 2

Bytes that a file has and this module does not name are kept as they are.
"""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import ClassVar, Self

from cngstation import hygiene
from cngstation.errors import LocalProtocolError, RemoteProtocolError

APPLICATION, HOLDER, PASSWORD, LIMITS, VEHICLE = 0x15, 0x16, 0x1B, 0x1C, 0x0D
LENGTHS = {APPLICATION: 30, HOLDER: 41, PASSWORD: 32, LIMITS: 96, VEHICLE: 64}
NUMBER_BYTES = 8
PERSONAL_CARD = 0x01
_PLATE_BYTES = 16
_EMPTY = (0x00, 0xFF)


class Mark(IntEnum):
    """First byte of our record."""

    ISSUED = 0xA1
    BEING_WIPED = 0xA2


@dataclass(frozen=True, slots=True)
class Application:
    """The card's number of 16 digits and how long it is valid, as YYYYMMDD."""

    number: bytes
    valid_from: str
    valid_to: str

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read file 15.

        Raises:
            RemoteProtocolError: its number is not one of decimal digits.
        """
        number = data[12:20]
        if len(data) != LENGTHS[APPLICATION] or not number.hex().isdecimal():
            raise RemoteProtocolError(why="a card without a number")
        return cls(number, data[20:24].hex(), data[24:28].hex())


@dataclass(frozen=True, slots=True)
class Holder:
    """What the dispenser asks of the holder: type of card and price level."""

    card_type: int
    price_level: int

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read file 16."""
        return cls(data[0], data[38])

    def onto(self, data: bytes) -> bytes:
        """Return file 16 with this in it."""
        return (
            bytes([self.card_type]) + data[1:38] + bytes([self.price_level]) + data[39:]
        )


def has_default_pin(data: bytes) -> bool:
    """Tell from file 1B whether the holder never chose a password."""
    return data[0] == 0


@dataclass(frozen=True, slots=True)
class Issue:
    """Our record: what this card was issued as, and its counters before that."""

    mark: Mark
    kind: int
    payment_mode: int
    price_fen: int
    limit_per_fill_yuan: int
    first_on_line: int
    first_off_line: int

    PLACE: ClassVar[int] = 83
    BYTES: ClassVar[int] = 11

    @classmethod
    def read(cls, limits: bytes) -> Self | None:
        """Read it from file 1C; None when this card never had one."""
        data = limits[cls.PLACE : cls.PLACE + cls.BYTES]
        if data[0] not in set(Mark):
            return None
        counts = [int.from_bytes(data[at : at + 2], "big") for at in (3, 5, 7, 9)]
        return cls(Mark(data[0]), data[1], data[2], *counts)

    def onto(self, limits: bytes) -> bytes:
        """Return file 1C with this in it.

        Raises:
            LocalProtocolError: a figure does not fit.
        """
        counts = (
            self.price_fen,
            self.limit_per_fill_yuan,
            self.first_on_line,
            self.first_off_line,
        )
        try:
            record = bytes([self.mark, self.kind, self.payment_mode])
            record += b"".join(count.to_bytes(2, "big") for count in counts)
        except (ValueError, OverflowError) as error:
            raise LocalProtocolError(why=f"an issue no card holds: {error}") from None
        return limits[: self.PLACE] + record + limits[self.PLACE + self.BYTES :]


@dataclass(frozen=True, slots=True)
class Limits:
    """The trade's part of file 1C: plate and fen a day; 0 is none."""

    plate: str
    limit_per_day_fen: int

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read file 1C."""
        fen = int.from_bytes(data[64:68], "big")
        return cls(_text(data[43:59]), 0 if fen == 0xFFFFFFFF else fen)

    def onto(self, data: bytes) -> bytes:
        """Return file 1C with this in it."""
        fen = self.limit_per_day_fen or 0xFFFFFFFF
        middle = data[59:64] + fen.to_bytes(4, "big")
        return data[:43] + _plate(self.plate) + middle + data[68:]


@dataclass(frozen=True, slots=True)
class Vehicle:
    """File 0D: plate, and when the cylinder is due, as YYYY-MM-DD."""

    cylinder_due: str | None
    plate: str

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read file 0D; a date that is none counts as none."""
        digits = data[:4].hex()
        try:
            due = date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
        except ValueError:
            return cls(None, _text(data[4:20]))
        return cls(due.isoformat(), _text(data[4:20]))

    def onto(self, data: bytes) -> bytes:
        """Return file 0D with this in it.

        Raises:
            LocalProtocolError: the date is none.
        """
        due = b"\xff" * 4
        if self.cylinder_due is not None:
            try:
                day = date.fromisoformat(self.cylinder_due)
            except ValueError as error:
                raise LocalProtocolError(why=f"a due date: {error}") from None
            due = bytes.fromhex(day.strftime("%Y%m%d"))
        return due + _plate(self.plate) + data[20:]


def cleared(data: bytes) -> bytes:
    """Return a file as long as this one in which nothing is set."""
    return b"\xff" * len(data)


def _text(data: bytes) -> str:
    if all(byte in _EMPTY for byte in data):
        return ""
    text = data.decode("utf-16-le", "replace").partition("\0")[0]
    return hygiene.clean(text, limit=10).strip("\uffff").strip()


def _plate(text: str) -> bytes:
    kept = text
    while len(encoded := kept.encode("utf-16-le")) > _PLATE_BYTES:
        kept = kept[:-1]
    return encoded.ljust(_PLATE_BYTES, b"\0")
