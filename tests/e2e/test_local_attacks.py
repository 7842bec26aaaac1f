"""A local user who should not: refused at each step, and the log says so."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cngstation import hygiene
from cngstation.cli.demo_station import DAEMONS, LOGIN_NAME, DemoStation
from cngstation.cli.main import UMASK
from cngstation.errors import BadRequest, NotLoggedIn
from cngstation.protocols.ndjson import LONGEST_LINE
from cngstation.rpc.client import RpcClient
from cngstation.rpc.connection import Limits
from cngstation.rpc.contract import counter, registers
from cngstation.rpc.contract.counter import COUNTER, CounterBoard
from cngstation.rpc.contract.forecourt import FORECOURT
from cngstation.rpc.contract.uplink import UPLINK
from cngstation.rpc.failures import MalformedLine, PeerRefused, TooManyConnections
from cngstation.rpc.session import ATTACH, LOGIN, LOGOUT, Attach, Login, Nothing
from tests.e2e import local_attacker
from tests.e2e.live_station import (
    Daemon,
    Screen,
    counter_screen,
    daemons,
    prepared_station,
    until,
)

CONTRACTS: dict[str, Any] = {
    "counter": COUNTER,
    "forecourt": FORECOURT,
    "uplink": UPLINK,
}
STRANGER = 65534  # nobody: in no group of the station
CLEAR = "\x1b[2J\x1b]0;owned\x07"
FORMULA = "=cmd|' /C calc'!A0"
TURNED = "\u202e"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every local user can look into, as /run and /var are."""
    made = Path(tempfile.mkdtemp(prefix="cngstation-attack-"))
    made.chmod(0o755)
    before = os.umask(0)
    os.umask(before)
    yield made
    os.umask(before)
    shutil.rmtree(made)


@asynccontextmanager
async def attacked(folder: Path) -> AsyncIterator[tuple[DemoStation, list[Daemon]]]:
    """Run every daemon of a station until all of them listen."""
    os.umask(UMASK)  # as the command that prepares a station does
    async with (
        prepared_station(folder, simulators=False) as station,
        daemons(station, *DAEMONS) as started,
    ):
        for daemon in started:
            await until(lambda one=daemon: bool(one.logged("daemon.ready")), "ready")
        yield station, started


def refusals(started: list[Daemon], code: str) -> list[dict[str, Any]]:
    """Return the rows of the log about one kind of refusal."""
    rows = [row for daemon in started for row in daemon.logged("socket.refused")]
    return [row for row in rows if row["code"] == code]


async def tried(files: list[Path], sockets: list[Path]) -> dict[str, dict[str, str]]:
    """Let a stranger try; root of the tests becomes that user first."""
    asked = {
        "uid": STRANGER,
        "files": [*map(str, files)],
        "sockets": [*map(str, sockets)],
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, local_attacker.__file__,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(json.dumps(asked).encode())
    assert process.returncode == 0
    found: dict[str, dict[str, str]] = json.loads(out)
    return found


def files_of(station: DemoStation) -> list[Path]:
    """Return what of a station is nobody else's."""
    beside = [station.database.with_name(station.database.name + "-wal")]
    keys = [path for path in station.folder.rglob("*key*") if path.is_file()]
    return [station.database, *[path for path in beside if path.exists()], *keys]


@pytest.mark.skipif(os.getuid() != 0, reason="another user can be become by root only")
async def test_another_user_gets_at_nothing(folder: Path) -> None:
    """Not at a file or a socket; a socket open to all asks the kernel who it is."""
    async with attacked(folder) as (station, started):
        sockets = [station.run_dir / f"{part}.sock" for part in CONTRACTS]
        files = files_of(station)
        assert len(files) > 1
        found = await tried(files, sockets)
        assert set(found["read"].values()) == {"PermissionError"}, found["read"]
        assert set(found["write"].values()) == {"PermissionError"}, found["write"]
        assert set(found["said"].values()) == {"PermissionError"}, found["said"]

        station.run_dir.chmod(0o755)
        for one in sockets:
            one.chmod(0o666)
        found = await tried([], sockets)
        for said in found["said"].values():
            (line,) = said.splitlines()
            assert PeerRefused.code in line
        told = refusals(started, PeerRefused.code)
        assert [row["uid"] for row in told] == [STRANGER] * len(sockets)


async def test_a_user_of_the_sockets_gets_no_further(folder: Path) -> None:
    """Without a login, with an old token, by a flood, by what is typed."""
    async with attacked(folder) as (station, started):
        await _nothing_without_a_login(station, started)
        await _no_token_twice(station, started)
        async with counter_screen(station) as desk:
            await _floods(station, started, desk)
            await _typed_text(station, started, desk)


async def _nothing_without_a_login(station: DemoStation, started: list[Daemon]) -> None:
    """Each method of each socket says so, and the log says who asked."""
    for part, contract in CONTRACTS.items():
        async with _greeted(station, part) as client:
            for number, method in enumerate(contract.methods, 2):
                if method.right is None:
                    continue
                said = await client.ask(method.name, number)
                assert said["error"]["data"]["code"] == NotLoggedIn.code, method.name
    told = refusals(started, NotLoggedIn.code)
    assert {row["uid"] for row in told} == {os.getuid()}
    asked = [one for one in CONTRACTS.values() if one.methods]
    assert len(told) == len(asked)  # a row at once, then a count


async def _no_token_twice(station: DemoStation, started: list[Daemon]) -> None:
    """Replayed at any daemon; a made-up one neither."""
    socket = station.run_dir / "counter.sock"
    client = RpcClient(socket, COUNTER)
    await client.connect()
    password = SecretStr(station.password)
    login = Login(login_name=LOGIN_NAME, password=password, terminal="t")
    token = (await client.call(LOGIN, login)).token
    await client.call(LOGOUT, Nothing())
    await client.close()
    made_up = SecretStr("A" * len(token.get_secret_value()))
    for part, contract in CONTRACTS.items():
        for replayed in (token, made_up):
            thief = RpcClient(station.run_dir / f"{part}.sock", contract)
            await thief.connect()
            with pytest.raises(NotLoggedIn):
                await thief.call(ATTACH, Attach(token=replayed))
            await thief.close()
    told = refusals(started, NotLoggedIn.code)
    assert len(told) == len(CONTRACTS)


async def _floods(
    station: DemoStation, started: list[Daemon], desk: Screen[CounterBoard]
) -> None:
    """A screen at work is served all the while; the log stays short."""
    deep = b'{"jsonrpc":"2.0","id":1,"method":"hello","params":' + b"[" * 20_000
    lines = [
        deep + b"]" * 20_000 + b"}\n",
        b'{"id":1,"x":"' + b"x" * LONGEST_LINE + b'"}\n',
        b"\xff\xfe\x00\n",
        b'{"jsonrpc":"2.0","id":NaN,"method":"hello"}\n',
        b"[]\n",
        b"\x00" * 100 + b"\n",
    ]
    path = station.run_dir / "counter.sock"
    for line in lines * 5:
        async with _connected(path) as client:
            client.writer.write(line)
            said = await client.reader.read()
            assert MalformedLine.code.encode() in said, line[:40]
    async with AsyncExitStack() as held:
        for _ in range(Limits().connections * 2):
            await held.enter_async_context(_connected(path))
        await until(
            lambda: bool(refusals(started, TooManyConnections.code)), "a full house"
        )
        await desk.client.call(counter.TILL_SHOW, Nothing())
    await _has_room(path)
    assert len(refusals(started, MalformedLine.code)) == 1
    rows = [row for daemon in started for row in daemon.events]
    assert len(rows) < 60


async def _has_room(path: Path) -> None:
    """Wait until the daemon knows that those who were there have left."""
    while True:
        async with _connected(path) as client:
            client.writer.write(b"[]\n")
            if MalformedLine.code.encode() in await client.reader.read():
                return


async def _typed_text(
    station: DemoStation, started: list[Daemon], desk: Screen[CounterBoard]
) -> None:
    """Terminal escapes, turned text, formulas and SQL in names and search fields."""
    call = desk.client.call
    async with _greeted(station, "counter") as client:
        login = {"login_name": LOGIN_NAME, "password": station.password}
        said = await client.ask("session.login", 2, **login, terminal=CLEAR)
        assert said["error"]["data"]["code"] == BadRequest.code, said
        said = await client.ask("session.login", 3, **login, terminal="t")
        assert "result" in said
        for number, odd in enumerate((CLEAR, TURNED, "\x9b31m", "a\x00b"), 4):
            draft = {"name": odd, "address": "", "phone": ""}
            said = await client.ask("company.register", number, **draft)
            assert said["error"]["data"]["code"] == BadRequest.code, said
            assert hygiene.is_clean(json.dumps(said, ensure_ascii=False))
    assert refusals(started, BadRequest.code)

    name = f"{FORMULA}'; DROP TABLE company; --"
    wanted = registers.CompanyDraft(name=name, address="", phone="")
    made = await call(registers.COMPANY_REGISTER, wanted)
    assert made.name == name
    for text in ("' OR 1=1 --", "%", "_", "*", '"', "x' UNION SELECT 1 --"):
        search = registers.Search(text=text, limit=20)
        found = await call(registers.COMPANY_SEARCH, search)
        assert [row.name for row in found.rows] == [], text
    search = registers.Search(text="DROP TABLE", limit=20)
    found = await call(registers.COMPANY_SEARCH, search)
    assert [row.name for row in found.rows] == [name]


class _Raw:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, method: str, number: int, **params: Any) -> dict[str, Any]:
        asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.writer.write(json.dumps(asked).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self.reader.readline())
        return answer


@asynccontextmanager
async def _connected(path: Path) -> AsyncIterator[_Raw]:
    raw = _Raw(*await asyncio.open_unix_connection(str(path)))
    try:
        yield raw
    finally:
        raw.writer.close()
        with suppress(OSError):
            await raw.writer.wait_closed()


@asynccontextmanager
async def _greeted(station: DemoStation, part: str) -> AsyncIterator[_Raw]:
    version = CONTRACTS[part].version
    told = {"major": version.major, "minor": version.minor}
    async with _connected(station.run_dir / f"{part}.sock") as client:
        said = await client.ask("hello", 1, program="t", contract=told, oldest=told)
        assert "result" in said, said
        yield client
