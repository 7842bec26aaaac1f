"""Commands take the staff card as logins do: a stolen password alone opens nothing."""

import ast
import asyncio
import io
import os
import pwd
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

import cngstation.cli
from cngstation.cli import export, staff, staff_card
from cngstation.config import load_config
from cngstation.errors import Refusal
from cngstation.services.export_audit import RIGHT
from cngstation.services.keep_staff_cards import StaffCardDesk
from cngstation.services.passwords import Passwords
from cngstation.services.second_check import Behind, Proof
from cngstation.services.watch_reader import BorrowedForStaff
from cngstation.storage import operators
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from tests.small_station import HandClock, opened, somebody
from tests.unit.daemons.test_process import write_config
from tests.unit.drivers.fake_mifare import MASTER, FakeReader

PASSWORD = "stolen-password-1"
CHIEF = Actor("02", "t")


class Reader(FakeReader):
    """A reader on which a card lies or not."""

    present = True

    async def find_card(self) -> bytes | None:
        """Select the card, if there is one."""
        return await super().find_card() if self.present else None

    async def close(self) -> None:
        """Let go of nothing."""


class Station:
    """A configuration in which 01 shows a card, the card, and what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = Reader()
        self.config = write_config(folder)
        with self.config.open("a") as file:
            file.write('[security]\nstaff_card_operators = ["01"]\n')
        (folder / "card.key").write_text(MASTER.hex())
        self.database = load_config(self.config).paths.database

    @asynccontextmanager
    async def borrow_for_staff(self) -> AsyncIterator[BorrowedForStaff]:
        """Lend the reader."""
        yield BorrowedForStaff(self.reader, (MASTER,))

    async def furnish(self) -> None:
        """Hire two administrators, and issue a card to the first."""
        async with opened(self.database, HandClock()) as db:
            digest = await Passwords(8, 1).hash(PASSWORD)

            def hire(tx: Transaction) -> None:
                for number in ("01", "02"):
                    who = somebody(number, role="administrator", password_hash=digest)
                    operators.add(tx, who)

            await db.write(hire)
            await StaffCardDesk(db, self).issue("01", CHIEF)

    def audit(self) -> list[tuple[str, str, str]]:
        """Return what was done and refused, in order."""

        async def read() -> list[tuple[str, str, str]]:
            async with opened(self.database, HandClock()) as db:
                sql = "SELECT act, outcome, operator_no FROM audit ORDER BY seq"
                return await db.read(lambda c: c.execute(sql).fetchall())

        return asyncio.run(read())


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    """Return a station whose card-reader service is stopped."""
    monkeypatch.setattr(staff, "Passwords", lambda: Passwords(8, 1))
    made = Station(tmp_path)
    asyncio.run(made.furnish())

    async def open_reader(_settings: object) -> Reader:
        made.reader.calm()
        return made.reader

    monkeypatch.setattr(staff_card, "open_reader", open_reader)
    return made


def run(
    station: Station, monkeypatch: pytest.MonkeyPatch, *more: str, who: str = "op01"
) -> tuple[int, bool]:
    """Export the books with the passwords; return the exit code and whether it did."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n{PASSWORD}\n"))
    file = station.folder / "books.jsonl"
    file.unlink(missing_ok=True)
    given = ["audit", str(file), "--operator", who, "--config", str(station.config)]
    code = export.run([*given, *more])
    return code, file.exists()


def test_a_stolen_password_alone_exports_nothing(
    station: Station,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No card, or no card of theirs: nothing is written, the try is; with it: done."""
    station.reader.present = False
    assert run(station, monkeypatch) == (export.UNREACHED, False)
    assert "Lay your own staff card on it" in capsys.readouterr().err
    assert ("session.login", "refused", "01") in station.audit()
    station.reader.present = True
    assert run(station, monkeypatch) == (0, True)
    whole, station.reader = station.reader, Reader()
    assert run(station, monkeypatch) == (export.UNREACHED, False)
    station.reader = whole
    # Who shows no card at logins shows none here.
    assert run(station, monkeypatch, who="op02") == (0, True)


def test_a_wrong_card_of_a_second_person_is_written_down(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside whom and for what, as where the service reads it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    config = load_config(station.config)

    async def behind() -> Proof:
        async with opened(station.database, HandClock()) as db:
            second = await db.read(lambda c: operators.find(c, "01"))
            assert second is not None
            check = staff.gate_of(config, db).second
            assert check is not None
            secret = SecretStr(PASSWORD)
            return await check.behind(Behind(second, secret, "x.y", "7", CHIEF))

    assert asyncio.run(behind())
    station.reader = Reader()  # nobody's card lies on it
    with pytest.raises(Refusal) as refused:
        asyncio.run(behind())
    assert station.audit()[-1] == ("approval.card", "refused", "01")
    assert refused.value.code.startswith("refusal.")


def test_without_a_reader_it_says_what_to_do(
    station: Station,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No service and no key: who may let them in; once, with a reason, and named."""
    (station.folder / "card.key").unlink()
    assert run(station, monkeypatch) == (export.UNREACHED, False)
    said = capsys.readouterr().err
    assert "Start the card-reader service" in said
    assert "--released-by" in said
    by_chief = ("--released-by", "op02", "--release-reason", "reader broken")
    assert run(station, monkeypatch, *by_chief) == (0, True)
    assert ("session.release", "done", "02") in station.audit()
    for wrong in (
        ("--released-by", "op01", "--release-reason", "my own"),
        ("--released-by", "op02"),
    ):
        assert run(station, monkeypatch, *wrong) == (export.UNREACHED, False)


def test_a_missing_right_is_written_down_with_user_and_device(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who tried it, from which Linux user and device, and by which command."""

    async def lower() -> None:
        async with opened(station.database, HandClock()) as db:
            await db.write(
                lambda tx: operators.change(tx, "02", reason="moved", role="junior")
            )

    async def refused() -> list[tuple[str, str, str]]:
        async with opened(station.database, HandClock()) as db:
            sql = (
                "SELECT operator_no, terminal, subject FROM audit"
                " WHERE outcome='refused'"
            )
            return await db.read(lambda c: c.execute(sql).fetchall())

    asyncio.run(lower())
    assert run(station, monkeypatch, who="op02") == (3, False)
    ((number, terminal, right),) = asyncio.run(refused())
    assert (number, right) == ("02", RIGHT)
    user = pwd.getpwuid(os.getuid()).pw_name
    assert terminal.startswith(f"{user[:18]}@")
    assert terminal.endswith(" export")


def test_every_command_that_names_an_operator_asks_in_one_place() -> None:
    """No command makes a gate of its own, and each lets the release be named."""
    root = Path(cngstation.cli.__file__).parent
    asking = set()
    for path in root.glob("*.py"):
        text = path.read_text("utf-8")
        called = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call)
        }
        assert ("Gate" in called) == (path.stem == "staff"), path.stem
        if '"--operator"' in text:
            asking.add(path.stem)
            assert {"actor_at", "answering", "gate_of", "add_release"} <= called
    assert asking == {
        "enrol", "export", "import_customers", "initialise", "lists", "reseal",
            "vendor",
    }  # fmt: skip
