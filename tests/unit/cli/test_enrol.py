"""The whole loop by commands: a station asks, head office signs, it is accepted."""

import asyncio
import io
import stat
import sys
from pathlib import Path

import pytest

from cngstation.cli import centre, enrol, init, staff
from cngstation.cli.saying import REFUSED, UNREACHED, USAGE
from cngstation.domain.rights import ADMINISTRATOR
from cngstation.services.passwords import Passwords
from cngstation.services.verify_books import verify_file
from cngstation.storage.sqlite import connect
from tests.small_station import hire, opened
from tests.unit.cli.test_init import arguments

PASSWORD = "a password of one's own"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set a station up; its administrator has changed the password."""
    monkeypatch.setattr(init, "Passwords", lambda: Passwords(8, 1))
    monkeypatch.setattr(staff, "Passwords", lambda: Passwords(8, 1))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert init.run(arguments(tmp_path)) == 0
    connection = connect(tmp_path / "lib/station.db")
    hashed = Passwords(8, 1)._hasher.hash(PASSWORD)
    connection.execute("UPDATE operator SET password_hash=?, must_change=0", (hashed,))
    connection.close()
    return f"--config={tmp_path / 'etc/station.toml'}"


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Give lines of input, the password first."""
    text = "".join(f"{line}\n" for line in (PASSWORD, *lines))
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_the_whole_loop(
    tmp_path: Path,
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Request by file, signed, refused without a comparison, accepted, shown, typed."""
    station = [config, "--language=en"]
    request, answer = tmp_path / "request.txt", tmp_path / "03160002.certificate.txt"
    assert enrol.run([*station, "show"]) == 0
    assert "Not enrolled" in capsys.readouterr().out
    typed(monkeypatch)
    given = ["request", "--operator=boss", f"--out={request}"]
    assert enrol.run([*station, *given]) == 0
    said = capsys.readouterr().out
    key = tmp_path / "lib/station-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    call = said.split("Read this out to head office: ")[1].strip()

    office = ["--language=en"]
    assert centre.run([*office, "new-key", f"{tmp_path}/office-key"]) == 0
    shown = capsys.readouterr().out.split("Fingerprint ")[1].strip()
    assert centre.run([*office, "new-key", f"{tmp_path}/office-key"]) == REFUSED
    sign = [
        *office, "sign-enrolment", str(request), f"--key={tmp_path}/office-key",
        f"--out={answer}", "--days=100", "--url=https://centre.example", "--yes",
    ]  # fmt: skip
    assert centre.run(sign) == 0
    assert "Station 03160002, area 0316" in (told := capsys.readouterr().out)
    assert f"Code: {call}" in told

    accept = ["accept", "--operator=boss"]
    typed(monkeypatch)
    assert enrol.run([*station, *accept, str(answer)]) == REFUSED
    assert shown in capsys.readouterr().err
    typed(monkeypatch)
    confirmed = f"--fingerprint={shown}"
    assert enrol.run([*station, *accept, str(tmp_path), confirmed]) == 0
    assert "edition networked" in capsys.readouterr().out
    assert enrol.run([*station, "show"]) == 0
    assert f"head office's key {shown}" in capsys.readouterr().out

    typed(monkeypatch)
    assert enrol.run([*station, *accept, str(answer)]) == REFUSED
    assert "is not newer" in capsys.readouterr().err
    serial = ["--serial=4000000000"]
    assert centre.run([*sign, *serial]) == 0
    lines = answer.read_text("utf-8").splitlines()
    typed(monkeypatch, *lines, "", "what comes after")
    assert enrol.run([*station, *accept, "-"]) == 0
    proof = verify_file(tmp_path / "lib/station.db")
    assert proof.first_bad is None or "operator" in proof.first_bad
    private = bytes.fromhex(key.read_text("ascii"))
    books = (tmp_path / "lib/station.db").read_bytes()
    assert private not in books
    assert private.hex().encode() not in books


def test_a_key_that_is_made_again_takes_the_second_person(
    tmp_path: Path,
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The only operator asked alone; beside another both names are in the books."""
    path = tmp_path / "lib/station.db"
    asking = [config, "--language=en", "request", "--operator=boss"]
    typed(monkeypatch)
    assert enrol.run(asking) == 0

    async def hired() -> None:
        hashed = Passwords(8, 1)._hasher.hash(PASSWORD)
        async with opened(path) as database:
            await database.write(
                lambda tx: hire(
                    tx, operator_no="2", login_name="second", role=ADMINISTRATOR,
                    password_hash=hashed,
                )
            )  # fmt: skip

    asyncio.run(hired())
    (tmp_path / "lib/station-key").unlink()
    typed(monkeypatch)
    capsys.readouterr()
    assert enrol.run(asking) == REFUSED
    assert "reason" in capsys.readouterr().err
    typed(monkeypatch)
    assert enrol.run([*asking, "--reason=the disk broke"]) == REFUSED
    assert "two people" in capsys.readouterr().err
    typed(monkeypatch, PASSWORD)
    assert enrol.run([*asking, "--second=second", "--reason=the disk broke"]) == 0
    sql = "SELECT act, operator_no FROM audit WHERE act GLOB 'enrolment*' ORDER BY seq"
    acts = [tuple(row) for row in connect(path).execute(sql)]
    assert [act for act, _ in acts] == [
        "enrolment.alone", "enrolment.request", "enrolment.key.approve",
        "enrolment.request",
    ]  # fmt: skip
    assert acts[2][1] == "2"


def test_who_may_not_and_what_is_not_there(
    tmp_path: Path,
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A wrong password, no such file, a mistyped code: a sentence and no change."""
    station = [config, "--language=en"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("wrong\n"))
    assert enrol.run([*station, "request", "--operator=boss"]) == REFUSED
    assert "password is wrong" in capsys.readouterr().err
    assert not (tmp_path / "lib/station-key").exists()
    typed(monkeypatch)
    accept = ["accept", "--operator=boss"]
    assert enrol.run([*station, *accept, f"{tmp_path}/nothing"]) == UNREACHED
    typed(monkeypatch)
    assert enrol.run([*station, *accept, "001M6V KJ7009"]) == REFUSED
    assert "Group 2 of the code (KJ7009)" in capsys.readouterr().err
    big = tmp_path / "big"
    big.write_bytes(b"0" * 100_000)
    typed(monkeypatch)
    assert enrol.run([*station, *accept, str(big)]) == REFUSED
    assert "too long for a code" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", ["--days=0", "--days=4000", "--edition=", "--pin=ab", "--serial=-1"]
)
def test_head_office_signs_nothing_that_is_no_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """The option is named before any key is read."""
    given = ["--language=en", "sign-enrolment", "request", "--key=key", "--yes"]
    out = tmp_path / "out"
    assert centre.run([*given, f"--out={out}", option]) == USAGE
    assert option.split("=", maxsplit=1)[0] in capsys.readouterr().err
    assert not out.exists()
