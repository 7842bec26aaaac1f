"""Who holds the master keys of fuel cards: a security module, or a set in memory.

A security module (SAM) has its keys for ever inside and gives codes only; the set in
memory does the same from a credential file. Neither ever gives a key away.
"""

from enum import IntEnum
from typing import Protocol

from cngstation.protocols.fuel_card import keys


class Key(IntEnum):
    """The master keys, by their place in the credential file."""

    LOAD = 0
    UNLOAD = 1
    UNLOCK = 2
    MAINTENANCE = 3


MASTER_BYTES = len(Key) * keys.KEY_BYTES


class FuelCardKeys(Protocol):
    """Gives the codes of one card, which is named by its number of 8 bytes.

    All raise DeviceError when a security module does not answer.
    """

    async def session_code(
        self, key: Key, number: bytes, random: bytes, on_line: int, data: bytes
    ) -> bytes:
        """Return the code of data in a load, an unload or an on-line unlock."""

    async def maintenance_code(
        self, number: bytes, challenge: bytes, data: bytes
    ) -> bytes:
        """Return the code of a command that writes a file."""


class KeysInMemory:
    """The master keys of a credential file; fits `FuelCardKeys`."""

    def __init__(self, masters: bytes) -> None:
        """Take the keys one after the other, 16 bytes each, in the order of `Key`.

        Raises:
            ValueError: there are more or fewer.
        """
        if len(masters) != MASTER_BYTES:
            raise ValueError(f"the keys of fuel cards are {MASTER_BYTES} bytes")
        self._masters = masters

    async def session_code(
        self, key: Key, number: bytes, random: bytes, on_line: int, data: bytes
    ) -> bytes:
        """Return the code of data in a load, an unload or an on-line unlock."""
        session = keys.session_key(self._own(key, number), random, on_line)
        return keys.code(session, data)

    async def maintenance_code(
        self, number: bytes, challenge: bytes, data: bytes
    ) -> bytes:
        """Return the code of a command that writes a file."""
        own = self._own(Key.MAINTENANCE, number)
        return keys.maintenance_code(own, challenge, data)

    def _own(self, key: Key, number: bytes) -> bytes:
        at = key * keys.KEY_BYTES
        return keys.diversify(self._masters[at : at + keys.KEY_BYTES], number)
