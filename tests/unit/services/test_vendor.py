"""The vendor's level: by a signed ticket, good once, with rights for some time."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from cngstation.domain.digest import Happened, Section, section_of
from cngstation.domain.enrolment import SignatureWrong, Ticket, public_bytes
from cngstation.domain.rights import BY_NAME, TECHNICIAN
from cngstation.domain.typed_code import code_text
from cngstation.errors import NotLoggedIn, Refusal
from cngstation.rpc.authority import Call
from cngstation.services.admit_vendor import (
    LONGEST_MS,
    Admitted,
    TicketForeign,
    TicketKeyUnknown,
    TicketNotNow,
    TicketTooMuch,
    TicketUsed,
    end_over,
)
from cngstation.services.change_password import NewPassword
from cngstation.services.keep_operators import OperatorDraft
from cngstation.services.log_in import StaffSession
from cngstation.services.operator_guards import BeyondOwnRights, OfVendor
from cngstation.services.vendor_level import TicketOver
from cngstation.services.verify_books import verify_file
from cngstation.storage import operators
from tests.unit.services.office import CHIEF, WRITER, Office, an_office
from tests.unit.services.office import OWN as PASSWORD
from tests.unit.services.test_enrol_station import OFFICE, THIEF, WHO
from tests.unit.services.test_roles_at_sockets import CONTRACTS, LEVELS, Asker

HOUR_MS = 3_600_000
PINNED = replace(WHO, office_key=public_bytes(OFFICE))
RIGHTS = " ".join(sorted(TECHNICIAN))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Three at the desk, one of them an administrator."""
    async with an_office(tmp_path / "s.db") as opened:
        yield opened


def ticket(office: Office, **changes: object) -> Ticket:
    """Return what head office signs, with changes."""
    now_ms = office.clock.now().wall_ms
    made = Ticket(
        ticket_id=bytes(range(16)),
        station_no=WHO.station_no,
        holder="Zhao Gong",
        rights=RIGHTS,
        from_ms=now_ms,
        until_ms=now_ms + 8 * HOUR_MS,
        reason="the reader fails",
        office_key=public_bytes(OFFICE),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def let_in(office: Office, made: Ticket) -> Admitted:
    """Take a ticket that head office signed."""
    return await office.people.vendors.accept(
        code_text(made.signed(OFFICE)), PINNED, CHIEF
    )


async def at_work(office: Office, made: Ticket) -> StaffSession:
    """Let a technician in and have them set a password of their own."""
    admitted = await let_in(office, made)
    name = admitted.operator.login_name
    first = await office.login(admitted.password, name)
    new = SecretStr(PASSWORD)
    await office.people.own_passwords.change(
        first, NewPassword(admitted.password, new, new)
    )
    return await office.login(new, name)


async def rows(office: Office, act: str) -> list[tuple[str, ...]]:
    """Return the rows of an act: who, what about, how it ended, why."""
    return await office.db.read(
        lambda c: c.execute(
            "SELECT operator_no, subject, outcome, reason FROM audit WHERE act=?",
            (act,),
        ).fetchall()
    )


async def test_a_technician_does_what_a_technician_may_and_no_more(
    office: Office,
) -> None:
    """Of every method of every socket; none of them moves money, gas or a price."""
    session = await at_work(office, ticket(office))
    assert session.operator_no == "V1"
    assert set(session.rights) == TECHNICIAN
    may: dict[bool, set[str]] = {True: set(), False: set()}
    for contract in CONTRACTS.values():
        asker = Asker(office, contract)
        await asker.hello()
        await asker.login("vendor-v1")
        for method in contract.methods:
            if await asker.may(method.name):
                may[method.changes].add(method.name)
    assert may[True] == {
        "alarm.see",
        "lists.send",
        "nozzle.lock",
        "nozzle.stop",
        "nozzle.stop_all",
        "operator.change_password",
        "record.refetch",
    }
    shown = {name.split(".")[0] for name in may[False]}
    assert shown.isdisjoint(
        {
            "company",
            "vehicle",
            "till",
            "receipt",
            "operator",
            "audit",
            "personal",
            "shift",
        }
    )
    acts = await rows(office, "vendor.accept")
    assert acts == [
        ("1", bytes(range(8)).hex(), "done", "the reader fails"),
        ("V1", "vendor.admit", "refused", ""),
    ]
    named = await office.db.read(
        lambda c: c.execute(
            "SELECT DISTINCT operator_no FROM audit WHERE act LIKE 'session.%'"
        ).fetchall()
    )
    assert named == [("V1",)], "each row of theirs says whose it is"
    assert verify_file(office.path).proved


def test_a_technician_has_no_right_over_money_prices_or_people() -> None:
    """Whatever a ticket says; the groups of the table of rights are the bound."""
    groups = {BY_NAME[right].group for right in TECHNICIAN}
    assert groups == {"card", "forecourt"}
    assert "nozzle.authorise" not in TECHNICIAN
    assert "nozzle.unlock" not in TECHNICIAN


async def test_a_ticket_gives_what_it_says_alone(office: Office) -> None:
    """Less than a technician may have."""
    session = await at_work(office, ticket(office, rights="line.frames"))
    assert session.rights == ("line.frames",)


async def test_a_clock_that_runs_ahead_ends_it_too(office: Office) -> None:
    """By whichever clock is later: nobody works longer than the ticket says."""
    session = await at_work(office, ticket(office))
    office.clock.wall_ms += 8 * HOUR_MS
    with pytest.raises(NotLoggedIn):
        await office.gate.allowed(
            session, "line.frames", Call("line.frames", by_hand=True)
        )


@pytest.mark.parametrize("back_ms", [0, 86_400_000])
async def test_it_ends_by_itself(office: Office, back_ms: int) -> None:
    """At the next call, whatever the wall clock is set to; a row says so."""
    session = await at_work(office, ticket(office, until_ms=office.clock.wall_ms + 9))
    call = Call("line.frames", by_hand=True)
    await office.gate.allowed(session, "line.frames", call)
    await end_over(office.db, office.clock)
    assert not await rows(office, "vendor.ended")
    office.clock.forward(9)
    office.clock.wall_ms -= back_ms
    with pytest.raises(NotLoggedIn):
        await office.gate.allowed(session, "line.frames", call)
    if back_ms:
        return
    with pytest.raises(TicketOver):
        await office.login(SecretStr(PASSWORD), "vendor-v1")
    for _ in range(2):
        await end_over(office.db, office.clock)
    assert await rows(office, "vendor.ended") == [
        ("", "V1", "done", "the ticket's time is over")
    ]
    assert (await office.of("V1")).state == "retired"
    assert verify_file(office.path).proved


Changed = Callable[[Office], dict[str, object]]
WRONG: dict[str, tuple[Changed, type[Refusal]]] = {
    "over": (lambda o: {"until_ms": o.clock.wall_ms}, TicketNotNow),
    "to come": (lambda o: {"from_ms": o.clock.wall_ms + HOUR_MS}, TicketNotNow),
    "too long": (
        lambda o: {"until_ms": o.clock.wall_ms + LONGEST_MS + 1},
        TicketNotNow,
    ),
    "of another station": (lambda _: {"station_no": "03160003"}, TicketForeign),
    "with money": (lambda _: {"rights": "card.read card.top_up"}, TicketTooMuch),
    "of another key": (lambda _: {"office_key": public_bytes(THIEF)}, TicketKeyUnknown),
}


@pytest.mark.parametrize("how", WRONG)
async def test_what_is_no_ticket_for_here_and_now_lets_nobody_in(
    office: Office, how: str
) -> None:
    """A sentence, and a row that says who tried."""
    changes, refusal = WRONG[how]
    made = ticket(office, **changes(office))
    key = THIEF if made.office_key == public_bytes(THIEF) else OFFICE
    with pytest.raises(refusal):
        await office.people.vendors.accept(code_text(made.signed(key)), PINNED, CHIEF)
    assert await rows(office, "vendor.accept") == [("1", refusal.code, "refused", "")]
    assert await office.db.read(lambda c: operators.find(c, "V1")) is None


async def test_a_ticket_is_good_once_and_not_when_it_was_changed(
    office: Office,
) -> None:
    """Not even after its holder was let go; each changed byte is seen."""
    paper = bytearray(ticket(office).signed(OFFICE))
    paper[40] ^= 1
    with pytest.raises(SignatureWrong):
        await office.people.vendors.accept(code_text(bytes(paper)), PINNED, CHIEF)
    await let_in(office, ticket(office))
    await office.desk.retire("V1", "done", CHIEF)
    with pytest.raises(TicketUsed):
        await let_in(office, ticket(office))
    codes = [row[1] for row in await rows(office, "vendor.accept") if "refused" in row]
    assert codes == [SignatureWrong.code, TicketUsed.code]
    other = ticket(office, ticket_id=b"1" * 16)
    assert (await let_in(office, other)).operator.operator_no == "V2"


async def test_without_a_known_key_nobody_is_let_in(office: Office) -> None:
    """A station that is not enrolled takes nobody's word."""
    with pytest.raises(TicketKeyUnknown):
        await office.people.vendors.accept(
            code_text(ticket(office).signed(OFFICE)), WHO, CHIEF
        )


async def test_nobody_makes_an_operator_of_a_technician(office: Office) -> None:
    """The role stays; the access can be locked and ended."""
    await let_in(office, ticket(office))
    draft = OperatorDraft("vendor-v1", "Zhao Gong", LEVELS[-1])
    with pytest.raises(OfVendor):
        await office.desk.edit("V1", draft, "because", CHIEF)
    assert (await office.desk.lock("V1", "lunch", CHIEF)).state == "locked"
    row = Happened(
        seq=1, at_ms=1, act="vendor.accept", subject="x", outcome="done",
        operator_no="1", terminal="t", reason="", before="", after="",
    )  # fmt: skip
    assert section_of(row) is Section.PEOPLE


async def test_a_name_that_was_taken_beforehand_keeps_no_technician_out(
    office: Office,
) -> None:
    """Names are never free again: one operator would have ended all tickets."""
    await office.desk.add(OperatorDraft("Vendor-V1", "Wang", "general"), CHIEF)
    admitted = await let_in(office, ticket(office))
    assert admitted.operator.login_name == "vendor-v1-2"


async def test_nobody_becomes_a_technician_by_a_new_password(office: Office) -> None:
    """Who keeps operators, and has less than the ticket gives, gives no password."""
    await let_in(office, ticket(office))
    with pytest.raises(BeyondOwnRights):
        await office.desk.reset_password("V1", "forgotten", WRITER)
    await office.desk.reset_password("V1", "forgotten", CHIEF)
