"""A session after AuthenticateAES: what both ends keep counting.

Every command and every answer is covered by a CMAC that starts with the last one, or
with the last cipher block; so a message that is lost, changed or said again is seen.

    command     CMD | data                      code over CMD | data
    answer      data | code (8)                 code over data | status
    enciphered  CMD | header | E(data | CRC32 of CMD | header | data | 00..)

Source: libfreefare (mifare_desfire_crypto.c); checked against traces of real cards
that are published with "DESFire EV1 Communication Examples".
"""

import hmac
import zlib

from cngstation.protocols import aes_blocks
from cngstation.protocols.desfire.status import CardAnswersWrongly

CODE_BYTES = 8
KEY_BYTES = 16


class Session:
    """The session key and the block that the next code starts with."""

    __slots__ = ("_key", "_last")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._last = aes_blocks.ZEROS

    @classmethod
    def between(cls, random_a: bytes, random_b: bytes) -> "Session":
        """Begin the session of two random numbers that both ends have proved."""
        outer = random_a[:4] + random_b[:4]
        return cls(outer + random_a[-4:] + random_b[-4:])

    def count(self, command: bytes) -> bytes:
        """Count a command that is sent; return its code."""
        self._last = aes_blocks.cmac(self._key, command, self._last)
        return self._last[:CODE_BYTES]

    def encipher(self, data: bytes) -> bytes:
        """Encrypt data, filled with zeros; the next code starts with its last block."""
        padded = data.ljust(-(-len(data) // aes_blocks.BLOCK) * aes_blocks.BLOCK, b"\0")
        sent = aes_blocks.encrypt(self._key, padded, self._last)
        self._last = sent[-aes_blocks.BLOCK :]
        return sent

    def check(self, answer: bytes, status: int) -> bytes:
        """Return the data of an answer, without its code.

        Raises:
            CardAnswersWrongly: its code does not fit.
        """
        data, code = answer[:-CODE_BYTES], answer[-CODE_BYTES:]
        self._last = aes_blocks.cmac(self._key, data + bytes([status]), self._last)
        if not hmac.compare_digest(code, self._last[:CODE_BYTES]):
            raise CardAnswersWrongly(why="its code does not fit")
        return data

    def __repr__(self) -> str:
        return "Session(...)"


def crc32(data: bytes) -> bytes:
    """Return the card's CRC-32: that of Ethernet without its last inversion."""
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")
