"""The command line: codes, usage, and no traceback."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.cli import main as command
from cngstation.cli import tui, verify
from cngstation.errors import StorageError
from cngstation.services.tell_wrong import wrong
from cngstation.services.verify_books import Proof
from tests.unit.daemons.test_process import write_config


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["--help"], 0), (["-h"], 0), (["nonsense"], 2)]
)
def test_usage_and_its_codes(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    """Help is 0 on standard output, a wrong name is 2 and says so."""
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    captured = capsys.readouterr()
    assert ended.value.code == code
    assert "usage: cngstation COMMAND" in captured.out + captured.err
    if arguments == ["nonsense"]:
        assert "'nonsense'" in captured.err


def test_a_command_gets_its_arguments_and_gives_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rest of the line is the command's own."""
    given: list[list[str]] = []

    def run(rest: list[str]) -> int:
        given.append(rest)
        return 3

    monkeypatch.setattr(verify, "run", run)
    monkeypatch.setattr(sys, "argv", ["cngstation", "verify", "--json"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 3
    assert given == [["--json"]]


PROVED = Proof(None, "ab" * 32, 7, 2)
CHANGED = wrong("{kind} row {seq} ({ref}) was changed", kind="entry", seq=6, ref="T1")
FAILED = Proof(CHANGED, "ab" * 32, 7, 2)
OPERATOR = wrong("{table} {key} was changed", table="operator", key="01")


@pytest.mark.parametrize(("proof", "code"), [(PROVED, 0), (FAILED, 1)])
def test_a_verdict_is_a_sentence_or_one_object(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    proof: Proof,
    code: int,
) -> None:
    """With --json exactly one object; without it what a person reads."""
    seen: list[Path] = []

    def verified(path: Path) -> Proof:
        seen.append(path)
        return proof

    monkeypatch.setattr(verify, "verify_file", verified)
    path = write_config(tmp_path)
    assert verify.run(["--config", str(path)]) == code
    assert ("proved: 7 rows" in (text := capsys.readouterr().out)) is proof.proved
    assert ("entry row 6" in text) is not proof.proved
    assert seen == [tmp_path / "station.db"]
    assert verify.run(["--config", str(path), "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "schema": 1,
        "verify": "proved" if proof.proved else "failed",
        "first_bad": proof.first_bad,
        "ledger_head": "ab" * 32,
        "rows": 7,
        "open_rows": 2,
        "anchors": 0,
    }


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        (PROVED, "账目核对通过：共 7 条"),
        (FAILED, "账目未通过核对。首个错误：entry 第 6 行（T1）被改动。"),
        (replace(FAILED, wrong=OPERATOR), "operator 01 被改动。"),
    ],
)
def test_a_verdict_is_in_the_language_of_the_station(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    proof: Proof,
    said: str,
) -> None:
    """The configuration's, Chinese without one, or the one that is asked for."""
    monkeypatch.setattr(verify, "verify_file", lambda _path: proof)
    path = write_config(tmp_path, "zh_CN")
    verify.run(["--config", str(path)])
    assert said in capsys.readouterr().out
    verify.run(["--database", str(tmp_path / "station.db")])
    assert said in capsys.readouterr().out
    verify.run(["--config", str(path), "--language", "en"])
    assert "proved" in capsys.readouterr().out.lower()
    verify.run(["--config", str(path), "--json"])
    assert json.loads(capsys.readouterr().out)["first_bad"] == proof.first_bad


def test_what_cannot_be_reached_and_what_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """3 for the file, 2 for the configuration and for unknown arguments."""

    def unreached(path: Path) -> Proof:
        raise StorageError(why="there is no file")

    monkeypatch.setattr(verify, "verify_file", unreached)
    assert verify.run(["--database", "x"]) == 3
    assert "there is no file" in capsys.readouterr().err
    assert verify.run(["--config", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        verify.run(["--nonsense"])
    assert ended.value.code == 2


def test_the_screen_is_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It gets the sockets' folder and the language; a bad file is usage."""
    started: list[list[str]] = []

    def become(program: str, command_line: list[str]) -> None:
        started.append(command_line)
        assert program == sys.executable

    monkeypatch.setattr(os, "execv", become)
    path = write_config(tmp_path, "zh_CN")
    tui.run(["--config", str(path)])
    tui.run(["--config", str(path), "--language", "en"])
    assert [line[-1] for line in started] == ["zh_CN", "en"]
    assert started[0][1:5] == ["-m", "tui", "--runtime-dir", str(tmp_path / "run")]
    assert tui.run(["--config", str(tmp_path / "none.toml")]) == 2
