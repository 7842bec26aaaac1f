"""Who does not work for every outlet sees what the own outlet's people did."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import audit as contract
from cngstation.rpc.contract.receipts import ReceiptRequest
from cngstation.rpc.session import Nothing
from cngstation.services.answer_audit import AuditAnswers
from cngstation.services.answer_receipts import ReceiptAnswers
from cngstation.services.answer_staff_cards import StaffCardAnswers
from cngstation.services.check_rights import OtherOutlet
from cngstation.services.staff_session import StaffSession
from cngstation.storage import audit, operators, staff_cards
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.staff_cards import StaffCardRow
from tests.shift_world import RULES
from tests.simulation.money_world import CALL
from tests.unit.services.office import CHIEF, ELSEWHERE, WRITER, Office, an_office

PEOPLE = {"1": CHIEF, "2": WRITER, "3": ELSEWHERE, "": STATION}


def by(actor: Actor) -> CallContext:
    """Return a call of somebody."""
    mine = CALL.session
    assert isinstance(mine, StaffSession)
    session = replace(mine, operator_no=actor.operator_no)
    return replace(CALL, session=session)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Return the station of two outlets."""
    async with an_office(tmp_path / "s.db") as office:
        yield office


def parts_of(office: Office) -> Any:
    """Return what the answers work with."""
    return SimpleNamespace(
        database=office.db, path=office.path, clock=office.clock, rules=RULES,
        file=None, prints_wanted=1, watch=None,
    )  # fmt: skip


SEEN = {"1": {"", "1", "2", "3"}, "2": {"", "1", "2"}, "3": {"", "3"}}


@pytest.mark.parametrize("who", SEEN)
async def test_the_trail_shows_the_own_people(office: Office, who: str) -> None:
    """In the list and row by row; what nobody did is everybody's."""
    answers, call = AuditAnswers(parts_of(office)), by(PEOPLE[who])
    made = {}
    for number, actor in PEOPLE.items():
        made[number] = await office.db.write(
            lambda tx, actor=actor: audit.record(tx, actor, "shift.force", "7")  # type: ignore[misc]
        )
    query = contract.AuditQuery(limit=50, act="shift.force")
    listed = (await answers.rows(query, call)).rows
    assert {row.operator_no for row in listed} == SEEN[who]
    named = contract.AuditQuery(limit=50, act="shift.force", operator_no="3")
    assert len((await answers.rows(named, call)).rows) == ("3" in SEEN[who])
    for number, seq in made.items():
        if number in SEEN[who]:
            assert (await answers.show(contract.AuditOne(seq=seq), call)).row.seq == seq
        else:
            with pytest.raises(OtherOutlet):
                await answers.show(contract.AuditOne(seq=seq), call)


@pytest.mark.parametrize("who", SEEN)
async def test_a_digest_shows_the_own_people(office: Office, who: str) -> None:
    """Rows and sums alike; an act of two is shown to the outlet of either."""
    answers, call = AuditAnswers(parts_of(office)), by(PEOPLE[who])
    for actor in PEOPLE.values():
        await office.db.write(
            lambda tx, actor=actor: audit.record(tx, actor, "shift.force", "7")  # type: ignore[misc]
        )
    await office.db.write(
        lambda tx: audit.record(tx, WRITER, "price.plan.approve", "8", before="3")
    )
    view = await answers.digest(contract.DigestQuery(), call)
    sums = {each.section: each.count for each in view.sums}
    forced = {row.first_no for row in view.rows if row.section == "overridden"}
    assert forced == SEEN[who]
    assert sums["overridden"] == len(forced)
    assert sums["two_people"] == 1


@pytest.mark.parametrize("who", SEEN)
async def test_staff_cards_of_the_own_people_are_listed(
    office: Office, who: str
) -> None:
    """Nobody else's."""
    for number in ("1", "2", "3"):
        card = StaffCardRow(f"0000000{number}", number, "", f"u{number}", "key",
                            "active", "", "", 1)  # fmt: skip
        await office.db.write(
            lambda tx, card=card: staff_cards.add(tx, card, actor=CHIEF)  # type: ignore[misc]
        )
    answers = StaffCardAnswers(parts_of(office))
    listed = await answers.list_cards(Nothing(), by(PEOPLE[who]))
    assert {card.operator_no for card in listed.rows} == SEEN[who] - {""}


async def test_a_digest_on_paper_is_for_who_may_see_everybody(office: Office) -> None:
    """The slip and its copy are of the whole station."""
    parts, day = parts_of(office), contract.DigestQuery()
    answers, receipts = AuditAnswers(parts), ReceiptAnswers(parts)
    await office.db.write(
        lambda tx: operators.change(tx, "2", reason="t", actor=CHIEF, role="senior")
    )
    made = await answers.print_digest(day, by(CHIEF))
    again = ReceiptRequest(receipt_no=made.receipt_no)
    with pytest.raises(OtherOutlet):
        await answers.print_digest(day, by(WRITER))
    with pytest.raises(OtherOutlet):
        await receipts.print_receipt(again, by(WRITER))
    await receipts.print_receipt(again, by(CHIEF))
    await office.db.write(
        lambda tx: operators.change(tx, "3", reason="t", actor=CHIEF, outlet_no="1001")
    )
    await answers.print_digest(day, by(WRITER))
    await receipts.print_receipt(again, by(WRITER))
