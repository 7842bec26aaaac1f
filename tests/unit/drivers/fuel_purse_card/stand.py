"""A virtual fuel card on a reader, and our purse over it."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from cngstation.drivers.card_reader import CardGone, CardTraits, ReaderHealth
from cngstation.drivers.fuel_card_keys import Key, KeysInMemory
from cngstation.drivers.fuel_purse_card import FuelPurseCard
from cngstation.drivers.purse_card import (
    CardReading,
)
from cngstation.errors import (
    OutcomeUnknown,
)
from cngstation.moments import Instant
from cngstation.protocols.card_image.purse import (
    CardInfo,
    Purse,
)
from cngstation.simulators.fuel_card import FuelCard
from tests.fuel_cards import (
    COUNTER_TERMINAL,
    FUEL_UID,
    MASTERS,
    MOMENT,
    NUMBER,
    dispenser,
    memory_in,
    new_card,
)

AREA_NO, CARD_NO = NUMBER[4:8], NUMBER[8:]
NEW = Purse(
    kind=3, payment_mode=0, price_level=2, card_no=CARD_NO,
    cylinder_due="2027-03-31", balance=50_000, recharged_total=0, consumed_total=0,
    grey=None, gen=0, wseq=1, pseq=0,
)  # fmt: skip
INFO = CardInfo(AREA_NO, 412, "苏A12345", 300, 900)
CHANGING = (b"\x04\xd6", b"\x80\x52", b"\x80\x54", b"\xe0\x7e")
Act = Callable[[FuelPurseCard, CardReading], Coroutine[Any, Any, None]]


class FixedClock:
    """Always the same moment."""

    def now(self) -> Instant:
        """Return it."""
        return Instant(1_795_000_000_000, 0, "")


class Reader:
    """A reader with a virtual card; `tear` pulls it at a command, done or not."""

    NAME: ClassVar[str] = "test"
    health = ReaderHealth(online=True, firmware="", last_fault="")
    traits = CardTraits(has_sectors=False, takes_apdus=True)

    def __init__(self, card: FuelCard) -> None:
        self.card = card
        self.said: list[bytes] = []
        self.tear: tuple[int, bool] | None = None
        self.answers: dict[bytes, bytes] = {}
        self.is_selected = False

    async def reselect(self, uid: bytes) -> None:
        """Take the power from the card and give it back."""
        if self.tear is not None and self.tear[0] <= 0:
            raise CardGone
        self.card.reset()
        self.is_selected = True

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Hand a command to the card."""
        if not self.is_selected:
            raise CardGone
        assert changes_card is apdu.startswith(CHANGING)
        self.said.append(apdu)
        for head, answer in self.answers.items():
            if apdu.startswith(head):
                return answer
        if self.tear is not None:
            left, done = self.tear
            self.tear = left - 1, done
            if left == 1:
                if done:
                    self.card.perform(apdu)
                self.is_selected = False
                raise OutcomeUnknown(device="card") if changes_card else CardGone
        return self.card.perform(apdu)

    def heads(self) -> list[str]:
        """Return what was said, by its first bytes, and forget it."""
        said = [apdu[:2].hex() for apdu in self.said]
        self.said.clear()
        return said


class Stand:
    """A card on a reader, and our purse over it."""

    def __init__(self, folder: Path) -> None:
        self.memory = memory_in(new_card(folder))
        self.reader = Reader(FuelCard(self.memory))
        self.purse_card = self.new_purse_card()

    def new_purse_card(self) -> FuelPurseCard:
        """Return the driver as a daemon that was started anew has it."""
        masters = b"".join(MASTERS[key.name.lower()] for key in Key)
        key_set = KeysInMemory(masters)
        return FuelPurseCard(self.reader, key_set, COUNTER_TERMINAL, FixedClock())

    async def read(self) -> CardReading:
        """Read the card."""
        return await self.purse_card.read(FUEL_UID)

    async def issued(self) -> CardReading:
        """Issue it with 500 yuan, and read it."""
        await self.purse_card.personalise(FUEL_UID, NEW, INFO)
        return await self.read()

    async def grey(self) -> CardReading:
        """Let a dispenser lock it, and read it."""
        await self.issued()
        dispenser().lock(self.reader.card, MOMENT)
        return await self.read()


def loaded(fen: int) -> Act:
    """Return an act that adds to the balance."""

    async def act(card: FuelPurseCard, reading: CardReading) -> None:
        assert reading.purse is not None
        await card.write_purse(reading, moved(reading.purse, fen))

    return act


def moved(purse: Purse, fen: int) -> Purse:
    """Return a purse as a counter changes it; what was owed is paid."""
    return replace(purse, balance=purse.balance + fen, wseq=purse.wseq + 1, grey=None)


async def relabelled(card: FuelPurseCard, reading: CardReading) -> None:
    """Change the price level and the cylinder date, as a counter does."""
    assert reading.purse is not None
    purse = replace(moved(reading.purse, 0), price_level=5, cylinder_due=None)
    await card.write_purse(reading, purse)
