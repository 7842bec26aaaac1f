"""The doctor: scripted faults of lines and stations, each with its likely cause."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from cngstation.cli import doctor
from cngstation.config import load_config
from cngstation.language import use_language
from cngstation.rpc.contract.reader import ReaderSight
from cngstation.services import examine_station, probe_lines
from cngstation.services.examine_station import examine
from cngstation.storage.database import Database
from cngstation.storage.sqlite import connect
from tests.e2e.line_faults import FAULTS, WELL, looked_at
from tests.small_station import HandClock, book
from tests.unit.daemons.test_process import write_config

# Of sixteen scripts the first suggestion may miss two.
MOST_WRONG = 2


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use_language("en")


async def test_the_first_suggestion_is_the_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every script at once, each on a line of its own; what came first is compared."""
    monkeypatch.setattr(probe_lines, "TRIAL_S", 0.6)
    folders = [tmp_path / str(number) for number in range(len(FAULTS) + 1)]
    for folder in folders:
        folder.mkdir()
    *seen, well = await asyncio.gather(
        *(looked_at(*one) for one in zip((*FAULTS, WELL), folders, strict=True))
    )
    wrong = {
        fault.name: ([cause.code for cause in health.causes], health)
        for fault, health in zip(FAULTS, seen, strict=True)
        if [one.code for one in health.causes][:1] != [fault.cause.value]
    }
    assert len(FAULTS) >= 15
    assert len(wrong) <= MOST_WRONG, wrong
    assert well.causes == ()


def _full(_folder: object) -> Any:
    return shutil._ntuple_diskusage(2**40, 2**40, 2**20)  # type: ignore[attr-defined]


def _disk_full(_path: Path, clock: HandClock, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shutil, "disk_usage", _full)


def _clock_back(_path: Path, clock: HandClock, patch: pytest.MonkeyPatch) -> None:
    clock.forward(-3_600_000)


def _battery_dead(_path: Path, clock: HandClock, patch: pytest.MonkeyPatch) -> None:
    clock.wall_ms = 0


def _newer(path: Path, clock: HandClock, patch: pytest.MonkeyPatch) -> None:
    connection = connect(path)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()


def _gone(path: Path, clock: HandClock, patch: pytest.MonkeyPatch) -> None:
    path.unlink()


def _backlog(_path: Path, clock: HandClock, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(examine_station, "MANY_WAITING", 0)


Spoil = Callable[[Path, HandClock, pytest.MonkeyPatch], None]
STATION_FAULTS: list[tuple[Spoil, str]] = [
    (_disk_full, "disk_full"),
    (_clock_back, "clock_behind"),
    (_battery_dead, "clock_early"),
    (_newer, "database_newer"),
    (_gone, "no_database"),
    (_backlog, "backlog"),
]


@pytest.mark.parametrize(("spoil", "code"), STATION_FAULTS)
async def test_a_fault_of_the_station_is_named_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, code: str
) -> None:
    """Disk, clock, file and backlog: nothing is found before, this one after."""
    config, clock = load_config(write_config(tmp_path)), HandClock()
    database = await Database.open(config.paths.database, clock)
    await database.write(lambda tx: book(tx, "T1"))
    await database.close()
    monkeypatch.setattr(examine_station, "FEW_FREE_BYTES", 0)
    assert examine(config, clock) == []
    spoil(config.paths.database, clock, monkeypatch)
    assert examine(config, clock)[0].code == code


async def test_a_port_that_is_gone_is_named(tmp_path: Path) -> None:
    """The reader's adapter was pulled."""
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace("/dev/null", "/dev/ttyUSB97"))
    codes = [one.code for one in examine(load_config(path), HandClock())]
    assert "reader_port_missing" in codes


def test_its_codes_and_languages(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """3 while nobody can tell of the lines, 1 with a fault, 0 when all is well."""
    path = write_config(tmp_path)
    assert doctor.run(["--config", str(tmp_path / "none.toml")]) == 3
    monkeypatch.setattr(doctor, "examine", lambda _config, _clock: [])
    given = ["--config", str(path), "--json"]
    assert doctor.run([*given, "--language", "en"]) == 3
    told = json.loads(capsys.readouterr().out)
    down = [one["code"] for one in told["findings"]]
    assert down == ["monitor_down", "counter_down"]
    well = ReaderSight(
        kind="pn532", place="", is_online=True, firmware="1.6", why="", answer_us=1,
        has_card=False,
    )  # fmt: skip
    monkeypatch.setattr(doctor, "look", AsyncMock(return_value=well))
    assert doctor.run([*given, "--probe", "--language", "zh_CN"]) == 0
    monkeypatch.setattr(doctor, "examine", examine)
    assert doctor.run(["--config", str(path), "--probe", "--language", "zh_CN"]) == 1
    assert "无法读取" in capsys.readouterr().out
