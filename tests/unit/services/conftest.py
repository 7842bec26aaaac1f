"""A file with whole books and a copy of it to change; a gate to log in at."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import Passwords
from tests.furnished_station import furnish
from tests.small_station import CASHIER, HandClock, opened, somebody
from tests.unit.services.gate_door import RIGHT, Door, a_gate
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


@pytest.fixture
def passwords() -> Passwords:
    """Return passwords with the cheapest hash there is."""
    return Passwords(memory_kib=8, passes=1)


@pytest.fixture
async def door(tmp_path: Path, passwords: Passwords) -> AsyncIterator[Door]:
    """Return a gate with one operator."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        await add_operator(db, passwords, somebody(), RIGHT, CASHIER)
        yield Door(a_gate(db, passwords, clock), clock, db, passwords)
