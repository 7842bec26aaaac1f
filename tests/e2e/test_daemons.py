"""The daemons as processes: their end, their ports, their file, their words."""

import asyncio
import contextlib
import json
import os
import resource
import signal
from pathlib import Path

import pytest

from cngstation.cli import doctor
from cngstation.cli.demo import script
from cngstation.cli.demo_players import Cashier, Driver, Play
from cngstation.cli.demo_station import DAEMONS, LINES, DemoStation, demo_station
from cngstation.rpc.contract import counter, forecourt
from cngstation.rpc.contract.counter import CounterBoard
from cngstation.rpc.contract.figures import DeviceHealth, DeviceState
from cngstation.rpc.contract.forecourt import ForecourtBoard
from cngstation.storage.sqlite import connect
from tests.e2e.live_station import (
    Daemon,
    Screen,
    cashier_of,
    counter_screen,
    daemons,
    forecourt_screen,
    hands_at,
    is_alive,
    issue_of,
    prepared_station,
    query,
    top_up_of,
    until,
)
from tests.e2e.station_proof import wrongs
from tests.patience import allowed_s

ENDS_WITHIN_S = 5.0  # then systemd would kill them


async def _ready(*started: Daemon) -> None:
    for daemon in started:
        await until(lambda one=daemon: bool(one.logged("daemon.ready")), "ready")


async def test_sigterm_ends_an_idle_daemon(tmp_path: Path) -> None:
    """Each ends with 0 and removes its socket; every line of its log is JSON.

    What a killed export left is gone once the counter is there.
    """
    async with contextlib.AsyncExitStack() as stack:
        station = await stack.enter_async_context(prepared_station(tmp_path))
        left = station.database.with_name("exports") / ".a.jsonl.gz.0123abcd.part"
        left.parent.mkdir()
        left.write_bytes(b"half")
        started = await stack.enter_async_context(daemons(station, *DAEMONS))
        await _ready(*started)
        assert not left.exists()
        for daemon in started:
            code, took_s = await daemon.terminate()
            assert (code, took_s < allowed_s(ENDS_WITHIN_S)) == (0, True), (
                took_s,
                daemon.text,
            )
            assert [line["failed"] for line in daemon.logged("daemon.ended")] == [False]
        assert list(station.run_dir.glob("*.sock")) == []


async def test_the_doctor_asks_the_running_monitor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a login; the lines of a station that is well have no cause."""
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "forecourt") as started,
    ):
        await _ready(*started)
        await asyncio.sleep(1)
        given = ["--config", str(station.config_file), "--json", "--language", "en"]
        await asyncio.to_thread(doctor.run, given)
    told = json.loads(capsys.readouterr().out)
    assert [line["name"] for line in told["lines"]] != []
    assert all(line["is_open"] for line in told["lines"])
    assert not [one for one in told["findings"] if one["part"].startswith("line")]


async def test_sigterm_ends_busy_daemons(tmp_path: Path) -> None:
    """In the middle of acts and fills too; all that had begun is finished later."""
    async with demo_station(folder=tmp_path) as station:
        cashier = Cashier(station, 100)
        stage = Play(cashier, Driver(station, 100))
        try:
            await cashier.begin()
            for act in script(station, 3).acts():
                await stage.begin(act)
                if act.index == 5:
                    break
            loop = asyncio.get_running_loop()
            began = loop.time()
            pids = [station.pid_of(name) for name in DAEMONS]
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
            await until(lambda: not any(map(is_alive, pids)), "their end")
            assert loop.time() - began < allowed_s(ENDS_WITHIN_S)
            await stage.finish()
        finally:
            await cashier.end()
        assert stage.failed is None, repr(stage.failed)
        await station.stop()
    assert wrongs(station) == []
    for name in DAEMONS:
        assert '"failed": true' not in (station.folder / f"{name}.log").read_text()


async def test_ports_that_are_missing_or_lost_are_shown_and_recover(
    tmp_path: Path,
) -> None:
    """Reader, printer and lines go and come; each change reaches the screen."""
    async with (
        prepared_station(tmp_path, simulators=False) as station,
        daemons(station, "counter", "forecourt") as started,
        counter_screen(station) as desk,
        forecourt_screen(station) as yard,
    ):
        assert "there is no such port" in _said(desk.board.reader)
        healths = [line.health for line in yard.board.lines]
        assert {health.state for health in healths} == {DeviceState.OFFLINE}
        assert "there is no such port" in _said(healths[0])
        await station.start_simulators()
        await _all_become(DeviceState.ONLINE, desk, yard)
        await station.stop()
        await _all_become(DeviceState.OFFLINE, desk, yard)
        await station.start_simulators()
        await _all_become(DeviceState.ONLINE, desk, yard)
        assert [daemon.process.returncode for daemon in started] == [None, None]


async def _all_become(
    state: DeviceState, desk: Screen[CounterBoard], yard: Screen[ForecourtBoard]
) -> None:
    await desk.until(counter.READER_CHANGED, lambda health: health.state is state)
    await desk.until(counter.PRINTER_CHANGED, lambda health: health.state is state)
    for name, _, _ in LINES:
        await yard.until(
            forecourt.LINE_CHANGED,
            lambda line, name=name: line.name == name and line.health.state is state,
        )
    desk.forget()
    yard.forget()


def _said(health: DeviceHealth) -> str:
    return health.text.format_map({fact.name: fact.value for fact in health.facts})


async def test_a_second_instance_says_who_holds_the_ports_and_lives(
    tmp_path: Path,
) -> None:
    """Ports are held by one program; the second one shows why it has none."""
    async with prepared_station(tmp_path) as station:
        other = station.folder / "second.toml"
        run_dir = station.folder / "second"
        text = station.config_file.read_text("utf-8")
        changed = text.replace(
            f'runtime_dir = "{station.run_dir}"', f'runtime_dir = "{run_dir}"'
        )
        other.write_text(changed, "utf-8")
        async with daemons(station, "counter", "forecourt") as first:
            await _ready(*first)
            async with counter_screen(station) as desk:
                if desk.board.reader.state is not DeviceState.ONLINE:
                    await desk.until(counter.READER_CHANGED)
            async with daemons(station, "counter", "forecourt", config=other) as second:
                await _ready(*second)
                async with counter_screen(station, run_dir) as desk:
                    assert desk.board.reader.state is DeviceState.OFFLINE
                    assert "another program holds the port" in _said(desk.board.reader)
                async with forecourt_screen(station, run_dir) as yard:
                    healths = [line.health for line in yard.board.lines]
                    assert {h.state for h in healths} == {DeviceState.OFFLINE}
                    assert "another program holds the port" in _said(healths[0])
                assert [d.process.returncode for d in second] == [None, None]


async def test_a_second_instance_on_the_same_socket_is_refused(tmp_path: Path) -> None:
    """The first one keeps its socket; the second says so and ends with 1."""
    async with (
        prepared_station(tmp_path, simulators=False) as station,
        daemons(station, "uplink") as first,
    ):
        await _ready(*first)
        async with daemons(station, "uplink") as second:
            assert await second[0].ended() == 1
            why = second[0].logged("daemon.cannot_start")[0]["why"]
            assert str(station.run_dir / "uplink.sock") in why
        assert (station.run_dir / "uplink.sock").is_socket()
        assert first[0].process.returncode is None


async def test_a_wrong_configuration_is_named_key_by_key(tmp_path: Path) -> None:
    """Each daemon ends with 2 and says file, key and what is allowed."""
    async with prepared_station(tmp_path, simulators=False) as station:
        text = station.config_file.read_text("utf-8")
        wrong = station.folder / "wrong.toml"
        wrong.write_text(text.replace("baud = 9600", "baud = 12345"), "utf-8")
        async with daemons(station, *DAEMONS, config=wrong) as started:
            for daemon in started:
                assert await daemon.ended() == 2
                assert str(wrong) in daemon.text
                assert "lines" in daemon.text
                assert "baud" in daemon.text
                assert "Allowed: " in daemon.text
                assert "Traceback" not in daemon.text


async def test_a_newer_database_is_refused_at_start(tmp_path: Path) -> None:
    """An older program never writes into a file that a newer one has changed."""
    async with prepared_station(tmp_path, simulators=False) as station:
        connection = connect(station.database)
        connection.execute("INSERT INTO schema_migration VALUES (999, 'newer', 0, '')")
        connection.close()
        before = station.database.read_bytes()
        async with daemons(station, *DAEMONS) as started:
            for daemon in started:
                assert await daemon.ended() == 1
                (line,) = daemon.logged("daemon.cannot_start")
                assert "has version 999" in line["why"]
                assert "Install the newer program" in line["why"]
        assert station.database.read_bytes() == before


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("/proc/station.db", "there is no such file"),
        ("no books", "file is not a database"),
    ],
)
async def test_a_database_that_cannot_be_opened_is_a_sentence(
    tmp_path: Path, where: str, why: str
) -> None:
    """No traceback for a wrong path or another file: what to look at, and no new file.

    A new one would be a station without its books.
    """
    async with prepared_station(tmp_path, simulators=False) as station:
        (station.folder / "text").write_text("no books of any station" * 99, "ascii")
        place = str(station.folder / "text") if where == "no books" else where
        text = station.config_file.read_text("utf-8")
        other = station.folder / "other.toml"
        other.write_text(text.replace(str(station.database), place), "utf-8")
        async with daemons(station, *DAEMONS, config=other) as started:
            for daemon in started:
                assert await daemon.ended() == 1
                (line,) = daemon.logged("daemon.cannot_start")
                assert "Connecting to the database failed" in line["why"]
                assert why in line["why"]
                assert "cngstation init" in line["why"]


async def test_a_disk_that_takes_nothing_ends_the_daemon_with_a_sentence(
    tmp_path: Path,
) -> None:
    """A commit that is not confirmed restarts the daemon; the act is asked for again.

    No file of the process may grow, as on a full disk; the money is there once.
    """
    async with demo_station(folder=tmp_path) as station, cashier_of(station) as cashier:
        assert await cashier.issue(issue_of(0))
        pid = station.pid_of("counter")
        wal = station.database.with_name("station.db-wal").stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (wal // 2, wal // 2))
        # The restarted daemon has no such limit: the same act is done by it.
        assert await cashier.top_up(top_up_of(0))
        assert station.pid_of("counter") != pid
        log = (station.folder / "counter.log").read_text("utf-8")
        assert "The disk did not confirm a record" in log
        await station.stop()
    done = query(station, "SELECT state, cash_e4 FROM intent WHERE kind='top_up'")
    assert done == [{"state": "DONE", "cash_e4": 1_000_000}]
    assert wrongs(station) == []


async def test_without_paper_the_money_act_is_done_and_the_receipt_waits(
    tmp_path: Path,
) -> None:
    """With paper again it is printed by itself, once, as the original."""
    async with (
        prepared_station(tmp_path) as station,
        daemons(station, "counter") as started,
    ):
        await _ready(*started)
        async with counter_screen(station) as desk, cashier_of(station) as cashier:
            await _hand(station, "paper_out")
            assert await cashier.issue(issue_of(0))
            trouble = await desk.until(
                counter.PRINTER_CHANGED, lambda h: h.state is not DeviceState.ONLINE
            )
            assert "out of paper" in trouble.text
            assert _receipts(station) == [(0, 0, 1, "waiting")]
            desk.forget()
            await _hand(station, "paper_in")
            await desk.until(
                counter.RECEIPT_PRINTED, lambda outcome: outcome.outcome == "printed"
            )
            paper = (station.folder / "paper.txt").read_text("utf-8")
            assert paper.count("00000001") == 1
            assert "COPY" not in paper
            assert _receipts(station) == [(1, 0, 0, "printed")]


async def test_a_printer_that_dies_while_printing_makes_the_next_print_a_copy(
    tmp_path: Path,
) -> None:
    """Nobody knows what is on the paper: no second original ever comes out."""
    async with demo_station(folder=tmp_path, language="en") as station:
        async with counter_screen(station) as desk, cashier_of(station) as cashier:
            await _hand(station, "paper_out", lines=4)
            assert await cashier.issue(issue_of(0))
            await until(lambda: "Card issue" in _paper(station), "the first lines")
            os.kill(station.pid_of("printer"), signal.SIGKILL)
            await desk.until(
                counter.RECEIPT_PRINTED, lambda outcome: outcome.outcome == "trouble"
            )
            assert _receipts(station) == [(1, 0, 0, "unknown")]
            desk.forget()
            await desk.client.call(
                counter.RECEIPT_PRINT, counter.ReceiptRequest(receipt_no=1)
            )
            await desk.until(
                counter.RECEIPT_PRINTED, lambda outcome: outcome.outcome == "printed"
            )
        assert _receipts(station) == [(1, 1, 0, "printed")]
        assert "COPY 1" in _paper(station)


async def _hand(station: DemoStation, verb: str, **arguments: object) -> None:
    async with hands_at(station.printer_control) as hands:
        await hands.call(verb, **arguments)


def _paper(station: DemoStation) -> str:
    return (station.folder / "paper.txt").read_text("utf-8")


def _receipts(station: DemoStation) -> list[tuple[int, int, int, str]]:
    found = query(station, "SELECT * FROM receipt ORDER BY receipt_no")
    return [(r["originals"], r["copies"], r["wanted"], r["outcome"]) for r in found]
