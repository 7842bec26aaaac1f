"""Personal numbers sealed in the database and found again by a digest.

AES-256-GCM with a random nonce and the column's name as associated data; digests are
HMAC-SHA-256 under a key of their own. Both keys come from one credential by HKDF.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cngstation.errors import Refusal

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBroken(Refusal):
    """A sealed value does not open: another key, or the database was changed."""

    code = "refusal.seal_broken"
    text = (
        "A personal number cannot be opened: the key file is not the one that sealed "
        "it, or the database was changed. No money moved. Restore the right key file."
    )


class PersonalDataSeal:
    """Seals, opens and digests personal numbers with keys made from one credential."""

    def __init__(self, credential: bytes) -> None:
        if len(credential) < KEY_BYTES:
            raise ValueError(f"the personal-data key has at least {KEY_BYTES} bytes")
        self._cipher = AESGCM(_derive(credential, b"seal"))
        self._digest_key = _derive(credential, b"digest")

    def seal(self, text: str, column: str) -> bytes:
        """Return the sealed form; an empty text seals to nothing."""
        if not text:
            return b""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), column.encode())

    def open(self, sealed: bytes, column: str) -> str:
        """Return the text of a sealed value.

        Raises:
            SealBroken: the key is another one or the value was changed.
        """
        if not sealed:
            return ""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, body, column.encode()).decode()
        except (InvalidTag, ValueError) as error:  # too short, or no UTF-8
            raise SealBroken from error

    def digest(self, text: str, column: str) -> bytes:
        """Return what equal texts of a column have in common; nothing for nothing."""
        if not text:
            return b""
        named = column.encode() + b"\0" + text.encode()
        return hmac.digest(self._digest_key, named, hashlib.sha256)


def _derive(credential: bytes, purpose: bytes) -> bytes:
    return HKDF(
        algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"cngstation " + purpose
    ).derive(credential)
