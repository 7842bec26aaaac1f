"""Ways in which one hand would look like two, or like nobody else was there."""

import pytest

from cngstation.services.one_hand import FRESH_MS, OneHand, hand_of_both, unvouched
from cngstation.storage import audit, operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import Outlet, Role
from tests.small_station import HandClock
from tests.unit.services import test_one_hand as station
from tests.unit.services.test_one_hand import clock, db

__all__ = ["clock", "db"]


async def test_a_role_emptied_and_then_taken_away_is_still_somebody(
    db: Database, clock: HandClock
) -> None:
    """In two steps as in one: less in the role, then a role with less in it."""
    by = Actor("01", "office")

    def role(name: str, rights: str) -> Role:
        return Role(name, name, rights)

    def begin(tx: Transaction) -> None:
        roles.put_role(tx, role("R1", "row.explain card.read"), reason="", actor=by)
        roles.put_role(tx, role("R2", "card.read"), reason="", actor=by)

    def emptied(tx: Transaction) -> None:
        roles.put_role(tx, role("R1", "card.read"), reason="x", actor=by)
        audit.record(tx, by, "role.edit", "R1", before="R1: row.explain", after="R1")

    def moved(tx: Transaction) -> None:
        operators.change(tx, "02", reason="x", role="R2")
        told = {"before": "R1", "after": "R2"}
        audit.record(tx, by, "operator.edit.role", "02", reason="x", **told)

    await db.write(begin)
    await station.established(db, clock, "02")
    await db.write(lambda tx: operators.change(tx, "02", reason="x", role="R1"))
    await station.given(db, "01", "03")
    for step in (lambda _tx: None, emptied, moved):
        await db.write(step)
        with pytest.raises(OneHand):
            await station.done(db, "01", "03")
    clock.forward(7 * FRESH_MS)
    await station.done(db, "01", "03")


async def test_the_till_says_who_is_there_and_not_the_outlet_of_a_name(
    db: Database, clock: HandClock
) -> None:
    """A second name at an empty outlet, with all outlets, is alone at no till."""
    await station.established(db, clock, "02")
    await db.write(lambda tx: operators.change(tx, "02", reason="x", role="senior"))
    await station.given(db, "01", "03")

    def elsewhere(tx: Transaction) -> None:
        by = Actor("01", "office")
        roles.put_outlet(tx, Outlet("1002", "empty"), reason="x", actor=by)
        operators.change(tx, "03", reason="x", outlet_no="1002")

    await db.write(elsewhere)

    async def hand(outlet_no: str) -> str:
        def unit(tx: Transaction) -> str:
            one, other = (operators.find(tx.connection, no) for no in ("03", "01"))
            assert one is not None
            assert other is not None
            right = "card.replace_unproved"
            return hand_of_both(tx.connection, tx.now, (one, other), right, outlet_no)

        return await db.write(unit)

    with pytest.raises(OneHand):
        await hand("1001")
    assert await hand("1002") == "01"


async def test_a_technician_is_nobody_to_vouch_for(
    db: Database, clock: HandClock
) -> None:
    """The ticket says who it is; the digest asks nobody for a word."""
    await station.given(db, "01", "V1")
    await db.write(lambda tx: operators.change(tx, "V1", reason="x", role="vendor"))
    assert await db.read(lambda c: unvouched(c, clock.now())) == []


async def test_a_new_password_from_another_makes_nobody_another(
    db: Database, clock: HandClock
) -> None:
    """Whoever fetches it may be who made the name; both who gave one are its hands."""
    await station.established(db, clock, "02", "05")
    await station.given(db, "01", "03")
    await station.given(db, "02", "03", act=station.RESET)
    for first in ("01", "02"):
        with pytest.raises(OneHand):
            await station.done(db, first, "03")
    clock.forward(2 * FRESH_MS)
    for first in ("01", "02"):
        with pytest.raises(OneHand):
            await station.done(db, first, "03")
    await station.done(db, "05", "03")
    await station.done(db, "01", "02")
    assert await station.hands(db) == [], "who gave one each are two people"
    await station.vouched(db, "03", by="05")
    await station.done(db, "01", "03")
