"""DART and Lanfeng at the limit of their wire: sides that all fill, always polled.

The simulator sums up what wire, turnaround and the spacing of the host's frames take at
least; see `simulators/plain_log.py`. An acknowledgement of DART is a frame of its own.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from cngstation import exact_loop
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import Link, NozzleStatus
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedProcess, simulator

BAUD = 9_600
# So many sides that the wire has no rest.
SIDES = {"dart": 16, "lanfeng": 16}
SETTLED_S, SECONDS = 4.0, 15.0
# The wire is to be used to 0.98; half a millisecond late is 2 % of a short exchange.
GOAL, LONGEST_RATIO = 1.02, 1.05


class _Nobody:
    """A service that looks at nothing."""

    def status(self, gun: int, status: NozzleStatus) -> None:
        """Nobody looks."""

    def link(self, gun: int, link: Link) -> None:
        """Nobody looks."""

    def line_state(self, state: LineState) -> None:
        """Nobody looks."""

    def fault(self, fault: ProtocolFault) -> None:
        """Nobody looks."""


def measure() -> list[Figure]:
    """Run both lines at once, as the daemon does."""
    with folder_on_disk() as folder, contextlib.ExitStack() as stack:
        devices = {
            name: stack.enter_context(
                simulator("dispenser_line", _config(folder, name), folder)
            )
            for name in SIDES
        }
        for name, device in devices.items():
            for gun in range(1, SIDES[name] + 1):
                device.hand("lift", gun=gun)
                device.hand("fill", gun=gun, limit=900_000, flow_per_s=50)
        exact_loop.run(_talk(folder, devices))
        return [_figure(name, device) for name, device in devices.items()]


async def _talk(folder: Path, devices: dict[str, SimulatedProcess]) -> None:
    driven = []
    for name, count in SIDES.items():
        entry = PROTOCOLS[name]
        nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in range(1, count + 1))
        settings = SerialSettings(
            str(folder / name), BAUD, Parity(entry.parity), entry.stop_bits
        )
        dialogue = entry.dialogue(LineSetup(BAUD, nozzles))
        line = DispenserLine(settings, dialogue, _Nobody(), clock=SystemClock())
        driven.append(asyncio.ensure_future(line.run()))
    await asyncio.sleep(SETTLED_S)
    for device in devices.values():
        await asyncio.to_thread(device.hand, "restart")
    await asyncio.sleep(SECONDS)
    for running in driven:
        running.cancel()
    await asyncio.gather(*driven, return_exceptions=True)


def _figure(name: str, device: SimulatedProcess) -> Figure:
    limits = device.hand("limits")
    exchanges = max(limits["exchanges"], 1)
    return Figure(
        f"{PROTOCOLS[name].title} exchange at {BAUD}",
        limits["taken_s"] / exchanges * 1000,
        limits["least_s"] / exchanges * 1000,
        "ms",
        limit=LONGEST_RATIO,
        goal=GOAL,
        facts={
            "sides": SIDES[name],
            "exchanges": exchanges,
            "answered": limits["answered"],
            "share": round(limits["least_s"] / max(limits["taken_s"], 1e-9), 4),
        },
    )


def _config(folder: Path, name: str) -> dict[str, Any]:
    return {
        "protocol": name,
        "link": str(folder / name),
        "control": str(folder / f"{name}.ctl"),
        "memory": str(folder / f"memory of {name}"),
        "baud": BAUD,
        "guns": [{"gun": n, "sells_alone": True} for n in range(1, SIDES[name] + 1)],
    }
