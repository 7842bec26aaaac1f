"""A fuel card as its maker delivers it."""

from pathlib import Path

import pytest

from tests.unit.drivers.fuel_purse_card.stand import Stand


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A card as its maker delivers it."""
    return Stand(tmp_path)
