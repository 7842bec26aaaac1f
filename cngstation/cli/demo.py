"""`cngstation demo`: a whole station on simulated hardware, with people or without."""

import argparse
import asyncio
import json
import math
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from pydantic import SecretStr

from cngstation.cli.demo_child import DidNotStart
from cngstation.cli.demo_hands import Patience, PatientHands
from cngstation.cli.demo_players import Cashier, Driver, Play, longest_s
from cngstation.cli.demo_script import Act, Script
from cngstation.cli.demo_station import (
    LINES,
    LOGIN_NAME,
    PRICES_FEN,
    DemoStation,
    demo_station,
)
from cngstation.cli.tui import screen_command
from cngstation.errors import RpcError
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import forecourt
from cngstation.rpc.contract.forecourt import FORECOURT, LineStatistics
from cngstation.rpc.session import LOGIN, Login, Nothing
from cngstation.services.verify_books import Proof, verify_file
from cngstation.storage.sqlite import connect
from cngstation.units import E4_PER_FEN, Price

DEFAULT_SECONDS = 20.0
DEFAULT_SPEED = 60.0
WRONG, UNREACHED = 1, 3
_SETTLE_S = 10.0
FINISH_WITHIN_S = 10.0


def run(arguments: Sequence[str]) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="cngstation demo")
    parser.add_argument("--headless", action="store_true", help="play without a screen")
    parser.add_argument(
        "--seconds", type=_above_zero, default=DEFAULT_SECONDS, metavar="N"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--speed", type=_above_zero, default=DEFAULT_SPEED, metavar="X")
    parser.add_argument("--acts", type=_count, metavar="K", help="play exactly K acts")
    parser.add_argument("--language", choices=("zh_CN", "en"), default="zh_CN")
    given = parser.parse_args(arguments)
    if given.headless:
        return asyncio.run(_until_told(_headless(given)))
    return asyncio.run(_until_told(_interactive(given.language)))


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError("a number above zero is needed")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one act is needed")
    return number


async def _until_told(work: Coroutine[Any, Any, int]) -> int:
    """Run a demo; a signal ends it with everything that it has started."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except (DidNotStart, BaseExceptionGroup) as error:
        failed = _did_not_start(error)
        if failed is None:
            raise
        sys.stderr.write(f"cngstation demo: {failed}\n")
        return UNREACHED
    except asyncio.CancelledError:
        with suppress(OSError):  # the terminal may be closed
            sys.stderr.write(
                "cngstation demo: it was told to end; nothing was proved.\n"
            )
        return WRONG


def _did_not_start(error: BaseException) -> BaseException | None:
    """Return what did not start, also out of several that were started at once."""
    while isinstance(error, BaseExceptionGroup):
        group = error.subgroup(DidNotStart)
        if group is None:
            return None
        error = group.exceptions[0]
    return error


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
        station.leash.hold(process.pid)
        await process.wait()
        station.leash.release(process.pid)
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
        await _wait_for_first_poll(station)
        failed = await play(
            station,
            given.seed,
            speed=given.speed,
            seconds=given.seconds,
            acts=given.acts,
        )
        lines = [
            _line(row, await _limits(station, row.name))
            for row in await _line_statistics(station)
        ]
        await station.stop()
        proof = verify_file(station.database)
        report = _report(station, given.seed, lines, proof)
    sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    if failed is not None:
        sys.stderr.write(f"cngstation demo: an act failed: {failed}\n")
    return 0 if proof.proved and failed is None else WRONG


async def play(
    station: DemoStation, seed: int, *, speed: float, seconds: float, acts: int | None
) -> BaseException | None:
    """Begin acts until the time is over, or exactly so many; finish them.

    Returns what made an act fail, if one did.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    cashier = Cashier(station, speed)
    stage = Play(cashier, Driver(station, speed))
    try:
        await cashier.begin()
        for act in script(station, seed).acts():
            if stage.failed is not None or act.index == acts:
                break
            if acts is not None:
                await stage.begin(act)
            elif not await _begin_in_time(stage, act, ends, speed):
                break
        left_s = max(ends + FINISH_WITHIN_S - loop.time(), 0)
        await stage.finish(left_s if acts is None else None)
    finally:
        await cashier.end()
    return stage.failed


def script(station: DemoStation, seed: int) -> Script:
    """Return what people do at a station by a seed."""
    prices = tuple(Price(fen * E4_PER_FEN) for fen in PRICES_FEN)
    return Script(seed, len(station.nozzles), prices)


async def _begin_in_time(stage: Play, act: Act, ends: float, speed: float) -> bool:
    """Begin an act unless the time is over, or it could not be finished soon after."""
    too_long = asyncio.get_running_loop().time() + longest_s(act, speed)
    if too_long > ends + FINISH_WITHIN_S:
        return False
    try:
        async with asyncio.timeout_at(ends):
            await stage.begin(act)
    except TimeoutError:
        return False
    return True


async def _line_statistics(station: DemoStation) -> tuple[LineStatistics, ...]:
    """Ask the monitor, also one that was just started again."""
    login = Login(
        login_name=LOGIN_NAME, password=SecretStr(station.password), terminal="demo"
    )
    patience = Patience("the dispenser monitor does not answer", _SETTLE_S)
    while True:
        client = RpcClient(station.run_dir / "forecourt.sock", FORECOURT)
        try:
            await client.connect()
            await client.call(LOGIN, login)
            return (await client.call(forecourt.LINE_STATISTICS, Nothing())).lines
        except RpcError:
            await patience.wait()
        finally:
            await client.close()


async def _wait_for_first_poll(station: DemoStation) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + _SETTLE_S
    for name, _, _ in LINES:
        while loop.time() < until:
            if (await _limits(station, name))["frames_received"]:
                break
            await asyncio.sleep(0.02)


async def _limits(station: DemoStation, name: str) -> dict[str, Any]:
    hands = PatientHands(station.line_control(name))
    try:
        return await hands.call("limits")
    finally:
        await hands.close()


def _line(row: LineStatistics, limits: dict[str, Any]) -> dict[str, Any]:
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
