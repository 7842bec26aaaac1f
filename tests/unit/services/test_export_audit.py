"""Exports: whole or none, of all or of some days, nothing personal in them."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.moments import MS_PER_HOUR, day_bounds_ms
from cngstation.services.export_audit import ACT, NothingInPeriod, Wanted
from cngstation.services.new_file import FileIsThere, FileNotWritten, new_file
from cngstation.services.recognise_export import first_difference
from cngstation.services.register_customers import CustomerDesk
from cngstation.storage import facts
from cngstation.storage.database import Database
from tests import audit_files
from tests.audit_files import KEY, found_wrong
from tests.furnished_station import furnish
from tests.small_station import (
    CASHIER,
    MORNING,
    HandClock,
    cash_sale,
    hire,
    opened,
    posted,
)
from tests.unit.services.test_register_customers import DRAFT, ID_NO, PHONE, SEAL
from tests.unit.services.whole_books import tamper

WANTED = Wanted("51010001", "试验站", MORNING)
FOUR_DAYS = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the books are."""
    return tmp_path / "s.db"


@pytest.fixture
async def days(path: Path) -> AsyncIterator[Database]:
    """Return books with two entries on each of four days."""
    clock = HandClock()
    async with opened(path, clock) as db:
        await db.write(hire)
        for day in range(FOUR_DAYS):
            for half in "ab":
                entry = cash_sale(f"{day}{half}", 10_0000 * (day + 1))
                await db.write(lambda tx, entry=entry: facts.post(tx, entry))
            clock.forward(24 * MS_PER_HOUR)
        yield db


async def test_some_days_begin_with_what_was_before(
    days: Database, path: Path, tmp_path: Path
) -> None:
    """The statement at the beginning and the entries come to the one at the end."""
    target = tmp_path / "part.jsonl"
    span = {"from_day": "2026-11-22", "to_day": "2026-11-23"}
    made = await audit_files.export(days, path, target, **span)
    text = target.read_bytes()
    checker = audit_files.checked(text)
    assert checker.counts["entries"] == 4
    assert checker.sums["till:till-1:cash", "CNY"] == 120_0000
    opening = [json.loads(x) for x in text.splitlines() if x.startswith(b'{"opening')]
    assert {"opening": ["till:till-1:cash", "CNY", 20_0000]} in opening
    assert made.last - made.first + 1 == checker.counts["facts"]
    assert first_difference(path, target) is None


async def test_a_statement_before_a_period_proves_nothing_by_itself(
    days: Database, path: Path, tmp_path: Path
) -> None:
    """Who hashes anew can state any beginning; the file says so, the head tells."""
    target = tmp_path / "part.jsonl"
    await audit_files.export(
        days, path, target, from_day="2026-11-22", to_day="2026-11-22"
    )
    stated = b'{"opening":["till:till-1:cash","CNY",%d]}'
    text = target.read_bytes().replace(stated % 200_000, stated % 300_000)
    changed = audit_files.anew(text, list, balances=True)
    assert found_wrong(changed) is None
    assert first_difference(path, target) is None
    target.write_bytes(changed)
    assert first_difference(path, target) is not None


async def test_days_without_anything(days: Database, path: Path) -> None:
    """No file, and no days that are none."""
    with pytest.raises(NothingInPeriod):
        await audit_files.export(
            days, path, path.with_name("x"), from_day="2020-01-01", to_day="2020-01-02"
        )
    with pytest.raises(ValueError, match="does not match format"):
        await audit_files.export(days, path, path.with_name("x"), from_day="today")
    assert [each.name for each in path.parent.iterdir() if "x" in each.name] == []


def test_a_day_has_its_bounds() -> None:
    """From its first minute to the next one's, by the station's own beginning."""
    begins, ends = day_bounds_ms("2026-11-21", cut_off_minute=90)
    assert (begins, ends - begins) == (1_795_195_800_000, 24 * MS_PER_HOUR)


async def test_an_export_is_an_act(days: Database, path: Path) -> None:
    """Who, which part, and the digest of the file."""
    made = await audit_files.export(days, path, path.with_name("a.jsonl.gz"), key=KEY)

    def row(connection: Any) -> tuple[Any, ...]:
        sql = "SELECT operator_no, subject, outcome, after FROM audit WHERE act=?"
        found: tuple[Any, ...] = connection.execute(sql, (ACT,)).fetchone()
        return found

    assert await days.read(row) == ("01", f"1-{made.last}", "done", made.sha256)
    assert made.is_signed


async def test_nothing_personal_is_in_it(path: Path, tmp_path: Path) -> None:
    """A vehicle's owner is in the books; ID number and phone are in no line."""
    async with opened(path) as db:
        await db.write(hire)
        desk = CustomerDesk(db, SEAL)
        company = await desk.register_company("蜀都出租", "一环路 1 号", "", CASHIER)
        await desk.register_vehicle(
            replace(DRAFT, company_no=company.company_no), CASHIER
        )
        await audit_files.export(db, path, tmp_path / "a.jsonl")
    text = (tmp_path / "a.jsonl").read_text("utf-8")
    assert "川A12345" in text
    digits = "".join(filter(str.isdigit, PHONE))
    for personal in (ID_NO, ID_NO[:-1], PHONE, digits, digits[-8:], "李雷"):
        assert personal not in text, personal


def test_books_that_are_not_proved(path: Path, tmp_path: Path) -> None:
    """What verify says goes along, and the checker repeats it."""
    asyncio.run(furnish(path))
    tamper(path, "UPDATE posting SET amount=amount+1 WHERE seq=(SELECT min(seq)"
                 " FROM posting) AND line=0")  # fmt: skip
    made = audit_files.written(path, tmp_path / "a.jsonl", WANTED)
    assert made.first_bad
    wrong = found_wrong((tmp_path / "a.jsonl").read_bytes())
    assert wrong.code == "books"
    assert "was changed" in wrong.sentence(chinese=False)


async def test_a_file_that_is_there_stays(days: Database, path: Path) -> None:
    """Also a link, also to nowhere; and nothing is left beside it."""
    there, link = path.with_name("a"), path.with_name("b")
    there.write_bytes(b"old")
    link.symlink_to("nowhere")
    before = sorted(os.listdir(path.parent))
    for target in (there, link):
        with pytest.raises(FileIsThere):
            audit_files.written(path, target, WANTED)
    assert there.read_bytes() == b"old"
    assert sorted(os.listdir(path.parent)) == before


def test_broken_off_there_is_nothing(tmp_path: Path) -> None:
    """Whatever ends the writing; a full disk is a sentence."""
    target = tmp_path / "a"
    with pytest.raises(KeyError), new_file(target) as file:
        raise KeyError(file.write(b"half"))
    assert list(tmp_path.iterdir()) == []
    full = os.strerror(errno.ENOSPC)
    with pytest.raises(FileNotWritten, match=full), new_file(target):
        raise OSError(errno.ENOSPC, full)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotWritten), new_file(tmp_path / "none" / "a"):
        pass


def test_its_owner_alone_reads_it(tmp_path: Path) -> None:
    """Mode 0600, and the name only when all is there."""
    target = tmp_path / "a"
    with new_file(target) as file:
        file.write(b"x")
        assert not target.exists()
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_taken_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused at the end, too; also where the file system knows no links."""
    target = tmp_path / "a"
    with pytest.raises(FileIsThere), new_file(target):
        target.write_bytes(b"other")
    assert target.read_bytes() == b"other"
    target.unlink()

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    with new_file(target) as file:
        file.write(b"x")
    assert target.read_bytes() == b"x"
    with pytest.raises(FileIsThere), new_file(target):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


async def test_sums_beyond_one_entry(days: Database, path: Path) -> None:
    """A kept balance that the postings do not come to is not hidden by verify alone."""
    await days.write(lambda tx: facts.post(tx, posted("nothing")))
    made = await audit_files.export(days, path, path.with_name("c.jsonl"))
    text = path.with_name("c.jsonl").read_bytes()
    assert made.first_bad is None
    line = next(x for x in text.splitlines() if x.startswith(b'{"balance"'))
    text = text.replace(line + b"\n", b"")
    assert found_wrong(text).code == "digest"
    assert found_wrong(audit_files.anew(text, list)).code == "balance"
