"""Keys of one card, made from the station's master key and the card's UID.

AN10922 with AES-128: D = 01H | M, 1 to 31 bytes of M, always padded to 32 bytes with
80H 00H..; the last block takes subkey K2 when padded and K1 when D was full; the key
is the last block of AES-CBC with IV 0. For M shorter than 16 bytes this is not
CMAC(01H | M), which would use one block. Source: NXP AN10922, vectors of section 2.2.

What is diversified is our own convention: the MAC key from UID | "CNGMAC", the keys
of a MIFARE sector from UID | "CNG" | sector | "A" or "B", cut to their first 6 bytes.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

KEY_BYTES = 16
MAC_BYTES = 8
SECTOR_KEY_BYTES = 6
LONGEST_INPUT = 31
_BLOCK = 16
_PADDED = 2 * _BLOCK
_RB = 0x87  # the constant of NIST SP 800-38B for 128-bit blocks


def diversify(master: bytes, given: bytes) -> bytes:
    """Return the AES-128 key of an input.

    Raises:
        ValueError: the master key is not 16 bytes, or the input not 1 to 31.
    """
    if len(master) != KEY_BYTES or not 1 <= len(given) <= LONGEST_INPUT:
        raise ValueError("a key of 16 bytes diversifies an input of 1 to 31 bytes")
    data = b"\x01" + given
    first, second = _subkeys(master)
    last_subkey = first
    if len(data) < _PADDED:
        data = (data + b"\x80").ljust(_PADDED, b"\0")
        last_subkey = second
    whole = data[:_BLOCK] + _xor(data[_BLOCK:], last_subkey)
    encryptor = Cipher(AES(master), CBC(bytes(_BLOCK))).encryptor()
    return (encryptor.update(whole) + encryptor.finalize())[_BLOCK:]


class CardKeys:
    """The keys of one card; never printed and never logged."""

    __slots__ = ("_mac_key", "_master", "_uid")

    def __init__(self, master: bytes, uid: bytes) -> None:
        self._master = master
        self._uid = uid
        self._mac_key = diversify(master, uid + b"CNGMAC")

    def sector_key(self, sector: int, kind: str) -> bytes:
        """Return key A or B of a sector, 6 bytes."""
        given = self._uid + b"CNG" + bytes([sector]) + kind.encode("ascii")
        return diversify(self._master, given)[:SECTOR_KEY_BYTES]

    def mac(self, data: bytes) -> bytes:
        """Return the first 8 bytes of the AES-CMAC over UID and data."""
        cmac = CMAC(AES(self._mac_key))
        cmac.update(self._uid + data)
        return cmac.finalize()[:MAC_BYTES]

    def __repr__(self) -> str:
        return "CardKeys(...)"


def _subkeys(master: bytes) -> tuple[bytes, bytes]:
    # SP 800-38B defines the subkeys by one raw block encryption of zeros.
    encryptor = Cipher(AES(master), ECB()).encryptor()  # noqa: S305
    first = _doubled(encryptor.update(bytes(_BLOCK)) + encryptor.finalize())
    return first, _doubled(first)


def _doubled(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number & (1 << 128) - 1) ^ _RB
    return number.to_bytes(_BLOCK, "big")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
