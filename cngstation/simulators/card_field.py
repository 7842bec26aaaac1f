"""The field of one antenna: one card at a time, put there and pulled out by hands."""

import random
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cngstation.simulators.control import HandsRefused
from cngstation.simulators.desfire_card import DesfireCard
from cngstation.simulators.fuel_card_in_field import FuelCardInField
from cngstation.simulators.fuel_card_memory import HeldFuelCard, card_file
from cngstation.simulators.held_file import CardElsewhere
from cngstation.simulators.mifare_classic import (
    CardRefused,
    CardSilent,
    MifareClassic,
)
from cngstation.simulators.virtual_card import BLOCK_BYTES, CardInField
from cngstation.simulators.virtual_cards import hold_card, make_blank_card
from cngstation.simulators.virtual_desfire import DesfireInField

Card = MifareClassic | DesfireCard | FuelCardInField
Held = CardInField | DesfireInField | HeldFuelCard


class TornBlock(StrEnum):
    """What a block holds after its write was cut off."""

    BEFORE = "before"
    AFTER = "after"
    GARBAGE = "garbage"


class ReaderStuck(CardSilent):
    """The card went and this reader never says so."""


@dataclass(frozen=True, slots=True)
class Pull:
    """The card is pulled away in the `nth` following command, or write, to it."""

    nth: int
    block: TornBlock
    only_writes: bool = False
    reader_reports: bool = True

    def __post_init__(self) -> None:
        if self.nth < 1:
            raise ValueError("the first following command has number 1")


class CardField:
    """What the chip's antenna reaches."""

    def __init__(self, folder: Path, *, seed: int = 0) -> None:
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._held: Held | None = None
        self._card: Card | None = None
        self._pull: Pull | None = None
        self._left = 0
        self.pulled: dict[str, str | int] | None = None
        self.is_on = False

    @property
    def card(self) -> Card | None:
        """The card in the field."""
        return self._card

    def insert(self, uid: bytes) -> None:
        """Put a card into the field.

        Raises:
            HandsRefused: occupied, elsewhere, or there is no such card.
        """
        if self._card is not None:
            raise HandsRefused(f"occupied: card {_shown(self._card.uid)} is here")
        self._take(uid)

    def remove(self) -> None:
        """Take the card out of the field.

        Raises:
            HandsRefused: there is none.
        """
        if self._held is None:
            raise HandsRefused("empty: no card is here")
        self._drop()

    def swap(self, uid: bytes) -> None:
        """Exchange the card for another; if that cannot come, the first one stays.

        Raises:
            HandsRefused: empty, elsewhere, or there is no such card.
        """
        if self._held is None:
            raise HandsRefused("empty: no card is here")
        before = self._held
        self._take(uid)
        before.leave()

    def make_blank(self, uid: bytes) -> Path:
        """Make a factory-new card in the folder unless it exists."""
        return make_blank_card(self._folder, uid)

    def arm(self, pull: Pull | None) -> None:
        """Have the card pulled in a later command; None takes it back."""
        self._pull = pull
        self._left = pull.nth if pull else 0
        self.pulled = None

    @property
    def armed(self) -> Pull | None:
        """The pull that waits for its command."""
        return self._pull

    def power(self, *, is_on: bool) -> None:
        """Switch the field; without it a card forgets its session."""
        self.is_on = is_on
        if not is_on and self._card is not None:
            self._card.halt()

    def find(self, uid: bytes = b"") -> Card | None:
        """Select the card, or only one with this UID; return it."""
        self.power(is_on=True)
        if self._card is None or uid not in (b"", self._card.uid):
            return None
        self._card.select()
        return self._card

    def halt(self) -> None:
        """Tell the card to sleep."""
        if self._card is not None:
            self._card.halt()

    def exchange(self, command: bytes) -> bytes:
        """Send a command to the card and return its answer, as that card performs it.

        Raises:
            ReaderStuck: the card was pulled and the reader shall not tell.
        """
        if self._card is None:
            raise CardSilent
        pull = self._due(self._card, command)
        if pull is None:
            return self._card.perform(command)
        self._tear(self._card, command, pull.block)
        self.pulled = {"uid": _shown(self._card.uid), **self._card.named(command)}
        self._drop()
        raise CardSilent if pull.reader_reports else ReaderStuck

    def _due(self, card: Card, command: bytes) -> Pull | None:
        if self._pull is None:
            return None
        if self._pull.only_writes and not card.changes(command):
            return None
        self._left -= 1
        if self._left:
            return None
        pull, self._pull = self._pull, None
        return pull

    def _tear(self, card: Card, command: bytes, block: TornBlock) -> None:
        if not card.changes(command) or block is TornBlock.BEFORE:
            return
        try:
            card.perform(command)
        except (CardRefused, CardSilent):
            return  # what the card would have refused leaves no half of it
        if block is TornBlock.GARBAGE:
            card.spoil(command, self._random.randbytes(BLOCK_BYTES))

    def _take(self, uid: bytes) -> None:
        try:
            held = _hold(self._folder, uid)
        except CardElsewhere as error:
            raise HandsRefused(
                f"elsewhere: another field holds card {_shown(uid)}"
            ) from error
        except FileNotFoundError as error:
            raise HandsRefused(f"unknown: there is no card {_shown(uid)}") from error
        self._held = held
        if isinstance(held, DesfireInField):
            self._card = DesfireCard(held, self._random.randbytes)
        elif isinstance(held, HeldFuelCard):
            self._card = FuelCardInField(held)
        else:
            self._card = MifareClassic(held)

    def _drop(self) -> None:
        if self._held is not None:
            self._held.leave()
        self._held = self._card = None


def _hold(folder: Path, uid: bytes) -> Held:
    if card_file(folder, uid).exists():
        return HeldFuelCard(card_file(folder, uid))
    return hold_card(folder, uid)


def _shown(uid: bytes) -> str:
    return uid.hex().upper()
