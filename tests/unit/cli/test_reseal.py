"""Another key: every number opens with it, none with the old one; whole or not."""

import asyncio
import io
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.cli import reseal
from cngstation.config import load_config
from cngstation.domain.sealing import PersonalDataSeal, SealBroken
from cngstation.services.keep_operators import PHONE_COLUMN, add_operator
from cngstation.services.keep_sealed import require_key
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.verify_books import verify_file
from cngstation.storage import approvals, customers, operators
from cngstation.storage.database import Database
from cngstation.storage.sqlite import connect
from tests.simulation.world_parts import PASSWORD, PASSWORDS
from tests.small_station import CASHIER, HandClock, opened, somebody
from tests.unit.daemons.test_process import CONFIG
from tests.unit.services.test_register_customers import DRAFT, ID_NO, PHONE

OLD, NEW = bytes(range(32)), bytes(32)
OPERATOR_PHONE, COMPANY_PHONE = "13900005678", "028-81234567"
ROWS = 4  # two vehicles, a company, an operator


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a station whose numbers have the old key."""
    (tmp_path / "run").mkdir()
    (tmp_path / "station.toml").write_text(
        CONFIG.format(folder=tmp_path, language="en"), "utf-8"
    )
    (tmp_path / "personal.key").write_text(NEW.hex())
    (tmp_path / "old.key").write_text(OLD.hex())

    async def furnish() -> None:
        seal = PersonalDataSeal(OLD)
        async with opened(tmp_path / "station.db") as db:
            desk = CustomerDesk(db, seal)
            await desk.register_company("蜀都出租", "", COMPANY_PHONE, CASHIER)
            await desk.register_vehicle(DRAFT, CASHIER)
            bare = replace(DRAFT, plate="川A54321", fleet_no="", phone="")
            await desk.register_vehicle(bare, CASHIER)
            for number in ("01", "02"):
                person = somebody(number, role="administrator")
                sealed = seal.seal(OPERATOR_PHONE, PHONE_COLUMN)
                if number == "01":
                    person = replace(person, phone_sealed=sealed)
                await add_operator(db, PASSWORDS, person, PASSWORD, CASHIER)

    asyncio.run(furnish())
    yield tmp_path
    proof = verify_file(tmp_path / "station.db")
    assert proof.proved, proof.first_bad


def _run(
    station: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    second: str = "op02",
    key: str = "old.key",
) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n{PASSWORD}\n"))
    return reseal.run(
        [
            str(station / key), "--operator", "op01", "--second", second,
            "--reason", "a copy of the key was lost",
            "--config", str(station / "station.toml"),
        ]
    )  # fmt: skip


def _sealed(station: Path) -> list[bytes]:
    async def read() -> list[bytes]:
        db = await Database.open(station / "station.db", HandClock())
        try:
            found = await db.read(customers.every_vehicle)
            return [vehicle.id_no_sealed for vehicle in found]
        finally:
            await db.close()

    return asyncio.run(read())


def test_every_number_has_the_new_key(
    station: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are found by their digests again; both people are named, with a slip."""
    assert _run(station, monkeypatch) == 0
    new = PersonalDataSeal(NEW)
    assert f"{ROWS} rows are sealed with key {new.key_id}" in capsys.readouterr().out

    async def look() -> None:
        async with opened(station / "station.db") as db:
            await require_key(db, new, station / "personal.key")
            desk = CustomerDesk(db, new)
            (company,) = await db.read(customers.every_company)
            assert desk.phone(company) == COMPANY_PHONE
            digests = desk.digests_of(PHONE)
            (found,) = await db.read(
                lambda c: customers.vehicles_with_number(c, PHONE, digests)
            )
            assert (desk.id_no(found), desk.phone(found)) == (ID_NO, PHONE)
            person = await db.read(lambda c: operators.find(c, "01"))
            assert person is not None
            assert new.open(person.phone_sealed, PHONE_COLUMN) == OPERATOR_PHONE
            with pytest.raises(SealBroken):
                PersonalDataSeal(OLD).open(found.id_no_sealed, "vehicle.id_no")
            (one,) = await db.read(lambda c: approvals.between(c, 0, 10**15))
            told = (one.act, one.subject, one.first_no, one.second_no)
            assert told == ("personal.reseal", f"key {new.key_id}", "01", "02")

    asyncio.run(look())


@pytest.mark.parametrize(
    ("second", "key", "said"),
    [
        ("op01", "old.key", "another operator"),
        ("op02", "personal.key", "was sealed with key"),
        ("nobody", "old.key", "wrong"),
    ],
)
def test_a_refused_change_leaves_every_number(
    station: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    second: str,
    key: str,
    said: str,
) -> None:
    """One person, another old key, a wrong name: nothing is changed."""
    before = _sealed(station)
    assert _run(station, monkeypatch, second=second, key=key) == 1
    assert said in capsys.readouterr().err
    assert _sealed(station) == before
    with closing(connect(station / "station.db", read_only=True)) as connection:
        told = connection.execute(
            "SELECT subject FROM audit WHERE act='approval.refused'"
        ).fetchall()
    assert len(told) == 1
    assert told[0][0].startswith("personal.reseal: ")


def test_not_while_the_service_runs(
    station: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would go on sealing with the old key."""
    config = load_config(station / "station.toml")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(config.paths.runtime_dir / "counter.sock"))
        listening.listen(1)
        assert _run(station, monkeypatch) == 1
    assert "Stop it" in capsys.readouterr().err
