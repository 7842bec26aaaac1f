"""Rows of nozzles that nobody understands: opened by repetition, closed by sense."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.services.name_unbooked import (
    SENSELESS_UNTIL_NAMED,
    SENSIBLE_UNTIL_CLOSED,
    UNREADABLE,
    UnbookedFills,
)
from cngstation.storage import findings
from cngstation.storage.database import Database
from tests.furnished_station import NOZZLE
from tests.small_station import opened

BAD = FaultKind.BAD_BODY


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Return a station's file with an unreadable nozzle of an earlier run."""
    async with opened(tmp_path / "s.db") as database:
        await database.write(
            lambda tx: findings.open_once(tx, UNREADABLE, "nozzle 1", {"nozzle": 1})
        )
        yield database


async def _kinds(db: Database) -> list[str]:
    return [row.kind for row in await db.read(findings.open_findings)]


async def _hears(fills: UnbookedFills, sense: int, nonsense: int = 0) -> None:
    for _ in range(sense):
        if fills.makes_sense(NOZZLE):
            await fills.understood(NOZZLE)
    for _ in range(nonsense):
        if fills.makes_none(NOZZLE, BAD):
            await fills.senseless(NOZZLE)


async def test_a_nozzle_that_makes_sense_again_has_no_row(db: Database) -> None:
    """Of this run or of an earlier one; named again if it begins again."""
    fills = UnbookedFills(db)
    for _ in range(2):
        await _hears(fills, SENSIBLE_UNTIL_CLOSED - 1)
        assert await _kinds(db) == [UNREADABLE]
        await _hears(fills, 1)
        assert await _kinds(db) == []
        await _hears(fills, 0, SENSELESS_UNTIL_NAMED - 1)
        assert await _kinds(db) == []
        await _hears(fills, 0, 1)
        assert await _kinds(db) == [UNREADABLE]


async def test_sense_between_nonsense_closes_nothing(db: Database) -> None:
    """A nozzle whose status is understood and whose fills are not stays named."""
    fills = UnbookedFills(db)
    for _ in range(3):
        await _hears(fills, SENSIBLE_UNTIL_CLOSED - 1, 1)
    assert await _kinds(db) == [UNREADABLE]


async def test_a_fill_that_is_booked_made_sense(db: Database) -> None:
    """The row goes with it, each time it was opened."""
    fills = UnbookedFills(db)
    for _ in range(2):
        await fills.booked(NOZZLE)
        assert await _kinds(db) == []
        await _hears(fills, 0, SENSELESS_UNTIL_NAMED)
        assert await _kinds(db) == [UNREADABLE]


async def test_noise_is_no_nonsense(db: Database) -> None:
    """Bytes that are no message do not count, for or against."""
    fills = UnbookedFills(db)
    await _hears(fills, SENSIBLE_UNTIL_CLOSED - 1)
    assert not fills.makes_none(NOZZLE, FaultKind.BAD_CRC)
    await _hears(fills, 1)
    assert await _kinds(db) == []
