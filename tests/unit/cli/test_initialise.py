"""`cngstation initialise` as two people type it: passwords, the number, the end."""

import asyncio
import io
import sys
from pathlib import Path

import pytest

from cngstation.cli import ask, init, initialise, staff
from cngstation.cli.saying import REFUSED
from cngstation.services.passwords import Passwords
from cngstation.services.verify_books import verify_file
from cngstation.storage import parameters
from tests.simulation.test_initialise import PASSWORD, trial
from tests.small_station import opened
from tests.unit.cli.test_init import arguments


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up a station whose books are those of a trial run."""
    monkeypatch.setattr(init, "Passwords", lambda: Passwords(8, 1))
    monkeypatch.setattr(staff, "Passwords", lambda: Passwords(8, 1))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    given = arguments(tmp_path, database=str(tmp_path / "station.db"))
    assert init.run(given) == 0
    (tmp_path / "station.db").unlink()

    async def make() -> None:
        async with trial(tmp_path):
            pass

    asyncio.run(make())
    return tmp_path


def given_by(station: Path, *, second: str = "op02") -> list[str]:
    """Return the command line."""
    return [
        f"--config={station / 'etc/station.toml'}", "--language=en",
        "--operator=op01", f"--second={second}", "--reason=end of the trial",
    ]  # fmt: skip


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Give the passwords, and what is typed at the end."""
    text = "".join(f"{line}\n" for line in lines)
    stream = io.StringIO(text)
    monkeypatch.setattr(sys, "stdin", stream)
    monkeypatch.setattr(
        ask, "input", lambda _shown: stream.readline().rstrip("\n"), raising=False
    )


def test_two_people_begin_new_books(
    station: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both passwords and the station's number."""
    typed(monkeypatch, PASSWORD, PASSWORD, "03160002")
    head = verify_file(station / "station.db").head
    assert initialise.run(given_by(station)) == 0
    said = capsys.readouterr().out
    assert "epoch 2" in said
    assert head[:16] in said
    (archive,) = (station / "archive").glob("*.db")
    assert verify_file(archive).head == head


def test_the_number_is_the_one_that_was_set_on_the_screen(
    station: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's number is not the station's any more."""

    async def renumber() -> None:
        async with opened(station / "station.db") as db:
            name = "station.station_no"
            await db.write(lambda tx: parameters.put(tx, name, "03160009"))

    asyncio.run(renumber())
    typed(monkeypatch, PASSWORD, PASSWORD, "03160002")
    assert initialise.run(given_by(station)) == REFUSED
    typed(monkeypatch, PASSWORD, PASSWORD, "03160009")
    assert initialise.run(given_by(station)) == 0


@pytest.mark.parametrize(
    ("second", "lines", "says"),
    [
        ("op02", (PASSWORD, PASSWORD, "yes"), "Broken off"),
        ("op02", (PASSWORD, PASSWORD, ""), "Broken off"),
        ("op01", (PASSWORD, PASSWORD, "03160002"), "another operator"),
        ("op02", (PASSWORD, "wrong", "03160002"), "password is wrong"),
        ("op02", ("wrong", PASSWORD, "03160002"), "password is wrong"),
    ],
)
def test_whatever_is_wrong_leaves_everything_as_it_was(
    station: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    second: str,
    lines: tuple[str, ...],
    says: str,
) -> None:
    """One person, a wrong password, another number: the same books, no archive."""
    typed(monkeypatch, *lines)
    before = (station / "station.db").stat().st_ino
    assert initialise.run(given_by(station, second=second)) == REFUSED
    assert says in capsys.readouterr().err
    assert (station / "station.db").stat().st_ino == before
    assert not (station / "archive").exists()
    assert verify_file(station / "station.db").proved
