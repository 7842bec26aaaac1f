"""`cngstation demo`: a whole station on simulated hardware, with people or without."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from cngstation.cli.demo_players import Cashier, Driver, Play, longest_s
from cngstation.cli.demo_script import Act, Script
from cngstation.cli.demo_station import LINES, PRICES_FEN, DemoStation, demo_station
from cngstation.cli.tui import screen_command
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import forecourt
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.session import LOGIN, Login, Nothing
from cngstation.services.verify_books import Proof, verify_file
from cngstation.simulators.control import ControlClient
from cngstation.storage.sqlite import connect
from cngstation.units import Price

DEFAULT_SECONDS = 20.0
DEFAULT_SPEED = 60.0
WRONG, UNREACHED = 1, 3
_SETTLE_S = 10.0
FINISH_WITHIN_S = 10.0


def run(arguments: Sequence[str]) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation demo")
    parser.add_argument("--headless", action="store_true", help="play without a screen")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--speed", type=float, default=DEFAULT_SPEED, metavar="X")
    parser.add_argument("--acts", type=int, metavar="K", help="play exactly K acts")
    parser.add_argument("--language", choices=("zh_CN", "en"), default="zh_CN")
    given = parser.parse_args(arguments)
    if given.seconds <= 0 or given.speed <= 0 or (given.acts or 1) < 1:
        parser.error("--seconds, --speed and --acts are above zero")
    if given.headless:
        return asyncio.run(_headless(given))
    return asyncio.run(_interactive(given.language))


async def _interactive(language: str) -> int:
    async with demo_station(language=language) as station:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            sys.stderr.write(
                "cngstation demo: the station is set up, but its screen needs a "
                "terminal. Without one use: cngstation demo --headless\n"
            )
            return UNREACHED
        command = screen_command(station.run_dir, language)
        process = await asyncio.create_subprocess_exec(
            *command, "--demo", str(station.hands_file())
        )
        await process.wait()
        await station.stop()
        proof = verify_file(station.database)
    sys.stdout.write(_farewell(proof))
    return 0 if proof.proved else WRONG


def _farewell(proof: Proof) -> str:
    if proof.proved:
        return f"The books of this demo are proved (head {proof.head[:16]}).\n"
    return f"The books of this demo are NOT proved: {proof.first_bad}.\n"


async def _headless(given: argparse.Namespace) -> int:
    async with demo_station() as station:
        watcher = await _log_in_at_forecourt(station)
        await _wait_for_first_poll(station)
        failed = await _play(station, given)
        statistics = await watcher.call(
            forecourt.LINE_STATISTICS, Nothing(), timeout_s=10
        )
        lines = [
            _line(row, await _limits(station, row.name)) for row in statistics.lines
        ]
        await watcher.close()
        await station.stop()
        proof = verify_file(station.database)
        report = _report(station, given.seed, lines, proof)
    sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    if failed is not None:
        sys.stderr.write(f"cngstation demo: an act failed: {failed}\n")
    return 0 if proof.proved and failed is None else WRONG


async def _play(
    station: DemoStation, given: argparse.Namespace
) -> BaseException | None:
    """Begin acts until the time is over or the number is reached; finish them."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + given.seconds
    cashier = Cashier(station, given.speed)
    play = Play(cashier, Driver(station, given.speed))
    prices = tuple(Price(fen * 100) for fen in PRICES_FEN)
    try:
        await cashier.begin()
        for act in Script(given.seed, len(station.nozzles), prices).acts():
            if given.acts is not None and act.index >= given.acts:
                break
            if given.acts is None and not await _begin_in_time(
                play, act, ends, given.speed
            ):
                break
            if given.acts is not None:
                await play.begin(act)
            if play.failed is not None:
                break
        await play.finish()
    finally:
        await cashier.end()
    return play.failed


async def _begin_in_time(play: Play, act: Act, ends: float, speed: float) -> bool:
    """Begin an act unless the time is over, or it could not be finished soon after."""
    too_long = asyncio.get_running_loop().time() + longest_s(act, speed)
    if too_long > ends + FINISH_WITHIN_S:
        return False
    try:
        async with asyncio.timeout_at(ends):
            await play.begin(act)
    except TimeoutError:
        return False
    return True


async def _log_in_at_forecourt(
    station: DemoStation,
) -> RpcClient[forecourt.ForecourtBoard]:
    client = RpcClient(station.run_dir / "forecourt.sock", FORECOURT)
    await client.connect()
    login = Login(
        login_name="demo", password=SecretStr(station.password), terminal="demo"
    )
    await client.call(LOGIN, login, timeout_s=10)
    return client


async def _wait_for_first_poll(station: DemoStation) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + _SETTLE_S
    for name, _, _ in LINES:
        while loop.time() < until:
            if (await _limits(station, name))["frames_received"]:
                break
            await asyncio.sleep(0.02)


async def _limits(station: DemoStation, name: str) -> dict[str, Any]:
    client = ControlClient(station.line_control(name))
    try:
        return await client.call("limits")
    finally:
        await client.close()


def _line(row: forecourt.LineStatistics, limits: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row.name,
        "baud": row.baud,
        "frames_sent": row.frames_sent,
        "frames_lost": row.frames_lost,
        "cycle_ms": {
            "median": row.cycle_median_us / 1000,
            "p99": row.cycle_p99_us / 1000,
            "limit": (limits["median_w_us"] or 0) / 1000,
        },
    }


def _report(
    station: DemoStation, seed: int, lines: list[dict[str, Any]], proof: Proof
) -> dict[str, Any]:
    connection = connect(station.database, read_only=True)
    try:
        by_unit = {
            unit: {"quantity_milli": quantity, "amount_e4": amount}
            for unit, quantity, amount in connection.execute(
                "SELECT unit, sum(quantity_milli), sum(amount_e4) FROM sale"
                " WHERE transaction_type <> 'make_up_debit' GROUP BY unit ORDER BY unit"
            )
        }
        sales = connection.execute(
            "SELECT count(*) FROM sale WHERE transaction_type <> 'make_up_debit'"
        ).fetchone()[0]
        top_ups = connection.execute(
            "SELECT count(*) FROM intent WHERE kind='top_up' AND state='DONE'"
        ).fetchone()[0]
    finally:
        connection.close()
    return {
        "schema": 1,
        "seed": seed,
        "sales": sales,
        "top_ups": top_ups,
        "by_unit": by_unit,
        "lines": lines,
        "verify": "proved" if proof.proved else "failed",
        "first_bad": proof.first_bad,
        "ledger_head": proof.head,
    }
