"""Compac and UniPump at the limit of their wire, jsonPTS against a bare client.

Nozzles that all fill are polled as fast as wire, turnaround and the protocol's own
silence allow; the simulator sums these up, see `simulators/plain_log.py`. A message to
the controller asks for eight pumps; the bare client only sends it and reads the body.
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
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.http_link import HttpSettings
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import Link, NozzleStatus
from cngstation.protocols.dispenser.dialogue import ProtocolFault, Transmission
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedProcess, simulator

# By protocol: speed, and so many nozzles that the wire has no rest.
LINES = {"compac": (9_600, 8), "unipump": (57_600, 16)}
SECONDS = 15.0
SETTLED_S = 8.0
# The wire is to be used to 0.98; a millisecond late is 2 % of UniPump's spacing.
GOAL, LONGEST_RATIO = 1.02, 1.05
PUMPS = 8
ROUNDS, EXCHANGES = 7, 100
LOGIN = ("station", "secret")


class _Nobody:
    """A service that takes everything and looks at nothing."""

    def status(self, gun: int, status: NozzleStatus) -> None:
        """Nobody looks."""

    def link(self, gun: int, link: Link) -> None:
        """Nobody looks."""

    def line_state(self, state: LineState) -> None:
        """Nobody looks."""

    def fault(self, fault: ProtocolFault) -> None:
        """Nobody looks."""


def measure() -> list[Figure]:
    """Run both lines at once, as the daemon does; then the controller."""
    with folder_on_disk() as folder:
        with contextlib.ExitStack() as stack:
            devices = {
                name: stack.enter_context(
                    simulator("dispenser_line", _config(folder, name), folder)
                )
                for name in LINES
            }
            exact_loop.run(_talk(folder, devices))
            figures = [_figure(name, device) for name, device in devices.items()]
        points = [{"point": number} for number in range(1, PUMPS + 1)]
        config = {"control": str(folder / "pts.ctl"), "points": points}
        config |= {"user": LOGIN[0], "password": LOGIN[1]}
        with simulator("pts_server", config, folder) as controller:
            figures.append(exact_loop.run(_requests(controller.ready["url"])))
    return figures


async def _talk(folder: Path, devices: dict[str, SimulatedProcess]) -> None:
    driven = []
    for name, (baud, count) in LINES.items():
        entry = PROTOCOLS[name]
        nozzles = tuple(NozzleSetup(gun, Unit.KG) for gun in range(1, count + 1))
        settings = SerialSettings(
            str(folder / name), baud, Parity(entry.parity), entry.stop_bits
        )
        dialogue = entry.dialogue(LineSetup(baud, nozzles))
        line = DispenserLine(settings, dialogue, _Nobody(), clock=SystemClock())
        driven.append(asyncio.ensure_future(line.run()))
    await asyncio.sleep(SETTLED_S)
    await asyncio.to_thread(_fill, devices)
    await asyncio.sleep(1)
    for device in devices.values():
        await asyncio.to_thread(device.hand, "restart")
    await asyncio.sleep(SECONDS)
    for running in driven:
        running.cancel()
    await asyncio.gather(*driven, return_exceptions=True)


def _fill(devices: dict[str, SimulatedProcess]) -> None:
    for name, (_, count) in LINES.items():
        for number in range(1, count + 1):
            devices[name].hand("lift", nozzle=number)
            devices[name].hand("fill", nozzle=number, volume=10**8, flow_per_s=100)


def _figure(name: str, device: SimulatedProcess) -> Figure:
    limits = device.hand("limits")
    exchanges = max(limits["exchanges"], 1)
    return Figure(
        f"{PROTOCOLS[name].title} exchange at {LINES[name][0]}",
        limits["taken_s"] / exchanges * 1000,
        limits["least_s"] / exchanges * 1000,
        "ms",
        limit=LONGEST_RATIO,
        goal=GOAL,
        facts={
            "nozzles": LINES[name][1],
            "exchanges": exchanges,
            "answered": limits["answered"],
            "share": round(limits["least_s"] / max(limits["taken_s"], 1e-9), 4),
        },
    )


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


def _config(folder: Path, name: str) -> dict[str, Any]:
    baud, count = LINES[name]
    return {
        "protocol": name,
        "link": str(folder / name),
        "control": str(folder / f"{name}.ctl"),
        "memory": str(folder / f"memory of {name}"),
        "baud": baud,
        "nozzles": [{"number": number} for number in range(1, count + 1)],
    }
