"""A customer who left: nothing of a person is left in the row, and the books prove."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.rpc.contract import counter
from cngstation.services.approve import ReasonMissing
from cngstation.services.check_rights import OtherOutlet
from cngstation.services.edit_registers import (
    CompanyEdit,
    RegisterEdits,
    VehicleHasCard,
)
from cngstation.services.forget_customer import ForgetCustomers, StillInUse
from cngstation.services.keep_operators import PHONE_COLUMN
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.reveal_personal import NoSuchNumber
from cngstation.services.show_registers import Registers
from cngstation.services.verify_books import verify_file
from cngstation.storage import cards, customers, operators, roles
from cngstation.storage.database import Database, Transaction
from cngstation.storage.roles import Outlet
from tests.small_station import CASHIER, HandClock, a_card, hire, opened
from tests.unit.services.test_register_customers import (
    CALL,
    DRAFT,
    ID_NO,
    PHONE,
    RULES,
    SEAL,
)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Return a file with a company and its vehicle; its books are proved at the end."""
    async with opened(tmp_path / "s.db") as database:
        desk = CustomerDesk(database, SEAL)
        await desk.register_company("蜀都出租", "天府路", "13912345678", CASHIER)
        await desk.register_vehicle(DRAFT, CASHIER)
        yield database
    proof = verify_file(tmp_path / "s.db")
    assert proof.proved, proof.first_bad


async def _retire(db: Database) -> None:
    edits = RegisterEdits(db, CustomerDesk(db, SEAL))
    await edits.edit_vehicle(1, DRAFT, "sold", CASHIER, retired=True)
    company = CompanyEdit("0001", "蜀都出租", "天府路", "", retired=True)
    await edits.edit_company(company, "closed", CASHIER)


async def test_nothing_of_a_person_is_left(db: Database) -> None:
    """Plate and company name stay; no search finds the person any more."""
    await _retire(db)
    desk, forgetting = CustomerDesk(db, SEAL), ForgetCustomers(db)
    registers = Registers(db, desk, RULES, HandClock())

    async def found(text: str) -> int:
        search = counter.Search(text=text, limit=9, with_retired=True)
        return len((await registers.search_vehicles(search, CALL)).rows)

    assert [await found(text) for text in (ID_NO, PHONE, "李雷", "ll")] == [1] * 4
    assert await forgetting.forget("vehicle", "1", "left", CASHIER) == "川A12345"
    assert await forgetting.forget("company", "0001", "left", CASHIER)
    assert [await found(text) for text in (ID_NO, PHONE, "李雷", "ll")] == [0] * 4
    assert await found("川A12345") == 1
    (vehicle,) = await db.read(customers.every_vehicle)
    told = (desk.id_no(vehicle), desk.phone(vehicle), vehicle.driver, vehicle.owner)
    assert told == ("", "", "", "")
    (company,) = await db.read(customers.every_company)
    assert (desk.phone(company), company.address) == ("", "")
    rows = await db.read(
        lambda c: c.execute(
            "SELECT subject, reason, operator_no FROM audit WHERE act='personal.forget'"
        ).fetchall()
    )
    assert rows == [("川A12345", "left", "01"), ("company 0001", "left", "01")]


async def test_who_is_served_is_not_forgotten(db: Database) -> None:
    """In use, with a card, not there, without a reason: nothing is cleared."""
    forgetting = ForgetCustomers(db)
    for register, key in (("vehicle", "1"), ("company", "0001")):
        with pytest.raises(StillInUse):
            await forgetting.forget(register, key, "left", CASHIER)
        for other in ("77", "9" * 19):
            with pytest.raises(NoSuchNumber):
                await forgetting.forget(register, other, "left", CASHIER)
        with pytest.raises(ReasonMissing):
            await forgetting.forget(register, key, "", CASHIER)
    await _retire(db)
    await db.write(lambda tx: cards.add(tx, a_card()))
    with pytest.raises(VehicleHasCard):
        await forgetting.forget("vehicle", "1", "left", CASHIER)
    (vehicle,) = await db.read(customers.every_vehicle)
    assert CustomerDesk(db, SEAL).id_no(vehicle) == ID_NO


async def test_the_phone_of_an_operator_who_left_is_cleared(db: Database) -> None:
    """Number and name stay, they are on slips; who works here keeps the phone."""
    sealed = SEAL.seal("13900005678", PHONE_COLUMN)

    def hired(tx: Transaction) -> None:
        roles.put_outlet(tx, Outlet("1002", "城西"))
        hire(tx, operator_no="01")
        hire(tx, operator_no="02", phone_sealed=sealed, sex="male")
        hire(tx, operator_no="03", outlet_no="1002", state="retired")

    await db.write(hired)
    forgetting = ForgetCustomers(db)
    with pytest.raises(StillInUse):
        await forgetting.forget("operator", "02", "left", CASHIER)
    with pytest.raises(NoSuchNumber):
        await forgetting.forget("operator", "77", "left", CASHIER)
    with pytest.raises(OtherOutlet):
        await forgetting.forget("operator", "03", "left", CASHIER)
    await db.write(lambda tx: operators.change(tx, "02", reason="x", state="retired"))
    assert await forgetting.forget("operator", "02", "left", CASHIER) == "operator 02"
    gone = await db.read(lambda c: operators.find(c, "02"))
    assert gone is not None
    assert (gone.phone_sealed, gone.sex, gone.full_name) == (b"", "", "Wang Fang")
