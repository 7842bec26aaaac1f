"""PC/SC: what an ATR says, and the APDUs that a reader answers for a storage card.

    FF CA 00 00 00                     number of a contactless card
    FF 82 00 00 06 key6                key into the reader, until the power goes
    FF 86 00 00 05 01 00 block kind 00 open a sector with it; kind 60 is A, 61 is B
    FF B0 00 block 10                  read a block
    FF D6 00 block 10 data16           write a block

An answer ends in 90 00 when it was done. ATR: 3B T0 [TA TB TC TD].. historical bytes
[check]; each TD says which bytes follow it. Source: PC/SC part 3, ISO/IEC 7816-3.
"""

from typing import Literal

DONE = b"\x90\x00"
GET_NUMBER = b"\xff\xca\x00\x00\x00"
BLOCK_BYTES = 16
_TD = 0x80
_HISTORICAL = 0x0F
# Historical bytes of a storage card: the mark, PC/SC's own name, the standard, then
# the card's number; 0001 is MIFARE 1K, 0002 MIFARE 4K.
_STORAGE = bytes.fromhex("804F0CA000000306")
_NAME_AT = len(_STORAGE) + 1
_WITH_SECTORS = (b"\x00\x01", b"\x00\x02")
# Case 4 of ISO/IEC 7816-3: head, length, data, and the length that is expected.
_HEAD_BYTES = 5


def historical_bytes(atr: bytes) -> bytes:
    """Return the historical bytes of an ATR; none when it is cut off."""
    if len(atr) < 2:
        return b""
    present, at = atr[1], 2
    count = atr[1] & _HISTORICAL
    while True:
        following = [bit for bit in (0x10, 0x20, 0x40, _TD) if present & bit]
        at += len(following)
        if not present & _TD or at > len(atr):
            return atr[at : at + count]
        present = atr[at - 1]


def is_storage(historical: bytes) -> bool:
    """Tell whether a reader speaks for the card, which takes no APDU of its own."""
    return historical.startswith(_STORAGE)


def has_sectors(historical: bytes) -> bool:
    """Tell whether it is a MIFARE Classic."""
    return is_storage(historical) and (
        historical[_NAME_AT : _NAME_AT + 2] in _WITH_SECTORS
    )


def load_key(key: bytes) -> bytes:
    """Return the command that gives a key of 6 bytes to the reader."""
    return b"\xff\x82\x00\x00\x06" + key


def open_sector(block: int, kind: Literal["A", "B"]) -> bytes:
    """Return the command that opens the sector of a block with the key given."""
    return bytes([0xFF, 0x86, 0, 0, 5, 1, 0, block, 0x60 if kind == "A" else 0x61, 0])


def read_block(block: int) -> bytes:
    """Return the command that reads a block."""
    return bytes([0xFF, 0xB0, 0, block, BLOCK_BYTES])


def write_block(block: int, data: bytes) -> bytes:
    """Return the command that writes a block."""
    return bytes([0xFF, 0xD6, 0, block, BLOCK_BYTES]) + data


def without_expected_length(apdu: bytes) -> bytes:
    """Return a command as T=0 sends it, which has no room for that length."""
    if len(apdu) > _HEAD_BYTES:
        return apdu[: _HEAD_BYTES + apdu[4]]
    return apdu


def rest_wanted(apdu: bytes, answer: bytes) -> bytes | None:
    """Return what T=0 asks next: the data that waits, or the same with its length."""
    if len(answer) != 2:
        return None
    if answer[0] == 0x61:
        return b"\x00\xc0\x00\x00" + answer[1:]
    if answer[0] == 0x6C and len(apdu) == _HEAD_BYTES:
        return apdu[:4] + answer[1:]
    return None
