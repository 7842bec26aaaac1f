"""A foreign layout described by data: a number, a balance and a total in one sector.

Where each figure stands, how wide it is and in which byte order is told by a
`PlainLayout`; so is the sum that seals them. Bytes that nobody described stay as they
are. Such a card has no counters: what an act on it came to is judged by its balance,
behind its own total of what it has consumed.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from cngstation.errors import LocalProtocolError

SECTOR_BYTES = 48
_BLOCK_BYTES = 16
_CARD_NO_BYTES = 4


class Seal(StrEnum):
    """The sum over the bytes before it, in as many bytes as it needs."""

    XOR = "xor"  # one byte
    SUM = "sum"  # one byte
    CRC16 = "crc16"  # two bytes, reflected A001, FFFF at its start, low byte first


@dataclass(frozen=True, slots=True)
class Figure:
    """A whole number without sign: where it begins in the sector, and its bytes."""

    offset: int
    width: int
    byte_order: Literal["little", "big"] = "little"

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.width


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """Where a card keeps what; `card_no` is four bytes of decimal digits.

    Balance and total stand in one block, so that a card takes both or neither. The
    seal covers `sealed_from` up to itself.
    """

    sector: int
    card_no_offset: int
    balance: Figure
    consumed: Figure
    seal: Seal
    seal_offset: int
    sealed_from: int = 0

    def __post_init__(self) -> None:
        places = [
            (self.card_no_offset, self.card_no_offset + _CARD_NO_BYTES),
            (self.balance.offset, self.balance.end),
            (self.consumed.offset, self.consumed.end),
            (self.seal_offset, self.seal_offset + self.seal_width),
        ]
        taken = sorted(places)
        overlap = any(a[1] > b[0] for a, b in pairwise(taken))
        outside = taken[0][0] < 0 or taken[-1][1] > SECTOR_BYTES
        if not 1 <= self.sector <= 15 or overlap or outside:
            raise ValueError("figures that overlap, or stand outside of the sector")
        written = (*places[1], *places[3])
        blocks = {place // _BLOCK_BYTES for place in (written[0], written[2])}
        blocks |= {(place - 1) // _BLOCK_BYTES for place in (written[1], written[3])}
        if len(blocks) != 1 or self.consumed.offset // _BLOCK_BYTES not in blocks:
            raise ValueError("balance, total and seal have to stand in one block")
        if not self.sealed_from <= self.balance.offset < self.seal_offset:
            raise ValueError("the seal has to cover the balance, and stand behind it")

    @property
    def seal_width(self) -> int:
        """How many bytes the seal takes."""
        return 2 if self.seal is Seal.CRC16 else 1

    @property
    def written_block(self) -> int:
        """The number of the block that a write changes."""
        return 4 * self.sector + self.balance.offset // _BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class PlainPurse:
    """What such a card says of itself."""

    card_no: str
    balance: int
    consumed: int


def decode_plain(data: bytes, layout: PlainLayout) -> PlainPurse | None:
    """Return what a sector says; None when its seal or its number is none."""
    if len(data) != SECTOR_BYTES or _seal_of(data, layout) != _stored(data, layout):
        return None
    begin = layout.card_no_offset
    digits = data[begin : begin + _CARD_NO_BYTES].hex()
    if not digits.isdigit():
        return None
    return PlainPurse(
        card_no=digits,
        balance=_figure(data, layout.balance),
        consumed=_figure(data, layout.consumed),
    )


def with_balance(data: bytes, layout: PlainLayout, balance: int) -> bytes:
    """Return a sector with another balance, sealed; all else stays.

    Raises:
        LocalProtocolError: the balance does not fit its place.
    """
    place = layout.balance
    try:
        figure = balance.to_bytes(place.width, place.byte_order)
    except OverflowError:
        raise LocalProtocolError(why=f"a balance of {balance} on a card") from None
    changed = bytearray(data)
    changed[place.offset : place.end] = figure
    end = layout.seal_offset + layout.seal_width
    changed[layout.seal_offset : end] = _seal_of(bytes(changed), layout)
    return bytes(changed)


def _figure(data: bytes, place: Figure) -> int:
    return int.from_bytes(data[place.offset : place.end], place.byte_order)


def _stored(data: bytes, layout: PlainLayout) -> bytes:
    return data[layout.seal_offset : layout.seal_offset + layout.seal_width]


def _seal_of(data: bytes, layout: PlainLayout) -> bytes:
    sealed = data[layout.sealed_from : layout.seal_offset]
    match layout.seal:
        case Seal.XOR:
            folded = 0
            for byte in sealed:
                folded ^= byte
            return bytes([folded])
        case Seal.SUM:
            return bytes([sum(sealed) & 0xFF])
        case Seal.CRC16:
            crc = 0xFFFF
            for byte in sealed:
                crc ^= byte
                for _ in range(8):
                    crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
            return crc.to_bytes(2, "little")
