"""Our layout of a MIFARE Classic 1K: a purse in two slots, and who the card is.

    sector 1 slot A, sector 2 slot B     sector 3 info
    block 0  ver kind mode level         block 0  area bcd2, price u16 fen,
             card_no bcd4                         plate 9 GB18030, per fill u16, 00
             cylinder_due bcd3           block 1  per day u16, 14 reserved
             grey_gun u8, grey_station bcd4
    block 1  balance i32, recharged u32,  block 2  8 reserved, MAC 8
             consumed u32, grey_trans u32
    block 2  gen u24, wseq u16, pseq u24, MAC 8      written last

Integers are little-endian. A slot counts when its version is 1 and its MAC fits; of
two that count the higher gen is the card's state. A write goes to the other slot, so
that a tear at any moment leaves the old state or the new one.
"""

import struct
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cngstation.errors import LocalProtocolError, Refusal
from cngstation.hygiene import decode_gb
from cngstation.protocols.card_image.diversification import MAC_BYTES, CardKeys

VERSION = 1
SLOT_SECTORS = (1, 2)
INFO_SECTOR = 3
BLOCKS = 3
BLOCK_BYTES = 16
SLOT_BYTES = BLOCKS * BLOCK_BYTES
LAST_GEN = 0xFFFFFF
LAST_WSEQ = 0xFFFF
LAST_PSEQ = 0xFFFFFF
LAST_BALANCE = 0x7FFFFFFF
LAST_TOTAL = 0xFFFFFFFF
LARGEST_PRICE_FEN = 0xFFFF
_PLATE_BYTES = 9
_FIGURES = struct.Struct("<iIII")
_NO_DATE = b"\0\0\0"


class CounterExhausted(Refusal):
    """A counter on the card has come to its written-down end."""

    code = "refusal.counter_exhausted"
    text = (
        "A counter of card {card_no} is at its end. Nothing was written and no money "
        "moved. Replace the card; the balance moves to the new one."
    )


class CardState(StrEnum):
    """What a card in the field is."""

    BLANK = "blank"
    OURS = "ours"
    FOREIGN = "foreign"
    BOTH_BAD = "both_bad"
    TORN_ISSUE = "torn_issue"


@dataclass(frozen=True, slots=True)
class GreyMark:
    """The unpaid fill that a grey card carries."""

    station_no: str
    gun: int
    trans_no: int


@dataclass(frozen=True, slots=True)
class Purse:
    """A slot: `balance` and totals in fen, or in 0.01 unit on quantity cards.

    `counted` is false for a layout of somebody else that has no `gen`, `wseq`, `pseq`.
    """

    kind: int
    payment_mode: int
    price_level: int
    card_no: str
    cylinder_due: str | None
    balance: int
    recharged_total: int
    consumed_total: int
    grey: GreyMark | None
    gen: int
    wseq: int
    pseq: int
    counted: bool = True


@dataclass(frozen=True, slots=True)
class CardInfo:
    """The info sector: area, price at issue, plate, limits in yuan (0 is none)."""

    area_no: str
    price_fen: int
    plate: str
    limit_per_fill_yuan: int
    limit_per_day_yuan: int


def require_room(purse: Purse, added: int) -> None:
    """Refuse a top-up that a counter or a figure of the card could not hold.

    Raises:
        CounterExhausted: nothing was sent.
    """
    at_its_end = (
        purse.gen >= LAST_GEN
        or purse.wseq >= LAST_WSEQ
        or purse.balance + added > LAST_BALANCE
        or purse.recharged_total + max(added, 0) > LAST_TOTAL
    )
    if at_its_end:
        raise CounterExhausted(card_no=purse.card_no)


def encode_slot(purse: Purse, keys: CardKeys) -> bytes:
    """Return the 48 bytes of a slot.

    Raises:
        CounterExhausted: a counter is past its end.
        LocalProtocolError: a figure does not fit the layout.
    """
    over = purse.gen > LAST_GEN or purse.wseq > LAST_WSEQ or purse.pseq > LAST_PSEQ
    if over:
        raise CounterExhausted(card_no=purse.card_no)
    grey = purse.grey or GreyMark("00000000", 0, 0)
    if purse.grey is not None and not grey.trans_no:
        raise LocalProtocolError(why="a grey mark without the number of its fill")
    try:
        head = (
            bytes([VERSION, purse.kind, purse.payment_mode, purse.price_level])
            + _bcd(purse.card_no, 4)
            + _bcd_date(purse.cylinder_due)
            + bytes([grey.gun])
            + _bcd(grey.station_no, 4)
        )
        figures = _FIGURES.pack(
            purse.balance, purse.recharged_total, purse.consumed_total, grey.trans_no
        )
        counters = (
            purse.gen.to_bytes(3, "little")
            + purse.wseq.to_bytes(2, "little")
            + purse.pseq.to_bytes(3, "little")
        )
    except (ValueError, OverflowError, struct.error) as error:
        raise LocalProtocolError(why=f"a purse that no card holds: {error}") from None
    return head + figures + counters + keys.mac(head + figures + counters)


def sealed_gen(data: bytes, keys: CardKeys) -> int | None:
    """Return the gen of a slot whose MAC fits, whatever it says; None without one."""
    if len(data) != SLOT_BYTES or keys.mac(data[:-MAC_BYTES]) != data[-MAC_BYTES:]:
        return None
    return int.from_bytes(data[32:35], "little")


def decode_slot(data: bytes, keys: CardKeys) -> Purse | None:
    """Return the purse of a slot; None when it does not count."""
    gen = sealed_gen(data, keys)
    if gen is None or data[0] != VERSION:
        return None
    head, figures, counters = data[:16], data[16:32], data[32:40]
    balance, recharged, consumed, trans_no = _FIGURES.unpack(figures)
    try:
        grey = GreyMark(_digits(head[12:16]), head[11], trans_no) if trans_no else None
        return Purse(
            kind=head[1],
            payment_mode=head[2],
            price_level=head[3],
            card_no=_digits(head[4:8]),
            cylinder_due=_date(head[8:11]),
            balance=balance,
            recharged_total=recharged,
            consumed_total=consumed,
            grey=grey,
            gen=gen,
            wseq=int.from_bytes(counters[3:5], "little"),
            pseq=int.from_bytes(counters[5:], "little"),
        )
    except ValueError:
        return None  # a fitting MAC over what we never write: not a slot of ours


def encode_info(info: CardInfo, keys: CardKeys) -> bytes:
    """Return the 48 bytes of the info sector; a long plate is cut, never split.

    Raises:
        LocalProtocolError: a figure does not fit the layout.
    """
    try:
        body = (
            _bcd(info.area_no, 2)
            + info.price_fen.to_bytes(2, "little")
            + _plate(info.plate)
            + info.limit_per_fill_yuan.to_bytes(2, "little")
            + b"\0"
            + info.limit_per_day_yuan.to_bytes(2, "little")
            + bytes(14 + 8)
        )
    except (ValueError, OverflowError) as error:
        raise LocalProtocolError(why=f"an info no card holds: {error}") from None
    return body + keys.mac(b"I" + body)


def decode_info(data: bytes, keys: CardKeys) -> CardInfo | None:
    """Return the info of a card; None when it does not count."""
    if len(data) != SLOT_BYTES or keys.mac(b"I" + data[:40]) != data[40:]:
        return None
    try:
        area_no = _digits(data[:2])
    except ValueError:
        return None
    return CardInfo(
        area_no=area_no,
        price_fen=int.from_bytes(data[2:4], "little"),
        plate=decode_gb(data[4 : 4 + _PLATE_BYTES], limit=10),
        limit_per_fill_yuan=int.from_bytes(data[13:15], "little"),
        limit_per_day_yuan=int.from_bytes(data[16:18], "little"),
    )


def choose_slot(slot_a: Purse | None, slot_b: Purse | None) -> int | None:
    """Return 0 or 1 for the slot that is the card's state; None for neither."""
    if slot_a is None and slot_b is None:
        return None
    if slot_a is None or slot_b is None:
        return 1 if slot_a is None else 0
    return 1 if slot_b.gen > slot_a.gen else 0


def contradicts(spare: bytes, used: bytes, keys: CardKeys) -> bool:
    """Tell whether a slot under our MAC says that the one in use is not the newest.

    It is newer and cannot be understood, or as new and different. Neither is a tear:
    a tear leaves no MAC that fits.
    """
    spare_gen, used_gen = sealed_gen(spare, keys), sealed_gen(used, keys)
    if spare_gen is None or used_gen is None:
        return False
    return spare_gen > used_gen or (spare_gen == used_gen and spare != used)


def _bcd(digits: str, length: int) -> bytes:
    if len(digits) != 2 * length or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{digits!r} is not {2 * length} digits")
    return bytes.fromhex(digits)


def _digits(data: bytes) -> str:
    text = data.hex()
    if not text.isdigit():
        raise ValueError(f"{text} is not decimal")
    return text


def _bcd_date(text: str | None) -> bytes:
    if text is None:
        return _NO_DATE
    due = date.fromisoformat(text)
    if due.year // 100 != 20:
        raise ValueError(f"{text} is not of the century that the card has room for")
    return bytes.fromhex(due.strftime("%y%m%d"))


def _date(data: bytes) -> str | None:
    if data == _NO_DATE:
        return None
    digits = _digits(data)
    return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])).isoformat()


def _plate(text: str) -> bytes:
    kept = text
    while len(encoded := kept.encode("gb18030")) > _PLATE_BYTES:
        kept = kept[:-1]
    return encoded.ljust(_PLATE_BYTES, b"\0")
