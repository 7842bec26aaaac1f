"""One person who gives the other a password is not two people until one vouches."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cngstation.domain.digest import Section
from cngstation.domain.two_people import VOUCH
from cngstation.moments import MS_PER_HOUR
from cngstation.services import two_people_slip
from cngstation.services.approve import (
    Approved,
    Paper,
    Wish,
    record,
    record_later,
)
from cngstation.services.keep_digest import DigestKeeper
from cngstation.services.one_hand import FRESH_MS, OneHand
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit, operators, receipts, roles
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import Role
from tests.small_station import HandClock, opened, somebody

WISH = Wish("row.explain", "row 7")
ADD, RESET = "operator.add", "operator.reset_password"


@pytest.fixture
def clock() -> HandClock:
    """Return the station's clock."""
    return HandClock()


@pytest.fixture
async def db(tmp_path: Path, clock: HandClock) -> AsyncIterator[Database]:
    """Return a station on its first day: 01 is made by nobody."""
    async with opened(tmp_path / "s.db", clock) as database:
        await given(database, STATION.operator_no, "01")
        yield database
    assert verify_file(tmp_path / "s.db").proved


async def given(
    db: Database, by: str, *numbers: str, act: str = "operator.add"
) -> None:
    """Make operators, or give them passwords, as somebody."""

    def unit(tx: Transaction) -> None:
        for number in numbers:
            if act == ADD:
                changes = {"operator_no": number, "role": "administrator"}
                operators.add(tx, somebody(**changes))
            audit.record(tx, Actor(by, "office"), act, number)

    await db.write(unit)


async def done(db: Database, first: str, second: str) -> None:
    """Let two people do an act."""

    def unit(tx: Transaction) -> None:
        person = operators.find(tx.connection, second)
        begins = operators.find(tx.connection, first)
        assert person is not None
        assert begins is not None
        approved = Approved(person, WISH, begins, "because", Paper())
        record(tx, approved, WISH, Actor(first, "till-1"))

    await db.write(unit)


async def hands(db: Database) -> list[tuple[str, str]]:
    """Return what was written down of acts by one hand."""
    return await db.read(
        lambda c: c.execute(
            "SELECT subject, after FROM audit WHERE act='approve.one_hand'"
        ).fetchall()
    )


async def established(db: Database, clock: HandClock, *numbers: str) -> None:
    """Make operators who are older than a day, and others than 01 is."""
    await given(db, "01", *numbers)
    await vouched(db, *numbers)
    clock.forward(FRESH_MS)


async def vouched(db: Database, *numbers: str, by: str = "") -> None:
    """Say that operators are other people."""

    def unit(tx: Transaction) -> None:
        for number in numbers:
            audit.record(tx, Actor(by, "office"), VOUCH, number)

    await db.write(unit)


async def test_a_first_day_goes_on_and_is_named(db: Database, clock: HandClock) -> None:
    """Nobody else is there: on the slip, in the audit, in the digest."""
    await given(db, "01", "02", "03")
    await done(db, "01", "02")
    await done(db, "02", "03")
    assert await hands(db) == [("01 + 02", "01"), ("02 + 03", "01")]
    found: Any = await db.read(lambda c: list(receipts.newest(c, 2)))
    for receipt, _ in found:
        rows = two_people_slip.rows_of(receipt.content)
        assert any("Password given by" in str(row) for row in rows)
    keeper = DigestKeeper(clock, cut_off_minute=0, wrong_tries=3)
    digest = await db.read(lambda c: keeper.of(c, keeper.today(c)))
    sections = [row.section for row in digest.rows]
    assert sections.count(Section.ONE_HAND) == 2
    assert sections.count(Section.TWO_PEOPLE) == 2
    (standing,) = [row for row in digest.rows if row.section is Section.UNVOUCHED]
    assert (standing.first_no, standing.subject) == ("01", "02 03")


@pytest.mark.parametrize(
    ("first", "second"), [("01", "03"), ("03", "01"), ("03", "04"), ("01", "05")]
)
async def test_one_hand_is_refused_while_there_is_another(
    db: Database, clock: HandClock, first: str, second: str
) -> None:
    """Whoever of the two is first, both made by a third, or over somebody between."""
    await established(db, clock, "02")
    await given(db, "01", "03", "04")
    await given(db, "03", "05")
    with pytest.raises(OneHand, match="01"):
        await done(db, first, second)
    assert await hands(db) == []
    await done(db, first, "02")
    await done(db, "02", second)
    assert await hands(db) == []


async def test_a_password_that_is_given_anew_counts(
    db: Database, clock: HandClock
) -> None:
    """However old the account; a change of their own by that password does not help."""
    await established(db, clock, "02", "03")
    await done(db, "01", "03")
    await given(db, "01", "03", act=RESET)
    await given(db, "03", "03", act="operator.change_password")
    with pytest.raises(OneHand):
        await done(db, "01", "03")
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state="locked"))
    with pytest.raises(OneHand):
        await done(db, "01", "03")
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state="retired"))
    await done(db, "01", "03")
    assert await hands(db) == [("01 + 03", "01")]
    await vouched(db, "03")
    await done(db, "01", "03")
    assert len(await hands(db)) == 1


async def test_passwords_given_in_a_ring_are_one_hand(
    db: Database, clock: HandClock
) -> None:
    """Whom one made gives the maker a password back, or over a third."""
    await established(db, clock, "02")
    await given(db, "01", "03")
    await given(db, "03", "01", act=RESET)
    for first, second in (("01", "03"), ("03", "01")):
        with pytest.raises(OneHand, match="01"):
            await done(db, first, second)
    await given(db, "03", "04")
    await given(db, "04", "01", act=RESET)
    for first, second in (("01", "03"), ("04", "01"), ("03", "04")):
        with pytest.raises(OneHand, match="01"):
            await done(db, first, second)
    assert await hands(db) == []


@pytest.mark.parametrize(
    ("act", "before", "changes"),
    [
        ("operator.retire", "active", {"state": "retired"}),
        (RESET, "", {"must_change": 1}),
        ("operator.edit.role", "administrator", {"role": "junior"}),
    ],
)
async def test_who_is_put_out_of_the_way_still_counts_for_a_day(
    db: Database, clock: HandClock, act: str, before: str, changes: dict[str, Any]
) -> None:
    """To have nobody else left is no way to stand behind oneself."""
    await established(db, clock, "02")
    await given(db, "01", "03", "04")

    def aside(tx: Transaction) -> None:
        audit.record(tx, Actor("01", "office"), act, "02", before=before)
        operators.change(tx, "02", reason="x", **changes)

    await db.write(aside)
    for first, second in (("01", "03"), ("03", "04")):
        with pytest.raises(OneHand, match="01"):
            await done(db, first, second)
    assert await hands(db) == []


async def test_a_role_with_less_in_it_puts_nobody_out_of_the_way(
    db: Database, clock: HandClock
) -> None:
    """The role of another is changed, and the act refused for a day all the same."""
    await established(db, clock, "02")
    role = Role("R1", "夜班", WISH.right)
    await db.write(lambda tx: roles.put_role(tx, role, reason="x", actor=STATION))
    await db.write(lambda tx: operators.change(tx, "02", reason="x", role="R1"))
    await given(db, "01", "03")

    def less(tx: Transaction) -> None:
        actor, told = Actor("01", "office"), f"夜班: {WISH.right} card.read"
        audit.record(tx, actor, "role.edit", "R1", before=told)
        roles.put_role(tx, Role("R1", "夜班", "card.read"), reason="x", actor=actor)

    await db.write(less)
    with pytest.raises(OneHand):
        await done(db, "01", "03")


async def test_who_looks_at_an_act_afterwards_is_somebody_else(
    db: Database, clock: HandClock
) -> None:
    """The same from an own session."""
    await established(db, clock, "02")
    await given(db, "01", "03")

    def unit(tx: Transaction) -> None:
        person = Actor("03", "office")
        record_later(tx, WISH, "01", person, reason="because", paper=Paper())

    with pytest.raises(OneHand):
        await db.write(unit)


async def test_the_day_is_not_the_wall_clocks(db: Database, clock: HandClock) -> None:
    """A clock set on, and a boot that only began, make no day; running does."""
    await established(db, clock, "02")
    await given(db, "01", "03")
    clock.wall_ms += 400 * FRESH_MS
    with pytest.raises(OneHand):
        await done(db, "01", "03")
    clock.forward(FRESH_MS // 2)
    await db.write(lambda tx: audit.record(tx, STATION, "x", "x"))
    clock.boot_id, clock.mono_ms = "boot-2", 1_000
    await db.write(lambda tx: audit.record(tx, STATION, "x", "x"))
    with pytest.raises(OneHand):
        await done(db, "01", "03")
    clock.forward(FRESH_MS // 2 - MS_PER_HOUR)
    with pytest.raises(OneHand):
        await done(db, "01", "03")
    clock.forward(MS_PER_HOUR)
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state="retired"))
    await given(db, "01", "04")
    await done(db, "01", "03")  # of a day ago; 04 is new and of the hand
    with pytest.raises(OneHand):
        await done(db, "01", "04")
    assert await hands(db) == [("01 + 03", "01")]


async def test_a_day_makes_nobody_another_person(
    db: Database, clock: HandClock
) -> None:
    """As long as nobody vouches, whoever is surely another stands behind it."""
    await established(db, clock, "02")
    await given(db, "01", "03", "04")
    clock.forward(40 * FRESH_MS)
    for first, second in (("01", "03"), ("03", "01"), ("03", "04")):
        with pytest.raises(OneHand, match="01"):
            await done(db, first, second)
    await done(db, "01", "02")
    await vouched(db, "03", by="02")
    await done(db, "01", "03")
    await done(db, "03", "04")
    assert await hands(db) == []
    await given(db, "01", "03", act=RESET)
    with pytest.raises(OneHand):
        await done(db, "01", "03")


async def test_old_names_of_one_maker_go_on_and_are_named(
    db: Database, clock: HandClock
) -> None:
    """A station whose operators were all made by one works, by a name of before."""
    await given(db, "01", "02", "03")
    clock.forward(FRESH_MS)
    await done(db, "01", "02")
    await done(db, "02", "03")
    await given(db, "01", "04")
    with pytest.raises(OneHand):
        await done(db, "01", "04")
    assert await hands(db) == [("01 + 02", "01"), ("02 + 03", "01")]


@pytest.mark.parametrize(
    ("act", "state"), [("operator.lock", "locked"), ("operator.retire", "retired")]
)
async def test_whom_the_hand_put_aside_counts_for_a_week(
    db: Database, clock: HandClock, act: str, state: str
) -> None:
    """Nobody who left keeps those who are there from working for ever."""
    await established(db, clock, "02")
    await given(db, "01", "03")
    clock.forward(FRESH_MS)
    await given(db, "01", "02", act=act)
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state=state))
    clock.forward(6 * FRESH_MS)
    with pytest.raises(OneHand):
        await done(db, "01", "03")
    clock.forward(FRESH_MS)
    await done(db, "01", "03")
    assert await hands(db) == [("01 + 03", "01")]


async def test_who_sent_the_others_away_waits_with_everybody_new(
    db: Database, clock: HandClock
) -> None:
    """A day after retiring the only other one a new name is no second person at once.

    A name of one's own that was soon withdrawn is nobody who was sent away.
    """
    await established(db, clock, "02")
    await given(db, "01", "03")
    await given(db, "01", "03", act="operator.retire")
    await db.write(lambda tx: operators.change(tx, "03", reason="x", state="retired"))
    await given(db, "01", "02", act="operator.retire")
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state="retired"))
    clock.forward(3 * FRESH_MS)
    await given(db, "01", "04")
    with pytest.raises(OneHand):
        await done(db, "01", "04")
    clock.forward(7 * FRESH_MS)
    await given(db, "01", "05")
    with pytest.raises(OneHand):
        await done(db, "01", "05")
    await done(db, "01", "04")
    assert await hands(db) == [("01 + 04", "01")]


async def test_a_name_made_by_mistake_keeps_nobody_waiting(
    db: Database, clock: HandClock
) -> None:
    """Who was only ever alone goes on as on the first day, and is named."""
    await given(db, "01", "02")
    await given(db, "01", "02", act="operator.retire")
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state="retired"))
    clock.forward(3 * FRESH_MS)
    await given(db, "01", "03")
    await done(db, "01", "03")
    assert await hands(db) == [("01 + 03", "01")]
