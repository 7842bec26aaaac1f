"""A MIFARE Classic 1K as it behaves in a field: keys, access bits, values, halts.

16 sectors of 4 blocks of 16 bytes; the fourth is the trailer:
key A (6) | access (3) | user byte | key B (6). C1 C2 C3 of blocks 0..3 stand in
the access bytes as ~C2<<4|~C1, C1<<4|~C3, C3<<4|C2.
Facts: NXP MF1S50YYX data sheet, tables of access conditions. UNVERIFIED on a real
card: a sector with broken access bits still authenticates and then refuses all;
a trailer write keeps the fields that the key may not write.
"""

from typing import Final, NoReturn

from cngstation.simulators.virtual_card import CardInField

AUTHENTICATE_A: Final = 0x60
AUTHENTICATE_B: Final = 0x61
READ: Final = 0x30
WRITE: Final = 0xA0
DECREMENT: Final = 0xC0
INCREMENT: Final = 0xC1
RESTORE: Final = 0xC2
TRANSFER: Final = 0xB0
HALT: Final = 0x50

LENGTHS: Final = {  # of a whole command: code, block, what follows
    AUTHENTICATE_A: {12},
    AUTHENTICATE_B: {12},
    READ: {2},
    WRITE: {18},
    DECREMENT: {6},
    INCREMENT: {6},
    RESTORE: {2, 6},
    TRANSFER: {2},
}
CHANGES_A_BLOCK: Final = frozenset({WRITE, TRANSFER})

_READ, _WRITE, _INCREMENT, _DECREMENT = range(4)
_DATA_RIGHTS: Final = {  # C1 C2 C3: read, write, increment, decrement/transfer/restore
    0b000: ("AB", "AB", "AB", "AB"),
    0b010: ("AB", "", "", ""),
    0b100: ("AB", "B", "", ""),
    0b110: ("AB", "B", "B", "AB"),
    0b001: ("AB", "", "", "AB"),
    0b011: ("B", "B", "", ""),
    0b101: ("B", "", "", ""),
    0b111: ("", "", "", ""),
}
_WRITE_KEYS, _READ_ACCESS, _WRITE_ACCESS, _READ_KEY_B = range(4)
_TRAILER_RIGHTS: Final = {  # keys A and B are written under one rule; A is never read
    0b000: ("A", "A", "", "A"),
    0b010: ("", "A", "", "A"),
    0b100: ("B", "AB", "", ""),
    0b110: ("", "AB", "", ""),
    0b001: ("A", "A", "A", "A"),
    0b011: ("B", "AB", "B", ""),
    0b101: ("", "AB", "B", ""),
    0b111: ("", "AB", "", ""),
}
_KEY_A, _ACCESS, _KEY_B = slice(0, 6), slice(6, 10), slice(10, 16)
_LEAST, _MOST = -(2**31), 2**31 - 1


class CardSilent(Exception):
    """The card does not answer: halted, not selected or gone."""


class CardRefused(Exception):
    """The card answered with a NAK and fell out of its session."""


class AuthenticationFailed(Exception):
    """The key was wrong; the card halted."""


def access_conditions(trailer: bytes) -> tuple[int, ...] | None:
    """Decode C1C2C3 of blocks 0..3; None if the complements do not fit."""
    low, middle, high = trailer[6:9]
    c1, c2, c3 = middle >> 4, high & 0xF, high >> 4
    if (low, middle & 0xF) != ((~c2 & 0xF) << 4 | (~c1 & 0xF), ~c3 & 0xF):
        return None
    return tuple(
        (c1 >> n & 1) << 2 | (c2 >> n & 1) << 1 | (c3 >> n & 1) for n in range(4)
    )


def value_of(block: bytes) -> int | None:
    """Return the number of a value block; None if its copies do not agree."""
    number, inverse, copy = block[0:4], block[4:8], block[8:12]
    turned = bytes(b ^ 0xFF for b in number)
    addr = block[12]
    addresses = bytes([addr, addr ^ 0xFF, addr, addr ^ 0xFF])
    if (inverse, copy, block[12:]) != (turned, number, addresses):
        return None
    return int.from_bytes(number, "little", signed=True)


def value_block(value: int, addr: int) -> bytes:
    """Build a value block."""
    number = value.to_bytes(4, "little", signed=True)
    turned = bytes(b ^ 0xFF for b in number)
    return number + turned + number + bytes([addr, addr ^ 0xFF, addr, addr ^ 0xFF])


class MifareClassic:
    """The card's logic above its 1024 bytes."""

    ATQA: Final = bytes.fromhex("0004")
    SAK: Final = bytes.fromhex("08")
    ATS: Final = b""

    def __init__(self, card: CardInField) -> None:
        self._card = card
        self._active = False
        self._sector: int | None = None
        self._key = ""
        self._register: bytes | None = None

    @property
    def uid(self) -> bytes:
        """The card's number."""
        return self._card.uid

    @property
    def sector(self) -> int | None:
        """The sector that is open now."""
        return self._sector

    def select(self) -> None:
        """Wake the card and select it; a session before that is over."""
        self.halt()
        self._active = True

    def halt(self) -> None:
        """Stop answering until selected again."""
        self._active = False
        self._sector = None
        self._key = ""
        self._register = None

    def perform(self, command: bytes) -> bytes:
        """Carry out one command; return what the card says.

        Raises:
            CardSilent: the card says nothing.
            CardRefused: the card says no.
            AuthenticationFailed: the key does not fit.
        """
        if not self._active:
            raise CardSilent
        code, length = command[0], len(command)
        if code == HALT:
            self.halt()
            raise CardSilent
        if length not in LENGTHS.get(code, ()):
            self._refuse()
        block, operand = command[1], command[2:]
        if code in (AUTHENTICATE_A, AUTHENTICATE_B):
            self._authenticate("AB"[code & 1], block, operand[:6], operand[6:])
            return b""
        if block // 4 != self._sector:
            self._refuse()
        if code == READ:
            return self._read(block)
        if code == WRITE:
            self._write(block, operand)
        elif code == TRANSFER:
            self._transfer(block)
        else:
            self._load(code, block, operand)
        return b""

    def changes(self, command: bytes) -> bool:
        """Tell whether a command changes what the card keeps without power."""
        return command[0] in CHANGES_A_BLOCK

    def named(self, command: bytes) -> dict[str, str | int]:
        """Name a command in what hands are shown."""
        block = {"block": command[1]} if len(command) > 1 else {}
        return {"command": f"{command[0]:02X}", **block}

    def spoil(self, command: bytes, garbage: bytes) -> None:
        """Leave a block as a write that was cut off may leave it."""
        self._card.write_block(command[1], garbage)

    def _refuse(self) -> NoReturn:
        self.halt()
        raise CardRefused

    def _authenticate(self, key: str, block: int, given: bytes, uid: bytes) -> None:
        trailer = self._card.read_block(block | 3)  # empty behind the last block
        stored = trailer[_KEY_A if key == "A" else _KEY_B]
        if uid != self.uid or given != stored:
            self.halt()
            raise AuthenticationFailed
        self._sector, self._key, self._register = block // 4, key, None

    def _conditions(self, block: int) -> int:
        """Return C1C2C3 of a block; refuse where the whole sector is shut."""
        conditions = access_conditions(self._card.read_block(block | 3))
        if conditions is None:
            self._refuse()
        # A key B that can be read is data, not a key: it opens nothing.
        if self._key == "B" and _TRAILER_RIGHTS[conditions[3]][_READ_KEY_B]:
            self._refuse()
        return conditions[block & 3]

    def _require_data_right(self, block: int, right: int) -> None:
        condition = self._conditions(block)
        if _is_trailer(block) or self._key not in _DATA_RIGHTS[condition][right]:
            self._refuse()

    def _read(self, block: int) -> bytes:
        if not _is_trailer(block):
            self._require_data_right(block, _READ)
            return self._card.read_block(block)
        rights = _TRAILER_RIGHTS[self._conditions(block)]
        if self._key not in rights[_READ_ACCESS]:
            self._refuse()
        trailer = self._card.read_block(block)
        key_b = trailer[_KEY_B] if self._key in rights[_READ_KEY_B] else bytes(6)
        return bytes(6) + trailer[_ACCESS] + key_b

    def _write(self, block: int, data: bytes) -> None:
        if block == 0:
            self._refuse()
        if _is_trailer(block):
            self._write_trailer(block, data)
            return
        self._require_data_right(block, _WRITE)
        self._card.write_block(block, data)

    def _write_trailer(self, block: int, data: bytes) -> None:
        rights = _TRAILER_RIGHTS[self._conditions(block)]
        may_keys = self._key in rights[_WRITE_KEYS]
        may_access = self._key in rights[_WRITE_ACCESS]
        if not may_keys and not may_access:
            self._refuse()
        old = self._card.read_block(block)
        keys, access = (data if may_keys else old), (data if may_access else old)
        self._card.write_block(block, keys[_KEY_A] + access[_ACCESS] + keys[_KEY_B])

    def _load(self, code: int, block: int, operand: bytes) -> None:
        """Put a changed value into the card's register; the block stays as it is."""
        self._require_data_right(block, _INCREMENT if code == INCREMENT else _DECREMENT)
        stored = self._card.read_block(block)
        value = value_of(stored)
        if value is None:
            self._refuse()
        amount = int.from_bytes(operand, "little", signed=True)
        value += {INCREMENT: amount, DECREMENT: -amount, RESTORE: 0}[code]
        if not _LEAST <= value <= _MOST:
            self._refuse()
        self._register = value_block(value, stored[12])

    def _transfer(self, block: int) -> None:
        self._require_data_right(block, _DECREMENT)
        if self._register is None:
            self._refuse()
        self._card.write_block(block, self._register)


def _is_trailer(block: int) -> bool:
    return block & 3 == 3
