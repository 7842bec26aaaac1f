"""What every card with our purse shows and does, whatever its technology."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

from cngstation.errors import DeviceError, OutcomeUnknown
from cngstation.protocols.card_image.purse import CardInfo, CardState, Purse


@dataclass(frozen=True, slots=True)
class CardReading:
    """A card as it was read.

    `whole` says that all of it could be read and that nothing on it contradicts the
    purse; if not, that one may be an older state. `standing` is what every finished
    write changes: a write finds it there or does nothing. `current` is the slot that
    counts, 0 or 1, on cards that have two.
    `own_key` is the card key that a card brings with it, empty where the issue gives
    one; `modes` the codes of the payment modes that its purse can keep, None for all.
    `key_version` names the keys that opened it, and their version.
    """

    state: CardState
    uid: bytes
    purse: Purse | None = None
    info: CardInfo | None = None
    current: int | None = None
    whole: bool = False
    standing: bytes = b""
    own_key: str = ""
    modes: frozenset[int] | None = None
    key_version: str = field(default="", compare=False)  # not what the card holds


class CardNotAsRead(DeviceError):
    """What was read is not, or may not be, what the card holds now."""

    code = "card.not_as_read"
    text = (
        "The card is not as it was read: something else has written it since, or one "
        "of its two copies cannot be trusted. Nothing was written. Lay the same card "
        "on the reader again."
    )


class CardBroken(DeviceError):
    """A sector of the chip opens neither with our key nor with a new card's."""

    code = "card.broken"
    text = (
        "Sector {sector} of the card opens with no key any more: the chip is broken. "
        "Keep it, and take a new card."
    )


class CardMemoryBroken(CardBroken):
    """The chip says itself that it cannot hold a purse."""

    code = "card.memory_broken"
    text = "The card cannot be used: {why}. Keep it, and take a new card."


class WriteNotConfirmed(OutcomeUnknown):
    """The card was being written and did not show the result."""

    code = "card.write_not_confirmed"
    text = (
        "The card left or failed while it was being written; whether it was written is "
        "not known yet. Lay the same card on the reader again: it shows by itself."
    )


class PurseCard(Protocol):
    """Reads and writes the purse of whatever card is in the field of a reader.

    All raise DeviceError for a reader that failed. A write returns only when the card
    was read back and holds what was written.
    """

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole; select it anew unless it was found just now.

        Raises:
            CardGone: this card is not in the field.
        """

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the next state of a purse over the one that was read.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CardNotAsRead: the reading is old or not whole; nothing was sent.
            CounterExhausted: a counter is at its end; nothing was sent.
            LocalProtocolError: there is no purse on that card; nothing was sent.
            WriteNotConfirmed: it may or may not have been written.
        """

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write who the card is of.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            WriteNotConfirmed: it may or may not have been written.
        """

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image.

        Raises:
            CardGone: it left before anything was sent.
            KeyRefused: it is a card of somebody else; nothing was written.
            CardBroken: the chip is broken; the card never gets a purse.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
            LocalProtocolError: the purse or the info does not fit the layout, or the
                card holds a purse already.
        """

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card; the money on it must be booked.

        A wipe that was cut off leaves the purse that was read, or none: reading says
        which, and the wipe is done again.

        Raises:
            CardGone: it left before anything was sent; it is as it was.
            CardNotAsRead: the reading is old or not whole; nothing was sent.
            KeyRefused: it is a card of somebody else; nothing was written.
            CardBroken: the chip is broken; it never becomes a new card.
            WriteNotConfirmed: lay it on the reader again; what it has decides.
        """


class OneOfSeveral(ABC):
    """Hands each write to the purse that knows the card."""

    @abstractmethod
    async def _of(self, uid: bytes) -> PurseCard:
        """Return who writes a card."""

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the next state of a purse over the one that was read."""
        await (await self._of(reading.uid)).write_purse(reading, purse)

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write who the card is of."""
        await (await self._of(uid)).write_info(uid, info)

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image."""
        await (await self._of(uid)).personalise(uid, purse, info)

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card."""
        await (await self._of(reading.uid)).wipe(reading)
