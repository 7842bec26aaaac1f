"""UniPump messages: what a fuelling point is told, and what it answers.

Figures are ASCII decimal digits in hundredths. In the plain form they have a fixed
width; in the extended form (code 45H, then the code) each ends in `;` and has any.

    request                plain                            answer
    status                 S                                S U A T
    authorise              A nozzle1 L|P order8 price4      S U
    halt                   H                                S U
    close a transaction    C transaction2                   S U
    totals                 T nozzle1                        C
    lock, unlock           L, U                             S U
    prices: set, get       p price4 xn, P                   S U, P
    version                V, to the controller             V

    S, U  nozzle1 state1 pending1    S when this station holds the point's lock
    A     transaction2 nozzle1 volume8                  while it fills
    T     transaction2 nozzle1 volume8 price4 amount8   until it is closed
    C     transaction2 nozzle1 amount10 volume10
    P     price4 of each of six nozzles

Source: public station programs; UNVERIFIED against a captured line. That a request's
extended form has the plain form's fields follows from the answers, which are SEEN.
"""

from dataclasses import dataclass
from enum import IntEnum

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.unipump.frames import (
    CONTROLLER,
    Frame,
    address_of,
)

NOZZLES = 6
_EXTENDED = ord("E")
_LONGEST_FIGURE = 18  # digits: what a signed 64-bit column takes
_STATUS_BYTES = 3


class State(IntEnum):
    """The state digit of a fuelling point."""

    OFFLINE = 0
    IDLE = 1
    NOZZLE_UP = 3
    READY = 4  # authorised
    WORK = 5
    COMPLETED = 6
    STOPPED = 7
    ERROR = 8


@dataclass(frozen=True, slots=True)
class Status:
    """S or U: how a fuelling point is; `pending` is a command that it still does."""

    is_locked: bool
    nozzle: int
    state: State
    pending: str


@dataclass(frozen=True, slots=True)
class Filling:
    """A: the fill that is going on."""

    transaction: int
    nozzle: int
    volume: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """T: the fill that has ended and is not closed yet."""

    transaction: int
    nozzle: int
    volume: int
    price: int
    amount: int


@dataclass(frozen=True, slots=True)
class TotalsBody:
    """C: a nozzle's totalisers."""

    transaction: int
    nozzle: int
    amount: int
    volume: int


@dataclass(frozen=True, slots=True)
class Prices:
    """P: the price of each nozzle."""

    prices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """V: what the controller says of itself."""

    text: bytes


Answer = Status | Filling | Transaction | TotalsBody | Prices | Version

# Widths of the plain form and the message that they are the fields of.
_PLAIN: dict[int, tuple[type[Filling | Transaction | TotalsBody], tuple[int, ...]]] = {
    ord("A"): (Filling, (2, 1, 8)),
    ord("T"): (Transaction, (2, 1, 8, 4, 8)),
    ord("C"): (TotalsBody, (2, 1, 10, 10)),
}
_PRICE_WIDTHS = (4,) * NOZZLES


def read_answer(frame: Frame) -> Answer:
    """Decode what a frame says, in either form.

    Raises:
        RemoteProtocolError: it is no answer of this protocol.
    """
    code, data = frame.code, frame.data
    if code == _EXTENDED and data:
        code, fields = data[0], _ended_fields(data[1:])
    elif code in _PLAIN:
        fields = _fixed_fields(data, _PLAIN[code][1])
    elif code == ord("P"):
        fields = _fixed_fields(data, _PRICE_WIDTHS)
    elif code in b"SU":
        return _status(code, data)
    elif code == ord("V"):
        return Version(data)
    else:
        raise RemoteProtocolError(why=f"an answer {code:02X}H")
    if code == ord("P") and len(fields) == NOZZLES:
        return Prices(tuple(fields))
    if code not in _PLAIN or len(fields) != len(_PLAIN[code][1]):
        raise RemoteProtocolError(why=f"an answer {code:02X}H of {len(data)} bytes")
    return _PLAIN[code][0](*fields)


def _status(code: int, data: bytes) -> Status:
    if len(data) != _STATUS_BYTES or not data[:2].isdigit():
        raise RemoteProtocolError(why=f"a status of {len(data)} bytes")
    try:
        state = State(data[1] - ord("0"))
    except ValueError:
        raise RemoteProtocolError(why=f"a state {data[1]:02X}H") from None
    pending = chr(data[2]) if data[2] != ord("0") else ""
    return Status(code == ord("S"), data[0] - ord("0"), state, pending)


def _fixed_fields(data: bytes, widths: tuple[int, ...]) -> list[int]:
    if len(data) != sum(widths) or not data.isdigit():
        raise RemoteProtocolError(why=f"{len(data)} bytes instead of {sum(widths)}")
    fields, start = [], 0
    for width in widths:
        fields.append(int(data[start : start + width]))
        start += width
    return fields


def _ended_fields(data: bytes) -> list[int]:
    fields = data.removesuffix(b";").split(b";")
    if not all(one.isdigit() and len(one) <= _LONGEST_FIGURE for one in fields):
        raise RemoteProtocolError(why="a figure is not a number")
    return [int(one) for one in fields]


class Requests:
    """Makes the frames to one fuelling point, in the plain or the extended form."""

    def __init__(self, point: int, *, is_extended: bool = False) -> None:
        self._address = address_of(point)
        self._is_extended = is_extended

    def status(self) -> Frame:
        """Ask how it is."""
        return Frame(self._address, ord("S"))

    def lock(self) -> Frame:
        """Take it for this station alone."""
        return Frame(self._address, ord("L"))

    def unlock(self) -> Frame:
        """Give it free."""
        return Frame(self._address, ord("U"))

    def halt(self) -> Frame:
        """Stop the fill."""
        return Frame(self._address, ord("H"))

    def authorise(self, nozzle: int, *, volume: int, amount: int, price: int) -> Frame:
        """Allow a fill up to a volume or an amount, one of which is not 0.

        Raises:
            LocalProtocolError: a figure does not fit the plain form.
        """
        kind, order = (b"L", volume) if volume else (b"P", amount)
        fields = [(b"%d" % nozzle, 1), (kind, 1)]
        fields += [(b"%d" % order, 8), (b"%d" % price, 4)]
        return self._frame("A", fields)

    def close(self, transaction: int) -> Frame:
        """Say that a transaction is booked; the point may forget it."""
        return self._frame("C", [(b"%d" % transaction, 2)])

    def totals(self, nozzle: int) -> Frame:
        """Ask for a nozzle's totalisers."""
        return self._frame("T", [(b"%d" % nozzle, 1)])

    def set_prices(self, prices: tuple[int, ...]) -> Frame:
        """Set the prices of the first nozzles."""
        return self._frame("p", [(b"%d" % price, 4) for price in prices])

    def prices(self) -> Frame:
        """Ask for the prices."""
        return Frame(self._address, ord("P"))

    @staticmethod
    def version() -> Frame:
        """Ask the controller what it is."""
        return Frame(CONTROLLER, ord("V"))

    def _frame(self, code: str, fields: list[tuple[bytes, int]]) -> Frame:
        if self._is_extended:
            data = code.encode() + b"".join(text + b";" for text, _ in fields)
            return Frame(self._address, _EXTENDED, data)
        if any(len(text) > width for text, width in fields):
            raise LocalProtocolError(why="a figure is too large for the plain form")
        data = b"".join(text.rjust(width, b"0") for text, width in fields)
        return Frame(self._address, ord(code), data)
