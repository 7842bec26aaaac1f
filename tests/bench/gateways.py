"""Compac and UniPump at the limit of their wire, jsonPTS against a bare client.

Nozzles that all fill are polled as fast as wire, turnaround and the protocol's own
silence allow. A message to the controller asks for eight pumps; the bare client only
sends it and reads the body.
"""

import asyncio
import contextlib
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from cngstation import exact_loop
from cngstation.drivers.http_link import HttpSettings
from cngstation.protocols.dispenser.dialogue import Transmission
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.bench.full_wire import Wire, talk
from tests.simulated_devices import SimulatedProcess, simulator

WIRES = [
    Wire("compac", 9_600, 8, Unit.KG),
    Wire("unipump", 57_600, 16, Unit.KG),
]
SETTLED_S = 8.0
PUMPS = 8
ROUNDS, EXCHANGES = 7, 100
LOGIN = ("station", "secret")


def measure() -> list[Figure]:
    """Run both lines at once, as the daemon does; then the controller."""
    with folder_on_disk() as folder:
        with contextlib.ExitStack() as stack:
            devices = {
                wire: stack.enter_context(
                    simulator("dispenser_line", _config(folder, wire), folder)
                )
                for wire in WIRES
            }
            exact_loop.run(talk(folder, devices, lambda: _settle(devices)))
            figures = [wire.figure(device) for wire, device in devices.items()]
        points = [{"point": number} for number in range(1, PUMPS + 1)]
        config = {"control": str(folder / "pts.ctl"), "points": points}
        config |= {"user": LOGIN[0], "password": LOGIN[1]}
        with simulator("pts_server", config, folder) as controller:
            figures.append(exact_loop.run(_requests(controller.ready["url"])))
    return figures


async def _settle(devices: dict[Wire, SimulatedProcess]) -> None:
    """Let fills begin when every nozzle has been found."""
    await asyncio.sleep(SETTLED_S)
    await asyncio.to_thread(_fill, devices)
    await asyncio.sleep(1)


def _fill(devices: dict[Wire, SimulatedProcess]) -> None:
    for wire, device in devices.items():
        for number in range(1, wire.count + 1):
            device.hand("lift", nozzle=number)
            device.hand("fill", nozzle=number, volume=10**8, flow_per_s=100)


async def _requests(url: str) -> Figure:
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(await _by_line(url))
        bare.append(await _by_bare_client(url))
    return Figure(
        f"jsonPTS message of {PUMPS} pumps",
        median(ours) * 1000,
        median(bare) * 1000,
        "ms",
        facts={"exchanges": ROUNDS * EXCHANGES},
    )


async def _by_line(url: str) -> float:
    """Send, receive, decode and map, as the driver does."""
    nozzles = tuple(NozzleSetup(gun, Unit.KG) for gun in range(1, PUMPS + 1))
    dialogue = PROTOCOLS["pts"].dialogue(LineSetup(0, nozzles))
    link = await HttpSettings(url, *LOGIN).open()
    dialogue.line_opened(0)
    began = time.perf_counter()
    for exchange in range(EXCHANGES):
        now_us = exchange * 2_000_000  # every poll is due
        step = dialogue.next_transmission(now_us, 0)
        assert isinstance(step, Transmission)
        link.write(step.data)
        dialogue.sent(now_us)
        assert dialogue.receive(await link.read(), now_us)
    taken = time.perf_counter() - began
    await link.close()
    return taken / EXCHANGES


async def _by_bare_client(url: str) -> float:
    message: dict[str, Any] = {
        "Protocol": "jsonPTS",
        "Packets": [
            {"Id": number, "Type": "PumpGetStatus", "Data": {"Pump": number}}
            for number in range(1, PUMPS + 1)
        ],
    }
    body = json.dumps(message).encode()
    digest = aiohttp.DigestAuthMiddleware(*LOGIN)
    async with aiohttp.ClientSession(middlewares=(digest,)) as session:
        async with session.post(url, data=body) as response:
            await response.read()
        began = time.perf_counter()
        for _ in range(EXCHANGES):
            async with session.post(url, data=body) as response:
                await response.read()
        return (time.perf_counter() - began) / EXCHANGES


def _config(folder: Path, wire: Wire) -> dict[str, Any]:
    numbers = range(1, wire.count + 1)
    return wire.config(folder, nozzles=[{"number": number} for number in numbers])
