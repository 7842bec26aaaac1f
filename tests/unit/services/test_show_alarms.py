"""The alarm list: open rows and events in words, and who has seen them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cngstation.rpc.contract import board as contract
from cngstation.rpc.session import Nothing
from cngstation.services import show_alarms
from cngstation.services.show_alarms import AlarmAnswers, NoSuchAlarm
from cngstation.services.verify_books import verify_file
from cngstation.storage import alarms, audit, device_events, findings
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey
from tests.small_station import HandClock, hire, opened

NOZZLE = NozzleKey("0316", 2, 3)
SOMEBODY = Actor("01", "till-1")


@pytest.fixture(autouse=True)
def _who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_alarms, "actor_of", lambda call: call.actor)


def call(operator_no: str = "01") -> Any:
    """Return the context of a call."""
    return SimpleNamespace(actor=Actor(operator_no, "till-1"))


def event(name: str, **changes: Any) -> dict[str, Any]:
    """Return an event as dispensers report it."""
    return {
        "device_seq": None, "name": name, "code": 6, "card_no": "0000510101000231",
        "device_at": "2026-11-21 09:00:00", "text": "", "raw_frame": name.encode(),
        **changes,
    }  # fmt: skip


async def keep(database: Database, name: str, **changes: Any) -> None:
    """Keep an event."""
    row = event(name, **changes)
    await database.write(lambda tx: device_events.keep(tx, NOZZLE, row))


async def test_rows_and_events_stand_newest_first(tmp_path: Path) -> None:
    """Each with its nozzle, a sentence and what to do."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        gap = {"first": 4, "last": 6}
        await database.write(
            lambda tx: findings.open_finding(tx, "sequence_gap", "nozzle 7", gap)
        )
        for name in [*show_alarms.EVENTS, "something new"]:
            clock.forward(1_000)
            await keep(database, name, text="阀门故障\x1b[2J")
        told = await AlarmAnswers(database).alarms(Nothing(), call())
    assert [row.kind for row in told.rows] == [
        "something new", *reversed(show_alarms.EVENTS), "sequence_gap"
    ]  # fmt: skip
    assert [row.nozzle_no for row in told.rows] == [3] * 6 + [7]
    assert all(row.text and row.cure for row in told.rows)
    facts = {fact.name: fact.value for fact in told.rows[0].facts}
    assert facts["text"] == "阀门故障�[2J"
    assert facts["card"] == "0000510101000231"
    assert told.rows[0].device_at == "2026-11-21 09:00:00"


async def test_the_first_who_sees_an_alarm_is_named(tmp_path: Path) -> None:
    """With the moment; it is audited once, proved, and closes nothing."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as database:
        await database.write(hire)
        await keep(database, "card_error")
        answers = AlarmAnswers(database)
        (row,) = (await answers.alarms(Nothing(), call())).rows
        clock.forward(60_000)
        seen_ms = clock.wall_ms
        await answers.see(contract.AlarmSeen(alarm_id=row.alarm_id), call())
        clock.forward(60_000)
        again = contract.AlarmSeen(alarm_id=row.alarm_id)
        (row,) = (await answers.see(again, call("02"))).rows
        audited = await database.read(
            lambda c: c.execute(
                "SELECT count(*) FROM audit WHERE act='alarm.see'"
            ).fetchone()
        )
    assert (row.seen_by, row.seen_at_ms) == ("Wang Fang", seen_ms)
    assert audited == (1,)
    assert verify_file(tmp_path / "s.db").proved


@pytest.mark.parametrize("alarm_id", ["", "x", "0", "1", "９", "9" * 30, "-1"])
async def test_what_is_no_alarm_cannot_be_seen(tmp_path: Path, alarm_id: str) -> None:
    """Not the place of another fact either."""
    async with opened(tmp_path / "s.db") as database:
        await database.write(lambda tx: audit.record(tx, SOMEBODY, "x", "y"))
        with pytest.raises(NoSuchAlarm):
            await AlarmAnswers(database).see(
                contract.AlarmSeen.model_construct(alarm_id=alarm_id), call()
            )


async def test_an_unfinished_act_is_listed_and_cannot_be_marked(tmp_path: Path) -> None:
    """It ends by its card, and has no place in the chain of its own."""
    async with opened(tmp_path / "s.db") as database:
        await keep(database, "text")
        seen = await database.read(lambda c: alarms.seen_by(c, []))
        told = await AlarmAnswers(database).alarms(Nothing(), call())
    assert seen == {}
    assert [row.source for row in told.rows] == ["event"]
