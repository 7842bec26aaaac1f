"""Keys and message codes of the fuel trade's CPU card: DES and two-key triple DES.

    card's key      3DES(master, n) | 3DES(master, not n)        n: 8 bytes BCD
    load, unload,   session = 3DES(card's key, random4 | on-line counter 2 | 80 00)
      unlock        code = DES-CBC over the data, padded 80 00.., first 4 bytes
    grey lock       between = 3DES(card's key, random4 | off-line counter 2 | low half
                      of the terminal's counter); session = DES(between, terminal's
                      random4 | 80 00 00 00)
    TAC             DES-CBC with left half xor right half of the card's key
    maintenance     retail MAC (ANSI X9.19) from random4 | 00 00 00 00

Source: public programs of the trade; the figures in the tests were computed by two
implementations. What the codes of an unload and of the answers cover is UNVERIFIED.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

BLOCK_BYTES = 8
KEY_BYTES = 16
CODE_BYTES = 4
_FULL_KEY_BYTES = 24


def encipher(key: bytes, block: bytes) -> bytes:
    """Encipher blocks by themselves: DES with a key of 8 bytes, 3DES with 16.

    Raises:
        ValueError: another length of key, or no whole blocks.
    """
    if len(key) not in {BLOCK_BYTES, KEY_BYTES}:
        raise ValueError("a key of this card has 8 or 16 bytes")
    # DES is triple DES whose three keys are one.
    whole = (key * 3)[:_FULL_KEY_BYTES]
    # The card's own cipher; each block here is the input of one key or code.
    encryptor = Cipher(TripleDES(whole), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(block) + encryptor.finalize()


def diversify(master: bytes, number: bytes) -> bytes:
    """Return the 16-byte key that a master key gives to a number of 8 bytes."""
    if len(master) != KEY_BYTES or len(number) != BLOCK_BYTES:
        raise ValueError("a key of 16 bytes diversifies a number of 8")
    return encipher(master, number) + encipher(master, _xor(number, b"\xff" * 8))


def padded(data: bytes) -> bytes:
    """Append 80 and zeros to the next whole block; always at least the 80."""
    return (data + b"\x80").ljust((len(data) // BLOCK_BYTES + 1) * BLOCK_BYTES, b"\0")


def code(key: bytes, data: bytes) -> bytes:
    """Return the 4-byte DES-CBC code of data under a key of 8 bytes."""
    return _chained(key, padded(data), bytes(BLOCK_BYTES))[:CODE_BYTES]


def session_key(card_key: bytes, random: bytes, on_line: int) -> bytes:
    """Return the 8-byte session key of a load, an unload or an on-line unlock."""
    return encipher(card_key, random + on_line.to_bytes(2, "big") + b"\x80\x00")


def lock_session_key(
    card_key: bytes,
    random: bytes,
    off_line: int,
    terminal_count: int,
    terminal_random: bytes,
) -> bytes:
    """Return the 8-byte session key of a grey lock."""
    low_half = (terminal_count & 0xFFFF).to_bytes(2, "big")
    between = encipher(card_key, random + off_line.to_bytes(2, "big") + low_half)
    return encipher(between, terminal_random + b"\x80\x00\x00\x00")


def transaction_code(card_key: bytes, data: bytes) -> bytes:
    """Return the 4-byte TAC of data under the card's TAC key of 16 bytes."""
    return code(_xor(card_key[:BLOCK_BYTES], card_key[BLOCK_BYTES:]), data)


def maintenance_code(card_key: bytes, challenge: bytes, data: bytes) -> bytes:
    """Return the 4-byte code of a command under secure messaging.

    `data` is the command from its class to its data, without the code.
    """
    first, second = card_key[:BLOCK_BYTES], card_key[BLOCK_BYTES:]
    blocks = padded(data)
    start = challenge.ljust(BLOCK_BYTES, b"\0")
    chained = _chained(first, blocks[:-BLOCK_BYTES], start)
    last = _xor(chained, blocks[-BLOCK_BYTES:])
    return encipher(first + second, last)[:CODE_BYTES]


def _chained(key: bytes, blocks: bytes, start: bytes) -> bytes:
    chained = start
    for at in range(0, len(blocks), BLOCK_BYTES):
        chained = encipher(key, _xor(chained, blocks[at : at + BLOCK_BYTES]))
    return chained


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))
