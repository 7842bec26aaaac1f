"""Prepares what reads and writes the station's cards: technologies and their keys."""

from collections.abc import Callable

from cngstation.config.sections import StationConfig
from cngstation.domain.card_kinds import BY_NAME
from cngstation.domain.payment import MODE_CODES, PaymentMode
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.fuel_card_keys import MASTER_BYTES, KeysInMemory
from cngstation.drivers.plain_purse_card import PlainCards
from cngstation.drivers.purse_card import PurseCard
from cngstation.drivers.whichever_card import FuelCards, cards_on, counter_terminal
from cngstation.moments import Clock
from cngstation.services.read_credentials import read_credential


def prepare_cards(
    config: StationConfig, clock: Clock
) -> Callable[[CardReader], PurseCard]:
    """Return what makes the purse of the cards on a reader, with its keys read.

    Raises:
        ConfigError: a credential cannot be read.
    """
    master_key = read_credential(config.paths.card_master_key, 16)
    fuel = None
    if config.paths.fuel_card_keys is not None:
        masters = read_credential(config.paths.fuel_card_keys, MASTER_BYTES)
        terminal = counter_terminal(config.station.station_no)
        fuel = FuelCards(KeysInMemory(masters), terminal, clock)
    return cards_on(master_key, fuel, _plain_cards_of(config))


def _plain_cards_of(config: StationConfig) -> PlainCards | None:
    plain = config.plain_card
    if plain is None:
        return None
    keys = read_credential(plain.keys, 12)
    return PlainCards(
        layout=plain.layout,
        key_a=keys[:6],
        key_b=keys[6:],
        area_no=config.station.area_no,
        kind=BY_NAME[plain.kind].code,
        payment_mode=MODE_CODES[PaymentMode(plain.payment_mode)],
    )
