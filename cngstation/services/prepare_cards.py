"""Prepares what reads and writes the station's cards: technologies and their keys."""

from collections.abc import Callable

from cngstation.config.sections import StationConfig
from cngstation.drivers.card_reader import CardReader
from cngstation.drivers.fuel_card_keys import MASTER_BYTES, KeysInMemory
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
    if config.paths.fuel_card_keys is None:
        return cards_on(master_key)
    masters = read_credential(config.paths.fuel_card_keys, MASTER_BYTES)
    terminal = counter_terminal(config.station.station_no)
    return cards_on(master_key, FuelCards(KeysInMemory(masters), terminal, clock))
