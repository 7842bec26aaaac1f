"""AES-128 as cards use it: CBC that goes on from message to message, and CMAC.

CMAC with an initial block other than zero is what libraries do not offer: DESFire
chains the codes of a session. Source: NIST SP 800-38A and 800-38B, RFC 4493.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 16
ZEROS = bytes(BLOCK)
_RB = 0x87  # the constant of NIST SP 800-38B for 128-bit blocks


def encrypt(key: bytes, data: bytes, initial: bytes = ZEROS) -> bytes:
    """Return data encrypted by CBC; its length is a multiple of 16."""
    encryptor = Cipher(AES(key), CBC(initial)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, data: bytes, initial: bytes = ZEROS) -> bytes:
    """Return data decrypted by CBC; its length is a multiple of 16."""
    decryptor = Cipher(AES(key), CBC(initial)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def cmac(key: bytes, data: bytes, initial: bytes = ZEROS) -> bytes:
    """Return the 16 bytes of the CMAC that begins with an initial block."""
    first, second = subkeys(key)
    is_whole = bool(data) and len(data) % BLOCK == 0
    if not is_whole:
        data = (data + b"\x80").ljust(-(-(len(data) + 1) // BLOCK) * BLOCK, b"\0")
    last = xor(data[-BLOCK:], first if is_whole else second)
    return encrypt(key, data[:-BLOCK] + last, initial)[-BLOCK:]


def subkeys(key: bytes) -> tuple[bytes, bytes]:
    """Return K1, for a last block that is full, and K2, for one that is padded."""
    first = _doubled(encrypt(key, ZEROS))
    return first, _doubled(first)


def xor(left: bytes, right: bytes) -> bytes:
    """Return the exclusive or of two strings of one length."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number & (1 << 128) - 1) ^ _RB
    return number.to_bytes(BLOCK, "big")
