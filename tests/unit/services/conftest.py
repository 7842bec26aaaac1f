"""A file with whole books, and a copy of it to change."""

import shutil
from pathlib import Path

import pytest

from tests.furnished_station import furnish
from tests.unit.services.whole_books import furnished


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with some of everything; tests change copies of it."""
    path = tmp_path_factory.mktemp("books") / "s.db"
    return furnished(path, furnish(path))


@pytest.fixture
def books(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of the file."""
    return Path(shutil.copy(whole, tmp_path / "s.db"))
