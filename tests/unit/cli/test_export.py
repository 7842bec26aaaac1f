"""`cngstation export`: who may, what is written, what is said."""

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cngstation.cli import export
from cngstation.config import load_config
from cngstation.errors import DatabaseBusy
from cngstation.services import take_out
from cngstation.services.passwords import Passwords
from cngstation.storage import operators, parameters
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import connect
from tests.small_station import HandClock, opened, somebody
from tests.unit.daemons.test_process import write_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the configuration of a station with an administrator and a cashier."""
    path = write_config(tmp_path)

    async def make() -> None:
        async with opened(load_config(path).paths.database, HandClock()) as db:
            digest = await Passwords(8, 1).hash("station-secret-1")

            def hire(tx: Transaction) -> None:
                for number, role in (("01", "administrator"), ("02", "junior")):
                    who = somebody(number, role=role, password_hash=digest)
                    operators.add(tx, who)

            await db.write(hire)

    asyncio.run(make())
    return path


def _run(
    monkeypatch: pytest.MonkeyPatch,
    config: Path,
    *arguments: str,
    password: str = "",
    language: str = "en",
) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    return export.run([*arguments, "--config", str(config), "--language", language])


def test_an_administrator_exports_and_anybody_checks(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The file, the program that checks it, and whose file it is."""
    file, checker = tmp_path / "books.jsonl.gz", tmp_path / "checker.py"
    given = ("audit", str(file), "--operator", "op01", "--all")
    assert _run(monkeypatch, config, *given, password="station-secret-1") == 0
    assert "records 1 to" in capsys.readouterr().out
    assert export.run(["checker", str(checker)]) == 0
    done = subprocess.run([sys.executable, "-I", checker, file], check=False)
    assert done.returncode == 0
    assert _run(monkeypatch, config, "recognise", str(file)) == 0
    assert _run(monkeypatch, config, *given, password="station-secret-1") == 3
    assert "already" in capsys.readouterr().err
    file.write_bytes(checker.read_bytes())
    assert _run(monkeypatch, config, "recognise", str(file)) == 1


@pytest.mark.parametrize(
    ("language", "told", "report", "differs"),
    [
        ("zh_CN", "被改动", ("条记录", "账目未通过核对"), "与本站导出的不一致"),
        ("en", "was changed", ("records 1 to", "NOT proved"), "NOT as this station"),
    ],
)
def test_it_speaks_the_language_of_the_station(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    told: str,
    report: tuple[str, ...],
    differs: str,
) -> None:
    """Report and what the header tells; its keys are for programs and stay."""
    file = tmp_path / "books.jsonl"
    given = ("audit", str(file), "--operator", "op01")
    path = load_config(config).paths.database
    connection = connect(path)
    connection.execute("UPDATE operator SET role='senior' WHERE operator_no='02'")
    connection.close()
    code = _run(
        monkeypatch, config, *given, password="station-secret-1", language=language
    )
    assert code == 1
    said = capsys.readouterr().out
    assert all(text in said for text in report)
    header = json.loads(file.read_bytes().split(b"\n", 1)[0])
    assert told in header["books"]
    assert told in said
    assert header["audit_export"] == 2
    file.write_bytes(b"{}\n")
    assert _run(monkeypatch, config, "recognise", str(file), language=language) == 1
    assert differs in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("op02", "station-secret-1", "does not allow"),
        ("op01", "wrong-secret-1", "wrong"),
    ],
)
def test_who_may_not(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    password: str,
    said: str,
) -> None:
    """No right or a wrong password: a sentence, no file."""
    file = tmp_path / "books.jsonl"
    given = ("audit", str(file), "--operator", name)
    assert _run(monkeypatch, config, *given, password=password) == 3
    assert said in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "x"),
        ("audit", "x", "--operator", "a", "--all", "--from", "2026-01-01"),
        ("audit", "x", "--operator", "a", "--from", "2026-02-30"),
        ("audit", "x", "--operator", "a", "--from", "2026-02-02", "--to", "2026-02-01"),
        ("nothing", "x"),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    """What cannot be meant is refused before anything is opened."""
    with pytest.raises(SystemExit) as ended:
        export.run(arguments)
    assert ended.value.code == 2


def test_the_file_names_the_station_as_it_was_set_on_the_screen(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was set there goes before the configuration, for an auditor too."""

    async def rename() -> None:
        async with opened(load_config(config).paths.database, HandClock()) as db:
            for name, value in (("station_no", "03160009"), ("name", "南门加气站")):
                await db.write(
                    lambda tx, name=name, value=value: parameters.put(
                        tx, f"station.{name}", value
                    )
                )

    asyncio.run(rename())
    file = tmp_path / "books.jsonl"
    given = ("audit", str(file), "--operator", "op01")
    assert _run(monkeypatch, config, *given, password="station-secret-1") == 0
    header = json.loads(file.read_bytes().split(b"\n", 1)[0])
    assert (header["station_no"], header["station"]) == ("03160009", "南门加气站")


def test_a_file_that_cannot_be_written_down_is_not_left(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has the books without a row that says so."""

    def fails(*_given: object) -> None:
        raise DatabaseBusy(wait_ms=1)

    monkeypatch.setattr(take_out, "record", fails)
    file = tmp_path / "books.jsonl"
    given = ("audit", str(file), "--operator", "op01")
    assert _run(monkeypatch, config, *given, password="station-secret-1") == 3
    assert not file.exists()
