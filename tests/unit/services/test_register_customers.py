"""The registers: what a form may hold, what is sealed, what is refused and why."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.domain.sealing import PersonalDataSeal, SealBroken
from cngstation.errors import Refusal
from cngstation.rpc.authority import CallContext, Peer
from cngstation.rpc.contract import counter
from cngstation.rpc.session import Nothing
from cngstation.services.edit_registers import CompanyEdit
from cngstation.services.register_customers import (
    AlreadyRegistered,
    CustomerDesk,
    FieldEmpty,
    FieldWrong,
    IdNumberUnusual,
    PlateUnusual,
    UnknownCompany,
    VehicleDraft,
    initials_of,
)
from cngstation.services.show_registers import Registers
from cngstation.services.station_rules import StationRules
from cngstation.storage import cards, facts, prices
from cngstation.storage.database import Database, Transaction
from cngstation.units import Money, Price, Unit
from tests.small_station import (
    CARD,
    CASHIER,
    MORNING,
    HandClock,
    a_card,
    cash_sale,
    opened,
)

ID_NO = "11010519491231002X"
PHONE = "138 0000-1234"
DRAFT = VehicleDraft(
    plate="川A·12345",
    accept_plate=False,
    id_no=ID_NO,
    accept_id_no=False,
    driver="李雷",
    phone=PHONE,
    owner="李雷",
    vehicle_type="01",
    company_no="0001",
    cylinder_no="C-1",
    cylinder_due="2028-1-31",
    fleet_no="77",
    route_no="12",
    fleet_name="first",
)
RULES = StationRules(
    station_no="51010001",
    area_no="5101",
    issue_point_no="01",
    till="till-1",
    gas_unit=Unit.M3,
    single_lower=Money.from_fen(1_000),
    single_upper=Money.from_fen(100_000),
    balance_ceiling=Money.from_fen(500_000),
    card_fee=Money.from_fen(2_000),
    cylinder_warning_days=30,
    business_day_starts_minute=0,
)
CALL = CallContext(None, Peer(1, 1000, 1000), 1)
SEAL = PersonalDataSeal(bytes(range(32)))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """Return an open file."""
    async with opened(tmp_path / "s.db") as database:
        yield database


@pytest.fixture
async def desk(db: Database) -> CustomerDesk:
    """Return a desk with one company."""
    made = CustomerDesk(db, SEAL)
    await made.register_company("蜀都出租", "a street", "028-1", CASHIER)
    return made


@pytest.fixture
def registers(db: Database, desk: CustomerDesk) -> Registers:
    """Return what the screens ask."""
    return Registers(db, desk, RULES, HandClock())


async def count(db: Database, table: str) -> int:
    """Count the rows of a table."""
    sql = f"SELECT count(*) FROM {table}"
    return await db.read(lambda c: int(c.execute(sql).fetchone()[0]))


async def test_a_vehicle_is_registered_once_and_audited(
    db: Database, desk: CustomerDesk
) -> None:
    """Plate without separators, date normal, numbers sealed; a second one refused."""
    vehicle = await desk.register_vehicle(DRAFT, CASHIER)
    assert vehicle.vehicle_id == 1
    assert vehicle.plate == "川A12345"
    assert vehicle.cylinder_due == "2028-01-31"
    assert SEAL.open(vehicle.id_no_sealed, "vehicle.id_no") == ID_NO
    assert desk.id_no_masked(vehicle) == "110105********002X"
    assert desk.phone_masked(vehicle) == "138******1234"
    with pytest.raises(AlreadyRegistered, match="川A12345"):
        await desk.register_vehicle(replace(DRAFT, fleet_no="78"), CASHIER)
    with pytest.raises(AlreadyRegistered, match="77"):
        await desk.register_vehicle(replace(DRAFT, plate="川A54321"), CASHIER)
    assert await count(db, "vehicle") == 1
    assert await count(db, "audit") == 2


async def test_the_file_holds_no_personal_number(
    desk: CustomerDesk, db: Database, tmp_path: Path
) -> None:
    """Neither the ID number nor the phone can be read from the file."""
    await desk.register_vehicle(DRAFT, CASHIER)
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (ID_NO, PHONE, "13800001234"):
        assert secret.encode() not in data


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"plate": " · "}, FieldEmpty),
        ({"id_no": "  "}, FieldEmpty),
        ({"vehicle_type": ""}, FieldEmpty),
        ({"cylinder_due": ""}, FieldEmpty),
        ({"company_no": ""}, FieldEmpty),
        ({"plate": "A12345"}, PlateUnusual),
        ({"plate": "川A12345\u202e"}, PlateUnusual),
        ({"id_no": "11010519491231002X"[:-1] + "1"}, IdNumberUnusual),
        ({"phone": "call me"}, FieldWrong),
        ({"phone": "1234"}, FieldWrong),
        ({"phone": "１３８００００１２３４"}, FieldWrong),
        ({"cylinder_due": "31.1.2028"}, FieldWrong),
        ({"fleet_no": "1234567"}, FieldWrong),
        ({"cylinder_due": "2027-02-29"}, FieldWrong),
        ({"company_no": "0002"}, UnknownCompany),
        ({"vehicle_type": "99"}, FieldWrong),
    ],
)
async def test_a_form_that_does_not_fit_registers_nothing(
    db: Database, desk: CustomerDesk, changes: dict[str, str], refusal: type[Refusal]
) -> None:
    """Each field is refused for its own reason."""
    with pytest.raises(refusal):
        await desk.register_vehicle(replace(DRAFT, **changes), CASHIER)  # type: ignore[arg-type]
    assert await count(db, "vehicle") == 0


async def test_unusual_numbers_are_accepted_when_confirmed(
    db: Database, desk: CustomerDesk
) -> None:
    """A second look by the cashier is enough, and is written down."""
    odd = replace(
        DRAFT, plate="WJ川0001", accept_plate=True, id_no="abc\x1b1", accept_id_no=True
    )
    vehicle = await desk.register_vehicle(odd, CASHIER)
    assert vehicle.plate_overridden == 1
    assert SEAL.open(vehicle.id_no_sealed, "vehicle.id_no") == "ABC�1"
    sql = "SELECT reason FROM audit ORDER BY seq DESC LIMIT 1"
    reason = await db.read(lambda c: c.execute(sql).fetchone()[0])
    assert "unusual" in reason


async def test_form_text_is_cleaned_on_its_way_in(desk: CustomerDesk) -> None:
    """No escape sequence reaches the register; lengths are held."""
    nasty = replace(DRAFT, driver="\x1b[2J", owner="a\u202eb", fleet_name="x" * 99)
    vehicle = await desk.register_vehicle(nasty, CASHIER)
    assert vehicle.driver == "�[2J"
    assert vehicle.owner == "a�b"
    assert len(vehicle.fleet_name) == 40


async def test_optional_fields_may_be_empty(desk: CustomerDesk) -> None:
    """Without phone and own number two vehicles do not get in each other's way."""
    bare = replace(DRAFT, phone="", fleet_no=" ", driver="", owner="")
    first = await desk.register_vehicle(bare, CASHIER)
    second = await desk.register_vehicle(replace(bare, plate="川A54321"), CASHIER)
    assert first.fleet_no is None
    assert second.phone_digest == b""
    assert desk.phone_masked(second) == ""


async def test_companies_have_names_and_numbers(
    db: Database, desk: CustomerDesk
) -> None:
    """A name is needed, is unique, and is cleaned."""
    for name, refusal in (("  ", FieldEmpty), ("蜀都出租", AlreadyRegistered)):
        with pytest.raises(refusal):
            await desk.register_company(name, "", "", CASHIER)
    second = await desk.register_company(" a\x07b ", "", "", CASHIER)
    assert (second.company_no, second.name) == ("0002", "a�b")
    assert await count(db, "company") == 2


def test_names_are_searched_by_their_initials() -> None:
    """Pinyin initials; other letters stand as they are."""
    assert initials_of("蜀都出租") == "sdcz"
    assert initials_of("Ab") == "ab"
    assert len(initials_of("蜀" * 300)) == 100


@pytest.mark.parametrize(
    "text",
    [
        "川A1",
        "77",
        "李",
        "LL",
        " ll ",
        ID_NO,
        ID_NO.lower(),
        PHONE,
        "13800001234",
        "1234",
        "001234",
        "川a·12",
        "77 ll",
    ],
)
async def test_a_vehicle_is_found_by_what_people_know(
    desk: CustomerDesk, registers: Registers, text: str
) -> None:
    """Parts of names and plates; personal numbers whole, a phone by its last four."""
    await desk.register_vehicle(DRAFT, CASHIER)
    found = await registers.search_vehicles(counter.Search(text=text, limit=9), CALL)
    assert [row.plate for row in found.rows] == ["川A12345"]
    assert found.rows[0].id_no_masked == "110105********002X"
    assert found.rows[0].company_name == "蜀都出租"
    assert found.rows[0].vehicle_type_name == "出租车"
    assert found.rows[0].cards == 0


@pytest.mark.parametrize(
    "text", ["11010519491231", "0000", "138", "991234", "zz", "%", "\x00"]
)
async def test_parts_of_personal_numbers_find_nothing(
    desk: CustomerDesk, registers: Registers, text: str
) -> None:
    """Only the whole number, or the last four of a phone, is found by digest."""
    if text == "\x00":
        digests = desk.digests_of(text)
        assert digests["phone"] == digests["tail"] == b"\0"
        return
    await desk.register_vehicle(DRAFT, CASHIER)
    found = await registers.search_vehicles(counter.Search(text=text, limit=9), CALL)
    assert found.rows == ()


async def test_a_seal_of_another_key_is_said_so(
    db: Database, desk: CustomerDesk
) -> None:
    """The wrong key file is named, and nothing wrong is shown."""
    vehicle = await desk.register_vehicle(DRAFT, CASHIER)
    with pytest.raises(SealBroken):
        CustomerDesk(db, PersonalDataSeal(bytes(32))).id_no_masked(vehicle)


async def test_forms_are_offered_what_there_is(
    db: Database, registers: Registers
) -> None:
    """Types, kinds, modes, the prices in force and the limits."""
    await db.write(
        lambda tx: prices.plan(
            tx,
            level=1,
            price=Price(4_5000),
            unit=Unit.M3,
            from_ms=MORNING,
            operator_no="01",
        )
    )
    choices = await registers.choices(Nothing(), CALL)
    assert [c.code for c in choices.vehicle_types] == ["01", "02", "03", "04"]
    assert "crew" not in choices.card_kinds
    assert choices.payment_modes[0] == "prepaid_money"
    assert [(p.level, p.price_e4) for p in choices.prices] == [(1, 4_5000)]
    assert (choices.single_lower_fen, choices.card_fee_fen) == (1_000, 2_000)


async def test_cards_are_listed_with_their_balance(
    db: Database, desk: CustomerDesk, registers: Registers
) -> None:
    """The balance is the book's; a prepaid one is a credit on the card's account."""
    await desk.register_vehicle(DRAFT, CASHIER)
    entry = cash_sale("a", 50_0000)
    postings = tuple(
        p._replace(account=f"card:{CARD}") if p.amount < 0 else p
        for p in entry.postings
    )

    def unit(tx: Transaction) -> None:
        cards.add(tx, a_card())
        facts.post(tx, entry._replace(postings=postings))

    await db.write(unit)
    listed = await registers.list_cards(counter.Page(limit=9), CALL)
    assert [(row.card_key, row.balance_book) for row in listed.rows] == [
        (CARD, 50_0000)
    ]
    assert listed.rows[0].plate == "川A12345"
    searched = await registers.search_companies(
        counter.Search(text="都", limit=9), CALL
    )
    assert [row.company_no for row in searched.rows] == ["0001"]


def test_no_repr_shows_a_number() -> None:
    """A traceback or a log that shows an object shows no personal number."""
    fields = {name: getattr(DRAFT, name) for name in DRAFT.__dataclass_fields__}
    shown = [
        DRAFT,
        counter.VehicleDraft(**fields),
        counter.CompanyDraft(name="n", address="", phone=PHONE),
        counter.Search(text=ID_NO, limit=1),
        CompanyEdit("0001", "n", "", PHONE),
    ]
    for each in shown:
        assert ID_NO not in repr(each)
        assert PHONE not in repr(each)
