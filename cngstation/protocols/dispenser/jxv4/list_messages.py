"""JX-V4 bodies of lists and prices, which a dispenser asks for piece by piece.

    53H ask 7     type, 6 x 00                 host 5    type, count u32be
    54H ask 4     type, offset u16le, n        host      type, offset u16be, n,
                                                         info 16, n x card bcd8
    5EH ask 1                                  host      version, device, time bcd7,
                                                         n, n x price u16be

    info 16       version, from bcd4, to bcd4, area 2, count u32le, 00

Types 1 base, 2 added, 3 deleted, 4 white; type 6 would be a key in clear: it is known
so that it is never answered and its body never shown. The count in the info is
little-endian: the dispenser stores those 16 bytes as they come.
Source: public dispenser firmware and host programs of the JX family; UNVERIFIED
against a captured line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from struct import Struct
from typing import Self

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.forecourt import CardList, ListKind, PriceTable
from cngstation.protocols.dispenser.jxv4.messages import BIG_ENDIAN
from cngstation.protocols.dispenser.jxv4.packing import (
    bcd_card,
    bcd_time,
    pack,
    unpack,
)
from cngstation.units import E4_PER_FEN

_LIST_ASKED = Struct("<B6s")
_LIST_COUNT = Struct(">BI")
_BLOCK_ASKED = Struct("<BHB")
_BLOCK = Struct(">BHB")
_INFO = Struct("<B4s4s2sIB")
_PRICES_ASKED = Struct("<B")
_PRICES = Struct(">BB7sB")

KEY_LIST = 6
LIST_KINDS = {
    1: ListKind.BASE,
    2: ListKind.ADDED,
    3: ListKind.DELETED,
    4: ListKind.WHITE,
}
_LIST_CODES = {kind: code for code, kind in LIST_KINDS.items()}
# A frame of 20 cards is 191 bytes; a dispenser throws its buffer away at 200.
CARDS_PER_BLOCK = 20
# The offset of a block is 16 bits.
MOST_CARDS = 0xFFFF + CARDS_PER_BLOCK
MOST_LEVELS = 20
_LAST_VERSION = 255
_ANY_AREA = b"\xff\xff"
_LNG_DEVICE, _CNG_DEVICE = 0, 1


def list_asked(body: bytes) -> ListKind | None:
    """Read 53H; None asks for a key.

    Raises:
        RemoteProtocolError: there is no such list.
    """
    code, _ = unpack(_LIST_ASKED, body, "a question for a list")
    if code == KEY_LIST:
        return None
    if code not in LIST_KINDS:
        raise RemoteProtocolError(why=f"list {code} was asked for")
    return LIST_KINDS[code]


@dataclass(frozen=True, slots=True)
class BlockAsked:
    """54H from a dispenser: so many cards of a list from one on."""

    kind: ListKind
    offset: int
    count: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode; RemoteProtocolError if there is no such list."""
        code, offset, count = unpack(_BLOCK_ASKED, body, "a question for a block")
        if code not in LIST_KINDS:
            raise RemoteProtocolError(why=f"a block of list {code} was asked for")
        return cls(LIST_KINDS[code], offset, count)


def read_prices_asked(body: bytes) -> None:
    """Read 5EH; its byte contradicts itself between firmwares and is passed over."""
    unpack(_PRICES_ASKED, body, "a question for prices")


@dataclass(frozen=True, slots=True)
class PackedList:
    """A list as its blocks need it."""

    kind: ListKind
    version: int
    info: bytes
    cards: tuple[bytes, ...]

    @classmethod
    def of(cls, cards: CardList) -> Self:
        """Pack a list.

        Raises:
            LocalProtocolError: its version, dates or a card do not fit, or too many.
        """
        _must_be_version(cards.version)
        if len(cards.cards) > MOST_CARDS:
            raise LocalProtocolError(why=f"a list of {len(cards.cards)} cards")
        valid = (_bcd_date(cards.valid_from), _bcd_date(cards.valid_to))
        info = pack(_INFO, cards.version, *valid, _ANY_AREA, len(cards.cards), 0)
        packed = tuple(map(bcd_card, cards.cards))
        return cls(cards.kind, cards.version, info, packed)

    def count_body(self) -> bytes:
        """53H to a dispenser: how many cards it will get."""
        return pack(_LIST_COUNT, _LIST_CODES[self.kind], len(self.cards))

    def block(self, asked: BlockAsked) -> Sequence[bytes]:
        """Return the cards of a block; none behind the end of the list."""
        count = min(asked.count, CARDS_PER_BLOCK)
        return self.cards[asked.offset : asked.offset + count]

    def block_body(self, asked: BlockAsked) -> bytes:
        """54H to a dispenser."""
        cards = self.block(asked)
        code = _LIST_CODES[self.kind]
        head = pack(_BLOCK, code, asked.offset, len(cards))
        return head + self.info + b"".join(cards)


@dataclass(frozen=True, slots=True)
class PackedPrices:
    """Prices by level as a dispenser takes them, in fen."""

    version: int
    effective: bytes
    prices: tuple[int, ...]

    @classmethod
    def of(cls, table: PriceTable) -> Self:
        """Pack a table.

        Raises:
            LocalProtocolError: version, time, a price or the number of levels do not
                fit; a price is whole fen.
        """
        _must_be_version(table.version)
        if not 1 <= len(table.prices_e4) <= MOST_LEVELS:
            raise LocalProtocolError(why=f"{len(table.prices_e4)} price levels")
        try:
            effective = datetime.fromisoformat(table.effective_at)
        except ValueError:
            raise LocalProtocolError(why="the time of a price is no time") from None
        return cls(
            table.version, bcd_time(effective), tuple(map(_fen, table.prices_e4))
        )

    def to_bytes(self, *, is_lng: bool, order: str = BIG_ENDIAN) -> bytes:
        """5EH to a dispenser."""
        device = _LNG_DEVICE if is_lng else _CNG_DEVICE
        count = len(self.prices)
        head = pack(_PRICES, self.version, device, self.effective, count)
        return head + pack(Struct(f"{order}{count}H"), *self.prices)


def _fen(price_e4: int) -> int:
    fen, rest = divmod(price_e4, E4_PER_FEN)
    if rest or not 1 <= fen <= 0xFFFF:
        raise LocalProtocolError(why=f"a price of {price_e4} e4")
    return fen


def _must_be_version(version: int) -> None:
    if not 1 <= version <= _LAST_VERSION:
        raise LocalProtocolError(why=f"version {version} is not 1 to {_LAST_VERSION}")


def _bcd_date(text: str) -> bytes:
    try:
        return bytes.fromhex(date.fromisoformat(text).strftime("%Y%m%d"))
    except ValueError:
        raise LocalProtocolError(why="a date of a list is no date") from None
