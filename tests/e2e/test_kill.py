"""kill -9 of every process of a working station: nothing lost, everything named."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cngstation.cli import demo_child, demo_hands
from cngstation.cli.demo import script
from cngstation.cli.demo_players import Cashier, Driver, Play
from cngstation.cli.demo_script import TopUpCard
from cngstation.cli.demo_station import DemoStation, demo_station
from cngstation.storage import journal
from cngstation.storage.sqlite import connect
from tests.e2e.killer import Killer, caught_up, owed
from tests.e2e.station_proof import wrongs

SPEED = 300.0
SAMPLE_KILLS = 14
MONITOR = "forecourt"
CAMPAIGN_KILLS = int(os.environ.get("CNGSTATION_KILLS", "200"))
CAMPAIGN_SEED = int(os.environ.get("CNGSTATION_SEED", "1"))
# Drivers wait as long as it takes: what is stuck is found while nobody is killed.
DRIVERS_WAIT_S = 3_600.0
RESTART_AFTER_S = 0.1


@pytest.fixture(autouse=True)
def in_haste_and_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start again soon; a busy machine, or one that is killed often, fails nobody."""
    monkeypatch.setattr(demo_hands, "PATIENCE_S", DRIVERS_WAIT_S)
    monkeypatch.setattr(demo_child, "_RESTART_AFTER_S", RESTART_AFTER_S)


@pytest.fixture
def tell(capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return what shows a line while the test runs."""

    def told(line: str) -> None:
        with capfd.disabled():
            print(line, flush=True)

    return told


@pytest.mark.timeout(600)
async def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """Each process is killed twice at seeded moments; books, cards, gas and cash fit.

    A sample of the campaign below.
    """
    await _play_and_kill(tmp_path, seed=11, kills=SAMPLE_KILLS)


@pytest.mark.campaign
@pytest.mark.timeout(14_400)
async def test_hundreds_of_kills_lose_nothing(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """The same for long; run by hand, about 3 s a kill, with

    CNGSTATION_KILLS=500 CNGSTATION_SEED=7 pytest -m campaign tests/e2e/test_kill.py
    """
    await _play_and_kill(tmp_path, seed=CAMPAIGN_SEED, kills=CAMPAIGN_KILLS, tell=tell)


@pytest.mark.campaign
@pytest.mark.timeout(14_400)
async def test_hundreds_of_kills_of_the_monitor_lose_no_fill(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """The monitor alone, each time anew after it came back: every fill once, with

    CNGSTATION_KILLS=500 CNGSTATION_SEED=7 pytest -m campaign tests/e2e/test_kill.py
    """
    await _play_and_kill(
        tmp_path,
        seed=CAMPAIGN_SEED,
        kills=CAMPAIGN_KILLS,
        victims=(MONITOR,),
        tell=tell,
    )


async def _play_and_kill(
    folder: Path,
    *,
    seed: int,
    kills: int,
    victims: tuple[str, ...] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    async with demo_station(folder=folder) as station:
        killer = Killer(station, seed, victims, tell)
        stage, begun_top_ups = await _play_through(station, killer, seed, kills)
        if stage.failed is not None:
            pytest.fail(f"{stage.failed!r}\n{await owed(station)}")
        await caught_up(station)
        await station.stop()
    assert wrongs(station) == []
    assert stage.begun > kills // 4
    connection = connect(station.database, read_only=True)
    try:
        done, opened = (
            connection.execute(
                f"SELECT count(*) FROM intent WHERE kind='top_up' AND state {states}"
            ).fetchone()[0]
            for states in ("='DONE'", "IN ('PREPARED','INDOUBT')")
        )
        # What was begun is done, or open and named, or was given up before money.
        assert done + opened <= begun_top_ups <= done + opened + stage.given_up
        assert len(journal.open_intents(connection)) <= stage.given_up
    finally:
        connection.close()


async def _play_through(
    station: DemoStation, killer: Killer, seed: int, kills: int
) -> tuple[Play, int]:
    cashier = Cashier(station, SPEED)
    stage = Play(cashier, Driver(station, SPEED))
    top_ups = 0
    try:
        # What is stuck ends the play at once.
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(killer.kill(kills, stage))
            await cashier.begin()
            for act in script(station, seed).acts():
                if killing.done() or stage.failed is not None:
                    break
                await stage.begin(act)
                top_ups += isinstance(act, TopUpCard)
            await stage.finish()
    finally:
        await cashier.end()
    return stage, top_ups
