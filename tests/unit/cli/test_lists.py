"""`cngstation lists`: numbers of a file onto the lists, by people with passwords."""

import asyncio
import io
from pathlib import Path

import pytest

from cngstation.cli import lists
from cngstation.config import load_config
from cngstation.moments import SystemClock
from cngstation.services.passwords import Passwords
from cngstation.storage import downloads, operators, parameters
from cngstation.storage.database import Database, Transaction
from tests.small_station import somebody
from tests.unit.daemons.test_process import write_config

A, B = "0000999900000001", "0000999900000002"
PASSWORD = "right one"  # nobody's


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a configuration and a file with two administrators and a junior."""
    path = write_config(tmp_path)
    hashed = asyncio.run(Passwords(8, 1).hash(PASSWORD))

    async def hire() -> None:
        database = await Database.open(load_config(path).paths.database, SystemClock())
        roles = {"01": "administrator", "02": "administrator", "03": "junior"}

        def unit(tx: Transaction) -> None:
            for number, role in roles.items():
                person = somebody(number, role=role, password_hash=hashed)
                operators.add(tx, person)

        await database.write(unit)
        await database.close()

    asyncio.run(hire())
    return path


def listed(config: Path) -> dict[str, str]:
    """Return what is on a list by hand."""

    async def look() -> dict[str, str]:
        database = await Database.open(
            load_config(config).paths.database, SystemClock()
        )
        found = await database.read(downloads.numbers_by_hand)
        await database.close()
        return {number: on for number, on, _source in found}

    return asyncio.run(look())


def run(
    config: Path, text: str, monkeypatch: pytest.MonkeyPatch, *more: str, typed: str
) -> int:
    """Run the command on a file with this text."""
    path = config.parent / "list.csv"
    path.write_text(text, "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return lists.run(["put", str(path), "--config", str(config), *more])


def test_a_file_goes_on_the_lists_and_comes_off_by_two(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Codes: 0 done, 1 refused; what was done is counted."""
    who = ("--operator", "op01", "--reason", "because")
    two = f"{PASSWORD}\n{PASSWORD}\n"
    both = f"{A}\n{B}\ntotal,2"
    assert run(config, both, monkeypatch, *who, typed="wrong\n") == 1
    assert listed(config) == {}
    assert run(config, both, monkeypatch, *who, typed=two) == 0
    assert "2 onto the blacklist, 0 off it" in capsys.readouterr().out
    shorter = (*who, "--whole")
    assert run(config, f"{A}\ntotal,1", monkeypatch, *shorter, typed=two) == 1
    assert "takes two people" in capsys.readouterr().err
    by_junior = (*shorter, "--second", "op03")
    assert run(config, f"{A}\ntotal,1", monkeypatch, *by_junior, typed=two) == 1
    assert listed(config) == {A: "black", B: "black"}
    by_two = (*shorter, "--second", "op02")
    assert run(config, f"{A}\ntotal,1", monkeypatch, *by_two, typed=two) == 0
    assert listed(config) == {A: "black"}


def test_bad_rows_are_said_without_a_password(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`look` changes nothing and says each row."""
    path = config.parent / "list.csv"
    path.write_text(f"{A}\n12\ntotal,2", "utf-8")
    assert lists.run(["look", str(path), "--config", str(config)]) == 1
    assert "row 2: 12 is no card number" in capsys.readouterr().out
    assert lists.run(["look", "/nowhere", "--config", str(config)]) == 1
    assert lists.run(["look", "x", "--config", "/nowhere"]) == 2
    with pytest.raises(SystemExit):
        lists.run(["put", "x"])


def test_it_speaks_the_language_of_the_station(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The configuration's, or the one that is asked for."""
    in_chinese = write_config(config.parent, "zh_CN")
    path = config.parent / "list.csv"
    path.write_text(f"{A}\ntotal,1", "utf-8")
    look = ["look", str(path), "--config", str(in_chinese)]
    assert lists.run(look) == 0
    assert "列入黑名单 1 个" in capsys.readouterr().out
    assert lists.run([*look, "--language", "en"]) == 0
    assert "1 onto the blacklist" in capsys.readouterr().out
    path.write_text(f"{A}\n12\ntotal,2", "utf-8")
    assert lists.run(look) == 1
    said = capsys.readouterr().out
    assert "第 2 行：" in said
    assert "12" in said
    assert "no card number" not in said


def test_a_junior_lists_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right is that of a number by hand."""
    who = ("--operator", "op03", "--reason", "because")
    text = f"{A}\ntotal,1"
    assert run(config, text, monkeypatch, *who, typed=f"{PASSWORD}\n") == 1
    assert listed(config) == {}


def test_a_printed_number_is_of_the_area_that_was_set_on_the_screen(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number with the file's area would refuse no card."""

    async def move() -> None:
        path = load_config(config).paths.database
        database = await Database.open(path, SystemClock())
        name = "station.area_no"
        await database.write(lambda tx: parameters.put(tx, name, "5199"))
        await database.close()

    asyncio.run(move())
    who = ("--operator", "op01", "--reason", "because")
    text = "00000001\ntotal,1"
    assert run(config, text, monkeypatch, *who, typed=f"{PASSWORD}\n") == 0
    assert listed(config) == {"0000519900000001": "black"}
