"""The registers of a Compac C4000 or C5000 CNG dispenser.

Numbers below are register numbers as printed; on the wire stands the number plus
`register_offset`. A u32 is two registers, the high one first; BCD is packed.

    100 flags       101 price 2dp    102 quantity u32 3dp   104 amount u32 2dp
    106 total quantity, 109 total amount: 00 and ten digits BCD, 2dp
    112 pressure    113 flow 2dp     114 errors   115 ambient   116 gas temperature
    117 total quantity by the electronic counter, eight digits BCD, 2dp
    124 end of sale 125 quantity u32 3dp   127 amount u32   129 temperature 1dp
    130 pressure at the start, 131 at the end, bar
    200 lock        201 price 2dp    202 to 204 target, maximum, bank sequence

Source: Compac's C5000 service manual and C4000 Channel 2 application; UNVERIFIED on a
dispenser. Not published: the bits of 100, which are shown raw and not used; decimals
of the totals; whether 127 has 2 decimals as 104, or 3 as printed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.options import whole_numbers

FIRST_LIVE, LIVE_COUNT = 100, 32
FIRST_SETTING, SETTING_COUNT = 200, 2
LOCK, PRICE = 200, 201
LARGEST_TOTAL = 9_999_999_999
_BOUNDS = {
    "register_offset": range(-1, 1),
    "last_amount_decimals": range(2, 4),
    "total_decimals": range(4),
}


@dataclass(frozen=True, slots=True)
class CompacOptions:
    """What differs from site to site and is found out at commissioning."""

    register_offset: int = -1
    last_amount_decimals: int = 3
    total_decimals: int = 2

    @classmethod
    def from_mapping(cls, options: Mapping[str, int | str]) -> Self:
        """Read the options of a line.

        Raises:
            ValueError: one is not known or not within its bounds.
        """
        return cls(**whole_numbers("Compac", options, _BOUNDS))


@dataclass(frozen=True, slots=True)
class LiveRegisters:
    """Registers 100 to 131, raw figures in the scales of the map above."""

    flags: int
    price: int
    quantity: int
    amount: int
    total_quantity: int
    total_amount: int
    pressure: int
    flow: int
    errors: int
    ambient_temperature: int
    gas_temperature: int
    end_of_sale: int
    last_quantity: int
    last_amount: int
    last_temperature: int
    pressure_start: int
    pressure_end: int

    @classmethod
    def from_registers(cls, values: Sequence[int]) -> Self:
        """Read what 100 to 131 hold.

        Raises:
            RemoteProtocolError: they are too few, or a BCD digit is none.
        """
        if len(values) != LIVE_COUNT:
            raise RemoteProtocolError(why=f"{len(values)} registers")

        def at(number: int) -> int:
            return values[number - FIRST_LIVE]

        def u32(number: int) -> int:
            return at(number) << 16 | at(number + 1)

        return cls(
            flags=at(100),
            price=at(101),
            quantity=u32(102),
            amount=u32(104),
            total_quantity=_bcd(at(106), at(107), at(108)),
            total_amount=_bcd(at(109), at(110), at(111)),
            pressure=at(112),
            flow=at(113),
            errors=at(114),
            ambient_temperature=_signed(at(115)),
            gas_temperature=_signed(at(116)),
            end_of_sale=at(124),
            last_quantity=u32(125),
            last_amount=u32(127),
            last_temperature=_signed(at(129)),
            pressure_start=at(130),
            pressure_end=at(131),
        )

    @property
    def is_filling(self) -> bool:
        """Gas flows, or the display shows something else than the last delivery.

        A display that was set to zero and counts nothing yet is no fill.
        """
        return self.flow > 0 or self.quantity not in {0, self.last_quantity}


def _bcd(*registers: int) -> int:
    digits = "".join(f"{register:04X}" for register in registers)
    if not digits.isdecimal() or int(digits) > LARGEST_TOTAL:
        raise RemoteProtocolError(why="a total that is no number of ten digits")
    return int(digits)


def _signed(register: int) -> int:
    return register - 0x10000 if register >> 15 else register
