"""What every daemon does around its work: it ends, with the right code, every time."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cngstation.config import load_config
from cngstation.errors import CommitUncertain, DatabaseUnopened
from cngstation.language import use_language
from cngstation.rpc.client import RpcClient
from cngstation.rpc.contract.counter import COUNTER
from cngstation.rpc.failures import NotConnected
from cngstation.services.check_anchors import OLDER_BOOKS, file_of
from cngstation.services.keep_outlets import NoSuchTillOutlet
from cngstation.storage import findings, roles
from cngstation.storage.roles import Outlet
from cngstation.storage.sqlite import sqlite3
from daemons import launch
from daemons.process import Process
from tests.small_station import HandClock, book, opened
from tui.texts import error_sentence

CONFIG = """
[station]
station_no = "51010001"
area_no = "5101"
area_short_name = "CD"
issue_point_no = "01"
name = "North Gate"
company_name = "Shudu Gas"
network = "single"
language = "{language}"

[paths]
database = "{folder}/station.db"
runtime_dir = "{folder}/run"
card_master_key = "{folder}/card.key"
personal_data_key = "{folder}/personal.key"

[reader]
kind = "pn532"
port = "/dev/null"

[limits]
top_up_lower_yuan = "10.00"
top_up_upper_yuan = "1000.00"
balance_ceiling_yuan = "5000.00"
card_fee_yuan = "20.00"
cylinder_warning_days = 30
"""


def write_config(folder: Path, language: str = "en") -> Path:
    """Write a configuration whose files are all in a folder."""
    path = folder / "station.toml"
    path.write_text(CONFIG.format(folder=folder, language=language))
    return path


@pytest.fixture
def process(tmp_path: Path) -> Process:
    """Return the frame of a daemon in this process."""
    (tmp_path / "station.db").touch()
    return Process("test", load_config(write_config(tmp_path)), HandClock())


async def for_ever() -> None:
    """Do a part's work."""
    await asyncio.Event().wait()


async def test_a_signal_ends_everything_with_zero(process: Process) -> None:
    """SIGTERM cancels every part and the daemon was asked to end."""
    process.keep(for_ever(), "part")
    ending = asyncio.create_task(process.until_stopped())
    await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(ending, 30) == 0


@pytest.mark.parametrize("how", ["raises", "returns"])
async def test_a_part_that_ends_ends_the_daemon(process: Process, how: str) -> None:
    """No daemon lives on without one of its parts: it is started anew."""

    async def part() -> None:
        if how == "raises":
            raise RuntimeError("a part failed")

    process.keep(for_ever(), "other part")
    process.keep(part(), "part")
    assert await asyncio.wait_for(process.until_stopped(), 60) == 1


async def test_an_unconfirmed_commit_ends_the_daemon(process: Process) -> None:
    """Only a new start may look whether the record is there."""
    database = await process.open_database()
    process.watch_database(database)

    def fail(tx: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    ending = asyncio.create_task(process.until_stopped())
    with pytest.raises(CommitUncertain):
        await database.write(fail)
    assert await asyncio.wait_for(ending, 30) == 1
    await process.close_databases()


async def test_whichever_daemon_starts_compares_with_the_anchors(
    process: Process,
) -> None:
    """Without the uploader an older copy is a row all the same."""
    anchors = file_of(process.config.paths.database)
    anchors.parent.mkdir()
    anchors.write_text(f"1 999999 {'0' * 64} 1\n", "ascii")
    database = await process.open_database()
    process.watch_database(database)
    ending = asyncio.create_task(process.until_stopped())
    while not (rows := await database.read(findings.open_findings)):
        await asyncio.sleep(0.01)
    assert [row.kind for row in rows] == [OLDER_BOOKS]
    process.begin_anew()
    await ending
    await process.close_databases()


async def test_an_act_of_the_daemon_may_ask_for_the_end(process: Process) -> None:
    """`fail` is the way out for who cannot raise."""
    process.fail(CommitUncertain(why="disk"))
    assert await asyncio.wait_for(process.until_stopped(), 60) == 1


async def test_a_database_that_is_not_there_is_never_made(process: Process) -> None:
    """A new one would be a station without its books."""
    path = process.config.paths.database
    path.unlink()
    with pytest.raises(DatabaseUnopened, match="there is no such file"):
        await process.open_database()
    assert not path.exists()


async def test_databases_close_once_and_again(process: Process) -> None:
    """Closing after a daemon closed its own file is no failure."""
    database = await process.open_database()
    await database.write(lambda tx: book(tx, "a"))
    await database.close()
    await process.close_databases()


_PROGRAM = """
import asyncio, sys
from cngstation.errors import ConfigError, DeviceUnavailable
from daemons.launch import run
async def serve(process):
    await process.open_database()
    if {what!r} == "config":
        raise ConfigError(path="p", key="k", why="w", allowed="a")
    if {what!r} == "station":
        raise DeviceUnavailable(device="d", why="w")
    if {what!r} == "bug":
        raise RuntimeError("bug")
    return 0
run("test", serve, {socket!r})
"""


@pytest.mark.parametrize(
    ("what", "code"), [("none", 0), ("station", 1), ("bug", 1), ("config", 2)]
)
def test_a_daemon_that_cannot_start_ends(tmp_path: Path, what: str, code: int) -> None:
    """A database left open must not keep a failed daemon from being restarted."""
    path = write_config(tmp_path, "zh_CN")
    (tmp_path / "station.db").touch()
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            _PROGRAM.format(what=what, socket=""),
            "--config",
            str(path),
        ],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == code, ended.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--config", "missing.toml"], "missing.toml"),
        ([], "--config"),
        (["--config", "bad.toml"], "station"),
    ],
)
def test_a_wrong_configuration_is_code_two(
    tmp_path: Path, arguments: list[str], text: str
) -> None:
    """Systemd is told not to try again, and a person what to correct."""
    (tmp_path / "bad.toml").write_text("[station]\n")
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(what="none", socket=""), *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert text in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_till_of_an_outlet_that_is_not_there_is_said(tmp_path: Path) -> None:
    """By number, with those that there are; nothing is started."""
    with write_config(tmp_path).open("a") as file:
        file.write('[till]\noutlet_no = "1003"\n')
    async with opened(tmp_path / "station.db", HandClock()) as db:
        await db.write(lambda tx: roles.put_outlet(tx, Outlet("1002", "x", 1)))
    config = load_config(tmp_path / "station.toml")
    process = Process("test", config, HandClock())
    for outlet_no in ("1003", "1002"):
        till = config.till.model_copy(update={"outlet_no": outlet_no})
        process.config = config.model_copy(update={"till": till})
        with pytest.raises(NoSuchTillOutlet) as said:
            await process.open_database()
        assert f'"{outlet_no}"' in said.value.sentence()
        assert "one of 1001;" in said.value.sentence()
    await process.close_databases()


async def test_why_a_daemon_cannot_start_reaches_whoever_connects(
    tmp_path: Path,
) -> None:
    """Beside its socket, in the station's language; gone when it listens again."""
    config, socket = write_config(tmp_path, "zh_CN"), tmp_path / "counter.sock"

    async def connect() -> str:
        use_language("zh_CN")
        client = RpcClient(socket, COUNTER)
        with pytest.raises(NotConnected) as failed:
            await client.connect()
        told = error_sentence(failed.value)
        use_language("en")
        return told

    assert "连接数据库失败" not in await connect()
    use_language("zh_CN")
    launch.explain(socket, DatabaseUnopened(path=str(tmp_path / "station.db"), why="x"))
    assert "连接数据库失败" in await connect()
    assert str(tmp_path / "station.db") in await connect()
    socket.with_suffix(".why").write_text("\x1b[31mred\n" + "x" * 9_000)
    told = await connect()
    assert "\x1b" not in told
    assert len(told) < 600
    notifier = launch.Listening(socket)
    process = Process("test", load_config(config), HandClock(), notifier)
    process._stop.set()
    assert await process.until_stopped() == 0
    assert "red" not in await connect()
