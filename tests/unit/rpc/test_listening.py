"""The socket file, systemd's socket, and the end."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cngstation.rpc.authority import Peer, peer_of
from cngstation.rpc.client import RpcClient
from cngstation.rpc.failures import ServerClosing, SocketInUse
from cngstation.rpc.listening import open_socket, passed_socket
from tests.patience import allowed_s
from tests.unit.rpc.toys import Raw, Station, contract

Start = Callable[..., Awaitable[Station]]


async def test_the_socket_is_for_owner_and_group(station: Station) -> None:
    """The file has mode 0660."""
    assert stat.S_IMODE(station.path.stat().st_mode) == 0o660


async def test_a_dead_socket_is_replaced(path: Path, start: Start) -> None:
    """The file of a killed daemon does not keep the next one from starting."""
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    station = await start()
    await Raw.open(station.path)


async def test_a_living_socket_is_not_stolen(station: Station) -> None:
    """A second daemon at the same path refuses to start; the first goes on."""
    with pytest.raises(SocketInUse):
        await Station(station.path).server.start(environ={})
    await Raw.open(station.path)


async def test_a_plain_file_is_not_removed(path: Path) -> None:
    """What is no socket is not ours to delete."""
    path.write_text("keep me")
    with pytest.raises(OSError, match="in use"):
        open_socket(path)
    assert path.read_text() == "keep me"


async def test_the_file_is_removed_at_close(station: Station) -> None:
    """After close() there is no file, and closing twice does no harm."""
    await station.server.close()
    assert not station.path.exists()
    await station.server.close()


async def test_a_successors_file_stays(station: Station) -> None:
    """A socket that another daemon has put in our place is not removed."""
    station.path.unlink()
    successor = open_socket(station.path)
    await station.server.close()
    assert station.path.exists()
    successor.close()


async def test_close_is_in_time_with_clients_and_acts(station: Station) -> None:
    """Sixteen clients, a hanging act and a half line do not hold close() for 1 s."""
    for _ in range(14):
        await Raw.open(station.path)
    busy, half = await Raw.open(station.path), await Raw.open(station.path)
    station.hold.clear()
    busy.request("word.echo", {"text": "a"})
    half.send(b'{"jsonrpc"')
    await station.begun.wait()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await station.server.close()
    assert loop.time() - began < allowed_s(1)
    assert await half.last_words() == "rpc.closing"
    await asyncio.sleep(0)
    assert not station.server._tasks
    assert not station.server._connections
    assert not station.server._lingering


async def test_close_lets_an_act_finish_and_answer(station: Station) -> None:
    """An act that ends in time is answered before the connection is closed."""
    client = RpcClient(station.path, contract())
    await client.connect()
    raw = await Raw.open(station.path)
    station.hold.clear()
    raw.request("word.echo", {"text": "a"}, 1)
    raw.request("word.echo", {"text": "not begun"}, 2)
    await station.begun.wait()
    asyncio.get_running_loop().call_later(0.1, station.hold.set)
    await station.server.close()
    assert (await raw.read() or {})["result"] == {"text": "a"}
    assert (await raw.read() or {})["method"] == "connection.closing"
    assert await raw.read() is None
    assert isinstance(client.ended, ServerClosing)
    assert len(station.contexts) == 1


PASSED = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
decoy = socket.socket(socket.AF_UNIX)
decoy.bind(sys.argv[1] + ".other")
decoy.listen()
fds = {"listening": listening, "decoy": decoy}
for number, name in enumerate(sys.argv[3].split(","), 3):
    os.dup2(fds[name].fileno() if name in fds else os.open("/dev/null", 0), number + 40)
for number, _ in enumerate(sys.argv[3].split(","), 3):
    os.dup2(number + 40, number)
from pathlib import Path
from cngstation.rpc.listening import passed_socket
count = len(sys.argv[3].split(","))
pid = os.getpid() if sys.argv[4] == "us" else os.getpid() + 1
taken = passed_socket(
    Path(sys.argv[2]), {"LISTEN_PID": str(pid), "LISTEN_FDS": str(count)}
)
name = taken and os.path.basename(taken.getsockname())
print(name, taken and taken.get_inheritable())
"""


@pytest.mark.parametrize(
    ("passed", "asked", "whose", "taken"),
    [
        ("listening", "a.sock", "us", "a.sock False"),
        ("decoy,listening", "a.sock", "us", "a.sock False"),
        ("null,listening", "a.sock", "us", "a.sock False"),
        ("listening", "named-otherwise.sock", "us", "a.sock False"),
        ("decoy,listening", "named-otherwise.sock", "us", "None None"),
        ("listening", "a.sock", "another", "None None"),
        ("null", "a.sock", "us", "None None"),
    ],
)
def test_the_socket_that_systemd_passed_is_taken(
    tmp_path: Path, passed: str, asked: str, whose: str, taken: str
) -> None:
    """By path, or the only one; never another process's, never what is no socket."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PASSED,
            str(tmp_path / "a.sock"),
            str(tmp_path / asked),
            passed,
            whose,
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == taken


@pytest.mark.parametrize("count", ["", "x", "²", "0"])
def test_odd_words_from_the_environment_pass_no_socket(path: Path, count: str) -> None:
    """A count that is no number is no socket."""
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count}
    assert passed_socket(path, environ) is None


async def test_a_passed_socket_serves_and_keeps_its_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket of systemd is served; the file is systemd's and stays at close."""
    made = open_socket(path)
    monkeypatch.setattr("cngstation.rpc.server.passed_socket", lambda *_: made)
    station = Station(path)
    await station.server.start()
    raw = await Raw.open(path)
    assert "result" in (await raw.ask("word.echo", {"text": "a"}) or {})
    raw.close()
    await station.server.close()
    assert path.exists()


def test_the_kernel_names_the_peer() -> None:
    """SO_PEERCRED gives process, user and group of the other end."""
    here, there = socket.socketpair()
    with here, there:
        assert peer_of(here) == Peer(os.getpid(), os.getuid(), os.getgid())
