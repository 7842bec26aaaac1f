"""Who kills the processes of a demo station, and what its dispensers are owed.

A life of a process is as long as the seed says, except that every so often all are
left alone until everything that the dispensers had recorded by then is booked. So what
is stuck is found, whatever the machine is busy with, and named.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cngstation.cli.demo_hands import PatientHands
from cngstation.cli.demo_players import Play
from cngstation.cli.demo_station import DAEMONS, DemoStation
from cngstation.storage.sqlite import connect

# Long enough that a killed daemon is sometimes back and sometimes not.
LONGEST_PAUSE_S = 2.0
LONG_LIFE_S = 6.0
KILLED_AT_START = 0.2
LEFT_ALONE_EACH = 8
# Nobody is killed meanwhile: the busiest machine books a record in less.
STUCK_AFTER_S = 300.0
TOLD_EACH = 10
LOG_LINES = 15


class Killer:
    """Kills every process in turn, or chosen victims only."""

    def __init__(
        self,
        station: DemoStation,
        seed: int,
        victims: Sequence[str],
        tell: Callable[[str], None],
    ) -> None:
        self._station = station
        self._chance = random.Random(seed)
        self._victims = tuple(victims)
        lines = (control.stem for control in station.line_controls().values())
        self._names = self._victims or (*DAEMONS, "reader", "printer", *lines)
        self._killed: dict[str, int] = {}
        self._tell = tell

    async def kill(self, kills: int, stage: Play) -> None:
        """Kill so often; the play goes on between.

        Chosen victims are killed only after they were started anew, so that each
        counts, and mostly after they listen: a machine that is slow to start them
        would else let none of them live.

        Raises:
            AssertionError: a record is stuck, or the play; it says where.
        """
        loop = asyncio.get_running_loop()
        begun, done = loop.time(), 0
        while done < kills and stage.failed is None:
            round_of = min(kills - done, len(self._names))
            for name in self._chance.sample(self._names, round_of):
                await self._until_its_time(name)
                self._killed[name] = self._station.pid_of(name)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._killed[name], signal.SIGKILL)
                done += 1
                if done % TOLD_EACH == 0:
                    fills, passed_s = booked(self._station), loop.time() - begun
                    self._tell(
                        f"{done}/{kills} kills, {stage.begun} acts, {fills} fills "
                        f"booked, {passed_s:.0f} s"
                    )
                if done % LEFT_ALONE_EACH == 0 or done == kills:
                    await self._leave_alone(stage, done)

    async def _until_its_time(self, name: str) -> None:
        chance, station = self._chance, self._station
        while self._victims and self._killed.get(name) == station.pid_of(name):
            await asyncio.sleep(0.02)
        if self._victims and chance.random() > KILLED_AT_START:
            await _listens(station.run_dir / f"{name}.sock")
        await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE_S))

    async def _leave_alone(self, stage: Play, done: int) -> None:
        """Wait until what is owed by now is booked, and the play is not behind."""
        station = self._station
        # A monitor that came back compares counters after 3 s; before that it neither
        # fetches what was skipped nor answers for a fill that was under way.
        await asyncio.sleep(LONG_LIFE_S)
        await caught_up(station)
        loop = asyncio.get_running_loop()
        until = loop.time() + STUCK_AFTER_S
        while stage.begun <= done // 4 and stage.failed is None:
            assert loop.time() < until, f"{stage.begun} acts\n{await owed(station)}"
            await asyncio.sleep(0.05)


async def caught_up(station: DemoStation) -> None:
    """Wait until every record that the dispensers have made by now is booked.

    Raises:
        AssertionError: one is stuck; it says which, and how its nozzle is.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + STUCK_AFTER_S
    recorded = {
        nozzle_no: int(state["last_trans_no"])
        for nozzle_no, state in (await _states(station)).items()
    }
    while _missing(station, recorded):
        assert loop.time() < until, await owed(station)
        await asyncio.sleep(0.1)


async def owed(station: DemoStation) -> str:
    """Tell, for each nozzle with a record that is not booked, all that is known.

    The last lines of the monitor's log come behind.
    """
    states = await _states(station)
    recorded = {no: int(state["last_trans_no"]) for no, state in states.items()}
    found = [
        f"nozzle {no} has records {numbers} that are not booked: {states[no]}"
        for no, numbers in _missing(station, recorded).items()
    ]
    log = (station.folder / "forecourt.log").read_text("utf-8", "replace")
    return "\n".join([*found, *_versions(station), *log.splitlines()[-LOG_LINES:]])


def booked(station: DemoStation) -> int:
    """Return how many fills are booked."""
    found: int = _ask(station, "SELECT count(*) FROM sale")[0][0]
    return found


def _missing(station: DemoStation, recorded: dict[int, int]) -> dict[int, list[int]]:
    """Return the numbers up to the recorded ones that are not booked, by nozzle."""
    known = set(_ask(station, "SELECT nozzle_no, device_seq FROM sale"))
    missing = {
        no: [number for number in range(1, last + 1) if (no, number) not in known]
        for no, last in recorded.items()
    }
    return {no: numbers for no, numbers in missing.items() if numbers}


def _versions(station: DemoStation) -> list[str]:
    published = _ask(station, "SELECT kind, version, cause FROM card_list")
    held = _ask(station, "SELECT nozzle_no, kind, version FROM nozzle_version")
    return [f"lists published: {published[-8:]}", f"heard to be held: {held[-40:]}"]


def _ask(station: DemoStation, sql: str) -> list[Any]:
    connection = connect(station.database, read_only=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def _states(station: DemoStation) -> dict[int, dict[str, Any]]:
    """Return how each nozzle is, with the versions that it holds."""
    states: dict[int, dict[str, Any]] = {}
    for nozzle in station.nozzles:
        hands = PatientHands(nozzle.control)
        try:
            state = await hands.call("state", gun=nozzle.gun)
            lists = await hands.call("lists", gun=nozzle.gun)
        finally:
            await hands.close()
        held = {**lists["versions"], "prices": lists["price_version"]}
        states[nozzle.nozzle_no] = {**state, "holds": held}
    return states


async def _listens(socket: Path) -> None:
    """Wait until somebody takes connections there."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(socket)
            writer.close()
            return
        await asyncio.sleep(0.05)
