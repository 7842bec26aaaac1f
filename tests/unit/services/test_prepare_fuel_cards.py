"""The keys of fuel cards: read once, refused in words, told to nobody."""

from pathlib import Path

import pytest

from cngstation.config.load import load_config
from cngstation.drivers.whichever_card import counter_terminal
from cngstation.errors import ConfigError
from cngstation.services.card_keys import key_sets
from cngstation.services.prepare_cards import prepare_cards
from tests.small_station import HandClock, opened

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
MASTER, FUEL = "ab" * 16, "cd" * 64


def config_with(folder: Path, fuel: str | None) -> Path:
    """Return the example with keys in a folder; `fuel` are those of fuel cards."""
    text = EXAMPLE.read_text("utf-8")
    master, keys = folder / "master", folder / "fuel"
    master.write_text(MASTER, "ascii")
    line = next(s for s in text.splitlines() if s.startswith("card_master_key"))
    text = text.replace(line, f'card_master_key = "{master}"')
    if fuel is not None:
        keys.write_text(fuel, "ascii")
        text = text.replace('fuel_card_keys = ""', f'fuel_card_keys = "{keys}"')
    path = folder / "station.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("fuel", [None, FUEL])
async def test_keys_are_read_where_they_are_named(
    tmp_path: Path, fuel: str | None
) -> None:
    """With the keys of fuel cards and without; a trace shows none of them."""
    config = load_config(config_with(tmp_path, fuel))
    async with opened(tmp_path / "s.db") as database:
        cards_on, _ = await prepare_cards(config, HandClock(), database)
    assert callable(cards_on)
    shown = repr(cards_on) + repr(key_sets(config))
    assert FUEL not in shown
    assert repr(bytes.fromhex(FUEL)) not in shown


@pytest.mark.parametrize("fuel", ["cd" * 63, "not hexadecimal", ""])
def test_a_file_without_such_keys_is_refused(tmp_path: Path, fuel: str) -> None:
    """At the start, with its path and what must be in it, never with its content."""
    config = load_config(config_with(tmp_path, fuel))
    with pytest.raises(ConfigError, match="128 hexadecimal digits") as refused:
        key_sets(config)
    assert "cdcd" not in refused.value.sentence()


def test_the_counter_is_a_terminal_of_its_station() -> None:
    """Eight digits of the station and nozzle 0000, which no dispenser has."""
    assert counter_terminal("03160001").hex() == "031600010000"
