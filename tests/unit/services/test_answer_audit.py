"""What the audit trail answers: pages, filters, places in the chain, files."""

import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cngstation import audit_checker
from cngstation.moments import MS_PER_HOUR
from cngstation.rpc.contract import audit as contract
from cngstation.rpc.contract.receipts import ReceiptRequest
from cngstation.services.answer_audit import (
    AuditAnswers,
    DayWrong,
    NoPrinter,
    NoSuchAuditRow,
)
from cngstation.services.answer_receipts import ReceiptAnswers
from cngstation.services.check_rights import RightMissing
from cngstation.storage import audit, audit_trail, operators, receipts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from tests.shift_world import RULES
from tests.simulation.money_world import CALL
from tests.small_station import CASHIER, HandClock, hire, opened, somebody


@dataclass
class Trail:
    """A file with acts, and what answers of it."""

    db: Database
    clock: HandClock
    answers: AuditAnswers
    path: Path
    parts: Any

    async def done(self, act: str, subject: str, who: str = "01", **said: str) -> int:
        """Record an act."""

        def unit(tx: Transaction) -> int:
            return audit.record(tx, Actor(who, "pts/1"), act, subject, **said)

        return await self.db.write(unit)

    async def seqs(self, **wanted: Any) -> list[int]:
        """Return the places of the rows that are found, over all pages."""
        found, before = [], 0
        while True:
            query = contract.AuditQuery(limit=3, before_seq=before, **wanted)
            told = await self.answers.rows(query, CALL)
            found += [row.seq for row in told.rows]
            before = told.next_seq
            if not before:
                return found


@pytest.fixture
async def trail(tmp_path: Path) -> AsyncIterator[Trail]:
    """Return a station with two operators."""
    clock, path = HandClock(), tmp_path / "s.db"
    async with opened(path, clock) as db:
        await db.write(hire)
        await db.write(lambda tx: operators.add(tx, somebody("02", full_name="李梅")))
        parts: Any = SimpleNamespace(
            database=db,
            path=path,
            clock=clock,
            rules=RULES,
            file=None,
            prints_wanted=1,
        )
        yield Trail(db, clock, AuditAnswers(parts), path, parts)


async def test_filters_and_pages(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each filter alone and together; page by page, however little is looked at."""
    hired = await trail.seqs()
    made = []
    for number in range(6):
        act = "card.edit.plate" if number % 2 else "session.login"
        outcome = "refused" if number == 4 else "done"
        who = "02" if number > 2 else "01"
        subject = f"card {number} 川a"
        made.append(await trail.done(act, subject, who, outcome=outcome))
        trail.clock.forward(6 * MS_PER_HOUR)
    for most in (20_000, 2):
        monkeypatch.setattr(audit_trail, "MOST_LOOKED_AT", most)
        newest = made[::-1]
        assert await trail.seqs() == newest + hired
        assert await trail.seqs(operator_no="02") == newest[:3]
        assert await trail.seqs(act="card edited") == newest[::2]
        assert await trail.seqs(act="session.lo") == newest[1::2]
        assert await trail.seqs(act="nothing like it") == []
        assert await trail.seqs(subject="川A") == newest
        assert await trail.seqs(outcome="refused") == [made[4]]
        assert await trail.seqs(day="2026-11-22") == made[3:6][::-1]
        assert await trail.seqs(operator_no="02", outcome="done", act="edit") == [
            made[5],
            made[3],
        ]
    with pytest.raises(DayWrong):
        await trail.seqs(day="yesterday")


async def test_what_was_typed_is_no_sql(trail: Trail) -> None:
    """Quotes and marks are looked for as they stand."""
    seq = await trail.done("crew.write", "it's 100% _x")
    assert await trail.seqs(subject="it's 100% _") == [seq]
    for text in ("' OR 1=1 --", "%", "_", "*"):
        found = await trail.seqs(subject=text)
        assert found in ([], [seq]), text
    assert await trail.seqs(operator_no="' OR '1'='1") == []


async def test_a_row_and_its_second_person(trail: Trail) -> None:
    """Both rows of an act of two people name both; the heads are the chain's."""

    def unit(tx: Transaction) -> tuple[int, int]:
        first = audit.record(
            tx, CASHIER, "row.explain", "nozzle 1", before="open", after="closed"
        )
        second = Actor("02", "pts/1")
        act = "row.explain.approve"
        return first, audit.record(
            tx, second, act, "nozzle 1", reason="seen", before="01", after="17"
        )

    one, two = await trail.db.write(unit)
    shown = [
        await trail.answers.show(contract.AuditOne(seq=s), CALL) for s in (one, two)
    ]
    for detail in shown:
        assert (detail.first_no, detail.second_no) == ("01", "02")
        assert (detail.first_name, detail.second_name) == ("Wang Fang", "李梅")
        assert detail.mono_ms == trail.clock.mono_ms
        assert detail.boot_id == "boot-1"
    assert (shown[0].before, shown[0].after) == ("open", "closed")
    assert shown[0].head == shown[1].head_before
    assert shown[1].row.is_second
    assert shown[1].reason == "seen"
    with pytest.raises(NoSuchAuditRow):
        await trail.answers.show(contract.AuditOne(seq=10**6), CALL)


async def test_the_file_goes_into_the_stations_folder(trail: Trail) -> None:
    """Under a name of the station's own, for its owner alone, and it is checked."""
    order = contract.AuditExportOrder(from_day="2026-11-21", to_day="")
    made = await trail.answers.export(order, CALL)
    file = Path(made.folder) / made.name
    assert file.parent == trail.path.parent / "exports"
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert audit_checker.main([str(file), "--lang", "zh"]) == 0
    assert await trail.seqs(act="audit.export") != []
    for day in ("../../etc", "2026-11-21/..", "..", "/"):
        bad = contract.AuditExportOrder(from_day=day, to_day="")
        with pytest.raises(DayWrong):
            await trail.answers.export(bad, CALL)
    assert len(list(file.parent.iterdir())) == 1


async def test_a_digest_has_its_sums(trail: Trail) -> None:
    """Rows and sums of a day as the screen takes them."""
    await trail.done("shift.force", "shift 7", reason="left")
    view = await trail.answers.digest(contract.DigestQuery(), CALL)
    assert view.business_day == "2026-11-21"
    assert {each.section: each.count for each in view.sums}["overridden"] == 1
    assert [row.subject for row in view.rows if row.section == "overridden"] == [
        "shift 7"
    ]


async def test_a_digest_goes_on_paper(trail: Trail) -> None:
    """A day that is not closed as it stands, each time anew; where there is paper."""
    await trail.done("shift.force", "shift 7", reason="left")
    numbers = [
        (await trail.answers.print_digest(contract.DigestQuery(), CALL)).receipt_no
        for _ in range(2)
    ]
    found = [await trail.db.read(lambda c, n=n: receipts.find(c, n)) for n in numbers]
    assert [(each.wanted, each.content["digest_seq"]) for each in found if each] == [
        (1, 0)
    ] * 2
    assert len(set(numbers)) == 2
    assert len(await trail.seqs(act="digest.print")) == 2
    trail.parts.prints_wanted = 0
    with pytest.raises(NoPrinter):
        await trail.answers.print_digest(contract.DigestQuery(), CALL)
    with pytest.raises(DayWrong):
        await trail.answers.print_digest(contract.DigestQuery(day="x"), CALL)


async def test_who_may_not_read_the_audit_gets_no_copy_of_it(trail: Trail) -> None:
    """Printing a receipt again is for more people than the trail is."""
    made = await trail.answers.print_digest(contract.DigestQuery(), CALL)
    again = ReceiptRequest(receipt_no=made.receipt_no)
    answers = ReceiptAnswers(trail.parts)
    await trail.db.write(
        lambda tx: operators.change(
            tx, "01", reason="test", actor=CASHIER, role="senior"
        )
    )
    assert (await answers.print_receipt(again, CALL)).receipt_no == made.receipt_no
    await trail.db.write(
        lambda tx: operators.change(
            tx, "01", reason="test", actor=CASHIER, role="junior"
        )
    )
    with pytest.raises(RightMissing):
        await answers.print_receipt(again, CALL)
