"""A purse on whatever technology the card in the field is of.

A card that takes APDUs is asked technology by technology, each by its application;
then, or when it takes none, its sectors. The first that does not find it foreign is
the card's, until another card is read. Cards of another maker, where a station has
such, are looked for on what would be foreign or new: their makers use other sectors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from cngstation.drivers.fuel_card_keys import FuelCardKeys
from cngstation.drivers.fuel_purse_card import FuelPurseCard
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.drivers.plain_purse_card import PlainCards, PlainPurseCard
from cngstation.drivers.purse_card import CardReading, OneOfSeveral, PurseCard
from cngstation.drivers.versioned_cards import NamedKeys
from cngstation.errors import DeviceError
from cngstation.moments import Clock
from cngstation.protocols.card_image.purse import CardState


class CardOfNoKind(DeviceError):
    """No technology that this station uses knows the card."""

    code = "card.of_no_kind"
    text = (
        "This card is of a kind that the station does not use. Nothing was written. "
        "Take one of the station's cards."
    )


@dataclass(frozen=True, slots=True)
class FuelCards:
    """What a counter needs for the fuel trade's CPU cards."""

    keys: FuelCardKeys
    terminal: bytes
    clock: Clock


@dataclass(frozen=True, slots=True)
class KeyNames:
    """What the keys of each technology are called in readings."""

    master: str = ""
    fuel: str = ""
    plain: str = ""


_UNNAMED = KeyNames()


def counter_terminal(station_no: str) -> bytes:
    """Return the number of a station's counter as a terminal: nozzle 0000 of it."""
    return bytes.fromhex(station_no + "0000")


def cards_on(
    master_key: bytes,
    fuel_cards: FuelCards | None = None,
    plain_cards: PlainCards | None = None,
    names: KeyNames = _UNNAMED,
) -> Callable[[CardReader], PurseCard]:
    """Return what makes the purse of the cards on a reader."""
    return partial(_whichever, master_key, fuel_cards, plain_cards, names)


def _whichever(
    master_key: bytes,
    fuel: FuelCards | None,
    plain: PlainCards | None,
    names: KeyNames,
    reader: CardReader,
) -> PurseCard:
    desfire = DesfirePurseCard(reader, master_key)
    by_apdus: list[PurseCard] = [NamedKeys(desfire, names.master)]
    if fuel is not None:
        of_fuel = FuelPurseCard(reader, fuel.keys, fuel.terminal, fuel.clock)
        by_apdus.append(NamedKeys(of_fuel, names.fuel))
    of_plain = PlainPurseCard(reader, plain) if plain else None
    return WhicheverCard(
        reader,
        NamedKeys(MifarePurseCard(reader, master_key), names.master),
        by_apdus,
        NamedKeys(of_plain, names.plain) if of_plain else None,
    )


class WhicheverCard(OneOfSeveral):
    """Hands each card to the technology that knows it; fits `PurseCard`."""

    def __init__(
        self,
        reader: CardReader,
        by_sectors: PurseCard,
        by_apdus: Sequence[PurseCard],
        of_another_maker: PurseCard | None = None,
    ) -> None:
        self._reader = reader
        self._by_sectors = by_sectors
        self._by_apdus = by_apdus
        self._of_another_maker = of_another_maker
        self._known: tuple[bytes, PurseCard] | None = None

    async def read(self, uid: bytes, *, selected: bool = False) -> CardReading:
        """Read a card whole by the technology that knows it.

        Raises:
            CardGone: this card is not in the field.
        """
        self._known = None
        if not selected:
            await self._reader.reselect(uid)
        found = CardReading(CardState.FOREIGN, uid)
        for place, card in enumerate(self._candidates()):
            found = await card.read(uid, selected=place == 0)
            if found.state is not CardState.FOREIGN:
                self._known = uid, card
                break
        return await self._or_of_another_maker(found)

    async def _or_of_another_maker(self, found: CardReading) -> CardReading:
        card = self._of_another_maker
        is_free = found.state in {CardState.FOREIGN, CardState.BLANK}
        if card is None or not is_free or not self._reader.traits.has_sectors:
            return found
        theirs = await card.read(found.uid)
        if theirs.state is CardState.FOREIGN:
            return found
        self._known = found.uid, card
        return theirs

    def _candidates(self) -> list[PurseCard]:
        traits = self._reader.traits
        found = list(self._by_apdus) if traits.takes_apdus else []
        return [*found, self._by_sectors] if traits.has_sectors else found

    async def _of(self, uid: bytes) -> PurseCard:
        if self._known is None or self._known[0] != uid:
            await self.read(uid)
        if self._known is not None:
            return self._known[1]
        if self._reader.traits.has_sectors:
            return self._by_sectors  # it says by itself what does not open
        raise CardOfNoKind
