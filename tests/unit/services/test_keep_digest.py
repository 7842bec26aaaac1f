"""The daily digest: every dangerous act in one of them, each day once, any clock."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from cngstation.domain.digest import (
    MOST_NAMES,
    DigestRow,
    Happened,
    Section,
    digest_rows,
    section_of,
    sums_of,
)
from cngstation.domain.two_people import ACTS
from cngstation.moments import MS_PER_HOUR
from cngstation.services.keep_digest import DigestKeeper
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit, digests, facts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from tests.small_station import CASHIER, HandClock, cash_sale, hire, opened

DAY_MS = 24 * MS_PER_HOUR


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that stands in the morning of 2026-11-21."""
    return HandClock()


@pytest.fixture
async def db(tmp_path: Path, clock: HandClock) -> AsyncIterator[Database]:
    """Return an open file."""
    async with opened(tmp_path / "s.db", clock) as database:
        await database.write(hire)
        yield database


def keeper(clock: HandClock) -> DigestKeeper:
    return DigestKeeper(clock, cut_off_minute=0, wrong_tries=3)


async def done(db: Database, act: str, subject: str = "x", **said: str) -> int:
    """Record an act."""

    def unit(tx: Transaction) -> int:
        return audit.record(tx, CASHIER, act, subject, **said)

    return await db.write(unit)


async def every(db: Database) -> list[digests.Digest]:
    """Return all digests in their order."""
    days = await db.read(
        lambda c: c.execute("SELECT business_day FROM digest ORDER BY seq").fetchall()
    )
    found = [await db.read(lambda c, d=d: digests.of_day(c, d)) for (d,) in days]
    return [each for each in found if each is not None]


async def test_a_day_that_has_turned_has_its_digest_once(
    db: Database, clock: HandClock, tmp_path: Path
) -> None:
    """However often it is looked for, over any restart; it is in the outbox."""
    seq = await done(db, "card.unblacklist.approve", reason="because", before="02")
    assert await keeper(clock).look_once(db) == 0
    clock.forward(DAY_MS)
    for _ in range(3):
        await keeper(clock).look_once(db)
    (made,) = await every(db)
    assert made.business_day == "2026-11-21"
    (row,) = [row for row in made.rows if row.section is Section.TWO_PEOPLE]
    assert (row.seq, row.first_no, row.second_no, row.reason) == (
        seq, "02", "01", "because",
    )  # fmt: skip
    queued = "SELECT count(*) FROM outbox WHERE kind='digest'"
    assert await db.read(lambda c: c.execute(queued).fetchone()) == (1,)
    assert verify_file(tmp_path / "s.db").first_bad is None


async def test_two_programs_make_it_once(db: Database, clock: HandClock) -> None:
    """Both see that it is due; the transaction looks again."""
    await done(db, "shift.force")
    clock.forward(DAY_MS)
    one, other = keeper(clock), keeper(clock)
    assert [await db.write(one.close_one), await db.write(other.close_one)] == [
        True,
        False,
    ]


async def test_days_without_power_and_without_anything(
    db: Database, clock: HandClock
) -> None:
    """Each day with acts has its own digest, a day without any has none."""
    await done(db, "shift.force", "day 1")
    clock.forward(DAY_MS)
    await done(db, "shift.force", "day 2")
    clock.forward(3 * DAY_MS)
    await done(db, "shift.force", "day 5")
    assert await keeper(clock).look_once(db) == 2
    made = await every(db)
    assert [each.business_day for each in made] == ["2026-11-21", "2026-11-22"]
    assert [_subjects(each) for each in made] == [["day 1"], ["day 2"]]
    today = await db.read(lambda c: keeper(clock).of(c, "2026-11-25"))
    assert (_subjects(today), today.seq) == (["day 5"], 0)
    nothing = await db.read(lambda c: keeper(clock).of(c, "2026-11-24"))
    assert nothing.rows == ()


def _subjects(digest: digests.Digest) -> list[str]:
    overridden = [row for row in digest.rows if row.section is Section.OVERRIDDEN]
    return [row.subject for row in overridden]


@pytest.mark.parametrize("jump", [-400 * DAY_MS, -DAY_MS, 400 * DAY_MS])
async def test_no_act_is_lost_when_the_clock_is_set(
    db: Database, clock: HandClock, jump: int
) -> None:
    """Into days that are closed, or far ahead and back again: each act once."""
    await done(db, "shift.force", "0")
    clock.forward(DAY_MS)
    await keeper(clock).look_once(db)
    for number in range(1, 7):
        clock.wall_ms += jump if number == 2 else 0
        await done(db, "shift.force", str(number))
        clock.wall_ms -= jump if number == 4 else 0
        clock.forward(DAY_MS // 2)
        await keeper(clock).look_once(db)
    clock.forward(2 * DAY_MS)
    await keeper(clock).look_once(db)
    made = await every(db)
    told = [subject for each in made for subject in _subjects(each)]
    assert sorted(told) == [str(number) for number in range(7)]
    places = [(each.from_seq, each.to_seq) for each in made]
    assert all(one[1] + 1 == two[0] for one, two in pairwise(places))


@pytest.mark.parametrize("years", [1, -1])
async def test_a_wrong_clock_makes_no_digest_of_another_year(
    db: Database, clock: HandClock, years: int
) -> None:
    """Days go on by the clock that nobody sets, each with what was done on it."""
    await db.write(lambda tx: facts.post(tx, cash_sale("before")))
    clock.wall_ms += years * 365 * DAY_MS
    for day in range(3):
        await done(db, "shift.force", f"day {day}")
        clock.forward(DAY_MS)
        assert await keeper(clock).look_once(db) == 1
    made = await every(db)
    days = ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert [each.business_day for each in made] == days
    assert [_subjects(each) for each in made] == [[f"day {n}"] for n in range(3)]
    assert await db.read(keeper(clock).today) == "2026-11-24"


async def test_the_business_day_is_the_stations(db: Database, clock: HandClock) -> None:
    """A day that begins at noon is not over in the morning."""
    await done(db, "shift.force")
    late = DigestKeeper(clock, cut_off_minute=720, wrong_tries=3)
    clock.forward(MS_PER_HOUR)
    assert await late.look_once(db) == 0
    clock.forward(2 * MS_PER_HOUR)
    assert await late.look_once(db) == 1
    assert (await every(db))[0].business_day == "2026-11-20"


def _happened(seq: int, act: str, **said: str) -> Happened:
    empty = dict.fromkeys(("subject", "operator_no", "terminal", "reason"), "")
    row = {**empty, "outcome": "done", "before": "", "after": "", **said}
    return Happened(seq=seq, at_ms=seq, act=act, **row)


@pytest.mark.parametrize(
    ("row", "section"),
    [
        (_happened(1, "row.explain.approve"), Section.TWO_PEOPLE),
        (_happened(1, "card.reverse_top_up"), Section.WRONG_MONEY),
        (_happened(1, "act.void.top_up"), Section.WRONG_MONEY),
        (_happened(1, "shift.force"), Section.OVERRIDDEN),
        (_happened(1, "vehicle.register", reason="unusual"), Section.OVERRIDDEN),
        (_happened(1, "vehicle.register"), None),
        (_happened(1, "row.explain"), Section.EXPLAINED),
        (_happened(1, "personal.reveal.phone"), Section.REVEALED),
        (_happened(1, "audit.export"), Section.EXPORTED),
        (_happened(1, "role.edit"), Section.PEOPLE),
        (_happened(1, "staff_card.lost"), Section.PEOPLE),
        (_happened(1, "session.release"), Section.OVERRIDDEN),
        (_happened(1, "operator.change_password"), None),
        (_happened(1, "session.login", outcome="refused"), Section.LOGIN_REFUSED),
        (_happened(1, "session.login"), None),
        (_happened(1, "operator.add", outcome="refused"), Section.REFUSED),
        (_happened(1, "personal.reveal.phone", outcome="refused"), Section.REVEALED),
        (_happened(1, "card.issue"), None),
        (_happened(1, "parameter.set"), Section.STATION),
        (_happened(1, "station.initialise"), Section.STATION),
        (_happened(1, "fill.mark"), Section.OVERRIDDEN),
        (_happened(1, "card.settle_grey_by_hand"), Section.WRONG_MONEY),
    ],
)
def test_what_is_looked_at(row: Happened, section: Section | None) -> None:
    """Everyday work is in no section."""
    assert section_of(row) is section


def test_every_act_of_two_people_has_a_section() -> None:
    """The act by itself too, whether it took two people this time or not."""
    for act in ACTS:
        assert section_of(_happened(1, act)) is not None, act
        approved = section_of(_happened(1, f"{act}.approve"))
        assert approved is Section.TWO_PEOPLE, act


def test_refusals_are_counted_by_name() -> None:
    """Three in a row are a lock-out, once; a log-in between begins anew."""
    tries = [
        _happened(seq, "session.login", subject="op", outcome=outcome)
        for seq, outcome in enumerate(["refused"] * 2 + ["done"] + ["refused"] * 5, 1)
    ]
    rows = digest_rows(tries, wrong_tries=3)
    assert [(row.section, row.seq, row.times) for row in rows] == [
        (Section.LOCKED_OUT, 6, 1),
        (Section.LOGIN_REFUSED, 8, 7),
    ]
    assert sums_of(rows)[Section.LOGIN_REFUSED] == 7


def test_the_same_two_people_again_and_again_are_named() -> None:
    """More than five acts of one pair in a day are a row with their number."""
    many = [
        replace(_happened(seq, "row.explain.approve"), operator_no="02", before=first)
        for seq, first in enumerate(["01"] * 6 + ["03"] * 5, 1)
    ]
    rows = digest_rows(many, wrong_tries=3)
    assert len(rows) == len(many) + 1
    (often,) = [row for row in rows if row.section is Section.OFTEN_TOGETHER]
    assert (often.first_no, often.second_no, often.times) == ("01", "02", 6)
    assert sums_of(rows)[Section.OFTEN_TOGETHER] == 6


def test_a_flood_of_names_stays_small() -> None:
    """Names beyond the first hundred are one row."""
    tries = [
        _happened(n, "session.login", subject=f"n{n}", outcome="refused")
        for n in range(1, 1_001)
    ]
    rows = digest_rows(tries, wrong_tries=3)
    assert len(rows) == MOST_NAMES + 1
    assert sums_of(rows)[Section.LOGIN_REFUSED] == 1_000
    assert isinstance(rows[0], DigestRow)


async def test_who_looks_back_sees_what_was_sent(
    db: Database, clock: HandClock
) -> None:
    """A closed day is read from its fact, field by field."""
    actor = Actor("07", "pts/3")

    def unit(tx: Transaction) -> None:
        audit.record(
            tx, actor, "till.pay_out", "till-1", reason="flowers", after="12.00"
        )

    await db.write(unit)
    before = await db.read(lambda c: keeper(clock).of(c, "2026-11-21"))
    clock.forward(DAY_MS)
    await keeper(clock).look_once(db)
    after = await db.read(lambda c: keeper(clock).of(c, "2026-11-21"))
    assert after.rows == before.rows
    assert (after.seq > 0, before.seq) == (True, 0)
