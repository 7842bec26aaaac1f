"""Purses whose keys have versions, and writes that wait for a key to be confirmed.

A card opens with the keys that it was written with: they are tried one after the other,
the version in force first, and what is written goes on with the version that was found.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from cngstation.drivers.purse_card import CardReading, OneOfSeveral, PurseCard
from cngstation.protocols.card_image.purse import CardInfo, CardState, Purse


class NamedKeys:
    """A purse whose readings say which keys opened it; fits `PurseCard`."""

    def __init__(self, card: PurseCard, key_version: str) -> None:
        self._card = card
        self._key_version = key_version

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole.

        Raises:
            CardGone: this card is not in the field.
        """
        found = await self._card.read(uid, selected=selected)
        if found.state is CardState.FOREIGN:
            return found
        return replace(found, key_version=self._key_version)

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the next state of a purse over the one that was read."""
        await self._card.write_purse(reading, purse)

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write who the card is of."""
        await self._card.write_info(uid, info)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image."""
        await self._card.personalise(uid, purse, info)

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card."""
        await self._card.wipe(reading)


class VersionedCards(OneOfSeveral):
    """A purse by whichever version of the keys opens it; fits `PurseCard`.

    `may_write` is asked before each write, and raises where none may be made.
    """

    def __init__(
        self, versions: Sequence[PurseCard], may_write: Callable[[], Awaitable[None]]
    ) -> None:
        self._versions = versions
        self._may_write = may_write
        self._known: tuple[bytes, PurseCard] | None = None

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole by the keys that open it.

        Raises:
            CardGone: this card is not in the field.
        """
        self._known = None
        newest, *older = self._versions
        found = await newest.read(uid, selected=selected)
        if found.state is not CardState.FOREIGN:
            self._known = uid, newest
            return found
        for card in older:
            other = await card.read(uid)
            if other.state is CardState.BLANK:
                # Emptied with these keys; or new, and refused once in a weak field.
                again = await newest.read(uid)
                if again.state is not CardState.FOREIGN:
                    self._known = uid, newest
                    return again
            if other.state is not CardState.FOREIGN:
                self._known = uid, card
                return other
        return found

    async def _of(self, uid: bytes) -> PurseCard:
        await self._may_write()
        if self._known is None or self._known[0] != uid:
            await self.read(uid)
        return self._known[1] if self._known else self._versions[0]
