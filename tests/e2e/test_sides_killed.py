"""Dispensers that remember one fill, and a monitor that is killed: booked once each.

The daemon itself drives a DART and a Lanfeng line on ptys and books into a real file.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from cngstation.services.verify_books import verify_file
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import connect
from tests.e2e.live_station import until
from tests.simulated_devices import ROOT, SimulatedProcess, simulator

SAMPLE_KILLS = 1
CAMPAIGN_KILLS = int(os.environ.get("CNGSTATION_KILLS", "500"))
WITHIN_S = 120.0
BEGAN = 123_456
LINES = ("dart", "lanfeng")
LINE = """
[[lines]]
name = "{name}"
port = "{folder}/{name}"
protocol = "{name}"
baud = 9600
[[lines.nozzles]]
gun = 1
nozzle_no = {number}
dispenser_no = {number}
unit = "m3"
unit_code = 0
stand_alone = true
"""
STATION = """
[station]
station_no = "03160001"
area_no = "0316"
area_short_name = "川A"
issue_point_no = "01"
name = "示例加气站"
company_name = "示例燃气有限公司"
network = "single"
language = "en"
[paths]
database = "{folder}/station.db"
runtime_dir = "{folder}/run"
card_master_key = "{folder}/card-master-key"
personal_data_key = "{folder}/personal-data-key"
[reader]
kind = "pn532"
port = "{folder}/reader"
[limits]
top_up_lower_yuan = "1.00"
top_up_upper_yuan = "10000.00"
balance_ceiling_yuan = "20000.00"
card_fee_yuan = "20.00"
cylinder_warning_days = 10
"""


async def test_a_killed_monitor_books_every_fill_once(tmp_path: Path) -> None:
    """A sample of the campaign below."""
    await play_and_kill(tmp_path, seed=5, kills=SAMPLE_KILLS)


@pytest.mark.campaign
@pytest.mark.timeout(4 * 3_600)
async def test_hundreds_of_kills_book_every_fill_once(tmp_path: Path) -> None:
    """Run by hand, about 12 s a kill, with CNGSTATION_KILLS=500."""
    await play_and_kill(tmp_path, seed=7, kills=CAMPAIGN_KILLS)


async def play_and_kill(folder: Path, *, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    config = folder / "station.toml"
    sections = [
        LINE.format(name=name, folder=folder, number=number)
        for number, name in enumerate(LINES, start=1)
    ]
    config.write_text(STATION.format(folder=folder) + "".join(sections), "utf-8")
    with ExitStack() as stack:
        devices = [
            stack.enter_context(
                simulator("dispenser_line", simulated(folder, name), folder)
            )
            for name in LINES
        ]
        fills: list[asyncio.Task[None]] = []
        for _ in range(kills):
            async with monitor(config, folder):
                if not fills:
                    await first_fills(devices)
                await asyncio.gather(*fills)
                await booked(folder, devices)
                fills = [
                    asyncio.create_task(
                        sell(device, chance.randrange(100, 900), 2 * chance.random())
                    )
                    for device in devices
                ]
                await asyncio.sleep(3 * chance.random())
            # A fill may end while nobody listens.
            await asyncio.sleep(2 * chance.random())
        async with monitor(config, folder):
            await asyncio.gather(*fills)
            await booked(folder, devices)
        await proved(folder, devices, fills=1 + kills)


async def first_fills(devices: list[SimulatedProcess]) -> None:
    """Sell when the monitor looks: what it never saw is not in its books."""
    await until(
        lambda: all(device.hand("limits")["answered"] >= 10 for device in devices),
        "the first polls",
    )
    await asyncio.gather(*(sell(device, 300, 0.0) for device in devices))


def simulated(folder: Path, name: str) -> dict[str, object]:
    (folder / f"memory of {name}").mkdir()
    return {
        "protocol": name,
        "link": str(folder / name),
        "control": str(folder / f"{name}.ctl"),
        "memory": str(folder / f"memory of {name}"),
        "guns": [{"gun": 1, "total_quantity": BEGAN, "sells_alone": True}],
    }


@asynccontextmanager
async def monitor(config: Path, folder: Path) -> AsyncIterator[None]:
    """Run the daemon for a block, and kill it."""
    (folder / "station.db").touch()
    with (folder / "monitor.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "daemons.dispenser_monitor", "--config", str(config),
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await until(lambda: (folder / "run/forecourt.sock").exists(), "the daemon")
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        (folder / "run/forecourt.sock").unlink(missing_ok=True)


async def sell(device: SimulatedProcess, limit: int, waits_s: float) -> None:
    """Fill as soon as the dispenser is ready for it, and hang up."""

    async def hand(do: str, **arguments: object) -> dict[str, object]:
        return await asyncio.to_thread(device.hand, do, gun=1, **arguments)

    async def ready() -> bool:
        return bool((await hand("wait", until="at_rest", timeout_s=2))["reached"])

    async with asyncio.timeout(WITHIN_S):
        while not await ready():
            await asyncio.sleep(0.1)
    await hand("lift")
    await hand("fill", limit=limit, flow_per_s=400)
    await asyncio.sleep(limit / 400 + waits_s)
    await hand("hang_up")


def sales(folder: Path, number: int) -> list[int]:
    """Return the booked quantities of a nozzle, in 0.01."""
    connection = connect(folder / "station.db", read_only=True)
    try:
        found = rows(
            connection, "SELECT quantity_milli FROM sale WHERE nozzle_no=?", (number,)
        )
        return [row["quantity_milli"] // 10 for row in found]
    finally:
        connection.close()


async def booked(folder: Path, devices: list[SimulatedProcess]) -> None:
    """Wait until the books hold what the totalisers counted."""

    def holds() -> bool:
        counted = [device.hand("state", gun=1)["total_quantity"] for device in devices]
        sold = [sum(sales(folder, number)) for number in range(1, len(devices) + 1)]
        return sold == [total - BEGAN for total in counted]

    await until(holds, "every fill booked", WITHIN_S)


async def proved(folder: Path, devices: list[SimulatedProcess], fills: int) -> None:
    await booked(folder, devices)
    for number in range(1, len(devices) + 1):
        assert len(sales(folder, number)) == fills
    database = folder / "station.db"
    assert verify_file(database).first_bad is None
    connection = connect(database, read_only=True)
    try:
        kinds = {
            row["kind"] for row in rows(connection, "SELECT kind FROM finding", ())
        }
    finally:
        connection.close()
    assert kinds <= {"cash_without_crew"}
