"""Prepares what reads and writes the station's cards: technologies and their keys."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from cngstation.config.sections import StationConfig
from cngstation.domain.card_kinds import BY_NAME
from cngstation.domain.payment import MODE_CODES, PaymentMode
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.fuel_card_keys import KeysInMemory
from cngstation.drivers.plain_purse_card import PlainCards
from cngstation.drivers.purse_card import PurseCard
from cngstation.drivers.versioned_cards import VersionedCards
from cngstation.drivers.whichever_card import (
    FuelCards,
    KeyNames,
    cards_on,
    counter_terminal,
)
from cngstation.moments import Clock
from cngstation.services.card_keys import (
    FUEL,
    MASTER,
    PLAIN,
    PLAIN_KEY_BYTES,
    key_sets,
    note_keys,
    require_keys,
)
from cngstation.storage.database import Database

CardsOn = Callable[[CardReader], PurseCard]


async def prepare_cards(
    config: StationConfig, clock: Clock, database: Database
) -> tuple[CardsOn, tuple[bytes, ...]]:
    """Return what makes the purse of the cards on a reader, and the staff cards' keys.

    It is noted which keys they are. Nothing is written while one waits for two people.

    Raises:
        ConfigError: a credential cannot be read.
    """
    sets = key_sets(config)
    versions = await note_keys(database, sets)
    keys = {one.name: one.keys for one in sets}
    fuel = plain = None
    if FUEL in keys:
        terminal = counter_terminal(config.station.station_no)
        fuel = FuelCards(KeysInMemory(keys[FUEL][0]), terminal, clock)
    if PLAIN in keys:
        plain = _plain_cards_of(config, keys[PLAIN][0])
    first, *older = (f"{MASTER} {number}" for number in versions[MASTER])
    others = (
        f"{name} {versions[name][0]}" if name in keys else "" for name in (FUEL, PLAIN)
    )
    names = KeyNames(first, *others)
    made = [cards_on(keys[MASTER][0], fuel, plain, names)]
    made += [
        cards_on(key, names=KeyNames(name))
        for key, name in zip(keys[MASTER][1:], older, strict=True)
    ]
    versioned = partial(_versioned, made, lambda: database.read(require_keys))
    return versioned, keys[MASTER]


def _versioned(
    made: Sequence[CardsOn],
    may_write: Callable[[], Awaitable[None]],
    reader: CardReader,
) -> PurseCard:
    return VersionedCards([each(reader) for each in made], may_write)


def _plain_cards_of(config: StationConfig, keys: bytes) -> PlainCards:
    plain = config.plain_card
    assert plain is not None, "its keys were read"
    middle = PLAIN_KEY_BYTES // 2
    return PlainCards(
        layout=plain.layout,
        key_a=keys[:middle],
        key_b=keys[middle:],
        area_no=config.station.area_no,
        kind=BY_NAME[plain.kind].code,
        payment_mode=MODE_CODES[PaymentMode(plain.payment_mode)],
    )
