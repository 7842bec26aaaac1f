"""DART transactions: what stands in the data of frames, `TRANS LNG bytes[LNG]` each.

    to a pump    01 01 command        02 n nozzles          03 04 bcd4 preset volume
                 04 04 bcd4 preset amount    05 3n price bcd3 each    65 01 nozzle
    from a pump  01 01 status         02 08 volume bcd4, amount bcd4
                 03 04 price bcd3, nozzle    65 len nozzle, volume bcd5, amount bcd5 ...

Figures are raw: how many decimals they have is configured for each line.
Source: captured frames in a public note, and public drivers that agree with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cngstation.errors import LocalProtocolError, RemoteProtocolError

COMMAND, NOZZLES, PRESET_VOLUME, PRESET_AMOUNT, PRICES = 1, 2, 3, 4, 5
STATUS, FILLED, NOZZLE = 1, 2, 3
TOTALS = 0x65
_LEAST_TOTALS = 11
_OUT = 0x10


class Command(IntEnum):
    """What a pump is told by transaction 01."""

    RETURN_STATUS = 0x00
    RETURN_PARAMETERS = 0x02
    RETURN_IDENTITY = 0x03
    RETURN_FILLING = 0x04
    RESET = 0x05
    AUTHORISE = 0x06
    STOP = 0x08
    SWITCH_OFF = 0x0A


class Status(IntEnum):
    """What a pump says by transaction 01."""

    NOT_PROGRAMMED = 0
    RESET = 1
    AUTHORISED = 2
    FILLING = 4
    COMPLETE = 5  # also after power-up
    MAXIMUM_REACHED = 6
    SWITCHED_OFF = 7
    SUSPENDED = 8


@dataclass(frozen=True, slots=True)
class Filled:
    """Volume and amount of the current or last fill."""

    volume: int
    amount: int


@dataclass(frozen=True, slots=True)
class NozzlePlace:
    """The active price, and whether the nozzle is out of its holster."""

    price: int
    nozzle: int
    is_out: bool


@dataclass(frozen=True, slots=True)
class SideTotals:
    """A nozzle's totalisers."""

    nozzle: int
    volume: int
    amount: int


Said = Status | Filled | NozzlePlace | SideTotals


def command(code: Command) -> bytes:
    """Return the transaction of a command."""
    return bytes([COMMAND, 1, code])


def allow(nozzle: int) -> bytes:
    """Return the transaction that allows one logical nozzle."""
    return bytes([NOZZLES, 1, nozzle])


def preset_volume(volume: int) -> bytes:
    """Return a preset of volume; LocalProtocolError beyond eight digits."""
    return bytes([PRESET_VOLUME, 4]) + _bcd(volume, 4)


def preset_amount(amount: int) -> bytes:
    """Return a preset of money; LocalProtocolError beyond eight digits."""
    return bytes([PRESET_AMOUNT, 4]) + _bcd(amount, 4)


def prices(price: int, nozzles: int) -> bytes:
    """Return one price for the first nozzles; LocalProtocolError beyond six digits."""
    return bytes([PRICES, 3 * nozzles]) + _bcd(price, 3) * nozzles


def ask_totals(nozzle: int) -> bytes:
    """Return the question for a nozzle's totalisers."""
    return bytes([TOTALS, 1, nozzle])


def said(data: bytes) -> list[Said]:
    """Read what a pump says; transactions that nobody needs are passed over.

    Raises:
        RemoteProtocolError: a length, a status or a digit is none.
    """
    read = [_read(kind, body) for kind, body in transactions(data)]
    return [one for one in read if one is not None]


def transactions(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split data; RemoteProtocolError if one is longer than what is there."""
    at = 0
    while at < len(data):
        end = at + 2 + (data[at + 1] if at + 1 < len(data) else len(data))
        if end > len(data):
            raise RemoteProtocolError(why="a transaction longer than its frame")
        yield data[at], data[at + 2 : end]
        at = end


def _read(kind: int, body: bytes) -> Said | None:
    if kind == STATUS and len(body) == 1:
        try:
            return Status(body[0])
        except ValueError:
            raise RemoteProtocolError(why=f"pump status {body[0]}") from None
    if kind == FILLED and len(body) == 8:
        return Filled(_number(body[:4]), _number(body[4:]))
    if kind == NOZZLE and len(body) == 4:
        place = body[3]
        return NozzlePlace(_number(body[:3]), place & 0xF, bool(place & _OUT))
    if kind == TOTALS and len(body) >= _LEAST_TOTALS:
        return SideTotals(body[0], _number(body[1:6]), _number(body[6:11]))
    if kind in {STATUS, FILLED, NOZZLE, TOTALS}:
        raise RemoteProtocolError(why=f"transaction {kind:02X}H of {len(body)} bytes")
    return None


def _number(bcd: bytes) -> int:
    digits = bcd.hex()
    if not digits.isdecimal():
        raise RemoteProtocolError(why=f"{digits} is not decimal")
    return int(digits)


def _bcd(number: int, size: int) -> bytes:
    digits = str(number)
    if number < 0 or len(digits) > 2 * size:
        raise LocalProtocolError(why=f"{number} does not fit {2 * size} digits")
    return bytes.fromhex(digits.zfill(2 * size))
