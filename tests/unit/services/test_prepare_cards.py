"""Technologies and keys as the configuration names them."""

from pathlib import Path

import pytest

from cngstation.config import StationConfig, load_config
from cngstation.config.sections import PlainCard
from cngstation.drivers.card_reader import SectorsOnly
from cngstation.errors import ConfigError
from cngstation.moments import SystemClock
from cngstation.protocols.card_image.purse import CardState
from cngstation.services.card_keys import key_sets
from cngstation.services.prepare_cards import prepare_cards
from cngstation.simulators import plain_card
from tests.plain_cards import CARD_NO, UID, plain_chip
from tests.simulation.money_cards import Reader
from tests.small_station import opened

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


class OfSectors(SectorsOnly, Reader):
    """A reader in memory that says what it can."""


def configured(folder: Path, keys: str) -> StationConfig:
    """Return a configuration with cards of another maker."""
    (folder / "master").write_text("00" * 16)
    (folder / "plain").write_text(keys)
    config = load_config(EXAMPLE)
    described = {
        "keys": str(folder / "plain"),
        "sector": 9,
        "card_no_offset": 0,
        "balance_offset": 16,
        "consumed_offset": 20,
        "seal": "xor",
        "seal_offset": 31,
        "kind": "taxi",
        "payment_mode": "prepaid_money",
    }
    plain = PlainCard.model_validate(described)
    paths = config.paths.model_copy(
        update={"card_master_key": folder / "master", "fuel_card_keys": None}
    )
    return config.model_copy(update={"plain_card": plain, "paths": paths})


async def test_cards_of_another_maker_are_read_by_their_keys(tmp_path: Path) -> None:
    """The keys come from their credential file, the layout from the configuration."""
    keys = (plain_card.KEY_A + plain_card.KEY_B).hex()
    config = configured(tmp_path, keys)
    async with opened(tmp_path / "s.db") as database:
        cards_on, keys_of_staff = await prepare_cards(config, SystemClock(), database)
        reader = OfSectors()
        reader.put(plain_chip(12_300))
        reading = await cards_on(reader).read(UID)
    assert keys_of_staff == (bytes(16),)
    assert reading.key_version == "plain_card.keys 1"
    assert reading.state is CardState.OURS
    assert reading.purse is not None
    assert (reading.purse.card_no, reading.purse.balance) == (CARD_NO, 12_300)


def test_a_file_without_both_keys_is_refused(tmp_path: Path) -> None:
    """At the start, and without a word of what is in it."""
    config = configured(tmp_path, plain_card.KEY_A.hex())
    with pytest.raises(ConfigError, match="24 hexadecimal digits"):
        key_sets(config)
