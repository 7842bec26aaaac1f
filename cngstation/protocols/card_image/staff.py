"""Our layout of a staff card: who it is of, and on a MIFARE Classic a changing token.

    sectors 1 and 2: a token each          sectors 3 and 4: whose card it is, 96 bytes
    block 0  "ST" ver u8, 00, gen u32,     ver u8, length u8, card_no bcd4,
             8 zero                        name GB18030 82, MAC 8
    block 1  token 16
    block 2  8 zero, MAC 8    written last

Of two tokens whose MAC fits the one with the higher gen counts; the next is written
over the other, so that a tear leaves the old one. A DESFire card proves itself by its
key and has no token: its application holds the 96 bytes in one file.
The keys are not those of a purse: neither kind of card opens as the other.
"""

import struct
from dataclasses import dataclass

from cngstation.hygiene import decode_gb
from cngstation.protocols import aes_blocks
from cngstation.protocols.card_image.diversification import (
    MAC_BYTES,
    SECTOR_KEY_BYTES,
    CardKeys,
    diversify,
)
from cngstation.protocols.desfire.commands import Rights

TOKEN_SECTORS = (1, 2)
HOLDER_SECTORS = (3, 4)
SECTORS = (*TOKEN_SECTORS, *HOLDER_SECTORS)
SECTOR_BYTES = 48
HOLDER_BYTES = 96
TOKEN_BYTES = 16
LAST_GEN = 0xFFFFFFFF
APPLICATION = b"STF"
MASTER_KEY, LOGIN_KEY = 0, 1
KEYS = 2
OUR_KEYS = 1  # version of a key that is ours
SETTINGS = 0x0B
HOLDER_FILE = 1
_NOBODY = 15
HOLDER_RIGHTS = Rights(
    read=LOGIN_KEY, write=_NOBODY, both=MASTER_KEY, change=MASTER_KEY
)
_VERSION = 1
_MAGIC = b"ST" + bytes([_VERSION, 0])
_NAME_BYTES = HOLDER_BYTES - MAC_BYTES - 6
_GEN = struct.Struct("<I")


class NameTooLong(ValueError):
    """A name takes more bytes than the card has for it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose card it is: its number of eight digits, and the full name."""

    card_no: str
    name: str


@dataclass(frozen=True, slots=True)
class Token:
    """What the card has to show at the next login."""

    gen: int
    secret: bytes


class StaffKeys:
    """The keys of one staff card; never printed and never logged."""

    __slots__ = ("_mac_key", "_master", "_uid", "of_application")

    def __init__(self, master: bytes, uid: bytes) -> None:
        self._master = master
        self._uid = uid
        self._mac_key = diversify(master, uid + b"STFMAC")
        self.of_application = CardKeys(master, uid)

    def sector_key(self, sector: int, kind: str) -> bytes:
        """Return key A or B of a sector, 6 bytes."""
        given = self._uid + b"STF" + bytes([sector]) + kind.encode("ascii")
        return diversify(self._master, given)[:SECTOR_KEY_BYTES]

    def application_key(self, key_no: int) -> bytes:
        """Return a key of the application, 16 bytes."""
        return self.of_application.application_key(APPLICATION, key_no)

    def mac(self, data: bytes) -> bytes:
        """Return the first 8 bytes of the AES-CMAC over UID and data."""
        return aes_blocks.cmac(self._mac_key, self._uid + data)[:MAC_BYTES]

    def __repr__(self) -> str:
        return "StaffKeys(...)"


def encode_token(token: Token, keys: StaffKeys) -> bytes:
    """Return the 48 bytes of a token's sector."""
    head = (_MAGIC + _GEN.pack(token.gen)).ljust(16, b"\0")
    data = head + token.secret + bytes(8)
    return data + keys.mac(data)


def decode_token(data: bytes, keys: StaffKeys) -> Token | None:
    """Return the token of a sector, None where there is none of ours."""
    body, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
    if len(data) != SECTOR_BYTES or not body.startswith(_MAGIC):
        return None
    if keys.mac(body) != mac:
        return None
    return Token(_GEN.unpack_from(body, len(_MAGIC))[0], body[16:32])


def encode_holder(holder: Holder, keys: StaffKeys) -> bytes:
    """Return the 96 bytes that say whose card it is.

    Raises:
        NameTooLong: the name takes more bytes than there are.
    """
    name = holder.name.encode("gb18030")
    if len(name) > _NAME_BYTES:
        raise NameTooLong
    data = bytes([_VERSION, len(name)]) + bytes.fromhex(holder.card_no)
    data += name.ljust(_NAME_BYTES, b"\0")
    return data + keys.mac(data)


def decode_holder(data: bytes, keys: StaffKeys) -> Holder | None:
    """Return whose card it is; None when it does not say so under our MAC."""
    body, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
    if len(data) != HOLDER_BYTES or keys.mac(body) != mac:
        return None
    if body[0] != _VERSION or body[1] > _NAME_BYTES:
        return None
    name = body[6 : 6 + body[1]]
    return Holder(body[2:6].hex(), decode_gb(name))
