"""Money, price and quantity as integers, and the only functions that round.

Money is kept in 1/10 000 yuan (`_e4`), quantity in 1/1000 of its unit (`_milli`),
price in 1/10 000 yuan per unit. Cash and card purses are whole fen.
"""

import math
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

E4_PER_YUAN = 10_000
E4_PER_FEN = 100
MILLI_PER_UNIT = 1_000

# A card purse is a signed 32-bit number of fen on the chip; a ledger amount of
# 10**15 e4 is 100 000 million yuan. Anything larger is a decoding fault.
LARGEST_E4 = 10**15


class Unit(StrEnum):
    """A unit in which a posting can be made; CNY is money, the rest are goods."""

    CNY = "CNY"
    M3 = "m3"  # 立方米
    KG = "kg"  # 千克
    KWH = "kWh"  # 千瓦时
    TONNE = "t"  # 吨


GAS_UNITS = frozenset({Unit.M3, Unit.KG})


class NotWholeFen(ValueError):
    """An amount with a part of a fen was used where only whole fen exist."""


def divide_down(numerator: int, denominator: int) -> int:
    """Divide toward minus infinity."""
    return numerator // denominator


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide to the nearest integer, halves away from zero."""
    if denominator <= 0:
        raise ValueError("the denominator of a rounding must be positive")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of yuan in 1/10 000."""

    e4: int

    def __post_init__(self) -> None:
        if type(self.e4) is not int:
            raise TypeError("money is made of an int of 1/10 000 yuan")
        if abs(self.e4) > LARGEST_E4:
            raise ValueError("amount is beyond any ledger")

    @classmethod
    def from_fen(cls, fen: int) -> Self:
        """Make an amount of whole fen."""
        if type(fen) is not int:
            raise TypeError("fen is an int")
        return cls(fen * E4_PER_FEN)

    @property
    def fen(self) -> int:
        """The amount in fen; refuses an amount that is not whole fen.

        Raises:
            NotWholeFen: the amount has a part of a fen.
        """
        whole, rest = divmod(self.e4, E4_PER_FEN)
        if rest:
            raise NotWholeFen(f"{self.e4} e4 is not whole fen")
        return whole

    def __add__(self, other: "Money") -> "Money":
        return Money(self.e4 + other.e4)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.e4 - other.e4)

    def __neg__(self) -> "Money":
        return Money(-self.e4)

    def __bool__(self) -> bool:
        return self.e4 != 0


ZERO = Money(0)


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """Yuan for one unit, in 1/10 000 yuan."""

    e4: int

    def __post_init__(self) -> None:
        if type(self.e4) is not int or not 0 <= self.e4 <= LARGEST_E4:
            raise ValueError("a price is a non-negative int of 1/10 000 yuan")


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of gas, electricity or water in 1/1000 of its unit."""

    milli: int
    unit: Unit

    def __post_init__(self) -> None:
        if type(self.milli) is not int:
            raise TypeError("quantity is made of an int of 1/1000 unit")
        if self.unit is Unit.CNY:
            raise ValueError("money is not a quantity")

    def __add__(self, other: "Quantity") -> "Quantity":
        self._same_unit(other)
        return Quantity(self.milli + other.milli, self.unit)

    def __sub__(self, other: "Quantity") -> "Quantity":
        self._same_unit(other)
        return Quantity(self.milli - other.milli, self.unit)

    def __bool__(self) -> bool:
        return self.milli != 0

    def _same_unit(self, other: "Quantity") -> None:
        if self.unit is not other.unit:
            raise ValueError(f"{self.unit} and {other.unit} cannot be added")


def amount_of(quantity: Quantity, price: Price) -> Money:
    """Price a quantity, to the nearest fen, halves up."""
    return Money(priced_e4(quantity.milli, price.e4))


def priced_e4(quantity_milli: int, price_e4: int) -> int:
    """Price plain figures as `amount_of` does: whole fen, in 1/10 000 yuan."""
    fen = divide_half_up(quantity_milli * price_e4, MILLI_PER_UNIT * E4_PER_FEN)
    return fen * E4_PER_FEN


def quantity_for(
    money: Money, price: Price, unit: Unit, *, step_milli: int
) -> Quantity:
    """Return the most whole steps of a unit that the money buys, rounded down."""
    if price.e4 == 0:
        raise ValueError("a price of zero buys no stated quantity")
    steps = divide_down(money.e4 * MILLI_PER_UNIT, price.e4 * step_milli)
    return Quantity(steps * step_milli, unit)


def share_of(whole_e4: int, part_milli: int, whole_milli: int) -> int:
    """Return part/whole of an amount, in 1/10 000 yuan, to the nearest."""
    return divide_half_up(whole_e4 * part_milli, whole_milli)


def hundredths_to_e4(hundredths: int) -> int:
    """Turn a wire amount of 1/100 yuan into 1/10 000 yuan, exactly."""
    return hundredths * E4_PER_FEN


def hundredths_to_milli(hundredths: int) -> int:
    """Turn a wire quantity of 1/100 unit into 1/1000 unit, exactly."""
    return hundredths * 10


def milli_to_hundredths(milli: int) -> int:
    """Turn 1/1000 unit into 1/100 unit; refuses what a wire cannot carry.

    Raises:
        ValueError: the last digit is not zero.
    """
    hundredths, rest = divmod(milli, 10)
    if rest:
        raise ValueError(f"{milli} milli is not whole hundredths")
    return hundredths


def wire_f32_to_milli(four_bytes: bytes) -> int | None:
    """Turn a little-endian IEEE single into 1/1000; None for what is no number."""
    (value,) = struct.unpack("<f", four_bytes)
    if not math.isfinite(value) or abs(value) > 2**31:
        return None
    milli: int = round(value * 1000)
    return milli


def decimal_text(value: int, scale: int, places: int) -> str:
    """Write an integer of 10**-scale with a fixed number of decimals.

    Digits beyond `places` are shown when they are not zero: a figure on paper
    never hides a part of a fen.
    """
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 10**scale)
    digits = f"{rest:0{scale}d}" if scale else ""
    shown = max(places, len(digits.rstrip("0")))
    return f"{sign}{whole}.{digits[:shown]:0<{shown}}" if shown else f"{sign}{whole}"


def yuan_text(e4: int) -> str:
    """Write an amount in yuan, two decimals unless it has more."""
    return decimal_text(e4, 4, 2)


def quantity_text(milli: int) -> str:
    """Write a quantity, two decimals unless it has more."""
    return decimal_text(milli, 3, 2)


def parse_decimal(text: str, scale: int) -> int:
    """Read a plain decimal such as 12, 12.5 or -3.20 into an int of 10**-scale.

    Raises:
        ValueError: not a plain ASCII decimal, or more decimals than the scale has.
    """
    body = text.strip()
    sign = -1 if body.startswith("-") else 1
    body = body.removeprefix("-")
    whole, dot, rest = body.partition(".")
    plain = whole.isascii() and whole.isdigit() and len(whole) <= 12
    if not plain or (dot and not (rest.isascii() and rest.isdigit())):
        raise ValueError(f"{text!r} is not a number")
    if len(rest) > scale:
        raise ValueError(f"{text!r} has more than {scale} decimals")
    scaled: int = int(whole) * 10**scale
    return sign * (scaled + int(rest.ljust(scale, "0") or "0"))
