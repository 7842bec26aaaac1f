"""`cngstation init`: whole or not at all, run again after a break."""

import argparse
import asyncio
import os
import re
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.cli import ask, init
from cngstation.cli.saying import REFUSED, UNREACHED, USAGE
from cngstation.config import load_config
from cngstation.config.example import example_text, station_file
from cngstation.services import found_station, keep_operators
from cngstation.services.keep_operators import one_time_password
from cngstation.services.log_in import Gate
from cngstation.services.passwords import Passwords
from cngstation.services.station_rules import GateRules
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit, operators
from cngstation.storage import database as database_module
from cngstation.storage.database import Database
from cngstation.storage.facts import rows
from cngstation.storage.sqlite import connect
from tests.small_station import HandClock

ROOT = Path(__file__).parents[3]
KNOWN_PASSWORDS = ("123456", "hadmin", "admin", "1001", "password", "cngstation", "")


class Killed(BaseException):
    """The power went."""


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory; what is hashed stays the same."""
    monkeypatch.setattr(init, "Passwords", lambda: Passwords(8, 1))
    monkeypatch.setattr(sys, "stdin", argparse.Namespace(isatty=lambda: False))


def arguments(folder: Path, **other: str) -> list[str]:
    """Return a whole command line; `other` puts options in place."""
    options = {
        "config": str(folder / "etc/station.toml"),
        "language": "en",
        "login": "boss",
        "full-name": "站长",
        "name": "北门加气站",
        "company-name": "新奥燃气",
        "station-no": "03160002",
        "area-no": "0316",
        "area-short-name": "川A",
        "reader-port": "/dev/ttyUSB0",
        "database": str(folder / "lib/station.db"),
        "runtime-dir": str(folder / "run"),
        "keys": str(folder / "keys"),
        **other,
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return ["--non-interactive", *given]


def secret_in(text: str) -> str:
    """Return the password that was shown last."""
    return re.findall(r"boss: (\S{8,})", text)[-1]


def operators_of(path: Path) -> list[dict[str, object]]:
    """Return the operators in a file."""
    connection = connect(path, read_only=True)
    try:
        return list(rows(connection, "SELECT * FROM operator"))
    finally:
        connection.close()


async def fits(database: Path, secret: str) -> bool:
    """Tell whether the gate knows the administrator by a password."""
    opened = await Database.open(database, HandClock())
    gate = Gate(opened, Passwords(8, 1), HandClock(), GateRules(3, 12, 15))
    try:
        found = await gate.identify("boss", SecretStr(secret), "test")
        return found.role == "administrator" and found.must_change == 1
    finally:
        await opened.close()


async def test_a_station_is_made_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Configuration, keys, proved books, one administrator who must change a secret."""
    assert await asyncio.to_thread(init.run, arguments(tmp_path)) == 0
    said = capsys.readouterr().out
    config = load_config(tmp_path / "etc/station.toml")
    assert config.station.name == "北门加气站"
    assert config.station.station_no == "03160002"
    assert config.reader.port == "/dev/ttyUSB0"
    assert config.lines == ()
    assert config.paths.card_master_key == tmp_path / "keys/card-master-key"
    assert verify_file(config.paths.database).proved
    (operator,) = operators_of(config.paths.database)
    assert operator["must_change"] == 1
    secret = secret_in(said)
    assert said.count(secret) == 1
    assert await fits(config.paths.database, secret)
    assert secret not in config.paths.database.read_bytes().decode("latin-1")


def test_the_modes_are_right(tmp_path: Path) -> None:
    """Keys are their owner's alone; the group writes the books and reads the file."""
    assert init.run(arguments(tmp_path)) == 0

    def mode(name: str) -> int:
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert mode("keys/card-master-key") == 0o600
    assert mode("keys/personal-data-key") == 0o600
    assert mode("lib/station.db") == 0o660
    assert mode("lib") == 0o2770
    assert mode("etc/station.toml") == 0o640
    assert len((tmp_path / "keys/card-master-key").read_text()) == 32
    assert not list(tmp_path.rglob("*.new"))


def test_a_station_with_operators_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time is refused with a sentence, and nothing is touched."""
    assert init.run(arguments(tmp_path)) == 0
    before = {
        path: path.read_bytes()
        for name in ("etc", "lib", "keys")
        for path in (tmp_path / name).iterdir()
    }
    capsys.readouterr()
    assert init.run(arguments(tmp_path)) == REFUSED
    said = capsys.readouterr()
    assert "has operators already" in said.err
    assert "One-time" not in said.out
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("lost", ["keys/card-master-key", "etc/station.toml"])
def test_what_a_station_lost_is_not_made_anew(tmp_path: Path, lost: str) -> None:
    """Another key would open none of its cards: the refusal comes before the files."""
    assert init.run(arguments(tmp_path)) == 0
    (tmp_path / lost).unlink()
    assert init.run(arguments(tmp_path)) == REFUSED
    assert not (tmp_path / lost).exists()


def ended(given: list[str]) -> int:
    """Return the exit code, 9 where the process would have been killed."""
    try:
        return init.run(given)
    except Killed:
        return 9


STEPS: list[tuple[object, str]] = [
    (os, "link"),
    (os, "fsync"),
    (init, "make_key"),
    (init, "write_once"),
    (init, "make_empty"),
    (database_module, "migrate"),
    (keep_operators, "one_time_password"),
    (init, "_tell"),
    (operators, "add"),
    (audit, "record"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(len(STEPS)), ids=[name for _, name in STEPS])
def test_broken_off_anywhere_it_is_run_again(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    after: bool,
) -> None:
    """What was made by halves is no hindrance: one administrator at the end."""
    owner, name = STEPS[step]
    real: Callable[..., object] = getattr(owner, name)

    def killed(*given: object, **named: object) -> object:
        if after:
            real(*given, **named)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, killed)
        assert ended(arguments(tmp_path)) != 0
    capsys.readouterr()
    assert init.run(arguments(tmp_path)) == 0
    said = capsys.readouterr().out
    database = tmp_path / "lib/station.db"
    assert len(operators_of(database)) == 1
    assert verify_file(database).proved
    assert asyncio.run(fits(database, secret_in(said)))


def test_two_at_once_make_one_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second in the transaction is refused, whatever was read before."""
    assert init.run(arguments(tmp_path)) == 0
    real = found_station.has_operators
    answers = iter([False])
    monkeypatch.setattr(init, "has_operators", lambda _connection: False)
    monkeypatch.setattr(
        found_station, "has_operators", lambda c: next(answers, None) or real(c)
    )
    assert init.run(arguments(tmp_path)) == REFUSED
    assert len(operators_of(tmp_path / "lib/station.db")) == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"station-no": "12"}, "station.station_no"),
        ({"issue-point-no": "00"}, "station.issue_point_no"),
        ({"network": "both"}, "station.network"),
        ({"reader-port": "COM1"}, "reader.port"),
        ({"top-up-upper": "1.005"}, "limits.top_up_upper_yuan"),
        ({"cylinder-warning-days": "ten"}, "limits.cylinder_warning_days"),
        ({"name": "\x1b[2J"}, "station.name"),
        ({"login": ""}, "--login"),
        ({"login": "a b"}, "login name"),
        ({"full-name": " "}, "full name"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_made(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    says: str,
) -> None:
    """Everything is known before anything is written."""
    assert init.run(arguments(tmp_path, **changed)) == USAGE
    said = capsys.readouterr().err
    assert says in said
    assert "\x1b" not in said
    assert not list(tmp_path.iterdir())


def test_missing_options_are_all_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal nothing is asked."""
    path = tmp_path / "station.toml"
    assert init.run(["--language=en", f"--config={path}"]) == USAGE
    said = capsys.readouterr().err
    for option in ("--name", "--station-no", "--reader-port", "--login"):
        assert option in said
    assert not path.exists()


def test_a_configuration_that_is_there_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is used as it is; an option that says otherwise is refused."""
    assert init.run(arguments(tmp_path)) == 0
    file = tmp_path / "etc/station.toml"
    (tmp_path / "lib/station.db").unlink()
    text = file.read_text("utf-8")
    other = arguments(tmp_path, **{"station-no": "03160009"})
    assert init.run(other) == USAGE
    assert "station.station_no = 03160009" in capsys.readouterr().err
    assert init.run(arguments(tmp_path)) == 0
    assert file.read_text("utf-8") == text


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Be a terminal that types these lines."""
    lines: list[str] = []
    monkeypatch.setattr(sys, "stdin", argparse.Namespace(isatty=lambda: True))

    def line(shown: str) -> str:
        sys.stdout.write(shown)
        if not lines:
            raise EOFError
        return lines.pop(0)

    monkeypatch.setattr(ask, "input", line, raising=False)
    return lines


def test_it_asks_in_chinese_and_asks_again_for_what_does_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    """Enter takes what stands in brackets; a wrong number is asked for again."""
    typed += [
        "北门加气站", "新奥燃气", "12", "03160002", "0316", "川A", "", "",
        "/dev/ttyUSB0", "", "5000.00", "", "y", "boss", "站长",
    ]  # fmt: skip
    config = tmp_path / "station.toml"
    given = [
        f"--config={config}", "--language=zh_CN", f"--database={tmp_path}/station.db",
        f"--keys={tmp_path / 'keys'}",
    ]  # fmt: skip
    assert init.run(given) == 0
    said = capsys.readouterr().out
    assert "加气站名称: " in said
    assert "发卡点编号（01 至 99） [01]: " in said
    assert 'station.station_no: "12" does not fit' in said
    assert "一次性密码" in said
    made = load_config(config)
    assert made.limits.top_up_upper_yuan.e4 == 50_000_000
    assert made.limits.negative_top_up is True
    assert made.station.network == "single"


def test_a_terminal_that_is_closed_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    """Ctrl+D in the middle of the questions."""
    typed += ["北门加气站", "新奥燃气"]
    config = tmp_path / "station.toml"
    assert init.run([f"--config={config}", "--language=en"]) == UNREACHED
    assert "Broken off" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_example_without_its_lines_is_a_configuration() -> None:
    """Its ports are of no station; every other key stays as it stands there."""
    made = tomllib.loads(station_file({}))
    example = tomllib.loads(example_text())
    del example["lines"]
    assert made == example
    with pytest.raises(KeyError, match=r"station\.nmae"):
        station_file({("station", "nmae"): "x"})


def test_no_password_is_shipped(tmp_path: Path) -> None:
    """Neither in the tree nor in a database that was just made."""
    literal = re.compile(
        r"hadmin|123456[^0-9]|passw(or)?d\w*[\"']?\s*[:=]\s*[\"'][^\"'{]+[\"']", re.I
    )
    texts = [ROOT / "config.example.toml"]
    for top in ("cngstation", "tui", "daemons", "systemd"):
        texts += [p for p in (ROOT / top).rglob("*") if p.suffix in _TEXTS]
    assert len(texts) > 300
    bad = {
        f"{path.relative_to(ROOT)}:{number}": line
        for path in texts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if literal.search(line)
    }
    assert not bad
    assert init.run(arguments(tmp_path)) == 0
    (operator,) = operators_of(tmp_path / "lib/station.db")
    hasher = Passwords(8, 1)
    for password in (*KNOWN_PASSWORDS, str(operator["login_name"])):
        assert not asyncio.run(hasher.fits(str(operator["password_hash"]), password))


_TEXTS = {".py", ".sql", ".toml", ".service", ".conf", ".sysusers", ".tmpfiles"}


def test_a_secret_is_never_made_twice() -> None:
    """Nobody guesses it before the first log-in."""
    assert len({one_time_password() for _ in range(500)}) == 500
