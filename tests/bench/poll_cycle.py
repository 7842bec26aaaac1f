"""The poll cycle of a line of fuelling dispensers against the least possible one.

Every nozzle fuels, so that the line is polled as fast as wire and tick allow. The
simulator computes W from what it logged on the wire; see `simulators/line_log.py`.
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
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    DebitDecision,
    DebitRequest,
    Link,
    NozzleStatus,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import ProtocolFault
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import SimulatedProcess, simulator
from tests.unit.simulators.cards import MASTER, issue

BAUDS = (9_600, 38_400)
GUNS = 4
SECONDS = 25.0
# At 9600 baud the wire is used to 0.98 at least.
LONGEST_RATIOS = {9_600: 1.02, 38_400: 1.10}
FILL = {
    "limit_hundredths": 100_000,
    "flow_hundredths_per_s": 1,  # no figure holds AA, which deafens the neighbours
    "pressure_start_kpa": 4_200,
    "pressure_end_kpa": 19_850,
}


class _Nobody:
    """A service that only listens."""

    async def record(self, gun: int, record: SaleRecord) -> bool:
        del gun, record
        return True

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        del gun, request
        return NOT_FOUND

    def status(self, gun: int, status: NozzleStatus) -> None:
        """Nobody looks."""

    def link(self, gun: int, link: Link) -> None:
        """Nobody looks."""

    def line_state(self, state: LineState) -> None:
        """Nobody looks."""

    def fault(self, fault: ProtocolFault) -> None:
        """Nobody looks."""


def measure() -> list[Figure]:
    """Poll lines of both speeds at once, as the daemon does."""
    with folder_on_disk() as folder, contextlib.ExitStack() as stack:
        (folder / "key").write_text(MASTER.hex())
        devices = {
            baud: stack.enter_context(
                simulator("dispenser_line", _config(folder, baud), folder)
            )
            for baud in BAUDS
        }
        for baud, device in devices.items():
            _fill(folder, baud, device)
        exact_loop.run(_poll(folder))
        return [_figure(baud, device) for baud, device in devices.items()]


def _fill(folder: Path, baud: int, device: SimulatedProcess) -> None:
    for gun in range(1, GUNS + 1):
        uid = gun.to_bytes(4, "big")
        issue(folder / f"cards-{baud}", uid, balance=2_000_000, topped_up=2_000_000)
        assert device.hand("card_in", gun=gun, uid=uid.hex())["accepted"]
        device.hand("fill", gun=gun, **FILL)


async def _poll(folder: Path) -> None:
    nozzles = [NozzleSettings(gun) for gun in range(1, GUNS + 1)]
    lines = [
        DispenserLine(
            SerialSettings(str(folder / f"line-{baud}"), baud),
            BusDialogue(nozzles, LineSpeed(baud)),
            _Nobody(),
            clock=SystemClock(),
        )
        for baud in BAUDS
    ]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for line in lines:
                group.create_task(line.run())


def _figure(baud: int, device: SimulatedProcess) -> Figure:
    limits = device.hand("limits")
    return Figure(
        f"poll cycle at {baud}",
        limits["median_cycle_us"] / 1000,
        limits["median_w_us"] / 1000,
        "ms",
        limit=LONGEST_RATIOS[baud],
        facts={
            "rounds": limits["rounds"],
            "frames": limits["frames_received"],
            "answered": limits["frames_answered"],
        },
    )


def _config(folder: Path, baud: int) -> dict[str, Any]:
    memory = folder / f"memory-{baud}"
    memory.mkdir()
    (folder / f"cards-{baud}").mkdir()
    return {
        "link": str(folder / f"line-{baud}"),
        "control": str(folder / f"{baud}.ctl"),
        "baud": baud,
        "cards": str(folder / f"cards-{baud}"),
        "memory": str(memory),
        "master_key": str(folder / "key"),
        "station_no": "03160001",
        "guns": [
            {"gun": gun, "prices": [398], "phase_ms": 37 * gun % 100}
            for gun in range(1, GUNS + 1)
        ],
    }
