"""The cards of a folder, of whatever technology: a UID of 4 or 7 bytes says which."""

from pathlib import Path

from cngstation.simulators import virtual_card, virtual_desfire
from cngstation.simulators.virtual_card import CardInField
from cngstation.simulators.virtual_desfire import DesfireInField

UID_BYTES = frozenset({4, virtual_desfire.UID_BYTES})


def card_uids(folder: Path) -> list[str]:
    """Return the UIDs of the cards in a folder, short ones first, sorted."""
    suffixes = {virtual_card.SUFFIX, virtual_desfire.SUFFIX}
    found = [path.stem for path in folder.iterdir() if path.suffix in suffixes]
    return sorted(found, key=lambda uid: (len(uid), uid))


def hold_card(folder: Path, uid: bytes) -> CardInField | DesfireInField:
    """Bring a card into a field.

    Raises:
        CardElsewhere: another field holds it.
        FileNotFoundError: there is no such card.
    """
    if len(uid) == virtual_desfire.UID_BYTES:
        return DesfireInField(virtual_desfire.card_path(folder, uid))
    return CardInField(virtual_card.card_path(folder, uid))


def make_blank_card(folder: Path, uid: bytes) -> Path:
    """Make a factory-new card in a folder unless it exists; return its path."""
    if len(uid) == virtual_desfire.UID_BYTES:
        return virtual_desfire.make_blank_card(folder, uid)
    return virtual_card.make_blank_card(folder, uid)
