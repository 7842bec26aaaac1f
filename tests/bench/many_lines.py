"""Many lines in one process: the wire's share, and CPU a poll against bare pyserial.

Every nozzle fuels, so that each line is polled as fast as its wire allows. The bare
peer only writes the same request when the same answer has come, on as many ports.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import serial_asyncio

from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.probe_lines import Nobody
from cngstation.units import Unit
from tests.bench.far_lanes import polled
from tests.bench.figure import Better, Figure
from tests.bench.lanes import ANSWER_BYTES
from tests.unit.protocols.dispenser.jxv4 import vectors

BAUD = 9_600
COUNTS = (1, 8, 32, 128)
GUNS = 4
SECONDS, WARM_UP_S = 8.0, 3
LEAST_SHARE = 0.98
# One process polls at least so many lines at the limit of their wire.
STATED_LINES = 32
MOST_CPU_RATIO = 2.0

Run = Callable[[Sequence[str]], Awaitable[None]]


def measure() -> list[Figure]:
    """Poll by ours and by the bare peer, one after another, for each count."""
    return [figure for count in COUNTS for figure in _figures(count)]


def _figures(count: int) -> list[Figure]:
    ours = _measured(count, _ours)
    bare = _measured(count, _bare)
    is_stated = count <= STATED_LINES
    facts = {"polls": ours["polls"], "lines": count}
    return [
        Figure(
            f"share of the wire at {BAUD}, {count} lines",
            ours["share"],
            1.0,
            "",
            better=Better.HIGHER,
            limit=LEAST_SHARE if is_stated else None,
            facts={**facts, "bare": round(bare["share"], 4)},
        ),
        Figure(
            f"CPU a poll, {count} lines, against bare pyserial-asyncio",
            ours["cpu_us"],
            bare["cpu_us"],
            "us",
            goal=MOST_CPU_RATIO,
            facts=facts,
        ),
    ]


def _measured(count: int, run: Run) -> dict[str, Any]:
    told = polled(
        "tests.bench.lanes",
        count,
        BAUD,
        poll=partial(_for_a_while, run),
        warm_up_s=WARM_UP_S,
    )
    shares = [_share(lane, told.begun_us) for lane in told.exchanges]
    return {"share": median(shares), "polls": told.polls, "cpu_us": told.cpu_us}


def _share(lane: Sequence[tuple[int, int]], begun_us: float) -> float:
    """Return which part of its time the line was busy with an exchange."""
    counted = [one for one in lane if one[0] >= begun_us]
    busy_us = sum(end - begin for begin, end in counted[:-1])
    return busy_us / (counted[-1][0] - counted[0][0])


async def _for_a_while(run: Run, paths: Sequence[str]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await run(paths)


async def _ours(paths: Sequence[str]) -> None:
    nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in range(1, GUNS + 1))
    async with asyncio.TaskGroup() as group:
        for path in paths:
            line = DispenserLine(
                SerialSettings(path, BAUD),
                PROTOCOLS["jxv4"].dialogue(LineSetup(BAUD, nozzles)),
                Nobody(),
                clock=SystemClock(),
            )
            group.create_task(line.run())


class _Bare(asyncio.Protocol):
    """Asks again when the whole answer is there."""

    def __init__(self) -> None:
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing <= 0:
            self._ask()

    def _ask(self) -> None:
        self._missing = ANSWER_BYTES
        self._transport.write(vectors.POLL)  # type: ignore[attr-defined]


async def _bare(paths: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    opened = [
        await serial_asyncio.create_serial_connection(loop, _Bare, path, baudrate=BAUD)
        for path in paths
    ]
    try:
        await asyncio.Event().wait()
    finally:
        for transport, _protocol in opened:
            transport.abort()
        await asyncio.sleep(0.05)
