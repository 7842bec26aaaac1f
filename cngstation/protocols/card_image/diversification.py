"""Keys of one card, made from the station's master key and the card's UID.

AN10922 with AES-128: D = 01H | M, 1 to 31 bytes of M, always padded to 32 bytes with
80H 00H..; the last block takes subkey K2 when padded and K1 when D was full; the key
is the last block of AES-CBC with IV 0. For M shorter than 16 bytes this is not
CMAC(01H | M), which would use one block. Source: NXP AN10922, vectors of section 2.2.

What is diversified is our own convention: the MAC key from UID | "CNGMAC", the keys
of a MIFARE sector from UID | "CNG" | sector | "A" or "B", cut to their first 6 bytes,
the keys of a DESFire application from UID | AID | "CNG" | key number.
"""

from cngstation.protocols import aes_blocks

KEY_BYTES = 16
MAC_BYTES = 8
SECTOR_KEY_BYTES = 6
LONGEST_INPUT = 31
_PADDED = 2 * aes_blocks.BLOCK


def diversify(master: bytes, given: bytes) -> bytes:
    """Return the AES-128 key of an input.

    Raises:
        ValueError: the master key is not 16 bytes, or the input not 1 to 31.
    """
    if len(master) != KEY_BYTES or not 1 <= len(given) <= LONGEST_INPUT:
        raise ValueError("a key of 16 bytes diversifies an input of 1 to 31 bytes")
    data = b"\x01" + given
    first, second = aes_blocks.subkeys(master)
    last_subkey = first
    if len(data) < _PADDED:
        data = (data + b"\x80").ljust(_PADDED, b"\0")
        last_subkey = second
    head, tail = data[: aes_blocks.BLOCK], data[aes_blocks.BLOCK :]
    whole = head + aes_blocks.xor(tail, last_subkey)
    return aes_blocks.encrypt(master, whole)[aes_blocks.BLOCK :]


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
        return aes_blocks.cmac(self._mac_key, self._uid + data)[:MAC_BYTES]

    def application_key(self, application: bytes, key_no: int) -> bytes:
        """Return a key of a DESFire application, 16 bytes."""
        given = self._uid + application + b"CNG" + bytes([key_no])
        return diversify(self._master, given)

    def __repr__(self) -> str:
        return "CardKeys(...)"
