"""What the money acts need of a card on the reader, and its evidence."""

from typing import Protocol

from cngstation.domain.evidence import Evidence
from cngstation.domain.numbers import card_key
from cngstation.drivers.purse_card import CardReading
from cngstation.errors import DeviceError, Refusal
from cngstation.protocols.card_image.purse import CardInfo, CardState, GreyMark, Purse

__all__ = ["CardPort", "CardReading", "CardState", "NotOurCard", "evidence_of"]


class CardPort(Protocol):
    """A reader with one card; drivers fit it without knowing it.

    Writes return only when the card was read back and holds what was written.
    """

    async def find(self) -> bytes | None:
        """Return the UID of the card in the field."""
        ...

    async def read(self, uid: bytes) -> CardReading:
        """Select the card anew and read it whole."""
        ...

    async def write_purse(self, reading: CardReading, purse: Purse) -> None:
        """Write the spare slot of the purse; raises when it is not confirmed."""
        ...

    async def personalise(self, uid: bytes, purse: Purse, info: CardInfo) -> None:
        """Bring a blank card, or one torn in its issue, to a whole image."""
        ...

    async def write_info(self, uid: bytes, info: CardInfo) -> None:
        """Write who the card is of; raises when it is not confirmed."""
        ...

    async def wipe(self, reading: CardReading) -> None:
        """Bring a card of ours back to a new card; raises when it is not confirmed."""
        ...


class NoCardOnReader(DeviceError):
    """An act needs a card and none is there."""

    code = "device.no_card"
    text = "There is no card on the reader. Nothing was done. Put the card on it."


class NotOurCard(Refusal):
    """The card has keys or data of somebody else."""

    code = "refusal.not_our_card"
    text = (
        "This is not a card of this company (chip {uid}), or its data is damaged in "
        "both copies. Nothing was written and no money moved."
    )


def grey_text(grey: GreyMark | None) -> str:
    """Name an unpaid fill as station/gun/number; empty for none."""
    return "" if grey is None else f"{grey.station_no}/{grey.gun}/{grey.trans_no}"


def evidence_of(reading: CardReading) -> Evidence:
    """Return what a reading proves.

    Raises:
        NotOurCard: there is no valid purse on the card.
    """
    if reading.purse is None or reading.info is None:
        raise NotOurCard(uid=reading.uid.hex().upper())
    key = card_key(reading.info.area_no, reading.purse.card_no)
    return evidence_of_purse(reading.uid, reading.purse, key)


def evidence_of_purse(uid: bytes, purse: Purse, key: str) -> Evidence:
    """Return what a purse proves of the card with this key."""
    return Evidence(
        uid=uid.hex().upper(),
        card_key=key,
        balance=purse.balance,
        wseq=purse.wseq,
        pseq=purse.pseq,
        grey=grey_text(purse.grey),
        consumed=None if purse.counted else purse.consumed_total,
    )
