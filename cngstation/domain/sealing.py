"""Personal numbers sealed in the database and found again by a digest.

AES-256-GCM with a random nonce and the column's name as associated data; digests are
HMAC-SHA-256 under a key of their own. Both keys come from one credential by HKDF, and
so does the key's id, which stands before what it sealed:

    "S1" | key id, 4 bytes | nonce, 12 bytes | body and tag

Values from before there were ids begin with the nonce.
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
_FORM = b"S1"
_ID_BYTES = 4


class SealBroken(Refusal):
    """A sealed value does not open: another key, or the database was changed."""

    code = "refusal.seal_broken"
    text = (
        "A personal number cannot be opened: the key file is not the one that sealed "
        "it, or the database was changed. No money moved. Restore the right key file."
    )


class SealedByOtherKey(SealBroken):
    """A sealed value names another key than the one that is here."""

    code = "refusal.sealed_by_other_key"
    text = (
        "A personal number was sealed with key {sealed_with}; the key file has key "
        "{here}. No money moved. Restore the right key file, or seal the numbers anew."
    )


class PersonalDataSeal:
    """Seals, opens and digests personal numbers with keys made from one credential."""

    def __init__(self, credential: bytes) -> None:
        if len(credential) < KEY_BYTES:
            raise ValueError(f"the personal-data key has at least {KEY_BYTES} bytes")
        self._cipher = AESGCM(_derive(credential, b"seal"))
        self._digest_key = _derive(credential, b"digest")
        self._id = _derive(credential, b"id")[:_ID_BYTES]

    @property
    def key_id(self) -> str:
        """What tells this key from others, as people read it."""
        return self._id.hex().upper()

    def seal(self, text: str, column: str) -> bytes:
        """Return the sealed form; an empty text seals to nothing."""
        if not text:
            return b""
        nonce = os.urandom(_NONCE_BYTES)
        body = self._cipher.encrypt(nonce, text.encode(), column.encode())
        return _FORM + self._id + nonce + body

    def open(self, sealed: bytes, column: str) -> str:
        """Return the text of a sealed value.

        Raises:
            SealBroken: the key is another one or the value was changed.
        """
        if not sealed:
            return ""
        named = self.id_of(sealed)
        body = sealed[len(_FORM) + _ID_BYTES :] if named == self.key_id else sealed
        try:
            return self._opened(body, column)
        except SealBroken:
            if named and named != self.key_id:
                raise SealedByOtherKey(sealed_with=named, here=self.key_id) from None
            raise

    def id_of(self, sealed: bytes) -> str:
        """Return the id of the key that a value names; empty if it names none."""
        begin, end = len(_FORM), len(_FORM) + _ID_BYTES
        return sealed[begin:end].hex().upper() if sealed.startswith(_FORM) else ""

    def _opened(self, sealed: bytes, column: str) -> str:
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
