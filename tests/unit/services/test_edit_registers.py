"""Changing registers: what is refused, and that every field leaves its trace."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.domain.card_life import CardState
from cngstation.errors import Refusal
from cngstation.rpc.contract import counter
from cngstation.rpc.session import Nothing
from cngstation.services.approve import ReasonMissing
from cngstation.services.edit_registers import (
    CompanyEdit,
    CompanyInUse,
    NoFieldChanged,
    RegisterEdits,
    RowMoved,
    UnknownVehicleRow,
    VehicleHasCard,
)
from cngstation.services.keep_sealed import seal_what_is_in_clear
from cngstation.services.register_customers import (
    AlreadyRegistered,
    CustomerDesk,
    FieldEmpty,
    FieldWrong,
    IdNumberUnusual,
    PlateUnusual,
    UnknownCompany,
    VehicleDraft,
)
from cngstation.services.show_registers import Registers
from cngstation.services.verify_books import verify_file
from cngstation.storage import cards, customers
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database
from tests.small_station import CARD, CASHIER, HandClock, a_card, opened
from tests.unit.services.test_register_customers import CALL, DRAFT, RULES, SEAL

BARE = replace(DRAFT, id_no="", phone="")


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Return a file with two companies and a vehicle; the books stay proved."""
    async with opened(tmp_path / "s.db") as database:
        desk = CustomerDesk(database, SEAL)
        for name in ("蜀都出租", "锦城物流"):
            await desk.register_company(name, "", "", CASHIER)
        await desk.register_vehicle(DRAFT, CASHIER)
        yield database
    proof = verify_file(tmp_path / "s.db")
    assert proof.proved, proof.first_bad


@pytest.fixture
def edits(db: Database) -> RegisterEdits:
    """Return what changes registers."""
    return RegisterEdits(db, CustomerDesk(db, SEAL))


@pytest.fixture
def registers(db: Database) -> Registers:
    """Return what shows them."""
    return Registers(db, CustomerDesk(db, SEAL), RULES, HandClock())


async def log(registers: Registers, text: str = "") -> list[tuple[str, ...]]:
    """Return what the list of changed fields says, the oldest first."""
    found = await registers.list_edits(counter.Search(text=text, limit=50), CALL)
    assert {row.operator_no for row in found.rows} <= {CASHIER.operator_no}
    return [
        (r.kind, r.subject, r.field, r.before, r.after, r.reason)
        for r in reversed(found.rows)
    ]


async def edit(edits: RegisterEdits, draft: VehicleDraft, **more: Any) -> Vehicle:
    """Change the one vehicle."""
    return await edits.edit_vehicle(1, draft, "客户来函", CASHIER, **more)


async def test_each_changed_field_is_told_by_itself(
    db: Database, edits: RegisterEdits, registers: Registers
) -> None:
    """Old, new, reason; names and personal numbers with their middle hidden."""
    wanted = replace(
        BARE, plate="川A54321", driver="韩梅梅", company_no="0002", fleet_no="",
        phone="139 0000 9999",
    )  # fmt: skip
    changed = await edit(edits, wanted)
    assert await log(registers) == [
        ("vehicle", "川A12345", "plate", "川A12345", "川A54321", "客户来函"),
        ("vehicle", "川A12345", "fleet_no", "77", "", "客户来函"),
        ("vehicle", "川A12345", "company_no", "0001", "0002", "客户来函"),
        ("vehicle", "川A12345", "driver", "李*", "韩**", "客户来函"),
        ("vehicle", "川A12345", "phone", "138******1234", "139******9999", "客户来函"),
    ]
    stored = await db.read(lambda c: customers.find_vehicle(c, 1))
    assert stored == changed
    assert stored is not None
    assert CustomerDesk(db, SEAL).draft_of(stored).id_no == DRAFT.id_no
    search = counter.Search(text="hmm", limit=9)
    found = await registers.search_vehicles(search, CALL)
    assert [row.plate for row in found.rows] == ["川A54321"]
    assert await log(registers, "川a99") == []
    assert len(await log(registers, "a12345")) == 5


async def test_nothing_is_changed_without_a_reason_or_a_change(
    edits: RegisterEdits, registers: Registers
) -> None:
    """A look at the form is no change."""
    with pytest.raises(NoFieldChanged):
        await edit(edits, BARE)
    with pytest.raises(NoFieldChanged):
        await edit(edits, DRAFT)
    with pytest.raises(ReasonMissing):
        await edits.edit_vehicle(1, replace(BARE, driver="x"), " ", CASHIER)
    with pytest.raises(UnknownVehicleRow):
        await edits.edit_vehicle(9, BARE, "why not", CASHIER)
    assert await log(registers) == []


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"plate": "A1"}, PlateUnusual),
        ({"plate": ""}, FieldEmpty),
        ({"id_no": "11010519491231002X"[:-1] + "1"}, IdNumberUnusual),
        ({"cylinder_due": "soon"}, FieldWrong),
        ({"company_no": "0009"}, UnknownCompany),
        ({"vehicle_type": "99"}, FieldWrong),
        ({"plate": "川A00002"}, AlreadyRegistered),
        ({"fleet_no": "78"}, AlreadyRegistered),
    ],
)
async def test_an_edit_is_held_to_the_rules_of_a_registration(
    db: Database,
    edits: RegisterEdits,
    registers: Registers,
    changes: dict[str, str],
    refusal: type[Refusal],
) -> None:
    """What cannot be registered cannot be made by an edit."""
    other = replace(DRAFT, plate="川A00002", fleet_no="78")
    await CustomerDesk(db, SEAL).register_vehicle(other, CASHIER)
    with pytest.raises(refusal):
        await edit(edits, replace(BARE, **changes))  # type: ignore[arg-type]
    assert await log(registers) == []


async def test_a_vehicle_with_a_card_is_changed_with_its_card(
    db: Database, edits: RegisterEdits
) -> None:
    """Until the card is at its end; then the row is free again."""
    await db.write(lambda tx: cards.add(tx, a_card(vehicle_id=1)))
    for more in ({}, {"retired": True}):
        with pytest.raises(VehicleHasCard, match="川A12345"):
            await edit(edits, replace(BARE, driver="x"), **more)
    await db.write(
        lambda tx: cards.change(tx, CARD, reason="", state=CardState.CANCELLED)
    )
    assert (await edit(edits, replace(BARE, driver="x"))).driver == "x"


async def test_a_row_that_moved_is_not_overwritten(
    db: Database, edits: RegisterEdits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the change another screen may have been there."""
    write = db.write

    async def late(unit: Any) -> Any:
        def before(tx: Any) -> Any:
            customers.change_vehicle(tx, 1, reason="", route_no="9")
            return unit(tx)

        return await write(before)

    monkeypatch.setattr(db, "write", late)
    with pytest.raises(RowMoved):
        await edit(edits, replace(BARE, route_no="8"))


async def test_a_retired_vehicle_is_kept_and_not_offered(
    edits: RegisterEdits, registers: Registers
) -> None:
    """It can be brought back; its plate stays its own."""

    async def found(*, with_retired: bool) -> list[tuple[str, bool]]:
        search = counter.Search(text="川A1", limit=9, with_retired=with_retired)
        rows = (await registers.search_vehicles(search, CALL)).rows
        exact = counter.Search(text="川A12345", limit=9, with_retired=with_retired)
        assert (await registers.search_vehicles(exact, CALL)).rows == rows
        return [(row.plate, row.retired) for row in rows]

    await found(with_retired=False)  # the index knows it as it was
    await edit(edits, BARE, retired=True)
    assert await found(with_retired=False) == []
    assert await found(with_retired=True) == [("川A12345", True)]
    with pytest.raises(AlreadyRegistered):
        await edits._desk.register_vehicle(replace(DRAFT, fleet_no="9"), CASHIER)
    await edit(edits, BARE)
    assert await found(with_retired=False) == [("川A12345", False)]
    assert [row[2:5] for row in await log(registers)] == [
        ("retired", "0", "1"), ("retired", "1", ""),
    ]  # fmt: skip


async def test_a_company_keeps_its_number_and_its_vehicles(
    db: Database, edits: RegisterEdits, registers: Registers
) -> None:
    """Name, address, phone change; a company with vehicles is not retired."""

    async def change(number: str, name: str, *, retired: bool = False) -> None:
        wanted = CompanyEdit(number, name, "天府路", "", retired)
        await edits.edit_company(wanted, "改名", CASHIER)

    await change("0001", "新蜀都")
    with pytest.raises(NoFieldChanged):
        await change("0001", "新蜀都")
    with pytest.raises(AlreadyRegistered):
        await change("0001", "锦城物流")
    with pytest.raises(UnknownCompany):
        await change("0009", "x")
    with pytest.raises(FieldEmpty):
        await change("0001", " ")
    with pytest.raises(CompanyInUse, match="1 vehicles"):
        await change("0001", "新蜀都", retired=True)
    await change("0002", "锦城物流", retired=True)
    assert [row[1:5] for row in await log(registers)] == [
        ("0001", "name", "蜀都出租", "新蜀都"),
        ("0001", "address", "", "天府路"),
        ("0002", "address", "", "天府路"),
        ("0002", "retired", "0", "1"),
    ]
    search = counter.Search(text="", limit=9)
    offered = (await registers.search_companies(search, CALL)).rows
    assert [row.company_no for row in offered] == ["0001"]
    every = counter.Search(text="xsd", limit=9, with_retired=True)
    assert (await registers.search_companies(every, CALL)).rows[0].name == "新蜀都"
    with pytest.raises(UnknownCompany):
        await edit(edits, replace(BARE, company_no="0002"))


async def test_types_are_added_renamed_and_retired(
    edits: RegisterEdits, registers: Registers
) -> None:
    """A vehicle keeps its retired type; a new one does not get it."""
    await edits.add_type("05", "校车", CASHIER)
    for code, name in (("05", "x"), ("06", "校车"), ("01", "x")):
        with pytest.raises(AlreadyRegistered):
            await edits.add_type(code, name, CASHIER)
    for code in ("", "a b", "123456789", "车"):
        with pytest.raises(FieldWrong):
            await edits.add_type(code, "x", CASHIER)
    with pytest.raises(FieldEmpty):
        await edits.add_type("07", " ", CASHIER)
    with pytest.raises(AlreadyRegistered):
        await edits.edit_type("05", "货车", "why", CASHIER, retired=False)
    with pytest.raises(UnknownVehicleRow):
        await edits.edit_type("99", "x", "why", CASHIER, retired=False)
    await edits.edit_type("01", "计程车", "改名", CASHIER, retired=True)
    listed = (await registers.list_types(Nothing(), CALL)).rows
    assert (listed[0].name, listed[0].retired, listed[0].vehicles) == (
        "计程车",
        True,
        1,
    )
    assert listed[-1].code == "05"
    offered = (await registers.choices(Nothing(), CALL)).vehicle_types
    assert [choice.code for choice in offered] == ["02", "03", "04", "05"]
    changed = await edit(edits, replace(BARE, driver="x"))
    assert changed.vehicle_type == "01"
    other = replace(DRAFT, plate="川A00009", fleet_no="9")
    with pytest.raises(FieldWrong):
        await edits._desk.register_vehicle(other, CASHIER)
    assert [row[:5] for row in await log(registers, "01")] == [
        ("vehicle_type", "01", "name", "出租车", "计程车"),
        ("vehicle_type", "01", "retired", "0", "1"),
    ]


async def test_a_company_phone_is_sealed_kept_changed_and_taken_out(
    db: Database, edits: RegisterEdits, registers: Registers
) -> None:
    """Empty keeps it, `-` takes it out; the log has what is left of it."""

    async def change(phone: str) -> Company:
        wanted = CompanyEdit("0001", "蜀都出租", "", phone)
        return await edits.edit_company(wanted, "电话", CASHIER)

    await change("028-81234567")
    with pytest.raises(NoFieldChanged):
        await change("")
    with pytest.raises(NoFieldChanged):
        await change("(028) 81234567")
    with pytest.raises(FieldWrong):
        await change("call me")
    assert edits._desk.phone(await change("13912345678")) == "13912345678"
    assert edits._desk.phone(await change("-")) == ""
    told = [row[2:5] for row in await log(registers)]
    assert told == [
        ("phone", "", "028*****4567"),
        ("phone", "028*****4567", "139****5678"),
        ("phone", "139****5678", ""),
    ]


async def test_a_phone_that_an_older_program_kept_is_sealed(
    db: Database, edits: RegisterEdits
) -> None:
    """Once, as a fact; it opens again and stands nowhere in the row."""
    await db.write(
        lambda tx: customers.change_company(
            tx, "0001", reason="old", phone="13912345678"
        )
    )
    assert await seal_what_is_in_clear(db, SEAL) == 1
    assert await seal_what_is_in_clear(db, SEAL) == 0
    company = await db.read(lambda c: customers.find_company(c, "0001"))
    assert company is not None
    assert company.phone == ""
    assert edits._desk.phone(company) == "13912345678"
