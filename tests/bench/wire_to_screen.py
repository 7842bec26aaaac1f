"""From the last byte of a dispenser's answer to its figure on the screen, whole.

A demo station with its real daemons; one vehicle fills at each line in turn, so that
every answer brings another figure, and the real screen runs in a terminal. The
simulator says when the last byte of each answer left; both clocks are CLOCK_MONOTONIC.
"""

import asyncio
import re
import sys
import threading
import time
from dataclasses import dataclass

from cngstation.cli.demo_players import Cashier
from cngstation.cli.demo_script import IssueCard, Script
from cngstation.cli.demo_station import LINES, PRICES_FEN, DemoNozzle, demo_station
from cngstation.domain.payment import PaymentMode
from cngstation.simulators.control import ControlClient
from cngstation.units import Price
from tests.bench.figure import Figure, percentile
from tests.bench.terminal import Program, Screen

FILLS_S = 14.0
WITHIN_S = 20.0
FLOW_HUNDREDTHS_PER_S = 20.0
PREPAID_FEN = 200_000
BITS_A_BYTE = 10
POLL = "51"


@dataclass(frozen=True, slots=True)
class _Change:
    at: float
    figure: str


class _Watcher(threading.Thread):
    """Reads the screen as a terminal does; notes when a nozzle's figure changes."""

    def __init__(self, program: Program) -> None:
        super().__init__(daemon=True)
        self._program = program
        self._ended = threading.Event()
        self.screen = Screen()
        self.nozzle_no = 0
        self.changes: list[_Change] = []

    def run(self) -> None:
        """Read until told to end."""
        while not self._ended.is_set():
            data = self._program.read(0.05)
            at = time.monotonic()
            self.screen.feed(data)
            figure = self._figure() if data and self.nozzle_no else None
            if figure and (not self.changes or self.changes[-1].figure != figure):
                self.changes.append(_Change(at, figure))

    def end(self) -> None:
        """Stop reading."""
        self._ended.set()
        self.join()

    def _figure(self) -> str | None:
        row = re.compile(rf"\b{self.nozzle_no} ▶\w+ +([0-9.]+)")
        found = row.search(self.screen.text())
        return found[1] if found else None


def measure() -> list[Figure]:
    """Fill at every line."""
    return asyncio.run(_fills())


async def _fills() -> list[Figure]:
    async with demo_station(language="en") as station:
        cashier = Cashier(station, speed=60)
        await cashier.begin()
        uids = [await _card(cashier, number) for number in range(len(LINES))]
        await cashier.end()
        command = ["-m", "tui", "--language", "en", "--runtime-dir"]
        program = Program([sys.executable, *command, str(station.run_dir)])
        watcher = _Watcher(program)
        watcher.start()
        try:
            await _log_in(program, watcher, station.password)
            figures = []
            for (name, baud, _), uid in zip(LINES, uids, strict=True):
                control = station.line_control(name)
                nozzle = next(n for n in station.nozzles if n.control == control)
                figures.append(await _fill(watcher, nozzle, baud, uid))
            return figures
        finally:
            watcher.end()
            program.end()


async def _card(cashier: Cashier, number: int) -> str:
    """Issue a card with money enough for the whole fill."""
    prices = tuple(Price(fen * 100) for fen in PRICES_FEN)
    plain = [a for _, a in zip(range(4), Script(7, 8, prices).acts(), strict=False)]
    vehicle = plain[number]
    assert isinstance(vehicle, IssueCard)
    act = IssueCard(
        index=number,
        card=number,
        plate=vehicle.plate,
        id_no=vehicle.id_no,
        mode=PaymentMode.PREPAID_MONEY,
        level=0,
        prepaid=PREPAID_FEN,
    )
    await cashier.issue(act)
    return cashier.uid(number)


async def _log_in(program: Program, watcher: _Watcher, password: str) -> None:
    await _until(watcher, "Operator")
    program.type("demo\r")
    await asyncio.sleep(2.0)  # the screen connects while the cashier types
    program.type(f"{password}\r")
    await _until(watcher, "State")


async def _until(watcher: _Watcher, text: str) -> None:
    until = time.monotonic() + WITHIN_S
    while text not in watcher.screen.text():
        if time.monotonic() > until:
            raise TimeoutError(f"{text} is not on:\n{watcher.screen.text()}")
        await asyncio.sleep(0.02)


async def _fill(watcher: _Watcher, nozzle: DemoNozzle, baud: int, uid: str) -> Figure:
    line = ControlClient(nozzle.control)
    try:
        accepted = await line.call("card_in", gun=nozzle.gun, uid=uid)
        assert accepted["accepted"], accepted
        await line.call(
            "fill",
            gun=nozzle.gun,
            limit_hundredths=100_000,
            flow_hundredths_per_s=FLOW_HUNDREDTHS_PER_S,
            pressure_start_kpa=3_000,
            pressure_end_kpa=19_500,
        )
        watcher.changes, watcher.nozzle_no = [], nozzle.nozzle_no
        begins = time.monotonic() + 1.5  # the first answers show the state alone
        await asyncio.sleep(FILLS_S)
        ends = time.monotonic() - 1.0
        left = await _answers(line, nozzle.gun, baud)
        changes = list(watcher.changes)
        watcher.nozzle_no = 0
        await line.call("stop", gun=nozzle.gun)
        await line.call("wait", gun=nozzle.gun, until="uploaded", timeout_s=10)
        await line.call("card_out", gun=nozzle.gun)
        cycle_us = (await line.call("limits"))["median_cycle_us"]
    finally:
        await line.close()
    left = [at for at in left if begins < at < ends]
    delays = [_shown_after(at, changes) for at in left]
    p99 = percentile(delays, 99)
    return Figure(
        f"wire to screen p99 at {baud}, to its cycle",
        p99 * 1e3,
        cycle_us / 1e3,
        "ms",
        goal=1.0,
        facts={
            "p50_ms": round(percentile(delays, 50) * 1e3, 1),
            "p99_ms": round(p99 * 1e3, 1),
            "answers": len(delays),
            "changes": len([c for c in changes if begins < c.at < ends]),
        },
    )


async def _answers(line: ControlClient, gun: int, baud: int) -> list[float]:
    """Return when the last byte of each answer to a poll of this gun left."""
    byte_us = BITS_A_BYTE * 1_000_000 / baud
    found, since = [], 0
    while True:
        page = await line.call("exchanges", since=since)
        for one in page["exchanges"]:
            if one["gun"] == gun and one["command"] == POLL and one["answer_bytes"]:
                wire_us = (one["request_bytes"] + one["answer_bytes"]) * byte_us
                end_us = one["at_us"] + one["turnaround_us"] + wire_us
                found.append((page["opened_us"] + end_us) / 1e6)
        since = page["next"]
        if not page["more"]:
            return found


def _shown_after(at: float, changes: list[_Change]) -> float:
    """Return how long after a moment the next new figure was on the screen.

    Every answer brings a new figure: a delay beyond a cycle is not hidden by this,
    because then the count of changes is below that of answers.
    """
    return min((change.at - at for change in changes if change.at >= at), default=60.0)
