"""DES as the fuel trade's CPU card uses it: the card's and the terminal's own reading.

A key of a card is 3DES(master, number) and 3DES(master, number inverted); codes are
the first 4 bytes of DES-CBC over data padded with 80 and zeros.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

LOAD, UNLOAD, GREY_LOCK, FILL_DEBIT, GREY_UNLOCK = 0x01, 0x03, 0x91, 0x93, 0x95
_ALL_ONES = (1 << 64) - 1


def block_of(key: bytes, block: bytes) -> bytes:
    """Encipher eight bytes with a key of 8 (DES) or 16 bytes (triple DES)."""
    # Three keys in a row: K K K is DES, K1 K2 K1 its two-key form.
    three = key + key + key if len(key) == 8 else key + key[:8]
    working = Cipher(TripleDES(three), modes.CBC(bytes(8))).encryptor()
    return working.update(block)


def own_key(master: bytes, number: bytes) -> bytes:
    """Return what a master key makes of a card's number."""
    inverted = (int.from_bytes(number, "big") ^ _ALL_ONES).to_bytes(8, "big")
    return block_of(master, number) + block_of(master, inverted)


def session_of(card_key: bytes, random: bytes, on_line: int) -> bytes:
    """Return the key of one load, unload or on-line unlock."""
    return block_of(card_key, random + bytes([on_line >> 8, on_line & 0xFF, 0x80, 0]))


def lock_session_of(
    card_key: bytes, random: bytes, off_line: bytes, count: bytes, far_random: bytes
) -> bytes:
    """Return the key of one grey lock; `count` is the terminal's, four bytes."""
    step = block_of(card_key, random + off_line + count[2:])
    return block_of(step, far_random + b"\x80\0\0\0")


def code_of(key: bytes, data: bytes) -> bytes:
    """Return the code of data under a key of eight bytes."""
    whole = data + b"\x80"
    whole += b"\0" * (-len(whole) % 8)
    chain = Cipher(TripleDES(key + key + key), modes.CBC(bytes(8))).encryptor()
    return chain.update(whole)[-8:-4]


def tac_of(card_key: bytes, data: bytes) -> bytes:
    """Return the TAC of data under a key of sixteen bytes."""
    halves = int.from_bytes(card_key[:8], "big") ^ int.from_bytes(card_key[8:], "big")
    return code_of(halves.to_bytes(8, "big"), data)


def messaging_code_of(card_key: bytes, challenge: bytes, data: bytes) -> bytes:
    """Return the code of a command under secure messaging (ANSI X9.19)."""
    whole = data + b"\x80"
    whole += b"\0" * (-len(whole) % 8)
    first, second = card_key[:8], card_key[8:]
    start = challenge + b"\0" * (8 - len(challenge))
    chain = Cipher(TripleDES(first * 3), modes.CBC(start)).encryptor()
    result = chain.update(whole)[-8:]
    undone = Cipher(TripleDES(second * 3), modes.CBC(bytes(8))).decryptor()
    return block_of(first, undone.update(result))[:4]
