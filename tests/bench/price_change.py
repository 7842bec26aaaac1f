"""A price for now at 64 nozzles of eight JX-V4 lines: published to confirmed by all.

The peer is what wire and ticks take at least on a line: each nozzle is polled and asks,
gets its table, is polled once more and names what it holds. All that the monitor does
for it is in ours: the version in the chain, who is sent it and who holds it, each
durable before it counts.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from cngstation import exact_loop
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced, DownloadAsked
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.probe_lines import Nobody
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.show_downloads import DownloadWatch
from cngstation.storage import prices
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey
from cngstation.units import Price, Unit
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure
from tests.simulated_devices import simulator
from tests.unit.simulators.cards import MASTER

# Numbers whose question for prices holds no AA, which deafens the neighbours.
NUMBERS = (1, 3, 4, 5, 6, 7, 8, 9)
LINES, GUNS, BAUD = 8, len(NUMBERS), 9_600
WITHIN_S = 180.0
KINDS = frozenset({DownloadKind.BASE, DownloadKind.PRICES})
# Bytes of question and answer: poll and 5EH, 5EH alone, poll and status, 59H.
EXCHANGES = ((24, 12), (23, 0), (24, 95), (11, 130))
TICK_S, MEAN_TURN_S = 0.11, 0.05


def measure() -> list[Figure]:
    """Let all lines settle on one price, change it, and wait for the last nozzle."""
    with folder_on_disk() as folder, contextlib.ExitStack() as stack:
        (folder / "key").write_text(MASTER.hex())
        for number in range(LINES):
            config = _config(folder, number)
            stack.enter_context(simulator("dispenser_line", config, folder))
        taken = exact_loop.run(_change(folder))
    return [
        Figure(
            f"a price at {LINES * GUNS} nozzles, published to confirmed by all",
            taken,
            _least_s(),
            "s",
            facts={"lines": LINES, "baud": BAUD},
        )
    ]


def _least_s() -> float:
    """Return what the nozzles of one line take one after the other at least."""
    took = 0.0
    for asked, answered in EXCHANGES:
        wire = (asked + answered) * 10 / BAUD
        took += max(TICK_S, wire + (MEAN_TURN_S if answered else 0))
    return took * GUNS


class _Desk(Nobody):
    """Notes what the nozzles of a line are sent and hold."""

    def __init__(self, watch: DownloadWatch, number: int, confirmed: Any) -> None:
        self._watch = watch
        self._confirmed = confirmed
        self.settings = {
            gun: NozzleSetting(
                NozzleKey("03160001", number + 1, number * GUNS + index), Unit.M3
            )
            for index, gun in enumerate(NUMBERS, start=1)
        }
        self._tasks: set[asyncio.Task[None]] = set()

    async def download_asked(self, asked: DownloadAsked) -> bool:
        """Note it before the first part goes out."""
        settings = [self.settings[gun] for gun in asked.guns]
        return await self._watch.sent(settings, asked.kind, asked.version)

    def download(self, advanced: DownloadAdvanced) -> None:
        """Note it, and that it is confirmed then."""
        task = asyncio.ensure_future(self._note(advanced))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, advanced: DownloadAdvanced) -> None:
        setting = self.settings[advanced.gun]
        await self._watch.advanced(setting, advanced)
        if advanced.is_in_force and advanced.kind is DownloadKind.PRICES:
            self._confirmed[setting.key] = advanced.version


async def _change(folder: Path) -> float:
    clock = SystemClock()
    database = await Database.open(folder / "station.db", clock)
    watch, keeper = (
        DownloadWatch(database, clock=clock),
        DownloadKeeper(database, clock),
    )
    confirmed: dict[NozzleKey, int] = {}
    running = []
    for number in range(LINES):
        desk = _Desk(watch, number, confirmed)
        watch.serve(desk.settings.values(), KINDS)
        nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in desk.settings)
        line = DispenserLine(
            SerialSettings(str(folder / f"line-{number}"), BAUD),
            PROTOCOLS["jxv4"].dialogue(LineSetup(BAUD, nozzles)),
            desk,
            clock=clock,
        )
        keeper.serve(line, [Unit.M3], f"line {number}")
        running.append(asyncio.ensure_future(line.run()))
    try:
        await _set(database, keeper, clock, 39_800)
        await _all_hold(confirmed, 1)
        began = time.perf_counter()
        await _set(database, keeper, clock, 42_000)
        await _all_hold(confirmed, 2)
        return time.perf_counter() - began
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await database.close()


async def _set(
    database: Database, keeper: DownloadKeeper, clock: SystemClock, e4: int
) -> None:
    now_ms = clock.now().wall_ms
    await database.write(
        lambda tx: prices.plan(
            tx, level=0, price=Price(e4), unit=Unit.M3, from_ms=now_ms,
            operator_no="01",
        )
    )  # fmt: skip
    await keeper.look()


async def _all_hold(confirmed: dict[NozzleKey, int], version: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while list(confirmed.values()).count(version) < LINES * GUNS:
            await asyncio.sleep(0.01)


def _config(folder: Path, number: int) -> dict[str, Any]:
    (folder / f"memory-{number}").mkdir()
    (folder / f"cards-{number}").mkdir()
    return {
        "link": str(folder / f"line-{number}"),
        "control": str(folder / f"{number}.ctl"),
        "baud": BAUD,
        "cards": str(folder / f"cards-{number}"),
        "memory": str(folder / f"memory-{number}"),
        "master_key": str(folder / "key"),
        "station_no": "03160001",
        "guns": [
            {"gun": gun, "prices": [398], "phase_ms": 37 * gun % 100} for gun in NUMBERS
        ],
    }
