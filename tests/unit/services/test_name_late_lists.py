"""A nozzle that takes no blacklist for hours is a row until it takes it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cngstation.domain.card_life import CardState
from cngstation.moments import MS_PER_HOUR
from cngstation.protocols.dispenser.canonical import Link
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.services.name_late_lists import (
    BACK_MS,
    NOT_REACHED,
    NOT_TAKEN,
    LateLists,
)
from cngstation.services.nozzle_figures import unheard
from cngstation.services.show_downloads import DownloadWatch
from cngstation.storage import findings
from tests.download_world import NOZZLE, Station, download_station
from tests.small_station import MORNING
from tests.unit.services.test_compare_prices import Desk

ALL = frozenset(DownloadKind)


@dataclass
class Late:
    """A station with one nozzle that is looked at every hour."""

    station: Station
    desk: Desk
    watch: DownloadWatch
    lists: LateLists

    async def after(self, hours: float) -> list[tuple[str, str]]:
        """Let time pass, look, and return the open rows."""
        self.station.clock.forward(int(hours * MS_PER_HOUR))
        await self.lists.look()
        found = await self.station.db.read(findings.open_findings)
        return [(row.kind, row.subject) for row in found]

    async def takes(self, kind: DownloadKind, version: int) -> None:
        """Let the nozzle say that it holds a version."""
        await self.watch.sent([NOZZLE], kind, version)
        held = DownloadAdvanced(1, kind, version, 1, 1, is_in_force=True)
        await self.watch.advanced(NOZZLE, held)


@pytest.fixture
async def late(tmp_path: Path) -> AsyncIterator[Late]:
    """Return a nozzle on line, of a station that names it after twelve hours."""
    async with download_station(tmp_path / "s.db") as station:
        desk = Desk((unheard(NOZZLE, MORNING),))
        desk.show(link=str(Link.ONLINE))
        watch = DownloadWatch(station.db, clock=station.clock)
        watch.serve([NOZZLE], ALL)
        lists = LateLists(station.db, [desk], watch, station.clock, hours=12)
        yield Late(station, desk, watch, lists)


async def test_a_nozzle_on_line_that_takes_nothing_is_named(late: Late) -> None:
    """News meanwhile does not put it off; it closes with the last part taken."""
    assert await late.after(0) == []
    assert await late.after(11) == []
    await late.station.state(CardState.LOST)
    await late.station.keeper.look()
    assert await late.after(1) == [(NOT_TAKEN, "nozzle 1")]
    assert await late.after(5) == [(NOT_TAKEN, "nozzle 1")]
    await late.takes(DownloadKind.BASE, 1)
    assert await late.after(0) == []  # the change is six hours old
    assert await late.after(6) == [(NOT_TAKEN, "nozzle 1")]
    await late.takes(DownloadKind.ADDED, 1)
    assert await late.after(99) == []
    await late.station.state(CardState.NORMAL)
    await late.station.keeper.look()
    assert await late.after(11) == []
    await late.station.state(CardState.LOST)
    await late.station.keeper.look()
    assert await late.after(1) == [(NOT_TAKEN, "nozzle 1")]


async def test_one_that_is_off_line_has_a_sentence_of_its_own(late: Late) -> None:
    """One that has come back has half an hour to fetch it."""
    await late.after(0)
    late.desk.show(link=str(Link.OFFLINE))
    assert await late.after(12) == [(NOT_REACHED, "nozzle 1")]
    late.desk.show(link=str(Link.ONLINE))
    assert await late.after(0) == []
    late.station.clock.forward(BACK_MS)
    assert await late.after(0) == [(NOT_TAKEN, "nozzle 1")]


@pytest.mark.parametrize("hours", [0, 12])
async def test_it_can_be_switched_off_and_a_nozzle_that_is_gone_has_no_row(
    late: Late, hours: int
) -> None:
    """The rows of a life before this one close."""
    await late.after(0)
    assert await late.after(13) == [(NOT_TAKEN, "nozzle 1")]
    watch = DownloadWatch(late.station.db)
    if hours == 0:
        watch.serve([NOZZLE], ALL)
    late.lists = LateLists(
        late.station.db, [late.desk], watch, late.station.clock, hours=hours
    )
    assert await late.after(0) == []
    assert await late.after(1) == []


async def test_a_protocol_without_lists_is_not_late(late: Late) -> None:
    """Nobody can send it one."""
    late.watch.serve([NOZZLE], frozenset({DownloadKind.PRICES}))
    await late.after(0)
    assert await late.after(99) == []
