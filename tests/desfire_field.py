"""A reader with a virtual DESFire card, without a line: for tests of drivers."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from cngstation.drivers.card_reader import (
    CardGone,
    CardTraits,
    KeyKind,
    KeyRefused,
    ReaderHealth,
)
from cngstation.errors import OutcomeUnknown, StationError
from cngstation.simulators.card_field import CardField, Pull, TornBlock
from cngstation.simulators.mifare_classic import CardSilent
from cngstation.simulators.virtual_cards import make_blank_card
from cngstation.simulators.virtual_desfire import DesfireInField, Image, card_path

UID = bytes.fromhex("045A3BFA142880")


class DesfireField:
    """A `CardReader` over one card; it is pulled in whichever frame one says.

    With `loses_answers` the card stays and only the answer is lost.
    """

    NAME: ClassVar[str] = "field"
    health = ReaderHealth(online=True, firmware="", last_fault="")

    def __init__(self, folder: Path, uid: bytes = UID) -> None:
        self.folder = folder
        self.uid = uid
        self.field = CardField(folder, seed=1)
        make_blank_card(folder, uid)
        self.field.insert(uid)
        self.sent: list[int] = []
        self.selected = False
        self.loses_answer_of: int | None = None
        self.error: Callable[[], StationError] = CardGone

    def insert(self) -> None:
        """Lay the card on the reader again; nothing goes wrong any more."""
        self.field.arm(None)
        self.loses_answer_of = None
        if self.field.card is None:
            self.field.insert(self.uid)

    def remove(self) -> None:
        """Take the card away."""
        self.selected = False
        self.field.remove()

    def pull_at(self, nth: int, torn: TornBlock) -> None:
        """Have the card pulled in the nth following frame to it."""
        self.field.arm(Pull(nth=nth, block=torn))

    def image(self) -> Image:
        """Return what the card holds; it must not lie on the reader."""
        with DesfireInField(card_path(self.folder, self.uid)) as held:
            return held.changed()

    def content(self) -> bytes:
        """Return the card's file."""
        return card_path(self.folder, self.uid).read_bytes()

    def restore(self, content: bytes) -> None:
        """Lay the card on the reader with this content."""
        if self.field.card is not None:
            self.remove()
        card_path(self.folder, self.uid).write_bytes(content)
        self.insert()

    async def find_card(self) -> bytes | None:
        """Select whatever is in the field."""
        card = self.field.find()
        self.selected = card is not None
        return card.uid if card else None

    async def reselect(self, uid: bytes) -> None:
        """Select this very card again."""
        self.selected = self.field.find(uid) is not None
        if not self.selected:
            raise CardGone

    @property
    def traits(self) -> CardTraits:
        """A DESFire has no sectors."""
        if not self.selected:
            raise CardGone
        return CardTraits(has_sectors=False, takes_apdus=True, historical=b"\x80")

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Send one frame; the card may leave in it."""
        if not self.selected:
            raise CardGone
        self.sent.append(apdu[1])
        assert self.field.card is None or (
            changes_card == self.field.card.changes(apdu)
        ), "the driver must say of each command whether its effect lasts"
        try:
            answer = self.field.exchange(apdu)
        except CardSilent as silent:
            self.selected = False
            if changes_card:
                raise OutcomeUnknown(device="field") from silent
            raise self.error() from silent
        if len(self.sent) == self.loses_answer_of:
            self.selected = False
            raise OutcomeUnknown(device="field") if changes_card else self.error()
        return answer

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Refuse: there are no sectors."""
        self.selected = False
        raise KeyRefused(block=block)

    async def read_block(self, block: int) -> bytes:
        """Never reached."""
        raise CardGone

    async def write_block(self, block: int, data: bytes) -> None:
        """Never reached."""
        raise CardGone

    async def release(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""
