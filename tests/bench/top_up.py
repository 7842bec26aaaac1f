"""A top-up without its wire: what the program needs beside its two durable commits.

The whole act through the counter's answers, on a real disk: the card is in memory, and
the time inside it is taken off. The peer is two bare commits of one row each on the
same disk under the same settings, measured between the acts.

Its reader commands are counted beside the fewest that could do it: one reading of the
three sectors after the card was found, then the spare slot written and read back.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from cngstation.domain.payment import PaymentMode
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.storage.sqlite import Connection, connect
from tests.bench.disk import folder_on_disk
from tests.bench.figure import Figure, percentile
from tests.simulation.money_cards import Chip, Reader
from tests.simulation.money_world import World

ROUNDS = 150
WARM_UP = 20
# Find it; three sectors: a key and three blocks each; a key, three written, three read.
FEWEST_COMMANDS = 1 + 3 * (1 + 3) + 1 + 3 + 3


class _Meter:
    """Adds up the time inside the card and its reader."""

    METHODS: ClassVar = (
        "find_card", "reselect", "authenticate", "read_block", "write_block", "release",
    )  # fmt: skip

    def __init__(self, reader: Reader) -> None:
        self.spent_s = 0.0
        self.commands = 0
        for name in self.METHODS:
            setattr(reader, name, self._metered(getattr(reader, name)))

    def _metered(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def metered(*arguments: Any, **named: Any) -> Any:
            self.commands += 1
            began = time.perf_counter()
            try:
                return await method(*arguments, **named)
            finally:
                self.spent_s += time.perf_counter() - began

        return metered


def measure() -> list[Figure]:
    """Top one card up again and again, two bare commits after each act."""
    with folder_on_disk() as folder:
        bare = _bare(folder / "bare.db")
        world = World(folder / "station")
        try:
            acts, floors, commands = _rounds(world, bare)
        finally:
            world.close()
            bare.close()
    return [
        Figure(
            "top-up: program and disk, without wire and card",
            median(acts) * 1e3,
            median(floors) * 1e3,
            "ms",
            facts={
                "rounds": len(acts),
                "p99_ms": round(percentile(acts, 99) * 1e3, 2),
                "peer": "two bare durable commits",
            },
        ),
        Figure(
            "top-up: reader commands of the act",
            commands,
            FEWEST_COMMANDS,
            "commands",
            facts={"peer": "one reading and one write read back"},
        ),
    ]


def _rounds(world: World, bare: Connection) -> tuple[list[float], list[float], int]:
    chip = Chip(b"\x04\x11\x22\x33")
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 1_000)
    assert isinstance(issued, ActReply), issued
    meter = _Meter(world.reader)
    acts, floors = [], []
    for number in range(WARM_UP + ROUNDS):
        shown = world.balance_on(chip)
        meter.spent_s, meter.commands = 0.0, 0
        began = time.perf_counter()
        done = world.top_up(issued.card_key, chip, 100, before=shown)
        took = time.perf_counter() - began
        assert isinstance(done, ActReply), done
        assert done.state is ActState.DONE
        floor = _two_commits(bare, number)
        if number >= WARM_UP:
            acts.append(took - meter.spent_s)
            floors.append(floor)
    return acts, floors, meter.commands


def _bare(path: Path) -> Connection:
    connection = connect(path)
    connection.execute("CREATE TABLE bare (number INTEGER, step INTEGER) STRICT")
    return connection


def _two_commits(connection: Connection, number: int) -> float:
    began = time.perf_counter()
    for step in range(2):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO bare VALUES (?, ?)", (number, step))
        connection.execute("COMMIT")
    return time.perf_counter() - began
