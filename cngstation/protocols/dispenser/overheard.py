"""What somebody who only listens to a line understands of it.

A tap takes every byte of both directions and returns the frames that it proves, in
words and figures. Names of commands and figures are texts of the catalogue; values
come from the wire and are clean. What is secret on the wire is not in `raw` either.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, TypeVar

from cngstation.errors import RemoteProtocolError
from cngstation.hygiene import clean, decode_gb
from cngstation.language import mark
from cngstation.protocols.dispenser.canonical import FaultKind

F = TypeVar("F")

LONGEST_VALUE = 80
CRC_BITS = 16
HIDDEN = mark("hidden")

ALARMS, AMOUNT, ANSWER = mark("alarms"), mark("amount"), mark("answer")
ADDED, BASE, DELETED = mark("added"), mark("base list"), mark("deleted")
BALANCE, CARD, CODE = mark("balance"), mark("card no."), mark("code")
BALANCE_AFTER, BALANCE_BEFORE = mark("balance after"), mark("balance before")
COUNT, CREW_CARD, DEBITED = mark("count"), mark("crew card"), mark("debited")
DEVICE, ENDED, FILLS = mark("device"), mark("ended at"), mark("fills")
FIRMWARE, FLOW, FROM = mark("firmware"), mark("flow"), mark("from")
KEY, KIND, LIST = mark("key"), mark("kind"), mark("list")
MAKER, NOZZLE, NUMBER = mark("maker"), mark("nozzle"), mark("number")
OFFSET, PARAMETER, PLATE = mark("offset"), mark("parameter"), mark("plate")
PRESET, PRESSURE, PRICE = mark("preset"), mark("pressure"), mark("price")
PRESSURE_AFTER = mark("pressure after")
PRESSURE_BEFORE = mark("pressure before")
PRICES_VERSION, QUANTITY, REASON = mark("prices"), mark("quantity"), mark("reason")
REGISTERS, SEQUENCE, SHIFT = mark("registers"), mark("sequence"), mark("shift")
STARTED, STATE, STATION = mark("started at"), mark("state"), mark("station")
TEXT, TIME, VALUE, VERSION = mark("text"), mark("time"), mark("value"), mark("version")
TOTAL_AMOUNT, TOTAL_QUANTITY = mark("total amount"), mark("total quantity")
TYPE, WHITE = mark("type"), mark("white list")
SHIFT_AMOUNT, SHIFT_QUANTITY = mark("shift amount"), mark("shift quantity")

OTHER_COMMAND = mark("unknown command")
_ODD = mark("a message with an unknown content")


class Speaker(StrEnum):
    """Who sent a frame; UNKNOWN where both sides' frames look alike."""

    HOST = "host"
    DISPENSER = "dispenser"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a message: a clean value; name and word are of the catalogue."""

    name: str
    value: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of the wire and what it means."""

    code: str
    word: str


@dataclass(frozen=True, slots=True)
class Overheard:
    """One proved frame; `proof_bits` is how much of its bytes could not be chance.

    `is_odd` says that the frame is sound and its content is none of the protocol's.
    """

    speaker: Speaker
    address: int
    command: str
    figures: tuple[Figure, ...]
    raw: bytes
    proof_bits: int
    is_odd: bool = False


class Finder(Protocol[F]):
    """Finds the frames of both directions; a protocol's parser fits."""

    @property
    def faults(self) -> Counter[FaultKind]:
        """What was passed over since the caller last emptied it."""

    def feed(self, data: bytes) -> list[F]:
        """Take bytes; return the frames that they complete. Never raises."""

    def reset(self) -> None:
        """Give up a frame that has begun."""


class Tap:
    """Hears both directions of a line: finds frames and explains each."""

    def __init__(self, finder: Finder[F], explain: Callable[[F], Overheard]) -> None:
        self._finder: Finder[Any] = finder
        self._explain = explain

    @property
    def faults(self) -> Counter[FaultKind]:
        """What was passed over since the caller last emptied it."""
        return self._finder.faults

    def feed(self, data: bytes) -> list[Overheard]:
        """Take bytes; return the frames that they complete."""
        return [self._explain(frame) for frame in self._finder.feed(data)]

    def reset(self) -> None:
        """Give up a frame that has begun."""
        self._finder.reset()


@dataclass(frozen=True, slots=True)
class Told:
    """What a message means before it is known whose it is."""

    command: str
    figures: tuple[Figure, ...] = ()
    is_odd: bool = False

    def by(
        self, speaker: Speaker, address: int, raw: bytes, proof_bits: int
    ) -> Overheard:
        """Return it as the frame of a speaker."""
        return Overheard(
            speaker, address, self.command, self.figures, raw, proof_bits, self.is_odd
        )


def told_or_odd(command: str, tell: Callable[[], Iterable[Figure]]) -> Told:
    """Read the figures of a message; one that breaks the protocol is odd, not fatal."""
    try:
        return Told(command, tuple(tell()))
    except RemoteProtocolError as error:
        why = figure(_ODD, error.facts.get("why", ""))
        return Told(command, (why,), is_odd=True)


Reader = Callable[[bytes], Iterable[Figure]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one side's commands are called, and how their bodies are read.

    `otherwise` reads a body that has no reader of its own.
    """

    speaker: Speaker
    names: Mapping[int, str]
    readers: Mapping[int, Reader]
    otherwise: Reader

    def explain(
        self, code: int, body: bytes, address: int, raw: bytes, proof_bits: int
    ) -> Overheard:
        """Return a frame of this side in words."""
        name = self.names.get(code)
        if name is None:
            told = unknown_code(code)
        else:
            read = self.readers.get(code, self.otherwise)
            told = told_or_odd(name, partial(read, body))
        return told.by(self.speaker, address, raw, proof_bits)


def unknown_code(code: int) -> Told:
    """Tell a command that the protocol does not have."""
    return Told(OTHER_COMMAND, (figure(CODE, f"{code:02X}H"),), is_odd=True)


Show = Callable[[Any], str | Coded | None]


def figure(name: str, value: object) -> Figure:
    """Return a figure with its value made clean."""
    if isinstance(value, Coded):
        return Figure(name, value.code, value.word)
    return Figure(name, clean(str(value), limit=LONGEST_VALUE))


def figures_of(
    message: object, shown: Sequence[tuple[str, str, Show]]
) -> tuple[Figure, ...]:
    """Show attributes of a message; what shows as None is left out."""
    found = []
    for attribute, name, show in shown:
        text = show(getattr(message, attribute))
        if text is not None:
            found.append(figure(name, text))
    return tuple(found)


def numbered(body: bytes) -> Iterable[Figure]:
    """Read a body that is the number of a record."""
    return (figure(SEQUENCE, int.from_bytes(body, "big")),)


def polled(time: bytes, versions: Iterable[tuple[str, int]]) -> Iterable[Figure]:
    """Tell a poll that carries the time and the versions of lists; 0 is no list."""
    told = [figure(name, version) for name, version in versions if version]
    return [figure(TIME, bcd_time(time)), *told]


def hundredths(value: int) -> str:
    """Show a figure with two decimals."""
    return f"{value // 100}.{value % 100:02d}"


def thousandths(value: int) -> str:
    """Show a figure with three decimals."""
    sign, whole = ("-" if value < 0 else ""), abs(value)
    return f"{sign}{whole // 1000}.{whole % 1000:03d}"


def if_any(value: int) -> str | None:
    """Show a number unless it is 0."""
    return str(value) if value else None


def bits(value: int) -> str | None:
    """Show bits unless none is set."""
    return f"{value:X}H" if value else None


def coded(words: Mapping[int, str]) -> Callable[[int], Coded]:
    """Show a code and its word."""

    def show(code: int) -> Coded:
        return Coded(f"{code:02X}H", words.get(code, ""))

    return show


def bcd_digits(field: bytes) -> str | None:
    """Show packed digits; None where no number stands."""
    return None if set(field) <= {0x00} or set(field) == {0xFF} else field.hex().upper()


def bcd_time(field: bytes) -> str | None:
    """Show `YY YY MM DD hh mm ss`; what is no time is shown as its digits."""
    digits = field.hex()
    if not digits.strip("0"):
        return None
    if len(digits) != 14 or not digits.isdecimal():
        return digits.upper()
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
    return f"{day} {digits[8:10]}:{digits[10:12]}:{digits[12:14]}"


def gb_text(field: bytes) -> str | None:
    """Show a text of the wire; None where there is none."""
    return decode_gb(field, limit=LONGEST_VALUE) or None
