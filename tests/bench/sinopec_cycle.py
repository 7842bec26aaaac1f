"""Sinopec dispensers at the limit of their wire: live figures, and a backlog drained.

Dispensers that all fuel are polled as fast as the wire allows; one with a backlog says
a record at every poll, and each is acknowledged after its commit. The simulator
computes W from what it logged on the wire; see `simulators/sinopec_log.py`.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from cngstation import exact_loop
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import Link, NozzleStatus
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import ShiftRecord
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedProcess, simulator

BAUD = 9_600
FUELLING, BACKLOG = 12, 400
SECONDS = 20.0
# The wire is used to 0.98 at least.
LONGEST_RATIO = 1.02
FILL = {"limit_hundredths": 100_000, "flow_hundredths_per_s": 1}


class _Nobody:
    """A service that takes everything and looks at nothing."""

    async def shift(self, gun: int, record: ShiftRecord) -> bool:
        del gun, record
        return True

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
    lines = {"poll cycle": range(1, FUELLING + 1), "backlog": range(1, 2)}
    with folder_on_disk() as folder, contextlib.ExitStack() as stack:
        devices = {
            name: stack.enter_context(
                simulator("dispenser_line", _config(folder, name, addresses), folder)
            )
            for name, addresses in lines.items()
        }
        for address in lines["poll cycle"]:
            devices["poll cycle"].hand("fill", gun=100 * address + 1, **FILL)
        for employee in range(BACKLOG):
            devices["backlog"].hand(
                "log_on", gun=101, card="1" * 20, employee=employee % 200
            )
        exact_loop.run(_talk(folder, lines))
        return [_figure(name, device) for name, device in devices.items()]


async def _talk(folder: Path, lines: dict[str, range]) -> None:
    driven = []
    for name, addresses in lines.items():
        nozzles = tuple(NozzleSetup(100 * n + 1, Unit.M3) for n in addresses)
        driven.append(
            DispenserLine(
                SerialSettings(str(folder / name), BAUD),
                PROTOCOLS["sinopec"].dialogue(LineSetup(BAUD, nozzles)),
                _Nobody(),
                clock=SystemClock(),
            )
        )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for line in driven:
                group.create_task(line.run())


def _figure(name: str, device: SimulatedProcess) -> Figure:
    limits = device.hand("limits")
    return Figure(
        f"Sinopec {name} at {BAUD}",
        limits["median_cycle_us"] / 1000,
        limits["median_w_us"] / 1000,
        "ms",
        limit=LONGEST_RATIO,
        facts={
            "rounds": limits["rounds"],
            "frames": limits["frames_received"],
            "answered": limits["frames_answered"],
            "share": round(limits["median_w_us"] / limits["median_cycle_us"], 4),
            "taken": limits["frames_taken"],
        },
    )


def _config(folder: Path, name: str, addresses: range) -> dict[str, Any]:
    return {
        "protocol": "sinopec",
        "link": str(folder / name),
        "control": str(folder / f"{name}.ctl"),
        "baud": BAUD,
        "memory": str(folder / f"memory of {name}"),
        "dispensers": [{"address": address} for address in addresses],
    }
