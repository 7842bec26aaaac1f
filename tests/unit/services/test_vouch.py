"""Somebody of another hand vouches, or root at the machine; nobody else can."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.cli import vouch as command
from cngstation.errors import Refusal
from cngstation.moments import SystemClock
from cngstation.services.log_in import Gate
from cngstation.services.one_hand import unvouched
from cngstation.services.station_rules import GateRules
from cngstation.services.vouch import Vouching
from cngstation.storage import audit, operators
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from tests.simulation.world_parts import PASSWORD, PASSWORDS
from tests.small_station import HandClock, opened, somebody
from tests.unit.daemons.test_process import CONFIG

RULES = GateRules(wrong_tries=3, session_hours=12, idle_minutes=10)
OWN, WHY = SecretStr(PASSWORD), "has worked beside me for a year"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Return a station where 01 and 05 are people, and 01 made 02, 03 and 04."""
    stored = await PASSWORDS.hash(PASSWORD)

    def unit(tx: Transaction) -> None:
        for number in ("01", "02", "03", "04", "05"):
            role = "junior" if number == "03" else "administrator"
            changes = {"role": role, "password_hash": stored}
            operators.add(tx, somebody(number, **changes))
            by = "01" if number in {"02", "03", "04"} else STATION.operator_no
            audit.record(tx, Actor(by, "office"), "operator.add", number)

    async with opened(tmp_path / "station.db") as database:
        await database.write(unit)
        yield database


def _vouching(db: Database) -> Vouching:
    return Vouching(Gate(db, PASSWORDS, HandClock(), RULES))


async def _waiting(db: Database) -> list[str]:
    return [no for no, _ in await db.read(lambda c: unvouched(c, HandClock().now()))]


async def test_another_vouches_and_those_vouch_on(db: Database) -> None:
    """Who is vouched for vouches for the next; each is a row with the reason."""
    desk = _vouching(db)
    assert await _waiting(db) == ["02", "03", "04"]
    await desk.vouch("02", OWN, WHY, Actor("05", "till-1"))
    await desk.vouch("04", OWN, WHY, Actor("02", "till-1"))
    assert await _waiting(db) == ["03"]
    rows = await db.read(
        lambda c: c.execute(
            "SELECT operator_no, subject, reason, before FROM audit"
            " WHERE act='operator.vouch' ORDER BY seq"
        ).fetchall()
    )
    assert rows == [("05", "02", WHY, "01"), ("02", "04", WHY, "01")]


@pytest.mark.parametrize(
    ("who", "whom", "own", "reason", "code"),
    [
        ("01", "02", OWN, WHY, "refusal.of_the_same_hand"),
        ("04", "02", OWN, WHY, "refusal.of_the_same_hand"),
        ("02", "02", OWN, WHY, "refusal.own_role"),
        ("05", "01", OWN, WHY, "refusal.nothing_to_vouch"),
        ("05", "09", OWN, WHY, "refusal.unknown_operator"),
        ("03", "02", OWN, WHY, "refusal.right"),
        ("05", "02", SecretStr("wrong-wrong"), WHY, "refusal.own_password"),
        ("05", "02", None, WHY, "refusal.own_password_missing"),
        ("05", "02", OWN, " ", "refusal.reason_missing"),
    ],
)
async def test_nobody_else_vouches(
    db: Database, who: str, whom: str, own: SecretStr | None, reason: str, code: str
) -> None:
    """Neither who made them nor another of that hand, nor oneself."""
    with pytest.raises(Refusal) as refused:
        await _vouching(db).vouch(whom, own, reason, Actor(who, "till-1"))
    assert refused.value.code == code
    assert await _waiting(db) == ["02", "03", "04"]


async def test_a_password_of_another_is_changed_first(db: Database) -> None:
    """Who still has the given one is not vouched for."""
    await db.write(lambda tx: operators.change(tx, "02", reason="x", must_change=1))
    with pytest.raises(Refusal) as refused:
        await _vouching(db).vouch("02", OWN, WHY, Actor("05", "till-1"))
    assert refused.value.code == "refusal.second_person_new"


async def test_who_gave_a_password_does_not_vouch(db: Database) -> None:
    """Whoever made the name, and whoever gave a new one since."""

    def unit(tx: Transaction) -> None:
        audit.record(tx, Actor("05", "office"), "operator.reset_password", "02")

    await db.write(unit)
    for who in ("01", "05"):
        with pytest.raises(Refusal) as refused:
            await _vouching(db).vouch("02", OWN, WHY, Actor(who, "till-1"))
        assert refused.value.code == "refusal.of_the_same_hand"


@pytest.mark.parametrize(("uid", "ended"), [(0, 0), (1000, 1)])
def test_root_vouches_at_the_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    uid: int,
    ended: int,
) -> None:
    """The person types the own password there; nobody but root."""
    (tmp_path / "run").mkdir()
    path = tmp_path / "station.toml"
    path.write_text(CONFIG.format(folder=tmp_path, language="en"), "utf-8")

    async def furnish() -> None:
        stored = await PASSWORDS.hash(PASSWORD)

        def unit(tx: Transaction) -> None:
            for number, by in (("01", ""), ("02", "01")):
                operators.add(tx, somebody(number, password_hash=stored))
                audit.record(tx, Actor(by, "office"), "operator.add", number)

        async with opened(tmp_path / "station.db") as db:
            await db.write(unit)

    async def waiting() -> list[tuple[str, str]]:
        async with opened(tmp_path / "station.db") as db:
            return await db.read(lambda c: unvouched(c, SystemClock().now()))

    asyncio.run(furnish())
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    given = ["op02", "--reason", WHY, "--config", str(path)]
    assert command.run(given) == ended
    assert asyncio.run(waiting()) == ([("02", "01")] if ended else [])
    assert ("digest" in capsys.readouterr().out) is (ended == 0)
