"""Backlogs of dispensers that keep records, drained against the limit of their wire.

A JX-V4 gun says a record at every poll, and each is acknowledged after its commit; the
simulator computes W from what it logged on the wire. A jsonPTS controller is asked
number by number; the bare client asks for the same numbers. That of Sinopec stands
beside its poll cycle.
"""

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import aiohttp

from cngstation import exact_loop
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.http_link import HttpSettings
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.probe_lines import Nobody
from cngstation.units import Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedProcess, simulator
from tests.unit.simulators.cards import MASTER, issue

BAUDS = (9_600, 38_400)
RECORDS, SECONDS = 50, 20.0
LONGEST_RATIO, GOAL = 1.05, 1.02
SOLD = 300
LOGIN = ("station", "secret")
UID = bytes.fromhex("A1B2C3D4")


class _Taker(Nobody):
    """A service that takes every record at once."""

    def __init__(self) -> None:
        self.taken = 0

    async def record(self, gun: int, record: Any) -> bool:
        """Take it."""
        del gun, record
        self.taken += 1
        return True


def measure() -> list[Figure]:
    """Drain both speeds of JX-V4 at once, then the controller."""
    with folder_on_disk() as folder:
        return [*_jx(folder), _pts(folder)]


def _jx(folder: Path) -> list[Figure]:
    (folder / "key").write_text(MASTER.hex())
    with contextlib.ExitStack() as stack:
        devices = {
            baud: stack.enter_context(
                simulator("dispenser_line", _config(folder, baud), folder)
            )
            for baud in BAUDS
        }
        for device in devices.values():
            device.hand("off_line", gun=1, is_off_line=True)
            for _ in range(RECORDS):
                device.hand("card_in", gun=1, uid=UID.hex())
                device.hand("card_out", gun=1)
            device.hand("off_line", gun=1, is_off_line=False)
        takers = {baud: _Taker() for baud in BAUDS}
        exact_loop.run(_drain(folder, takers))
        return [_figure(baud, devices[baud], takers[baud].taken) for baud in BAUDS]


async def _drain(folder: Path, takers: dict[int, _Taker]) -> None:
    nozzles = (NozzleSetup(1, Unit.M3),)
    lines = [
        DispenserLine(
            SerialSettings(str(folder / f"line-{baud}"), baud),
            PROTOCOLS["jxv4"].dialogue(LineSetup(baud, nozzles)),
            taker,
            clock=SystemClock(),
        )
        for baud, taker in takers.items()
    ]
    running = [asyncio.ensure_future(line.run()) for line in lines]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            # Behind the last records the line rests: those rounds would not count.
            while any(taker.taken < RECORDS - 1 for taker in takers.values()):
                await asyncio.sleep(0.05)
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def _figure(baud: int, device: SimulatedProcess, taken: int) -> Figure:
    limits = device.hand("limits")
    return Figure(
        f"JX-V4 record of a backlog at {baud}",
        limits["median_cycle_us"] / 1000,
        limits["median_w_us"] / 1000,
        "ms",
        limit=LONGEST_RATIO,
        goal=GOAL,
        facts={"records": taken, "rounds": limits["rounds"]},
    )


def _config(folder: Path, baud: int) -> dict[str, Any]:
    for kind in ("memory", "cards"):
        (folder / f"{kind}-{baud}").mkdir()
    issue(folder / f"cards-{baud}", UID, balance=2_000_000, topped_up=2_000_000)
    return {
        "link": str(folder / f"line-{baud}"),
        "control": str(folder / f"{baud}.ctl"),
        "baud": baud,
        "cards": str(folder / f"cards-{baud}"),
        "memory": str(folder / f"memory-{baud}"),
        "master_key": str(folder / "key"),
        "station_no": "03160001",
        "guns": [{"gun": 1, "prices": [398]}],
    }


def _pts(folder: Path) -> Figure:
    config = {"control": str(folder / "pts.ctl"), "points": [{"point": 1}]}
    config |= {"user": LOGIN[0], "password": LOGIN[1]}
    with simulator("pts_server", config, folder) as controller:
        controller.hand("automatic", point=1, closes_itself=True)
        for _ in range(SOLD):
            controller.hand("sell", point=1, volume=12_340)
        url = controller.ready["url"]
        ours, bare = exact_loop.run(_asked(url))
    return Figure(
        "jsonPTS record of a backlog, against a bare client",
        ours * 1000,
        bare * 1000,
        "ms",
        facts={"records": SOLD},
    )


async def _asked(url: str) -> tuple[float, float]:
    bare = await _by_bare_client(url)
    ours = await _by_line(url)
    return ours, min(bare, await _by_bare_client(url))


async def _by_line(url: str) -> float:
    line = DispenserLine(
        HttpSettings(url, *LOGIN),
        PROTOCOLS["pts"].dialogue(LineSetup(0, (NozzleSetup(1, Unit.M3),))),
        Nobody(),
        clock=SystemClock(),
    )
    running = asyncio.ensure_future(line.run())
    while line.state is None or not line.state.is_open:
        await asyncio.sleep(0.01)
    await line.request_record(1, 1)
    began = time.perf_counter()
    for number in range(1, SOLD + 1):
        assert await line.request_record(1, number) is not None
    taken = time.perf_counter() - began
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return taken / SOLD


async def _by_bare_client(url: str) -> float:
    digest = aiohttp.DigestAuthMiddleware(*LOGIN)
    async with aiohttp.ClientSession(middlewares=(digest,)) as session:
        await _ask(session, url, 1)
        began = time.perf_counter()
        for number in range(1, SOLD + 1):
            await _ask(session, url, number)
        return (time.perf_counter() - began) / SOLD


async def _ask(session: aiohttp.ClientSession, url: str, number: int) -> None:
    packet = {
        "Id": number,
        "Type": "PumpGetTransactionInformation",
        "Data": {"Pump": 1, "Transaction": number},
    }
    message = {"Protocol": "jsonPTS", "Packets": [packet]}
    async with session.post(url, data=json.dumps(message).encode()) as response:
        await response.read()
