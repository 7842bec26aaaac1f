"""Far ends of one protocol for many lines in one process; every nozzle fills.

    python -m tests.bench.protocol_lanes PROTOCOL COUNT

Prints the ports as JSON; when its input ends it prints, for each line, its exchanges:
when the request came, and the least time that the exchange takes, in microseconds.
What answers is the simulators' own device, at the speed of the wire.
"""

import asyncio
import json
import os
import pty
import sys
import tempfile
import tty
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cngstation import exact_loop
from cngstation.simulators.compac_dispenser import CompacDispenser
from cngstation.simulators.dart_dispenser import FIRST_ADDRESS, DartDispenser
from cngstation.simulators.lanfeng_dispenser import LanfengDispenser
from cngstation.simulators.plain_dispenser import Kept, PlainDispenser
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.simulators.sinopec_dispenser import Dispenser, Traits
from cngstation.simulators.sinopec_memory import Figures, Memory
from cngstation.simulators.sinopec_nozzle import Nozzle
from cngstation.simulators.unipump_controller import PointState, UnipumpController

Hear = Callable[[bytes, float], Iterable[bytes]]
FLOW_PER_S = 0.01  # a figure that changes would only be written to files here
ENOUGH = 10**6
TODAY = datetime(2026, 11, 21, 9, 42, 17, tzinfo=UTC)


@dataclass(frozen=True)
class Speed:
    """A protocol's wire: what an exchange takes at least, beside its bytes."""

    baud: int
    bits: int
    nozzles: int
    turn_s: float
    quiet_characters: float
    spacing_s: float

    @property
    def byte_s(self) -> float:
        return self.bits / self.baud

    def least_s(self, request: int, answer: int) -> float:
        """Return the least time from a request to the next one."""
        if not answer:
            return max(request * self.byte_s, self.spacing_s)
        wire_s = (request + answer + self.quiet_characters) * self.byte_s
        return max(wire_s + self.turn_s, self.spacing_s)


SPEEDS = {
    "sinopec": Speed(9_600, 10, 12, 0.005, 3.5, 0.020),
    "dart": Speed(9_600, 11, 16, 0.005, 0, 0.020),
    "lanfeng": Speed(9_600, 10, 16, 0.020, 0, 0.050),
    "compac": Speed(9_600, 11, 8, 0.020, 3.5, 0),
    "unipump": Speed(57_600, 10, 16, 0.010, 0, 0.050),
}


def devices(protocol: str, folder: Path, now: float) -> Hear:
    """Return what answers on one line: every nozzle fills for ever."""
    numbers = range(1, SPEEDS[protocol].nozzles + 1)
    match protocol:
        case "dart" | "lanfeng":
            return _sides(protocol, folder, numbers, now)
        case "compac":
            hoses = {n: CompacDispenser(_nozzle(n, now)) for n in numbers}
            return lambda data, at: hoses[data[0]].hear(data, at)
        case "unipump":
            points = {n: PointState(_nozzle(n, now)) for n in numbers}
            return UnipumpController(points).hear
        case _:
            dispensers = {n: _sinopec(n, folder, now) for n in numbers}
            return lambda data, at: list(dispensers[data[1]].hear(data, at))


def _sides(protocol: str, folder: Path, numbers: range, now: float) -> Hear:
    make = DartDispenser if protocol == "dart" else LanfengDispenser
    sides = {}
    for number in numbers:
        works = PlainDispenser(
            folder / f"side-{number}", fresh=Kept(), must_be_reset=protocol == "dart"
        )
        sides[number] = make(works, number)
        works.needs_host = False
        works.lift(now)
        works.fill(ENOUGH, 100 * FLOW_PER_S, now)
    first = FIRST_ADDRESS - 1 if protocol == "dart" else 0

    def hear(data: bytes, at: float) -> list[bytes]:
        answer = sides[data[0] - first].hear(data, at)
        return [] if answer is None else [answer]

    return hear


def _nozzle(number: int, now: float) -> PlainNozzle:
    nozzle = PlainNozzle(number)
    nozzle.lift()
    nozzle.begin(ENOUGH, FLOW_PER_S, now)
    nozzle.volume = 10
    return nozzle


class _Forgetful(Memory):
    """A memory that is kept nowhere: so many files cannot be open at once."""

    def save(self, *, with_lists: bool = False) -> None:
        """Keep nothing."""


def _sinopec(address: int, folder: Path, now: float) -> Dispenser:
    fresh = Figures(prices={"1": [398]})
    memory = _Forgetful(folder, fresh)
    nozzles: dict[int, Nozzle] = {}
    made = Dispenser(address, memory, nozzles, Traits(), now=now, reading=TODAY)
    nozzles[1] = Nozzle(1, memory, bytes(6), lambda at: (0, made.clock(at)))
    nozzles[1].begin(ENOUGH, FLOW_PER_S, now)
    return made


class Lane:
    """One line: the master side of a pty."""

    def __init__(self, protocol: str, folder: Path) -> None:
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self._loop = asyncio.get_running_loop()
        self._speed = SPEEDS[protocol]
        self._hear = devices(protocol, folder, self._loop.time())
        self._loop.add_reader(self._far, self._heard)
        self.path = os.ttyname(self._near)
        self.exchanges: list[tuple[int, int]] = []

    def _heard(self) -> None:
        request, now, speed = os.read(self._far, 4096), self._loop.time(), self._speed
        answer = b"".join(self._hear(request, now))
        least_us = int(speed.least_s(len(request), len(answer)) * 1e6)
        self.exchanges.append((int(now * 1e6), least_us))
        if answer:
            whole_s = (len(request) + len(answer)) * speed.byte_s + speed.turn_s
            self._loop.call_at(now + whole_s, os.write, self._far, answer)


async def _serve(protocol: str, count: int) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        lanes = []
        for number in range(count):
            folder = Path(name) / str(number)
            folder.mkdir()
            lanes.append(Lane(protocol, folder))
        print(json.dumps([lane.path for lane in lanes]), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps([lane.exchanges for lane in lanes]), flush=True)


if __name__ == "__main__":
    exact_loop.run(_serve(sys.argv[1], int(sys.argv[2])))
