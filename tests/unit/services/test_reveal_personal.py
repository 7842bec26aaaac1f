"""A whole number: written first who asked, whose and why; and never many."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cngstation.domain.rights import ROLES
from cngstation.domain.sealing import PersonalDataSeal, SealBroken
from cngstation.errors import ConfigError, Refusal
from cngstation.moments import MS_PER_HOUR
from cngstation.services.approve import ReasonMissing
from cngstation.services.check_rights import OtherOutlet
from cngstation.services.explain_row import people_of
from cngstation.services.keep_operators import PHONE_COLUMN
from cngstation.services.keep_sealed import require_key
from cngstation.services.open_rows import finding_row
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.reveal_personal import (
    MOST_AN_HOUR,
    NoSuchNumber,
    PersonalNumbers,
    TooManyRevealed,
    Wanted,
    What,
)
from cngstation.services.verify_books import verify_file
from cngstation.storage import audit, findings, operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import Outlet
from tests.small_station import CASHIER, HandClock, hire, opened, somebody
from tests.unit.services.test_register_customers import DRAFT, ID_NO, PHONE, SEAL

OTHER = Actor("02", "office")
COMPANY_PHONE = "028-81234567"


@dataclass
class Office:
    """A company, its vehicle, and who shows their numbers."""

    db: Database
    clock: HandClock
    numbers: PersonalNumbers

    async def reveal(
        self,
        register: str = "vehicle",
        key: str = "1",
        what: What = What.ID_NO,
        actor: Actor = CASHIER,
    ) -> str:
        """Ask for a number."""
        wanted = Wanted(register, key, what, "交警询问")
        return await self.numbers.reveal(wanted, actor)

    async def told(self) -> list[tuple[str, str, str, str, str]]:
        """Return what the audit has of it."""
        return await self.db.read(
            lambda c: c.execute(
                "SELECT act, subject, outcome, operator_no, reason FROM audit"
                " WHERE act GLOB 'personal.*' ORDER BY seq"
            ).fetchall()
        )


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Return an office; its books are proved at the end."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        desk = CustomerDesk(db, SEAL)
        await desk.register_company("蜀都出租", "", COMPANY_PHONE, CASHIER)
        await desk.register_vehicle(DRAFT, CASHIER)
        yield Office(db, clock, PersonalNumbers(db, desk))
    proof = verify_file(tmp_path / "s.db")
    assert proof.proved, proof.first_bad


async def test_the_whole_number_and_who_asked(office: Office) -> None:
    """The number comes back; the audit names row and field, and has no number."""
    assert await office.reveal() == ID_NO
    assert await office.reveal(what=What.PHONE) == PHONE
    assert await office.reveal("company", "0001", What.PHONE) == COMPANY_PHONE
    assert await office.told() == [
        ("personal.reveal.id_no", "川A12345", "done", "01", "交警询问"),
        ("personal.reveal.phone", "川A12345", "done", "01", "交警询问"),
        ("personal.reveal.phone", "company 0001", "done", "01", "交警询问"),
    ]


async def test_the_phone_of_an_operator_is_one_of_them(office: Office) -> None:
    """For a reason, of those of the own outlet, counted with the others."""
    sealed = SEAL.seal("13900005678", PHONE_COLUMN)

    def hired(tx: Transaction) -> None:
        roles.put_outlet(tx, Outlet("1002", "城西"))
        hire(tx, operator_no="01", role="junior")
        hire(tx, operator_no="02", phone_sealed=sealed)
        hire(tx, operator_no="03", phone_sealed=sealed, outlet_no="1002")

    await office.db.write(hired)
    assert await office.reveal("operator", "02", What.PHONE) == "13900005678"
    for number, what in (("02", What.ID_NO), ("01", What.PHONE), ("09", What.PHONE)):
        with pytest.raises(NoSuchNumber):
            await office.reveal("operator", number, what)
    with pytest.raises(OtherOutlet):
        await office.reveal("operator", "03", What.PHONE)
    (told,) = await office.told()
    assert told == ("personal.reveal.phone", "operator 02", "done", "01", "交警询问")


@pytest.mark.parametrize(
    ("register", "key", "what"),
    [
        ("vehicle", "9", What.ID_NO),
        ("vehicle", "x", What.ID_NO),
        ("vehicle", "9" * 19, What.ID_NO),
        ("company", "0009", What.PHONE),
        ("company", "0001", What.ID_NO),
        ("operator", "01", What.PHONE),
    ],
)
async def test_what_is_not_there_is_not_shown(
    office: Office, register: str, key: str, what: What
) -> None:
    """Nothing is told, and nothing is written as if it had been."""
    with pytest.raises(NoSuchNumber):
        await office.reveal(register, key, what)
    assert await office.told() == []


async def test_no_reason_no_number(office: Office) -> None:
    """A reason has letters."""
    with pytest.raises(ReasonMissing):
        await office.numbers.reveal(Wanted("vehicle", "1", What.ID_NO, " "), CASHIER)


async def test_a_harvest_is_refused_and_named(office: Office) -> None:
    """After the most of an hour: refused, in the audit, one row; others go on."""
    for _ in range(MOST_AN_HOUR):
        await office.reveal()
    for _ in range(3):
        with pytest.raises(TooManyRevealed):
            await office.reveal()
    outcomes = [row[2] for row in await office.told()]
    assert outcomes == ["done"] * MOST_AN_HOUR + ["refused"] * 3
    (row,) = await office.db.read(findings.open_findings)
    assert (row.kind, row.subject) == ("personal_numbers_read", "operator 01")
    assert people_of(row.kind) == 2
    assert "01" in str(finding_row(row).facts)
    assert await office.reveal(actor=OTHER) == ID_NO


async def test_a_clock_set_forward_lets_nobody_read_on(office: Office) -> None:
    """Only an hour of both clocks ends the count."""
    for _ in range(MOST_AN_HOUR):
        await office.reveal()
    office.clock.wall_ms += 2 * MS_PER_HOUR
    with pytest.raises(TooManyRevealed):
        await office.reveal()
    office.clock.wall_ms -= 4 * MS_PER_HOUR
    office.clock.mono_ms += 2 * MS_PER_HOUR
    with pytest.raises(TooManyRevealed):
        await office.reveal()
    office.clock.wall_ms += 6 * MS_PER_HOUR
    assert await office.reveal() == ID_NO


async def test_another_key_is_named_at_the_start(
    office: Office, tmp_path: Path
) -> None:
    """The daemon does not begin with a key that did not seal what is there."""
    path = tmp_path / "key"
    await require_key(office.db, SEAL, path)
    other = PersonalDataSeal(bytes(32))
    with pytest.raises(ConfigError, match=SEAL.key_id) as refused:
        await require_key(office.db, other, path)
    assert other.key_id in refused.value.sentence()
    strangers = PersonalNumbers(office.db, CustomerDesk(office.db, other))
    with pytest.raises(SealBroken) as broken:
        await strangers.reveal(Wanted("vehicle", "1", What.ID_NO, "why"), CASHIER)
    assert isinstance(broken.value, Refusal)
    assert await office.told() == []


async def test_a_key_is_tried_on_operators_and_companies_too(tmp_path: Path) -> None:
    """New books begin without vehicles, and a station may never have had one."""
    other = PersonalDataSeal(bytes(32))
    for number, column in enumerate(("operator", "company")):
        async with opened(tmp_path / f"{number}.db") as db:
            if column == "company":
                desk = CustomerDesk(db, SEAL)
                await desk.register_company("蜀都出租", "", COMPANY_PHONE, CASHIER)
            else:
                sealed = SEAL.seal(PHONE, PHONE_COLUMN)
                person = replace(somebody(), phone_sealed=sealed)
                await db.write(lambda tx, p=person: operators.add(tx, p))
            await require_key(db, SEAL, tmp_path)
            with pytest.raises(ConfigError, match=SEAL.key_id):
                await require_key(db, other, tmp_path)


def test_only_administrators_have_the_right_ready_made() -> None:
    """A role made at the station may have it too."""
    having = [name for name, rights in ROLES.items() if "personal.reveal" in rights]
    assert having == ["administrator"]


async def test_the_audit_masks_what_people_write(office: Office) -> None:
    """Whatever act it is: a reason with a number in it is kept without it."""
    await office.db.write(
        lambda tx: audit.record(tx, CASHIER, "card.cancel", "x", reason=f"见 {ID_NO}")
    )
    kept = await office.db.read(
        lambda c: c.execute("SELECT reason FROM audit WHERE subject='x'").fetchone()
    )
    assert kept == ("见 110105********002X",)
