"""Lists, prices and station data as the bytes that a dispenser fetches in segments.

list     version u16, from bcd4, to bcd4, area 2, count u32, count * card bcd10
prices   current block, next block; each: version u8, effective bcd6, n,
         n * (nozzle u8, product 2, density 4, levels u8, levels * price u16)
station  version u8, province u8, city u8, superior u32, station u32, terminal u8,
         n, n * nozzle u8
"""

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    ListKind,
    PriceTable,
    StationData,
)
from cngstation.protocols.dispenser.sinopec.messages import SEGMENT_BYTES
from cngstation.units import E4_PER_FEN

MOST_SEGMENTS = 10
_MOST_CARDS = {
    ListKind.BASE: 20_000,
    ListKind.ADDED: 200,
    ListKind.DELETED: 200,
    ListKind.WHITE: 200,
}
_LIST_HEAD = struct.Struct(">H4s4s2sI")
_STATION_HEAD = struct.Struct(">BBBIIBB")
# A card's number of 20 digits is the trade's mark and 16 digits of its own; our lists
# have 16, of which the first four are zeros on a card of ours, whatever its own are.
_TRADE_MARK = "0100"
OWN_CARD_MARK = _TRADE_MARK + "0000"
_NUMBER_DIGITS, _OWN_DIGITS, _KEY_DIGITS = 20, 16, 12
_U8, _U16 = 0xFF, 0xFFFF


@dataclass(frozen=True, slots=True)
class Place:
    """What a dispenser's tables say of it beside what is downloaded.

    `card_mark` are the first eight digits of our own cards.
    """

    area: bytes = b"\x00\x00"
    card_mark: str = OWN_CARD_MARK
    product: bytes = b"\x00\x00"
    density: int = 0
    terminal: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One download as bytes; `count` is its cards, levels or nozzles."""

    version: int
    data: bytes
    count: int

    @property
    def segment_count(self) -> int:
        """How many segments it takes; the last is padded with 00."""
        return -(-len(self.data) // SEGMENT_BYTES)

    def segments(self, offset: int, count: int) -> list[bytes]:
        """Return segments from an offset on, as many of them as there are."""
        last = min(offset + min(count, MOST_SEGMENTS), self.segment_count)
        padded = self.data.ljust(self.segment_count * SEGMENT_BYTES, b"\x00")
        return [
            padded[at * SEGMENT_BYTES : (at + 1) * SEGMENT_BYTES]
            for at in range(offset, last)
        ]

    def served(self, segments: int) -> int:
        """Return how many of `count` so many segments amount to."""
        return self.count * min(segments, self.segment_count) // self.segment_count


def list_part(given: CardList, place: Place) -> Part:
    """Encode a list of card numbers.

    Raises:
        LocalProtocolError: it has too many cards, or a number or version is none.
    """
    if not 1 <= given.version <= _U16 or len(given.cards) > _MOST_CARDS[given.kind]:
        raise LocalProtocolError(
            why=f"list {given.kind} {given.version} of {len(given.cards)} cards"
        )
    head = _LIST_HEAD.pack(
        given.version,
        _date(given.valid_from),
        _date(given.valid_to),
        place.area,
        len(given.cards),
    )
    cards = b"".join(card_number(card, place.card_mark) for card in given.cards)
    return Part(given.version, head + cards, len(given.cards))


def price_part(
    now: PriceTable, following: PriceTable | None, nozzles: list[int], place: Place
) -> Part:
    """Encode the prices in force and the ones that follow; nozzles have the same.

    Raises:
        LocalProtocolError: a price or version does not fit.
    """
    newest = following or now
    blocks = _price_block(now, nozzles, place)
    blocks += _price_block(following or now, nozzles, place, is_to_come=True)
    return Part(newest.version, blocks, len(newest.prices_e4))


def station_part(given: StationData, nozzles: list[int], place: Place) -> Part:
    """Encode the station's data.

    Raises:
        LocalProtocolError: a number does not fit.
    """
    numbers = (
        given.version,
        given.province_no,
        given.city_no,
        given.superior_no,
        given.station_no,
    )
    try:
        head = _STATION_HEAD.pack(*numbers, place.terminal, len(nozzles))
    except struct.error as error:
        raise LocalProtocolError(why=f"station data: {error}") from error
    return Part(given.version, head + bytes(nozzles), len(nozzles))


def card_number(digits: str, card_mark: str) -> bytes:
    """Encode a card's number: our key with or without its zeros, 16 digits, or 20.

    Raises:
        LocalProtocolError: it is no decimal number of that length.
    """
    own = digits.zfill(_OWN_DIGITS)
    lead, key = own[:-_KEY_DIGITS], own[-_KEY_DIGITS:]
    whole = own
    if len(own) == _OWN_DIGITS:
        whole = _TRADE_MARK + own if lead.strip("0") else card_mark + key
    is_number = whole.isascii() and whole.isdecimal() and digits
    if not is_number or len(whole) != _NUMBER_DIGITS:
        raise LocalProtocolError(why=f"{digits!r} as the number of a card")
    return bytes.fromhex(whole)


def _price_block(
    table: PriceTable, nozzles: list[int], place: Place, *, is_to_come: bool = False
) -> bytes:
    """Encode one table; its time has minutes: one to come never begins too early."""
    fens = [divmod(price, E4_PER_FEN) for price in table.prices_e4]
    if (
        not 1 <= table.version <= _U8
        or not 1 <= len(fens) <= _U8
        or any(rest or not 0 <= fen <= _U16 for fen, rest in fens)
    ):
        raise LocalProtocolError(why=f"prices {table.version} do not fit")
    prices = b"".join(fen.to_bytes(2, "big") for fen, _ in fens)
    described = place.product + place.density.to_bytes(4, "big")
    entries = b"".join(
        bytes([nozzle]) + described + bytes([len(fens)]) + prices for nozzle in nozzles
    )
    try:
        effective = datetime.fromisoformat(table.effective_at)
    except ValueError as error:
        raise LocalProtocolError(why=str(error)) from error
    if is_to_come and effective.second:
        effective += timedelta(minutes=1)
    moment = bytes.fromhex(effective.strftime("%Y%m%d%H%M"))
    return bytes([table.version]) + moment + bytes([len(nozzles)]) + entries


def _date(text: str) -> bytes:
    digits = text.replace("-", "")
    if len(digits) != 8 or not (digits.isascii() and digits.isdecimal()):
        raise LocalProtocolError(why=f"{text!r} as a date")
    return bytes.fromhex(digits)
