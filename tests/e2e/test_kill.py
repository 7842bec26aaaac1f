"""kill -9 of every process of a working station: nothing lost, everything named."""

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path

import pytest

from cngstation.cli.demo import script
from cngstation.cli.demo_players import Cashier, Driver, Play
from cngstation.cli.demo_script import TopUpCard
from cngstation.cli.demo_station import DAEMONS, DemoStation, demo_station
from cngstation.storage import journal
from cngstation.storage.sqlite import connect
from tests.e2e.station_proof import wrongs

SPEED = 300.0
SAMPLE_KILLS = 14
MONITOR = "forecourt"
CAMPAIGN_KILLS = int(os.environ.get("CNGSTATION_KILLS", "200"))
CAMPAIGN_SEED = int(os.environ.get("CNGSTATION_SEED", "1"))
# Long enough that a killed daemon is sometimes back and sometimes not.
LONGEST_PAUSE_S = 2.0
KILLED_AT_START = 0.2
# What a dispenser has skipped is fetched after the comparison of counters, at 3 s.
LONG_LIFE_S, LONG_LIFE_EACH = 6.0, 8
# A monitor that came back compares the dispensers' counters after 3 s.
SETTLES_WITHIN_S = 120.0


async def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    """Each process is killed twice at seeded moments; books, cards, gas and cash fit.

    A sample of the campaign below.
    """
    await _play_and_kill(tmp_path, seed=11, kills=SAMPLE_KILLS)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
async def test_hundreds_of_kills_lose_nothing(tmp_path: Path) -> None:
    """The same for long; run by hand, about 1.5 s a kill, with

    CNGSTATION_KILLS=500 CNGSTATION_SEED=7 pytest -m campaign tests/e2e/test_kill.py
    """
    await _play_and_kill(tmp_path, seed=CAMPAIGN_SEED, kills=CAMPAIGN_KILLS)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
async def test_hundreds_of_kills_of_the_monitor_lose_no_fill(tmp_path: Path) -> None:
    """The monitor alone, each time anew after it came back: every fill once, with

    CNGSTATION_KILLS=500 CNGSTATION_SEED=7 pytest -m campaign tests/e2e/test_kill.py
    """
    await _play_and_kill(
        tmp_path, seed=CAMPAIGN_SEED, kills=CAMPAIGN_KILLS, victims=(MONITOR,)
    )


async def _play_and_kill(
    folder: Path, *, seed: int, kills: int, victims: tuple[str, ...] = ()
) -> None:
    async with demo_station(folder=folder) as station:
        stage, begun_top_ups = await _play_through(station, seed, kills, victims)
        assert stage.failed is None, repr(stage.failed)
        await _settle(station)
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
    station: DemoStation, seed: int, kills: int, victims: tuple[str, ...]
) -> tuple[Play, int]:
    cashier = Cashier(station, SPEED)
    stage = Play(cashier, Driver(station, SPEED))
    killing = asyncio.create_task(_kill(station, seed, kills, victims))
    top_ups = 0
    try:
        await cashier.begin()
        for act in script(station, seed).acts():
            if killing.done() or stage.failed is not None:
                break
            await stage.begin(act)
            top_ups += isinstance(act, TopUpCard)
        await stage.finish()
        await killing
    finally:
        killing.cancel()
        await cashier.end()
    return stage, top_ups


async def _kill(
    station: DemoStation, seed: int, kills: int, victims: tuple[str, ...]
) -> None:
    """Kill every process in turn, in an order and after pauses by the seed.

    Chosen victims are killed only after they were started anew, so that each counts,
    and mostly after they listen: a machine that is slow to start them would else let
    none of them live.
    """
    chance = random.Random(seed)
    names = [*DAEMONS, "reader", "printer", *(c.stem for c in _lines(station))]
    killed: dict[str, int] = {}
    while kills > 0:
        for name in chance.sample(victims or names, min(kills, len(victims or names))):
            while victims and killed.get(name) == station.pid_of(name):
                await asyncio.sleep(0.02)
            if victims and chance.random() > KILLED_AT_START:
                await _listens(station.run_dir / f"{name}.sock")
            is_long = victims and kills % LONG_LIFE_EACH == 0
            await asyncio.sleep(
                LONG_LIFE_S if is_long else chance.uniform(0, LONGEST_PAUSE_S)
            )
            killed[name] = station.pid_of(name)
            with contextlib.suppress(ProcessLookupError):
                os.kill(killed[name], signal.SIGKILL)
            kills -= 1


async def _listens(socket: Path) -> None:
    """Wait until somebody takes connections there."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(socket)
            writer.close()
            return
        await asyncio.sleep(0.05)


def _lines(station: DemoStation) -> list[Path]:
    return list(station.line_controls().values())


async def _settle(station: DemoStation) -> None:
    """Wait until every record that the dispensers made is booked."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLES_WITHIN_S
    while missing := [wrong for wrong in wrongs(station) if "booked" in wrong]:
        assert loop.time() < until, missing
        await asyncio.sleep(0.5)
