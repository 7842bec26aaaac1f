"""The share of the wire that each protocol uses, on 1 to 128 lines of one process.

Every nozzle fills, so that each line is polled as fast as wire, turnaround and the
protocol's own spacing allow; `many_lines` has the same for JX-V4.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from statistics import median

from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.serial_link import Parity, SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.probe_lines import Nobody
from cngstation.units import Unit
from tests.bench.far_lanes import polled
from tests.bench.figure import Better, Figure
from tests.bench.protocol_lanes import SPEEDS

COUNTS = (1, 32, 128)
# A DART or Compac line has found its nozzles after some seconds.
SECONDS, WARM_UP_S = 8.0, 5.0
LEAST_SHARE = 0.95  # what is late on an exchange of 25 ms is 2 % of it for each 0.5 ms
GOAL = 0.98
STATED_LINES = 1


def measure() -> list[Figure]:
    """Poll each protocol on each count of lines, one after another."""
    return [_figure(name, count) for name in SPEEDS for count in COUNTS]


def _figure(protocol: str, count: int) -> Figure:
    told = polled(
        "tests.bench.protocol_lanes",
        protocol,
        count,
        poll=partial(_poll, protocol),
        warm_up_s=WARM_UP_S,
    )
    return Figure(
        f"share of the wire, {PROTOCOLS[protocol].title}, lines: {count}",
        median(_share(lane, told.begun_us) for lane in told.exchanges),
        1.0,
        "",
        better=Better.HIGHER,
        limit=LEAST_SHARE if count <= STATED_LINES else None,
        goal=GOAL,
        facts={"exchanges": told.polls, "cpu_us": round(told.cpu_us)},
    )


def _share(lane: Sequence[tuple[int, int]], begun_us: float) -> float:
    """Return the least time of the exchanges over the time that they took."""
    counted = [one for one in lane if one[0] >= begun_us]
    least_us = sum(least for _begin, least in counted[:-1])
    return least_us / (counted[-1][0] - counted[0][0])


async def _poll(protocol: str, paths: Sequence[str]) -> None:
    entry, speed = PROTOCOLS[protocol], SPEEDS[protocol]
    factor = 100 if protocol == "sinopec" else 1
    guns = [factor * n + factor // 100 for n in range(1, speed.nozzles + 1)]
    nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in guns)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            for path in paths:
                settings = SerialSettings(
                    path, speed.baud, Parity(entry.parity), entry.stop_bits
                )
                dialogue = entry.dialogue(LineSetup(speed.baud, nozzles))
                line = DispenserLine(settings, dialogue, Nobody(), clock=SystemClock())
                group.create_task(line.run())
