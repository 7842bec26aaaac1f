"""Whatever is sent to the sockets of running daemons: a sentence, and work goes on."""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cngstation.cli.demo_station import DAEMONS, LOGIN_NAME, DemoStation
from cngstation.errors import VersionMismatch
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.method import Contract, Version
from tests.e2e.live_station import (
    cashier_of,
    counter_screen,
    daemons,
    hands_at,
    issue_of,
    prepared_station,
    query,
    until,
)
from tests.e2e.station_proof import wrongs
from tests.unit.rpc.toys import Raw

CONTRACTS: dict[str, Contract[Any]] = {
    "counter": COUNTER,
    "forecourt": FORECOURT,
    "uplink": UPLINK,
}
BYTES = {
    "nothing": b"",
    "an empty line": b"\n",
    "zeros": bytes(4_096) + b"\n",
    "no text": bytes(range(128, 256)) * 40 + b"\n",
    "a flood without an end": b"x" * 3_000_000,
    "half a line": b'{"jsonrpc":"2.0","id":1,"meth',
    "brackets": b"[" * 60_000 + b"\n",
    "a batch": b'[{"jsonrpc":"2.0","id":1,"method":"session.login"}]\n',
    "a number as id": b'{"jsonrpc":"2.0","id":1.5,"method":"a.b","params":{}}\n',
    "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "control characters": b'{"jsonrpc":"2.0","id":1,"method":"\\u001b[2J"}\n' * 50,
    "many keys": b'{"jsonrpc":"2.0","id":1,"a":1,"a":2}\n',
    "a thousand requests": b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{}}\n'
    * 1_000,
}  # fmt: skip
VALUES: tuple[Any, ...] = (
    0, -1, 2**31, 2**62, 10**17, -(10**17), True, None, "", "x" * 41, "x" * 70_000,
    "川A12345", "\x1b[31m", "\u202e", "' OR 1=1 --", "%s%n", "../../etc/passwd",
    "ACT00000001", "prepaid_money", "510100000001", [], [1], {}, {"a": 1}, 1,
)  # fmt: skip


async def _hello(path: Path, name: str) -> Raw:
    raw = await Raw.open(path, hello=False)
    version, oldest = CONTRACTS[name].version, CONTRACTS[name].oldest
    hello = {
        "program": "hostile",
        "contract": version._asdict(),
        "oldest": oldest._asdict(),
    }
    assert "result" in (await raw.ask("hello", hello) or {})
    return raw


async def _login(raw: Raw, station: DemoStation) -> str:
    facts = {
        "login_name": LOGIN_NAME,
        "password": station.password,
        "terminal": "test",
    }
    answer = await raw.ask("session.login", facts)
    assert answer is not None
    token: str = answer["result"]["token"]
    return token


def _listens(path: Path) -> bool:
    """Tell whether somebody takes connections: the file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as trial:
        return trial.connect_ex(str(path)) == 0


def _sockets(station: DemoStation) -> Iterator[tuple[str, Path]]:
    for name in DAEMONS:
        yield name, station.run_dir / f"{name}.sock"


async def test_bytes_that_mean_nothing_end_their_connection_alone(
    tmp_path: Path,
) -> None:
    """Each is told or cut off; the next client is served, and no part has failed."""
    async with (
        prepared_station(tmp_path, simulators=False) as station,
        daemons(station, *DAEMONS) as started,
    ):
        for name, path in _sockets(station):
            await until(partial(_listens, path), f"{name} listens")
            for sent in BYTES.values():
                raw = await Raw.open(path, hello=False)
                raw.send(sent)
                with contextlib.suppress(ConnectionError, TimeoutError):
                    await asyncio.wait_for(raw.writer.drain(), 2)
                raw.close()
            good = await _hello(path, name)
            await _login(good, station)
            good.close()
        for daemon in started:
            assert daemon.process.returncode is None
            assert not daemon.logged("unexpected")
            assert not daemon.logged("daemon.part_failed")


def _shapes(chance: random.Random, fields: list[str]) -> Iterator[Any]:
    """Yield parameters of every kind: none, odd ones, and all fields at random."""
    yield from (None, [], "x", 7, {}, {"x": 1})
    for _ in range(12):
        yield {field: chance.choice(VALUES) for field in fields}


async def test_no_parameters_whatever_are_a_failure_inside(tmp_path: Path) -> None:
    """Every method of every daemon, asked by somebody logged in, refuses in words."""
    chance = random.Random(62)
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, *DAEMONS) as started,
        hands_at(station.reader_control) as hands,
    ):
        await hands.call("insert", uid=station.card_uids()[0])
        for name, path in _sockets(station):
            await until(partial(_listens, path), f"{name} listens")
            raw = await _hello(path, name)
            await _login(raw, station)
            for method in CONTRACTS[name].methods:
                fields = list(method.request.model_fields)
                for params in _shapes(chance, fields):
                    if len(json.dumps(params)) > 60_000:
                        continue
                    answer = await raw.ask(method.name, params, 5)
                    assert answer is not None, (method.name, params)
                    code = answer.get("error", {}).get("data", {}).get("code", "")
                    assert code != "rpc.internal", (method.name, params)
            raw.close()
        for daemon in started:
            assert daemon.process.returncode is None
            assert not daemon.logged("unexpected"), daemon.text[-2_000:]
    assert wrongs(station) == []


async def test_a_screen_of_another_version_is_told_so(tmp_path: Path) -> None:
    """Older or newer: nothing is asked of it, and the sentence names both versions."""
    async with (
        prepared_station(tmp_path, simulators=False) as station,
        daemons(station, *DAEMONS),
    ):
        for name, path in _sockets(station):
            await until(partial(_listens, path), f"{name} listens")
            for version in (Version(0, 9), Version(9, 0)):
                contract = replace(CONTRACTS[name], version=version, oldest=version)
                client = RpcClient(path, contract)
                with pytest.raises(VersionMismatch) as refused:
                    await client.connect()
                assert "Restart both after an upgrade" in refused.value.sentence()
                await client.close()


async def test_a_printer_that_stands_still_stops_nothing_else(tmp_path: Path) -> None:
    """A hundred wishes for paper: cards are issued, one copy waits, one comes out."""
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "counter") as started,
        counter_screen(station) as desk,
        cashier_of(station) as cashier,
        hands_at(station.printer_control) as printer,
    ):
        assert await cashier.issue(issue_of(0))
        await desk.until(
            counter.RECEIPT_PRINTED, lambda outcome: outcome.outcome == "printed"
        )
        await printer.call("stall", on=True)
        for _ in range(100):
            wish = counter.ReceiptRequest(receipt_no=1)
            await desk.client.call(counter.RECEIPT_PRINT, wish)
        assert await cashier.issue(issue_of(1))
        waiting = query(station, "SELECT * FROM receipt ORDER BY receipt_no")
        assert [row["wanted"] <= 1 for row in waiting] == [True, True]
        desk.forget()
        await printer.call("stall", on=False)
        await until(lambda: _nothing_waits(station), "all is printed")
        assert started[0].process.returncode is None
        # What was under way when it stood still may be on paper once more, as a copy.
        copies = query(station, "SELECT copies FROM receipt WHERE receipt_no = 1")
        assert 1 <= copies[0]["copies"] <= 3
    assert wrongs(station) == []


def _nothing_waits(station: DemoStation) -> bool:
    found = query(
        station, "SELECT 1 FROM receipt WHERE wanted > 0 OR outcome = 'printing'"
    )
    return not found
