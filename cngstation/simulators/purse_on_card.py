"""The purse on our reference MIFARE Classic card, as a dispenser reads and writes it.

Slot A is sector 1, slot B sector 2; the valid slot with the higher gen is current and
the other one is written, blocks 0, 1, 2 in this order, so that a tear costs nothing.

    block 0  ver 01 | kind | payment mode | price level | card no bcd4 |
             cylinder due bcd3 | grey gun | grey station bcd4
    block 1  balance i32 | topped up u32 | consumed u32 | grey transaction u32   (LE)
    block 2  gen u24 | wseq u16 | pseq u24 (LE) | MAC 8

MAC = first 8 bytes of AES-CMAC(K, UID, block 0, block 1, gen, wseq, pseq). Keys by
AN10922 (NXP, "Symmetric key diversifications"); sector 3 holds plate, area and limits
under a MAC of its own. This is the layout's second, independent reading.
"""

import struct
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from cngstation.simulators.virtual_card import CardInField

LAYOUT_VERSION = 1
STORED_VALUE_MODES = frozenset({0, 1})  # prepaid money, prepaid quantity
QUANTITY_MODES = frozenset({1, 3})  # the purse counts 0.01 unit instead of fen
LARGEST_MODE = 3
# A fill takes two writes and one pseq; a card that cannot carry both is worn out.
LAST_GEN = 0xFFFFFF - 2
LAST_PSEQ = 0xFFFFFF - 1
_SLOT_SECTORS = (1, 2)
_INFO_SECTOR = 3


class CardRefused(Exception):
    """The dispenser does not take the card; `code` is a stable word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CardTorn(Exception):
    """The card left the field while it was written."""


@dataclass(frozen=True, slots=True)
class Grey:
    """The unpaid fill that a grey card names."""

    station_no: str
    gun: int
    trans_no: int


@dataclass(frozen=True, slots=True)
class Purse:
    """One slot: balances in fen, or in 0.01 unit for quantity modes."""

    kind: int
    payment_mode: int
    price_level: int
    card_no: str
    cylinder_due: str  # YYMMDD, 000000 = none
    grey: Grey | None
    balance: int
    topped_up: int
    consumed: int
    gen: int
    wseq: int
    pseq: int
    slot: int = 0

    @property
    def is_stored_value(self) -> bool:
        """Tell whether a fill takes from the balance instead of adding to it."""
        return self.payment_mode in STORED_VALUE_MODES

    @property
    def counts_quantity(self) -> bool:
        """Tell whether the purse is in 0.01 unit instead of fen."""
        return self.payment_mode in QUANTITY_MODES


@dataclass(frozen=True, slots=True)
class CardInfo:
    """Sector 3: whose card it is and what one fill may cost."""

    area_no: str
    price_fen: int
    plate: bytes
    limit_per_fill_yuan: int


def diversify(master: bytes, message: bytes) -> bytes:
    """Return the AN10922 key of a message of 1 to 31 bytes.

    The input is always two blocks, so short messages differ from a plain CMAC.
    """
    if not 1 <= len(message) <= 31:
        raise ValueError("AN10922 takes 1 to 31 bytes")
    first_subkey = _doubled(_cbc(master, bytes(16)))
    text = b"\x01" + message
    if len(text) == 32:
        subkey = first_subkey
    else:
        subkey = _doubled(first_subkey)
        text = (text + b"\x80").ljust(32, b"\x00")
    masked = bytes(a ^ b for a, b in zip(text[16:], subkey, strict=True))
    return _cbc(master, text[:16] + masked)[-16:]


def _cbc(key: bytes, text: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return encryptor.update(text) + encryptor.finalize()


def _doubled(block: bytes) -> bytes:
    value = int.from_bytes(block, "big") << 1
    if value >> 128:
        value ^= (1 << 128) | 0x87
    return value.to_bytes(16, "big")


def sector_key(master: bytes, uid: bytes, sector: int, which: bytes) -> bytes:
    """Return MIFARE key A or B (`which` is b"A" or b"B") of a sector."""
    return diversify(master, uid + b"CNG" + bytes([sector]) + which)[:6]


def _mac(master: bytes, uid: bytes, *parts: bytes) -> bytes:
    cmac = CMAC(algorithms.AES(diversify(master, uid + b"CNGMAC")))
    cmac.update(uid + b"".join(parts))
    return cmac.finalize()[:8]


def encode_purse(master: bytes, uid: bytes, purse: Purse) -> tuple[bytes, bytes, bytes]:
    """Return blocks 0, 1 and 2 of a slot."""
    grey = purse.grey or Grey("00000000", 0, 0)
    identity = (
        bytes([LAYOUT_VERSION, purse.kind, purse.payment_mode, purse.price_level])
        + bytes.fromhex(purse.card_no + purse.cylinder_due)
        + bytes([grey.gun])
        + bytes.fromhex(grey.station_no)
    )
    money = struct.pack(
        "<iIII", purse.balance, purse.topped_up, purse.consumed, grey.trans_no
    )
    counters = (
        purse.gen.to_bytes(3, "little")
        + purse.wseq.to_bytes(2, "little")
        + purse.pseq.to_bytes(3, "little")
    )
    return identity, money, counters + _mac(master, uid, identity, money, counters)


def decode_purse(
    master: bytes, uid: bytes, blocks: tuple[bytes, bytes, bytes], slot: int
) -> Purse | None:
    """Return the purse of a slot, or None when its version or MAC is wrong."""
    identity, money, sealed = blocks
    if identity[0] != LAYOUT_VERSION:
        return None
    if sealed[8:] != _mac(master, uid, identity, money, sealed[:8]):
        return None
    balance, topped_up, consumed, trans_no = struct.unpack("<iIII", money)
    grey = Grey(identity[12:16].hex(), identity[11], trans_no) if trans_no else None
    return Purse(
        kind=identity[1],
        payment_mode=identity[2],
        price_level=identity[3],
        card_no=identity[4:8].hex(),
        cylinder_due=identity[8:11].hex(),
        grey=grey,
        balance=balance,
        topped_up=topped_up,
        consumed=consumed,
        gen=int.from_bytes(sealed[0:3], "little"),
        wseq=int.from_bytes(sealed[3:5], "little"),
        pseq=int.from_bytes(sealed[5:8], "little"),
        slot=slot,
    )


def read_purse(master: bytes, card: CardInField) -> Purse:
    """Return the current purse of a card.

    Raises:
        CardRefused: `not_ours` when a sector key differs, `mac` when no slot is valid.
    """
    slots = []
    for slot, sector in enumerate(_SLOT_SECTORS):
        _authenticate(master, card, sector)
        slots.append(decode_purse(master, card.uid, _blocks(card, sector), slot))
    valid = [purse for purse in slots if purse is not None]
    if not valid:
        raise CardRefused("mac")
    return max(valid, key=lambda purse: purse.gen)


def read_info(master: bytes, card: CardInField) -> CardInfo:
    """Return sector 3 of a card.

    Raises:
        CardRefused: `not_ours` when its key differs, `info_mac` when its MAC is wrong.
    """
    _authenticate(master, card, _INFO_SECTOR)
    return decode_info(master, card.uid, _blocks(card, _INFO_SECTOR))


def decode_info(
    master: bytes, uid: bytes, blocks: tuple[bytes, bytes, bytes]
) -> CardInfo:
    """Return what the three blocks of an info say.

    Raises:
        CardRefused: `info_mac` when its MAC is wrong.
    """
    person, day, sealed = blocks
    mac = _mac(master, uid, b"I", person, day, sealed[:8])
    if sealed[8:] != mac:
        raise CardRefused("info_mac")
    return CardInfo(
        area_no=person[0:2].hex(),
        price_fen=int.from_bytes(person[2:4], "little"),
        plate=person[4:13].rstrip(b"\x00"),
        limit_per_fill_yuan=int.from_bytes(person[13:15], "little"),
    )


def changed(purse: Purse, *, balance: int, grey: Grey | None, pseq: int) -> Purse:
    """Return what the next write puts into the stale slot.

    What the balance moved by is added to the total that the card has consumed.
    """
    spent = abs(purse.balance - balance)
    return replace(
        purse,
        balance=balance,
        consumed=(purse.consumed + spent) & 0xFFFFFFFF,
        grey=grey,
        pseq=pseq,
        gen=purse.gen + 1,
        slot=1 - purse.slot,
    )


def write_purse(
    master: bytes, card: CardInField, purse: Purse, *, tear_after: int | None = None
) -> None:
    """Write a purse into its slot and read it back.

    Raises:
        CardTorn: the card left after `tear_after` blocks, or reads back otherwise.
    """
    sector = _SLOT_SECTORS[purse.slot]
    _authenticate(master, card, sector)
    for number, block in enumerate(encode_purse(master, card.uid, purse)):
        if number == tear_after:
            raise CardTorn
        card.write_block(4 * sector + number, block)
    if decode_purse(master, card.uid, _blocks(card, sector), purse.slot) != purse:
        raise CardTorn


def _blocks(card: CardInField, sector: int) -> tuple[bytes, bytes, bytes]:
    first = 4 * sector
    return (
        card.read_block(first),
        card.read_block(first + 1),
        card.read_block(first + 2),
    )


def _authenticate(master: bytes, card: CardInField, sector: int) -> None:
    trailer = card.read_block(4 * sector + 3)
    keys = tuple(sector_key(master, card.uid, sector, which) for which in (b"A", b"B"))
    if (trailer[:6], trailer[10:]) != keys:
        raise CardRefused("not_ours")
