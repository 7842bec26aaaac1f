"""JX-V4 fields: fixed layouts, BCD numbers and times, plates, pressures.

Card numbers are 8 bytes BCD, times 7 bytes BCD `20 YY MM DD hh mm ss`, plates 9 bytes
GB2312 filled with 00 from the left, pressures hundredths of MPa.
"""

import struct
from datetime import datetime
from struct import Struct
from typing import Any

from cngstation import hygiene
from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.moments import CHINA

CARD_DIGITS = 16
_KPA_PER_HUNDREDTH_MPA = 10
_BCD = bytes(n // 10 << 4 | n % 10 for n in range(100))
_ABSENT_CARDS = ({0x00}, {0xFF})


def unpack(layout: Struct, body: bytes, name: str) -> tuple[Any, ...]:
    """Decode a body; RemoteProtocolError if it is not of the layout's size."""
    if len(body) != layout.size:
        raise RemoteProtocolError(
            why=f"{name} of {len(body)} bytes instead of {layout.size}"
        )
    return layout.unpack(body)


def pack(layout: Struct, *fields: int | bytes) -> bytes:
    """Encode a body; LocalProtocolError if a figure does not fit."""
    try:
        return layout.pack(*fields)
    except struct.error as error:
        raise LocalProtocolError(why=f"a figure does not fit the frame: {error}") from (
            error
        )


def bcd_time(clock: datetime) -> bytes:
    """Encode a time as 7 bytes BCD."""
    century, year = divmod(clock.year, 100)
    day = (century, year, clock.month, clock.day)
    # It stands in every poll: formatting it as text took a tenth of a poll's time.
    return bytes([_BCD[n] for n in (*day, clock.hour, clock.minute, clock.second)])


def bcd_card(card_no: str) -> bytes:
    """Encode a card number; LocalProtocolError if it is not 16 decimal digits."""
    if len(card_no) != CARD_DIGITS or not (card_no.isascii() and card_no.isdecimal()):
        raise LocalProtocolError(why="a card number on a list is not 16 digits")
    return bytes.fromhex(card_no)


def digits(bcd: bytes) -> str:
    """Show BCD as digits; what is not decimal stays visible as A to F."""
    return bcd.hex().upper()


def card(bcd: bytes) -> str | None:
    """Show a card number; None where no card is named."""
    return None if set(bcd) in _ABSENT_CARDS else digits(bcd)


def plate(field: bytes) -> str | None:
    """Return a plate, cleaned; None where there is none."""
    return hygiene.decode_gb(field) or None


def pressure_kpa(hundredths: int) -> int | None:
    """Turn 0.01 MPa into kPa; 0 stands for "not measured"."""
    return hundredths * _KPA_PER_HUNDREDTH_MPA or None


def time(bcd: bytes) -> str | None:
    """Show a device time; None where it is none."""
    try:
        read = datetime.strptime(bcd.hex(), "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        return None
    return f"{read:%Y-%m-%d %H:%M:%S}" if read.year >= 1000 else None
