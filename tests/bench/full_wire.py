"""Lines at the limit of their wire: every nozzle fills and is polled without a rest.

The simulator sums up what wire, turnaround and the protocol's own spacing take at
least; see `simulators/plain_log.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import Link, NozzleStatus
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedProcess

SECONDS = 15.0
# The wire is to be used to 0.98; what is late on a short exchange is 2 % of it.
GOAL, LONGEST_RATIO = 1.02, 1.05


@dataclass(frozen=True)
class Wire:
    """A line with so many nozzles, or sides, that its wire has no rest."""

    protocol: str
    baud: int
    count: int
    unit: Unit

    def config(self, folder: Path, **nozzles: object) -> dict[str, Any]:
        """Return the simulator's configuration; `nozzles` is its list of them."""
        return {
            "protocol": self.protocol,
            "link": str(folder / self.protocol),
            "control": str(folder / f"{self.protocol}.ctl"),
            "memory": str(folder / f"memory of {self.protocol}"),
            "baud": self.baud,
            **nozzles,
        }

    def line(self, folder: Path) -> DispenserLine:
        """Return the product's line on the simulator's port."""
        entry = PROTOCOLS[self.protocol]
        numbers = range(1, self.count + 1)
        nozzles = tuple(NozzleSetup(number, self.unit) for number in numbers)
        settings = SerialSettings(
            str(folder / self.protocol), self.baud, Parity(entry.parity),
            entry.stop_bits,
        )  # fmt: skip
        dialogue = entry.dialogue(LineSetup(self.baud, nozzles))
        return DispenserLine(settings, dialogue, _Nobody(), clock=SystemClock())

    def figure(self, device: SimulatedProcess) -> Figure:
        """Return what an exchange took, against the least it can take."""
        limits = device.hand("limits")
        exchanges = max(limits["exchanges"], 1)
        return Figure(
            f"{PROTOCOLS[self.protocol].title} exchange at {self.baud}",
            limits["taken_s"] / exchanges * 1000,
            limits["least_s"] / exchanges * 1000,
            "ms",
            limit=LONGEST_RATIO,
            goal=GOAL,
            facts={
                "nozzles": self.count,
                "exchanges": exchanges,
                "answered": limits["answered"],
                "share": round(limits["least_s"] / max(limits["taken_s"], 1e-9), 4),
            },
        )


async def talk(
    folder: Path,
    devices: Mapping[Wire, SimulatedProcess],
    settle: Callable[[], Awaitable[None]],
) -> None:
    """Run all lines at once, as the daemon does, and count once they have settled."""
    driven = [asyncio.ensure_future(wire.line(folder).run()) for wire in devices]
    await settle()
    for device in devices.values():
        await asyncio.to_thread(device.hand, "restart")
    await asyncio.sleep(SECONDS)
    for running in driven:
        running.cancel()
    await asyncio.gather(*driven, return_exceptions=True)


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
