"""`cngstation demo` as a process: its line, its exit code, and what a seed promises."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from cngstation.cli.demo import play, script
from cngstation.cli.demo_script import Act, FillVehicle, IssueCard, Script, TopUpCard
from cngstation.cli.demo_station import PRICES_FEN, DemoStation, demo_station
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import connect
from cngstation.units import E4_PER_FEN, Price, Quantity, Unit, amount_of
from tests.simulated_devices import ROOT

SEED, ACTS, SPEED = 7, 10, 400.0
PRICES = tuple(Price(fen * E4_PER_FEN) for fen in PRICES_FEN)
# From the call to the first poll: imports, keys, seven processes on a busy machine.
STARTS_WITHIN_S = 120.0
OVERRUN_S = 15.0


@dataclass(frozen=True)
class Ended:
    """A demo that has ended."""

    code: int
    out: str
    err: str
    took_s: float

    @property
    def report(self) -> dict[str, Any]:
        """The one line that it printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def demo(*options: str, folder: Path) -> Ended:
    """Run a demo whose temporary files go to a folder."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cngstation.cli.main", "demo", *options],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def written(seed: int, count: int) -> list[Act]:
    """Return the first acts of a seed's script."""
    return list(islice(Script(seed, 8, PRICES).acts(), count))


def totals(acts: Sequence[Act]) -> dict[str, Any]:
    """Return what a demo of these acts has to report."""
    level = {act.card: act.level for act in acts if isinstance(act, IssueCard)}
    fills = [act for act in acts if isinstance(act, FillVehicle)]
    amounts = [
        amount_of(Quantity(act.hundredths * 10, Unit.M3), PRICES[level[act.card]])
        for act in fills
    ]
    # A dispenser prices in whole fen.
    fen = [(amount.e4 + E4_PER_FEN // 2) // E4_PER_FEN for amount in amounts]
    return {
        "sales": len(fills),
        "top_ups": sum(isinstance(act, TopUpCard) for act in acts),
        "by_unit": {
            "m3": {
                "quantity_milli": sum(act.hundredths * 10 for act in fills),
                "amount_e4": sum(fen) * E4_PER_FEN,
            }
        },
    }


def booked(station: DemoStation) -> dict[str, list[tuple[str, int]]]:
    """Return what the books say was done with each card, in order, without times."""
    connection = connect(station.database, read_only=True)
    try:
        done: dict[str, list[tuple[str, int]]] = {}
        for row in rows(
            connection,
            "SELECT i.uid, e.kind, s.nozzle_no, s.quantity_milli,"
            " i.after_balance - i.before_balance AS added FROM entry e"
            " LEFT JOIN sale s USING (seq) JOIN intent i ON i.intent_id = e.intent_id"
            "  OR (s.card_key = i.card_key AND i.kind = 'issue')"
            " WHERE e.kind IN ('sale', 'issue.finish', 'top_up.finish')"
            " ORDER BY e.seq",
        ):
            what = row["kind"].removesuffix(".finish")
            if what == "sale":
                act = (f"nozzle {row['nozzle_no']}", row["quantity_milli"] // 10)
            else:
                act = (what, row["added"])
            done.setdefault(row["uid"], []).append(act)
        return done
    finally:
        connection.close()


def expected(station: DemoStation, acts: Sequence[Act]) -> dict[str, Any]:
    """Return what the books must say after these acts."""
    uids = station.card_uids()
    done: dict[str, list[tuple[str, int]]] = {}
    for act in acts:
        match act:
            case IssueCard():
                what = ("issue", act.prepaid)
            case TopUpCard():
                what = ("top_up", act.added)
            case FillVehicle():
                what = (f"nozzle {act.nozzle_no}", act.hundredths)
        done.setdefault(uids[act.card], []).append(what)
    return done


@pytest.fixture
def short_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path: those of sockets have at most 107 bytes."""
    return tmp_path_factory.mktemp("d")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A demo of exactly so many acts."""
    return demo(
        "--headless", "--seed", str(SEED), "--acts", str(ACTS), "--speed", str(SPEED),
        folder=tmp_path_factory.mktemp("d"),
    )  # fmt: skip


def test_a_proved_demo_exits_0_and_says_one_line(ended: Ended) -> None:
    """The report is one line of JSON with the promised keys, and the exit code 0."""
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("\n") == 1
    assert list(ended.report) == [
        "schema", "seed", "sales", "top_ups", "by_unit", "lines", "verify",
        "first_bad", "ledger_head",
    ]  # fmt: skip
    assert (ended.report["schema"], ended.report["seed"]) == (1, SEED)
    assert (ended.report["verify"], ended.report["first_bad"]) == ("proved", None)
    assert len(bytes.fromhex(ended.report["ledger_head"])) == 32


def test_each_line_reports_its_polling(ended: Ended) -> None:
    """Every line tells its frames and its cycle, beside the limit from the wire."""
    assert [line["name"] for line in ended.report["lines"]] == ["east", "west"]
    for line in ended.report["lines"]:
        assert set(line) == {"name", "baud", "frames_sent", "frames_lost", "cycle_ms"}
        assert line["frames_sent"] > line["frames_lost"]
        assert set(line["cycle_ms"]) == {"median", "p99", "limit"}
        assert 0 < line["cycle_ms"]["median"] <= line["cycle_ms"]["p99"]


def test_exactly_k_acts_are_those_of_the_script(ended: Ended) -> None:
    """Sales, top-ups, gas and money of K acts follow from the seed alone."""
    wanted = totals(written(SEED, ACTS))
    assert {key: ended.report[key] for key in wanted} == wanted


async def test_a_run_by_time_books_a_prefix_of_the_script(tmp_path: Path) -> None:
    """Card by card and nozzle by nozzle, what was booked is how the script begins."""
    async with demo_station(folder=tmp_path) as station:
        assert await play(station, SEED, speed=SPEED, seconds=6, acts=None) is None
        await station.stop()
    done = booked(station)
    count = sum(map(len, done.values()))
    assert count >= 2
    acts = list(islice(script(station, SEED).acts(), count))
    assert done == expected(station, acts)


def test_a_longer_script_begins_with_the_shorter_one() -> None:
    """A run of K acts is the first K acts of every longer run of the same seed."""
    for seed in range(20):
        assert written(seed, 60)[:25] == written(seed, 25)
    assert written(1, 25) != written(2, 25)


def test_a_very_slow_demo_ends_in_time(short_path: Path) -> None:
    """An act that could not be finished soon after the end is not begun."""
    ended = demo("--headless", "--seconds", "1", "--speed", "0.01", folder=short_path)
    assert (ended.code, ended.report["verify"]) == (0, "proved")
    assert (ended.report["sales"], ended.report["top_ups"]) == (0, 0)
    assert ended.took_s < STARTS_WITHIN_S + 1 + OVERRUN_S


def test_without_a_terminal_the_demo_says_what_to_do(short_path: Path) -> None:
    """The screen needs a terminal: the headless form is named, the exit code is 3."""
    ended = demo(folder=short_path)
    assert (ended.code, ended.out) == (3, "")
    assert "terminal" in ended.err
    assert "cngstation demo --headless" in ended.err
    assert list(short_path.iterdir()) == []


def test_a_folder_that_no_socket_fits_in_is_a_sentence(tmp_path: Path) -> None:
    """A path that is too long for sockets is named, with what to do about it."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    ended = demo("--headless", folder=folder)
    assert (ended.code, ended.out) == (3, "")
    assert "set TMPDIR to a shorter one" in ended.err
    assert "Traceback" not in ended.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ("--seconds", "0"),
        ("--seconds", "nan"),
        ("--speed", "-1"),
        ("--speed", "inf"),
        ("--acts", "0"),
        ("--seed", "one"),
        ("--no-such-option",),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    """A wrong option ends with 2 and names the option."""
    ended = demo("--headless", *options, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert options[0] in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_end_leaves_nothing_running(
    short_path: Path, number: signal.Signals
) -> None:
    """So does one whose terminal is closed: no process is left, and no folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cngstation.cli.main", "demo", "--headless"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(short_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + STARTS_WITHIN_S
        while not list(short_path.glob("*/run/counter.sock")):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "told to end" in err
    assert list(short_path.iterdir()) == []
    # Every process of the station has the folder in its command line.
    left = [
        path
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(short_path).encode() in _read(path)
    ]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
