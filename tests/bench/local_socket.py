"""Calls on the local socket against raw echoes in the same run, and a fan-out."""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cngstation.rpc.client import RpcClient
from cngstation.rpc.connection import Limits
from cngstation.rpc.session import LOGIN, Login
from tests.bench.figure import Better, Figure
from tests.unit.rpc.toys import ECHO, Station, Word, contract

CORES = os.sched_getaffinity(0)
ROUNDS, CALLS = 5, 1_500
PAYLOAD = "x" * 100
SUBSCRIBERS, EVENTS_PER_S, SECONDS = 10, 640, 4


def median_us(durations_ns: list[int]) -> int:
    """Return the median in microseconds."""
    return sorted(durations_ns)[len(durations_ns) // 2] // 1_000


def use_core(which: int) -> None:
    """Stay on the first or last core, so that the scheduler favours none."""
    cores = sorted(CORES)
    os.sched_setaffinity(0, {cores[which]})


def blocking_echo(path: Path) -> None:
    """Echo with blocking calls: the floor."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        while True:
            connected, _ = listening.accept()
            with connected:
                while data := connected.recv(65_536):
                    connected.sendall(data)


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def asyncio_echo(path: Path) -> None:
    """Echo with the same event loop as ours and nothing else."""
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(_Echo, str(path))
    await server.serve_forever()


async def toy_station(path: Path) -> None:
    """Serve the toy contract; publish at the rate of 64 nozzles when asked to."""
    limits = Limits(requests_per_s=10**9)
    station = Station(path, limits=limits)
    await station.server.start(environ={})
    loop = asyncio.get_running_loop()
    publish = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, publish.set)
    await publish.wait()
    began, cpu = loop.time(), time.process_time_ns()
    for number in range(EVENTS_PER_S * SECONDS):
        await asyncio.sleep(max(0, began + number / EVENTS_PER_S - loop.time()))
        station.show(number % 64, time.monotonic_ns())
    used = (time.process_time_ns() - cpu) / (loop.time() - began) / 1e7
    Path(f"{path}.cpu").write_text(f"{used:.1f}")
    await asyncio.sleep(60)


def spawn(what: str, path: Path) -> int:
    """Start one of the servers in a process of its own."""
    pid = os.fork()
    if pid == 0:
        use_core(-1)
        serve = {"blocking": blocking_echo}.get(what)
        if serve is not None:
            serve(path)
        else:
            asyncio.run({"asyncio": asyncio_echo, "ours": toy_station}[what](path))
        os._exit(0)
    for _ in range(500):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as looking:
            looking.connect(str(path))
            break
        time.sleep(0.01)
    return pid


def stop(pid: int) -> None:
    """End a server that we started."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def time_blocking(path: Path) -> list[int]:
    """Time round trips of the bytes that one of our requests has."""
    line = b"x" * 180 + b"\n"
    found = []
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(path))
        for _ in range(CALLS):
            began = time.perf_counter_ns()
            connected.sendall(line)
            connected.recv(65_536)
            found.append(time.perf_counter_ns() - began)
    return found


class _Ping(asyncio.Protocol):
    answer: asyncio.Future[None]

    def data_received(self, data: bytes) -> None:
        self.answer.set_result(None)


async def time_asyncio(path: Path) -> list[int]:
    """Time round trips through two event loops and no protocol."""
    loop = asyncio.get_running_loop()
    transport, ping = await loop.create_unix_connection(_Ping, str(path))
    found = []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        ping.answer = loop.create_future()
        transport.write(b"x" * 180 + b"\n")
        await ping.answer
        found.append(time.perf_counter_ns() - began)
    transport.abort()
    await asyncio.sleep(0)
    return found


async def connected(path: Path) -> RpcClient[Any]:
    """Connect and log in."""
    client = RpcClient(path, contract())
    await client.connect()
    facts = Login(login_name="wang", password=SecretStr("right"), terminal="till")
    await client.call(LOGIN, facts)
    return client


async def time_ours(path: Path) -> list[int]:
    """Time whole calls, checked on both sides."""
    client = await connected(path)
    word, found = Word(text=PAYLOAD), []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        await client.call(ECHO, word)
        found.append(time.perf_counter_ns() - began)
    await client.close()
    return found


async def fan_out(path: Path, pid: int) -> dict[str, Any]:
    """Subscribe ten clients in this process; return delays and losses."""
    clients = [await connected(path) for _ in range(SUBSCRIBERS)]
    delays: list[int] = []

    async def watch(client: RpcClient[Any]) -> None:
        await client.subscribe()
        async for happened in client.events():
            delays.append(time.monotonic_ns() - happened.body.milli)  # type: ignore[attr-defined]

    watching = [asyncio.create_task(watch(client)) for client in clients]
    await asyncio.sleep(0.2)
    os.kill(pid, signal.SIGUSR1)
    await asyncio.sleep(SECONDS + 0.5)
    for task in watching:
        task.cancel()
    delays.sort()
    return {
        "sent": EVENTS_PER_S * SECONDS * SUBSCRIBERS,
        "received": len(delays),
        "p50_us": delays[len(delays) // 2] // 1_000,
        "p99_us": delays[len(delays) * 99 // 100] // 1_000,
        "publisher_cpu_percent": Path(f"{path}.cpu").read_text(),
    }


def measure() -> list[Figure]:
    """Run all; the rounds of the three are interleaved, the median of each counts."""
    use_core(0)
    found: dict[str, list[int]] = {"blocking": [], "asyncio": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            for what, medians in found.items():
                path = Path(folder) / f"{what}{number}"
                pid = spawn(what, path)
                try:
                    if what == "blocking":
                        durations = time_blocking(path)
                    elif what == "asyncio":
                        durations = asyncio.run(time_asyncio(path))
                    else:
                        durations = asyncio.run(time_ours(path))
                finally:
                    stop(pid)
                medians.append(median_us(durations))
        middle = {
            what: sorted(medians)[len(medians) // 2] for what, medians in found.items()
        }
        path = Path(folder) / "fan"
        pid = spawn("ours", path)
        try:
            fan = asyncio.run(fan_out(path, pid))
        finally:
            stop(pid)
    calls = middle["ours"] / 1e3
    facts = {"p50_us": middle, "fan_out": fan}
    sent, received = fan["sent"], fan["received"]
    return [
        Figure(
            "call to a blocking echo",
            calls,
            middle["blocking"] / 1e3,
            "ms",
            facts=facts,
        ),
        Figure("call to an asyncio echo", calls, middle["asyncio"] / 1e3, "ms"),
        Figure("events that arrive", received, sent, "", Better.HIGHER, goal=1.0),
    ]
