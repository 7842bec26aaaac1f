"""Customers of an old system: rows whole or refused, balances proved by a tap."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from pydantic import SecretStr

from cngstation.cli import import_customers as command
from cngstation.domain import numbers
from cngstation.domain.card_life import CardState as CardLife
from cngstation.domain.ledger import move
from cngstation.domain.payment import MODE_CODES, PaymentMode
from cngstation.protocols.card_image.purse import CardInfo, CardState, Purse
from cngstation.services.act_on_card import CardActs
from cngstation.services.approve import Approval, Approvals, ReasonMissing
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.card_on_reader import CardReading, evidence_of
from cngstation.services.import_customers import (
    COLUMNS,
    NAMES,
    CustomerImport,
    Outcome,
    RowResult,
    source_of,
    wish_of,
)
from cngstation.services.keep_operators import add_operator
from cngstation.services.log_in import Gate
from cngstation.services.opening_balances import (
    BookMoved,
    NotContested,
    OnlyMoneyIsAccepted,
    OpeningBalances,
)
from cngstation.services.read_workbook import SheetRefused, write_template
from cngstation.services.register_customers import CustomerDesk
from cngstation.services.serve_card import CardService
from cngstation.services.station_rules import GateRules
from cngstation.services.top_up_card import CardDisagrees, require_continuity
from cngstation.services.verify_books import verify_file
from cngstation.storage import cards, facts, findings, opening_balances, prices
from cngstation.storage.database import Database, Transaction
from cngstation.units import Price, Unit
from tests.simulation.world_parts import PASSWORD, PASSWORDS
from tests.small_station import CASHIER, HandClock, opened, posted, somebody
from tests.unit.services.test_register_customers import RULES, SEAL

ROW = {
    "公司名称": "蜀都出租", "公司地址": "", "公司电话": "", "车牌号": "川A12345",
    "身份证号": "11010519491231002X", "驾驶员": "李雷", "电话": "13800001234",
    "车主": "李雷", "车型": "出租车", "钢瓶号": "C-1", "气瓶检验日期": "2028-01-31",
    "自编号": "", "路数": "", "车队名称": "", "卡号": "02000001", "芯片号": "",
    "卡类型": "出租车卡", "消费方式": "预购金额", "单价等级": "", "余额": "123.45",
}  # fmt: skip
KEY = "510102000001"
COUNT = 200
BEHIND = Approval("op02", SecretStr(PASSWORD))


def approvals(database: Database) -> Approvals:
    """Return who asks a second person."""
    clock = HandClock()
    gate = Gate(database, PASSWORDS, clock, GateRules(3, 12, 15))
    return Approvals(gate, first_is_asked=True)


def opening_desk(database: Database) -> OpeningBalances:
    """Return who decides about contested balances."""
    return OpeningBalances(database, approvals(database), cut_off_minute=0)


@dataclass
class Station:
    """A station that takes over another one's customers."""

    db: Database
    folder: Path

    async def take(
        self, rows: list[dict[str, Any]], *, dry: bool = False
    ) -> list[RowResult]:
        """Import a sheet with these rows."""
        path = self.folder / "old.xlsx"
        write_sheet(path, rows)
        desk = CustomerDesk(self.db, SEAL)
        wish = wish_of(source_of(path))
        approved = await approvals(self.db).approve(BEHIND, wish, CASHIER, "moved")
        importing = CustomerImport(self.db, desk, RULES, CASHIER, approved)
        return await importing.run(path, dry=dry)

    async def tap(self, card_key: str, balance: int, **facts_: Any) -> None:
        """Lay a card of the old system on the reader."""
        acts = CardActs(self.db, every_kind(), cut_off_minute=0, prints_wanted=0)
        service = CardService(self.db, acts, RULES, HandClock())
        await service.remember(reading(card_key, balance, **facts_))

    async def verdicts(self) -> dict[str, str]:
        """Return how the opening balances stand."""
        found = await self.db.read(lambda c: list(opening_balances.every(c)))
        return {
            o.balance.card_key: o.verdict.verdict if o.verdict else "" for o in found
        }

    async def count(self, table: str) -> int:
        """Count a table's rows."""
        sql = f"SELECT count(*) FROM {table}"
        return await self.db.read(lambda c: int(c.execute(sql).fetchone()[0]))


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    """Return a station with a price; its books are proved at the end."""

    def price(tx: Transaction) -> None:
        for level in (0, 1):
            prices.plan(
                tx, level=level, price=Price(4_0000), unit=Unit.M3, from_ms=0,
                operator_no="01",
            )  # fmt: skip

    async with opened(tmp_path / "s.db") as db:
        await db.write(price)
        for number in ("01", "02"):
            person = somebody(number, role="administrator")
            await add_operator(db, PASSWORDS, person, PASSWORD, CASHIER)
        yield Station(db, tmp_path)
    proof = verify_file(tmp_path / "s.db")
    assert proof.proved, proof.first_bad


def write_sheet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a sheet as a customer would send it."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(NAMES))
    for row in rows:
        sheet.append([row.get(name) for name in NAMES])
    book.save(path)


def reading(
    card_key: str, balance: int, *, uid: int | None = None, wseq: int = 17,
    mode: PaymentMode = PaymentMode.PREPAID_MONEY,
) -> CardReading:  # fmt: skip
    """Return a card of the old system with counters of its own."""
    number = card_key[4:]
    chip = int(number) if uid is None else uid
    purse = Purse(
        kind=1, payment_mode=MODE_CODES[mode], price_level=0, card_no=number,
        cylinder_due="2028-01-31", balance=balance, recharged_total=balance,
        consumed_total=0, grey=None, gen=1, wseq=wseq, pseq=5,
    )  # fmt: skip
    info = CardInfo("5101", 400, "川A12345", 0, 0)
    return CardReading(
        CardState.OURS, chip.to_bytes(4, "big"), purse, info, 0, whole=True
    )


def customers(choose: random.Random) -> list[dict[str, Any]]:
    """Make customers; every second one has a company of its own."""
    rows = []
    for number in range(1, COUNT + 1):
        seventeen = f"1101051949123{number:04d}"
        rows.append(
            ROW
            | {
                "公司名称": f"公司{number // 2}",
                "车牌号": f"川A{number:05d}",
                "身份证号": seventeen + numbers.check_digit(seventeen),
                "电话": 13_900_000_000 + number,
                "卡号": f"02{number:06d}",
                "消费方式": choose.choice(["预购金额", "预购气量"]),
                "余额": choose.randrange(100_000) / 100,
            }
        )
    return rows


async def test_exactly_the_wrong_balances_are_contested_at_the_first_tap(
    station: Station,
) -> None:
    """One in a hundred cards holds something else than the old system said."""
    choose = random.Random(4)
    rows = customers(choose)
    results = await station.take(rows)
    assert {r.outcome for r in results} == {Outcome.ADDED}, results[:3]
    wrong = set(choose.sample(range(COUNT), COUNT // 100))
    keys = []
    for index, row in enumerate(rows):
        key, balance = f"5101{row['卡号']}", round(row["余额"] * 100)
        mode = (
            PaymentMode.PREPAID_MONEY
            if row["消费方式"] == "预购金额"
            else PaymentMode.PREPAID_QUANTITY
        )
        keys.append(key)
        shown = balance + choose.choice([-1, 1, 5_000]) if index in wrong else balance
        await station.tap(key, shown, mode=mode)
        await station.tap(key, shown, mode=mode)
    verdicts = await station.verdicts()
    contested = {key for key, verdict in verdicts.items() if verdict == "contested"}
    assert contested == {keys[index] for index in wrong}
    assert set(verdicts.values()) == {"confirmed", "contested"}
    rows_open = await station.db.read(findings.open_findings)
    assert {(row.kind, row.subject) for row in rows_open} == {
        ("opening_differs", key) for key in contested
    }
    assert await station.count("opening_verdict") == COUNT
    confirmed = next(key for key in keys if key not in contested)
    card = await station.db.read(lambda c: cards.find(c, confirmed))
    assert card is not None
    assert (card.wseq, card.seen_wseq, card.uid) == (
        17,
        17,
        f"{int(confirmed[4:]):08X}",
    )


async def test_a_sheet_can_be_run_again(station: Station) -> None:
    """What is there stays; a row that says otherwise is refused, never written over."""
    other = ROW | {"车牌号": "川A54321", "卡号": "02000002", "自编号": "7"}
    bare = ROW | {"车牌号": "川A99999", "卡号": "", "余额": "", "芯片号": ""}
    rows = [ROW, other, bare]
    assert [r.outcome for r in await station.take(rows, dry=True)] == [
        Outcome.ADDED
    ] * 3
    assert await station.count("vehicle") == await station.count("company") == 0
    assert [r.outcome for r in await station.take(rows)] == [Outcome.ADDED] * 3
    before = await station.count("chain")
    assert [r.outcome for r in await station.take(rows)] == [Outcome.THERE] * 3
    assert await station.count("chain") == before
    changed = [
        ROW | {"余额": "123.46"}, other | {"驾驶员": "韩梅梅"},
        ROW | {"消费方式": "记帐金额"},
        ROW | {"公司名称": "另一家"},
    ]  # fmt: skip
    results = await station.take(changed)
    reasons = [(r.number, r.outcome, r.reasons[0].split(". ")[0]) for r in results]
    assert reasons == [
        (2, Outcome.REFUSED, "02000001 is in the register with another 余额"),
        (3, Outcome.REFUSED, "川A54321 is in the register with another 驾驶员"),
        (4, Outcome.REFUSED, "02000001 is in the register with another 消费方式"),
        (5, Outcome.REFUSED, "川A12345 is in the register with another 公司名称"),
    ]
    assert await station.count("company") == 1  # a refused row leaves nothing behind


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"公司名称": None}, "公司名称 must be filled in"),
        ({"车牌号": "A1"}, "does not look like a plate"),
        ({"身份证号": "11010519491231002X"[:-1] + "1"}, "fails its check"),
        ({"车型": "飞机"}, "vehicle type"),
        ({"气瓶检验日期": "soon"}, "cylinder inspection date"),
        ({"卡号": "123"}, "卡号"),
        ({"芯片号": "xyz"}, "芯片号"),
        ({"卡类型": "班组卡"}, "卡类型"),
        ({"消费方式": "x"}, "消费方式"),
        ({"单价等级": "7"}, "单价等级"),
        ({"余额": "-1"}, "余额"),
        ({"余额": "1.234"}, "余额"),
        ({"余额": "nan"}, "余额"),
        ({"余额": str(2**31)}, "余额"),
        ({"卡号": ""}, "卡号 must be filled in"),
        ({"驾驶员": "=1+1"}, "驾驶员: a formula"),
        ({"余额": "=SUM(A1:A2)"}, "余额: a formula"),
        ({"驾驶员": "a\u202eb"}, "驾驶员: control characters"),
        ({"驾驶员": "x" * 201}, "驾驶员: longer than"),
        ({"余额": True}, "余额: true or false"),
    ],
)
async def test_a_row_that_does_not_fit_says_why(
    station: Station, changes: dict[str, Any], reason: str
) -> None:
    """By its number; rows beside it are taken."""
    other = ROW | {"车牌号": "川A54321", "卡号": "02000002"}
    results = await station.take([ROW | changes, other])
    assert [r.outcome for r in results] == [Outcome.REFUSED, Outcome.ADDED]
    assert results[0].number == 2
    assert reason in results[0].reasons[0]
    assert await station.count("vehicle") == await station.count("card") == 1


async def test_a_file_that_is_no_sheet_is_refused_whole(
    station: Station, tmp_path: Path
) -> None:
    """Not a workbook, or without its columns."""
    desk = CustomerDesk(station.db, SEAL)
    importing = CustomerImport(station.db, desk, RULES, CASHIER)
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04 no")
    with pytest.raises(SheetRefused, match=r"no \.xlsx"):
        await importing.run(path, dry=False)
    with pytest.raises(SheetRefused, match=r"no \.xlsx"):
        await importing.run(tmp_path / "none.xlsx", dry=False)
    book = Workbook()
    book.save(path)
    with pytest.raises(SheetRefused, match="lacks 公司名称"):
        await importing.run(path, dry=False)


async def test_the_template_is_a_sheet_that_imports_nothing(station: Station) -> None:
    """All columns, no rows; the second sheet explains them."""
    path = station.folder / "template.xlsx"
    assert command.run(["customers", "--template", str(path)]) == 0
    book = load_workbook(path)
    assert [cell.value for cell in book.worksheets[0][1]] == list(NAMES)
    assert book.worksheets[1].max_row == len(COLUMNS)
    importing = CustomerImport(
        station.db, CustomerDesk(station.db, SEAL), RULES, CASHIER
    )
    assert await importing.run(path, dry=False) == []
    write_template(path, COLUMNS)


@pytest.mark.parametrize(
    ("mode", "account", "booked"),
    [
        ("预购金额", Unit.CNY, -123_4500),
        ("预购气量", Unit.M3, -123_450),
        ("记帐金额", Unit.CNY, 123_4500),
        ("记帐气量", Unit.M3, 123_450),
    ],
)
async def test_the_balance_is_in_the_books(
    station: Station, mode: str, account: Unit, booked: int
) -> None:
    """Prepaid is owed to the customer, credit is owed by him; gas is a lot."""
    await station.take([ROW | {"消费方式": mode}])
    name = f"card:{KEY}"
    assert (
        await station.db.read(lambda c: facts.balance(c, name, str(account))) == booked
    )
    assert await station.count("gas_lot") == int(mode == "预购气量")


async def test_a_contested_money_balance_can_be_accepted(station: Station) -> None:
    """The book then says what the card says, and the card goes on; once."""
    await station.take([ROW])
    opening = opening_desk(station.db)
    with pytest.raises(NotContested):
        await opening.accept(KEY, "why not", CASHIER, BEHIND)
    await station.tap(KEY, 10_000)
    with pytest.raises(ReasonMissing):
        await opening.accept(KEY, " ", CASHIER, BEHIND)
    await opening.accept(KEY, "客户出示旧小票", CASHIER, BEHIND)
    name = f"card:{KEY}"
    assert await station.db.read(lambda c: facts.balance(c, name, "CNY")) == -100_0000
    assert await station.db.read(findings.open_findings) == []
    await station.tap(KEY, 10_000)
    assert await station.db.read(findings.open_findings) == []
    card = await station.db.read(lambda c: cards.find(c, KEY))
    assert card is not None
    assert (card.wseq, card.seen_balance) == (17, 10_000)
    with pytest.raises(NotContested):
        await opening.accept(KEY, "again", CASHIER, BEHIND)


async def test_a_late_fill_explains_a_contested_balance(station: Station) -> None:
    """A record that comes after the first tap: not accepted, confirmed by the next."""
    await station.take([ROW])
    await station.tap(KEY, 10_000)
    assert await station.verdicts() == {KEY: "contested"}

    def late(tx: Transaction) -> None:
        postings = move("income:gas", f"card:{KEY}", Unit.CNY, 23_4500)
        facts.post(tx, posted("LATE", *postings))

    await station.db.write(late)
    opening = opening_desk(station.db)
    with pytest.raises(BookMoved):
        await opening.accept(KEY, "why not", CASHIER, BEHIND)
    await station.tap(KEY, 10_000)
    assert await station.verdicts() == {KEY: "confirmed"}
    assert await station.db.read(findings.open_findings) == []


async def test_a_contested_card_goes_on_telling(station: Station) -> None:
    """Filled after its first tap: what it says last is what is accepted; one row."""
    await station.take([ROW])
    for balance in (10_000, 10_000, 9_000):
        await station.tap(KEY, balance)
        assert len(await station.db.read(findings.open_findings)) == 1
    assert await station.count("opening_verdict") == 2
    opening = opening_desk(station.db)
    await opening.accept(KEY, "why not", CASHIER, BEHIND)
    name = f"card:{KEY}"
    assert await station.db.read(lambda c: facts.balance(c, name, "CNY")) == -90_0000


async def test_a_replaced_card_is_not_accepted(station: Station) -> None:
    """Its balance has moved to the new card."""
    await station.take([ROW])
    await station.tap(KEY, 10_000)
    await station.db.write(
        lambda tx: cards.change(tx, KEY, reason="x", state=CardLife.REPLACED)
    )
    opening = opening_desk(station.db)
    with pytest.raises(NotContested):
        await opening.accept(KEY, "why not", CASHIER, BEHIND)


async def test_a_contested_balance_of_gas_is_not_accepted(station: Station) -> None:
    """What the difference cost is not known."""
    await station.take([ROW | {"消费方式": "预购气量"}])
    await station.tap(KEY, 1, mode=PaymentMode.PREPAID_QUANTITY)
    opening = opening_desk(station.db)
    with pytest.raises(OnlyMoneyIsAccepted):
        await opening.accept(KEY, "why not", CASHIER, BEHIND)


async def test_another_chip_is_contested_whatever_it_holds(station: Station) -> None:
    """Where the sheet knows the chip, a copy shows itself."""
    await station.take([ROW | {"芯片号": "0A0B0C0D"}])
    await station.tap(KEY, 12_345)
    assert await station.verdicts() == {KEY: "contested"}


async def test_nothing_is_done_with_a_contested_card(station: Station) -> None:
    """Even where its chip is the sheet's and its counter is at nought."""
    await station.take([ROW | {"芯片号": "0A0B0C0D"}])
    await station.tap(KEY, 10_000, uid=0x0A0B0C0D, wseq=0)
    assert await station.verdicts() == {KEY: "contested"}
    card = await station.db.read(lambda c: cards.find(c, KEY))
    assert card is not None
    seen = evidence_of(reading(KEY, 10_000, uid=0x0A0B0C0D, wseq=0))
    with pytest.raises(CardDisagrees):
        require_continuity(card, seen)
    opening = opening_desk(station.db)
    await opening.accept(KEY, "why not", CASHIER, BEHIND)
    card = await station.db.read(lambda c: cards.find(c, KEY))
    assert card is not None
    require_continuity(card, seen)


async def test_new_cards_are_numbered_after_imported_ones(station: Station) -> None:
    """An imported number of this issue point is not given out again."""
    await station.take([ROW | {"卡号": "01000077"}])
    tip = "SELECT card_serial FROM tip"
    assert await station.db.read(lambda c: c.execute(tip).fetchone()[0]) == 77
