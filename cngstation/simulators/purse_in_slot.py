"""The purse of whatever card is in a dispenser's slot."""

from cngstation.simulators import purse_on_card, purse_on_desfire
from cngstation.simulators.purse_on_card import CardInfo, Purse
from cngstation.simulators.virtual_card import CardInField
from cngstation.simulators.virtual_desfire import DesfireInField

HeldCard = CardInField | DesfireInField


def read_purse(master: bytes, card: HeldCard) -> Purse:
    """Return the current purse of a card.

    Raises:
        CardRefused: the code says why the dispenser does not take it.
    """
    if isinstance(card, DesfireInField):
        return purse_on_desfire.read_purse(master, card)
    return purse_on_card.read_purse(master, card)


def read_info(master: bytes, card: HeldCard) -> CardInfo:
    """Return whose card it is and what one fill may cost.

    Raises:
        CardRefused: the code says why the dispenser does not take it.
    """
    if isinstance(card, DesfireInField):
        return purse_on_desfire.read_info(master, card)
    return purse_on_card.read_info(master, card)


def write_purse(
    master: bytes, card: HeldCard, purse: Purse, *, tear_after: int | None = None
) -> None:
    """Write a purse and read it back.

    Raises:
        CardTorn: the card left after `tear_after` blocks, or reads back otherwise.
    """
    if isinstance(card, DesfireInField):
        purse_on_desfire.write_purse(master, card, purse, tear_after=tear_after)
    else:
        purse_on_card.write_purse(master, card, purse, tear_after=tear_after)
