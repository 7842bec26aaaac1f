"""The card's side of AES sessions on a simulated DESFire; its own, second reading.

Facts: libfreefare (mifare_desfire_crypto.c), RFC 4493.
"""

import binascii

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 16


def cbc(key: bytes, text: bytes, iv: bytes, *, decrypts: bool = False) -> bytes:
    """Run AES-CBC over whole blocks."""
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    context = cipher.decryptor() if decrypts else cipher.encryptor()
    return context.update(text) + context.finalize()


def cmac(key: bytes, text: bytes, iv: bytes) -> bytes:
    """Return CMAC of a text whose first block is preceded by an IV."""
    subkey = _twice(cbc(key, bytes(_BLOCK), bytes(_BLOCK)))
    rest = len(text) % _BLOCK
    if rest or not text:
        subkey = _twice(subkey)
        text += b"\x80" + bytes(_BLOCK - 1 - rest)
    masked = int.from_bytes(text[-_BLOCK:], "big") ^ int.from_bytes(subkey, "big")
    return cbc(key, text[:-_BLOCK] + masked.to_bytes(_BLOCK, "big"), iv)[-_BLOCK:]


def crc32(data: bytes) -> bytes:
    """Return CRC-32 with preset FFFFFFFF, not inverted at the end."""
    return (binascii.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


def _twice(block: bytes) -> bytes:
    value = int.from_bytes(block, "big") * 2
    return (value % (1 << 128) ^ (0x87 if value >> 128 else 0)).to_bytes(_BLOCK, "big")


class CardSession:
    """The session key of a card, the key number shown, and the running IV."""

    def __init__(self, key: bytes, key_no: int) -> None:
        self.key_no = key_no
        self._key = key
        self._iv = bytes(_BLOCK)

    def heard(self, command: bytes) -> bytes:
        """Count a command; return the code that may stand behind it."""
        self._iv = cmac(self._key, command, self._iv)
        return self._iv[:8]

    def deciphered(self, text: bytes) -> bytes:
        """Decrypt what the host enciphered."""
        clear = cbc(self._key, text, self._iv, decrypts=True)
        self._iv = text[-_BLOCK:]
        return clear

    def sealed(self, answer: bytes) -> bytes:
        """Return an answer with its code, for status 00."""
        self._iv = cmac(self._key, answer + b"\0", self._iv)
        return answer + self._iv[:8]
