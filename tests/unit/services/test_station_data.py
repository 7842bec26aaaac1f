"""Station data: from the configuration to the dispensers that take it, and back."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from cngstation.config.sections import DownloadTimes
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import DownloadKind, StationData
from cngstation.services.publish_downloads import DownloadKeeper, station_data_of
from cngstation.services.show_downloads import DownloadWatch
from cngstation.units import Unit
from tests.download_world import NOZZLE, OfferedLine, download_station

NUMBERS = (51, 1, 5101, 51_010_001)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("51.1.5101.51010001", NUMBERS), ("", ()), ("0.0.0.0", (0,) * 4)],
)
def test_four_numbers_or_none(text: str, numbers: tuple[int, ...]) -> None:
    """As the file has them."""
    assert DownloadTimes(station_data=text).station_data == numbers


@pytest.mark.parametrize(
    "text",
    ["51.1.5101", "256.1.1.1", "1.1.1.4294967296", "a.1.1.1", "1.1.1.-1", "٣.1.1.1", 7],
)
def test_what_would_keep_the_lists_from_a_line_is_refused(text: object) -> None:
    """At start, and not when it is offered."""
    with pytest.raises(ValidationError):
        DownloadTimes(station_data=text)


def test_other_numbers_are_another_version() -> None:
    """1 to 255, the same for the same numbers at every start."""
    data = station_data_of(NUMBERS)
    assert data == station_data_of(NUMBERS)
    assert data == StationData(data.version, *NUMBERS)
    versions = {station_data_of((*NUMBERS[:3], n)).version for n in range(500)}
    assert versions <= set(range(1, 256))
    assert len(versions) > 200
    assert station_data_of(()) is None


async def test_it_is_offered_and_who_holds_it_is_shown(tmp_path: Path) -> None:
    """Beside the lists; a nozzle that tells another version waits."""
    data = station_data_of(NUMBERS)
    async with download_station(tmp_path / "s.db") as station:
        keeper = DownloadKeeper(station.db, station.clock, station=data)
        line = OfferedLine()
        keeper.serve(line, [Unit.M3])
        await keeper.look()
        assert line.offers[-1].station == data
        watch = DownloadWatch(station.db, station=data)
        watch.serve([NOZZLE], frozenset({DownloadKind.BASE, DownloadKind.STATION}))
        for version, state in (
            (data.version % 255 + 1, "waiting"),
            (data.version, "in_force"),
        ):
            told = DownloadAdvanced(
                1, DownloadKind.STATION, version, 1, 1, is_in_force=True
            )
            await watch.advanced(NOZZLE, told)
            rows = {row.kind: row.state for row in (await watch.board()).nozzles}
            assert rows["station"] == state
        without = DownloadWatch(station.db, station=data)
        without.serve([NOZZLE], frozenset({DownloadKind.BASE}))
        rows = {row.kind: row.state for row in (await without.board()).nozzles}
        assert rows["station"] == "no_way"
