"""A DESFire card on a reader, and our purse on it."""

from pathlib import Path

import pytest

from cngstation.drivers.desfire_purse_card import DesfirePurseCard
from tests.desfire_field import DesfireField
from tests.issued_cards import MASTER


@pytest.fixture
def field(tmp_path: Path) -> DesfireField:
    """A reader with a factory-new card."""
    return DesfireField(tmp_path)


@pytest.fixture
def card(field: DesfireField) -> DesfirePurseCard:
    """Our purse on it."""
    return DesfirePurseCard(field, MASTER)
