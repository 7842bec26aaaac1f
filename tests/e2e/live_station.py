"""A demo station under test: daemons of one's own, screens that listen, cards."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any, Generic

from pydantic import SecretStr

from cngstation.cli.demo_cashier import Cashier
from cngstation.cli.demo_hands import PatientHands
from cngstation.cli.demo_script import IssueCard, TopUpCard
from cngstation.cli.demo_station import (
    DAEMONS,
    LOGIN_NAME,
    DemoNozzle,
    DemoStation,
    prepare,
)
from cngstation.domain.numbers import check_digit
from cngstation.domain.payment import PaymentMode
from cngstation.errors import RpcError
from cngstation.rpc.client import Happened, RpcClient
from cngstation.rpc.contract.counter import COUNTER, CounterBoard
from cngstation.rpc.contract.forecourt import FORECOURT, ForecourtBoard
from cngstation.rpc.method import Body, Contract, Event, Snap
from cngstation.rpc.session import LOGIN, Login
from cngstation.services.passwords import Passwords
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import connect
from tests.simulated_devices import ROOT

QUICK = 1_000.0  # people who need no time to walk
WITHIN_S = 120.0
_LOOK_S = 0.01
_index = count()


async def until(
    holds: Callable[[], bool], what: str = "it", within_s: float = WITHIN_S
) -> None:
    """Wait until something holds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not holds():
        assert loop.time() < end, f"{what} did not come true in {within_s} s"
        await asyncio.sleep(_LOOK_S)


class Screen(Generic[Snap]):
    """A logged-in client that has subscribed and keeps what it is told."""

    def __init__(self, client: RpcClient[Snap], board: Snap) -> None:
        self.client = client
        self.board = board
        self.heard: list[Happened] = []
        self._ears = asyncio.create_task(self._listen())

    async def until(
        self,
        event: Event[Body],
        holds: Callable[[Body], bool] = lambda body: True,
        within_s: float = WITHIN_S,
    ) -> Body:
        """Wait for an event that fits, among all since `forget`; return its body."""
        found: list[Any] = []

        def came() -> bool:
            found[:] = [h.body for h in self.heard if h.event is event]
            found[:] = [body for body in found if holds(body)]
            return bool(found)

        await until(came, event.name, within_s)
        body: Body = found[0]
        return body

    def forget(self, event: Event[Any] | None = None) -> None:
        """Begin to listen anew, for one event or for all."""
        self.heard[:] = [h for h in self.heard if event and h.event is not event]

    async def close(self) -> None:
        """Leave."""
        self._ears.cancel()
        await self.client.close()

    async def _listen(self) -> None:
        with contextlib.suppress(RpcError):
            async for happened in self.client.events():
                self.heard.append(happened)


@contextlib.asynccontextmanager
async def screen(
    station: DemoStation, contract: Contract[Snap], socket: Path
) -> AsyncIterator[Screen[Snap]]:
    """Log in at a daemon's socket as soon as it listens, and subscribe."""
    loop = asyncio.get_running_loop()
    end = loop.time() + WITHIN_S
    login = Login(
        login_name=LOGIN_NAME, password=SecretStr(station.password), terminal="test"
    )
    while True:
        client = RpcClient(socket, contract)
        try:
            await client.connect()
            await client.call(LOGIN, login)
            break
        except RpcError:
            await client.close()
            if loop.time() > end:
                raise
            await asyncio.sleep(0.05)
    shown = Screen(client, await client.subscribe())
    try:
        yield shown
    finally:
        await shown.close()


def counter_screen(
    station: DemoStation, run_dir: Path | None = None
) -> contextlib.AbstractAsyncContextManager[Screen[CounterBoard]]:
    """Return a screen at the counter's socket."""
    return screen(station, COUNTER, (run_dir or station.run_dir) / "counter.sock")


def forecourt_screen(
    station: DemoStation, run_dir: Path | None = None
) -> contextlib.AbstractAsyncContextManager[Screen[ForecourtBoard]]:
    """Return a screen at the monitor's socket."""
    return screen(station, FORECOURT, (run_dir or station.run_dir) / "forecourt.sock")


class Daemon:
    """A daemon that nobody starts again."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @classmethod
    async def start(cls, station: DemoStation, name: str, config: Path) -> "Daemon":
        """Start it; it may take a while to listen, or end at once."""
        path = station.folder / f"{name}.{next(_index)}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", DAEMONS[name], "--config", str(config),
                cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip
        return cls(process, path)

    @property
    def text(self) -> str:
        """Everything that it has written."""
        return self._log.read_text("utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its log; each line must be an object of JSON."""
        return [json.loads(line) for line in self.text.splitlines()]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one event."""
        return [line for line in self.events if line["event"] == event]

    async def ended(self, within_s: float = WITHIN_S) -> int:
        """Wait for its end; return the exit code."""
        return await asyncio.wait_for(self.process.wait(), within_s)

    async def terminate(self) -> tuple[int, float]:
        """Ask it to end; return the exit code and how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.process.send_signal(signal.SIGTERM)
        code = await self.ended()
        return code, loop.time() - began


@contextlib.asynccontextmanager
async def prepared_station(
    folder: Path, *, simulators: bool = True
) -> AsyncIterator[DemoStation]:
    """Prepare a station, in English, with its devices and no daemon."""
    station = DemoStation(folder, "a-long-enough-password")
    # What a login costs is not what these tests are about; a hash says its own cost.
    await prepare(station, "en", Passwords(memory_kib=8, passes=1))
    try:
        if simulators:
            await station.start_simulators()
        yield station
    finally:
        await station.stop()


@contextlib.asynccontextmanager
async def daemons(
    station: DemoStation, *names: str, config: Path | None = None
) -> AsyncIterator[list[Daemon]]:
    """Run daemons by name; those that still live at the end are killed."""
    started = [
        await Daemon.start(station, name, config or station.config_file)
        for name in names
    ]
    try:
        yield started
    finally:
        for daemon in started:
            if daemon.process.returncode is None:
                daemon.process.kill()
                await daemon.process.wait()


@contextlib.asynccontextmanager
async def hands_at(control: Path) -> AsyncIterator[PatientHands]:
    """Have hands at a device."""
    hands = PatientHands(control)
    try:
        yield hands
    finally:
        await hands.close()


@contextlib.asynccontextmanager
async def cashier_of(station: DemoStation) -> AsyncIterator[Cashier]:
    """Let a quick cashier work."""
    cashier = Cashier(station, QUICK)
    try:
        await cashier.begin()
        yield cashier
    finally:
        await cashier.end()


def issue_of(
    card: int, prepaid: int = 50_000, mode: PaymentMode = PaymentMode.PREPAID_MONEY
) -> IssueCard:
    """Return the issue of a card, with a plate and an ID number of its own."""
    body = f"99000019700101{card:03d}"
    return IssueCard(
        index=0,
        card=card,
        plate=f"川A{10_000 + card}",
        id_no=body + check_digit(body),
        mode=mode,
        level=0,
        prepaid=prepaid,
    )


def top_up_of(card: int, added: int = 10_000) -> TopUpCard:
    """Return a top-up of a prepaid-money card by fen."""
    return TopUpCard(0, card, PaymentMode.PREPAID_MONEY, added)


class Gun:
    """Hands at one nozzle."""

    def __init__(self, nozzle: DemoNozzle) -> None:
        self.nozzle_no = nozzle.nozzle_no
        self._gun = nozzle.gun
        self._hands = PatientHands(nozzle.control)

    async def do(self, verb: str, **arguments: object) -> dict[str, Any]:
        """Do something at the nozzle."""
        return await self._hands.call(verb, gun=self._gun, **arguments)

    async def begin(self, uid: str, hundredths: int, flow: float = 2_000.0) -> None:
        """Put a card in and open the valve."""
        assert (await self.do("card_in", uid=uid))["accepted"]
        await self.do(
            "fill",
            limit_hundredths=hundredths,
            flow_hundredths_per_s=flow,
            pressure_start_kpa=3_000,
            pressure_end_kpa=19_500,
        )

    async def reached(self, state: str) -> None:
        """Wait until the nozzle is idle, awaiting_debit or uploaded."""
        while not (await self.do("wait", until=state, timeout_s=5))["reached"]:
            await asyncio.sleep(_LOOK_S)

    async def close(self) -> None:
        """Let go."""
        await self._hands.close()


@contextlib.asynccontextmanager
async def guns_at(*nozzles: DemoNozzle) -> AsyncIterator[list[Gun]]:
    """Have hands at nozzles; they let go when a test fails too."""
    guns = [Gun(nozzle) for nozzle in nozzles]
    try:
        yield guns
    finally:
        for gun in guns:
            await gun.close()


def query(station: DemoStation, sql: str, *values: object) -> list[dict[str, Any]]:
    """Ask the station's file, read-only."""
    connection = connect(station.database, read_only=True)
    try:
        return list(rows(connection, sql, values))
    finally:
        connection.close()


def is_alive(pid: int) -> bool:
    """Tell whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
