"""Imports companies, vehicles and cards with their balances from a sheet.

A row is taken whole or not at all, and refused rows say why by their number. A row that
is in the registers already is left alone, so that a sheet can be run again; one that
says something else than the registers is refused, never written over. Balances are
typed by people: rows that bring one take two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

from cngstation.domain import numbers
from cngstation.domain.card_kinds import BY_NAME
from cngstation.domain.card_life import CardState
from cngstation.domain.payment import PaymentMode, purse_unit
from cngstation.errors import Refusal, StationError
from cngstation.hygiene import clean
from cngstation.services import approve, opening_balances
from cngstation.services.read_workbook import SheetRow, read_rows
from cngstation.services.register_customers import (
    CustomerDesk,
    FieldEmpty,
    FieldWrong,
    VehicleDraft,
    add_company,
    add_vehicle,
)
from cngstation.services.station_rules import StationRules
from cngstation.services.tell_day import told_prices_ms
from cngstation.storage import cards, customers, prices
from cngstation.storage import opening_balances as openings
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.customers import Company, Vehicle
from cngstation.storage.database import Database, Transaction
from cngstation.storage.opening_balances import OpeningBalance
from cngstation.storage.sqlite import Connection
from cngstation.units import parse_decimal

RIGHT = "register.import"
ROWS_AT_ONCE = 50
MOST_PURSE = 2**31 - 1
_COMPANY, _ADDRESS, _COMPANY_PHONE = "公司名称", "公司地址", "公司电话"
_PLATE, _ID_NO, _DRIVER, _PHONE, _OWNER = "车牌号", "身份证号", "驾驶员", "电话", "车主"
_TYPE, _CYLINDER_NO, _CYLINDER_DUE = "车型", "钢瓶号", "气瓶检验日期"
_FLEET_NO, _ROUTE_NO, _FLEET = "自编号", "路数", "车队名称"
_CARD_NO, _UID, _KIND = "卡号", "芯片号", "卡类型"
_MODE, _LEVEL, _BALANCE = "消费方式", "单价等级", "余额"
COLUMNS = (
    (_COMPANY, "必填；登记中没有的公司自动新增。 required: added when it is not there"),
    (_ADDRESS, "公司地址。 company address"),
    (_COMPANY_PHONE, "公司电话。 company phone"),
    (_PLATE, "必填；车牌号。 required: plate"),
    (_ID_NO, "必填；18 位，或旧 15 位。 required: 18 characters or the old 15"),
    (_DRIVER, "驾驶员姓名。 driver"),
    (_PHONE, "驾驶员电话。 driver's phone"),
    (_OWNER, "车主。 owner"),
    (_TYPE, "必填；在用车型的代码或名称。 required: code or name of a type in use"),
    (_CYLINDER_NO, "钢瓶编号。 cylinder number"),
    (_CYLINDER_DUE, "必填；年-月-日，如 2027-03-15。 required: YYYY-MM-DD"),
    (_FLEET_NO, "最多 6 个字符，不得重复。 own number, unique"),
    (_ROUTE_NO, "路数。 route"),
    (_FLEET, "车队名称。 fleet name"),
    (_CARD_NO, "8 位数字；无卡车辆不填。 8 digits; empty without a card"),
    (_UID, "芯片号（十六进制），已知才填。 hexadecimal digits, if known"),
    (_KIND, "三选一：出租车卡 taxi，单位卡 unit，个人卡 personal"),
    (_MODE, "四选一：预购金额，预购气量，记帐金额，记帐气量"),
    (_LEVEL, "不填为 0。 price level, 0 if empty"),
    (_BALANCE, "元或气量，最多两位小数；记帐卡填欠款。 on credit cards what is owed"),
)
NAMES = tuple(name for name, _ in COLUMNS)
_KINDS = {"出租车卡": "taxi", "单位卡": "unit", "个人卡": "personal"}
_MODES = {
    "预购金额": PaymentMode.PREPAID_MONEY,
    "预购气量": PaymentMode.PREPAID_QUANTITY,
    "记帐金额": PaymentMode.CREDIT_MONEY,
    "记帐气量": PaymentMode.CREDIT_QUANTITY,
}


class Outcome(StrEnum):
    """What became of a row."""

    ADDED = "added"
    THERE = "there"
    REFUSED = "refused"


class SaysOtherwise(Refusal):
    """The registers know this plate or card with other data."""

    code = "refusal.import_says_otherwise"
    text = "{what} is in the register with another {field}. The row was not imported."


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row, and why it was refused."""

    number: int
    outcome: Outcome
    reasons: tuple[str, ...] = ()


class _DryRun(Exception):
    """Ends the unit of a dry run, which then is undone."""


def source_of(path: Path) -> str:
    """Return a sheet's name as the books keep it."""
    return clean(path.name, limit=100)


def wish_of(source: str) -> approve.Wish:
    """Return what a second person is asked for when a sheet brings balances."""
    return approve.Wish(RIGHT, source)


class CustomerImport:
    """Imports sheets; `actor` is who answers for what they say."""

    def __init__(
        self,
        database: Database,
        desk: CustomerDesk,
        rules: StationRules,
        actor: Actor,
        approved: approve.Approved | None = None,
    ) -> None:
        self._approved = approved
        self._is_recorded = self._is_dry = False
        self._database = database
        self._desk = desk
        self._rules = rules
        self._actor = actor

    async def run(self, path: Path, *, dry: bool) -> list[RowResult]:
        """Import a sheet and return what became of each row; dry, nothing is kept.

        Raises:
            SheetRefused: it cannot be read; nothing was imported.
        """
        rows = list(read_rows(path, NAMES))
        source = source_of(path)
        if dry:
            return await self._dry(rows, source)
        results: list[RowResult] = []
        waiting = iter(rows)
        while some := list(islice(waiting, ROWS_AT_ONCE)):
            new = await self._database.write(
                lambda tx, some=some: self._rows(tx, some, source)  # type: ignore[misc]
            )
            added = (row for row, r in zip(some, new, strict=True) if _is_new(r))
            self._is_recorded |= any(map(_brings, added))
            results += new
        return results

    async def _dry(self, rows: Sequence[SheetRow], source: str) -> list[RowResult]:
        results: list[RowResult] = []
        self._is_dry = True

        def unit(tx: Transaction) -> None:
            results.extend(self._rows(tx, rows, source))
            raise _DryRun

        try:
            await self._database.write(unit)
        except _DryRun:
            return results
        raise AssertionError("a dry run always is undone")

    def _rows(
        self, tx: Transaction, rows: Sequence[SheetRow], source: str
    ) -> list[RowResult]:
        """Take some rows; a second person who may not work any more ends it all."""
        results = [self._result(tx, row, source) for row in rows]
        added = (row for row, r in zip(rows, results, strict=True) if _is_new(r))
        if self._approved and any(map(_brings, added)):
            wish = wish_of(source)
            if self._is_recorded:
                approve.still_approved(tx, self._approved, wish, self._actor)
            else:
                approve.record(tx, self._approved, wish, self._actor)
        return results

    def _result(self, tx: Transaction, row: SheetRow, source: str) -> RowResult:
        if row.faults:
            return RowResult(row.number, Outcome.REFUSED, row.faults)
        try:
            added = tx.run(lambda inner: self._take(inner, row, source))
        except StationError as error:
            reason = clean(error.sentence(), limit=400)
            return RowResult(row.number, Outcome.REFUSED, (reason,))
        return RowResult(row.number, Outcome.ADDED if added else Outcome.THERE)

    def _take(self, tx: Transaction, row: SheetRow, source: str) -> bool:
        """Write what of a row is not there yet; tell whether anything was."""
        company, company_added = self._company(tx, row)
        vehicle, vehicle_added = self._vehicle(tx, row, company)
        card_added = self._card(tx, row, vehicle, source)
        return company_added or vehicle_added or card_added

    def _company(self, tx: Transaction, row: SheetRow) -> tuple[Company, bool]:
        name = row.values[_COMPANY]
        if not name:
            raise FieldEmpty(field=_COMPANY)
        found = customers.company_named(tx.connection, name)
        if found is not None:
            return found, False
        values = row.values
        wanted = self._desk.company_of(name, values[_ADDRESS], values[_COMPANY_PHONE])
        return add_company(tx, wanted, self._actor), True

    def _vehicle(
        self, tx: Transaction, row: SheetRow, company: Company
    ) -> tuple[Vehicle, bool]:
        draft = _draft(tx.connection, row, company.company_no)
        wanted = self._desk.vehicle_of(draft)
        found = customers.vehicle_with_plate(tx.connection, wanted.plate)
        if found is None:
            return add_vehicle(tx, wanted, self._actor, overridden=False), True
        for column, field in _COMPARED.items():
            if getattr(found, column) != getattr(wanted, column):
                raise SaysOtherwise(what=wanted.plate, field=field)
        if found.retired:
            raise SaysOtherwise(what=wanted.plate, field="state (retired)")
        return found, False

    def _card(
        self, tx: Transaction, row: SheetRow, vehicle: Vehicle, source: str
    ) -> bool:
        if not row.values[_CARD_NO]:
            if row.values[_BALANCE]:
                raise FieldEmpty(field=_CARD_NO)
            return False
        card = self._card_of(tx, row, vehicle)
        opening = OpeningBalance(
            card_key=card.card_key,
            uid=card.uid,
            unit=str(card.unit),
            balance_purse=_purse(row.values[_BALANCE]),
            source=source,
            source_row=row.number,
            operator_no=self._actor.operator_no,
            terminal=self._actor.terminal,
        )
        known = cards.find(tx.connection, card.card_key)
        if known is not None:
            _require_same(tx.connection, card, known, opening)
            return False
        if opening.balance_purse and self._approved is None and not self._is_dry:
            raise approve.SecondPersonMissing
        self._keep_numbers_apart(tx, card.card_no)
        # Without a chip of its own no act goes on with it before its first tap.
        unproved = replace(card, uid="")
        cards.add(tx, unproved, reason="imported", actor=self._actor)
        opening_balances.book(tx, card, opening, self._rules.business_day_starts_minute)
        return True

    def _card_of(self, tx: Transaction, row: SheetRow, vehicle: Vehicle) -> Card:
        values, number = row.values, row.values[_CARD_NO]
        if not (number.isascii() and number.isdigit() and len(number) == 8):
            raise FieldWrong(field=_CARD_NO, why="8 digits")
        uid = values[_UID].replace(" ", "").upper()
        if not _is_uid(uid):
            raise FieldWrong(field=_UID, why="hexadecimal digits of 4, 7 or 10 bytes")
        kind = BY_NAME.get(_KINDS.get(values[_KIND], values[_KIND]))
        if kind is None or not kind.for_customers:
            raise FieldWrong(field=_KIND, why=", ".join(_KINDS))
        mode = _MODES.get(values[_MODE])
        if mode is None:
            raise FieldWrong(field=_MODE, why=", ".join(_MODES))
        level = values[_LEVEL] or "0"
        now_ms = told_prices_ms(tx)
        in_force = prices.in_force(tx.connection, self._rules.gas_unit, now_ms)
        price = (
            in_force.get(int(level)) if level.isascii() and level.isdigit() else None
        )
        if price is None:
            raise FieldWrong(field=_LEVEL, why="a level that has a price")
        return Card(
            card_key=numbers.card_key(self._rules.area_no, number),
            area_no=self._rules.area_no,
            card_no=number,
            uid=uid,
            kind=kind.name,
            payment_mode=mode,
            unit=purse_unit(mode, self._rules.gas_unit),
            price_level=int(level),
            price_e4=price.e4,
            vehicle_id=vehicle.vehicle_id,
            state=CardState.NORMAL,
            issued_at_ms=tx.now.wall_ms,
            cylinder_due=vehicle.cylinder_due,
            remark="imported",
            wseq=0,
            pseq=0,
            seen_balance=0,
            seen_wseq=0,
            seen_pseq=0,
            seen_grey="",
            seen_at_ms=0,
        )

    def _keep_numbers_apart(self, tx: Transaction, card_no: str) -> None:
        """Let the numbers of new cards begin after an imported one of this point."""
        if card_no.startswith(self._rules.issue_point_no):
            serial = max(tx.tip.card_serial, int(card_no[2:]))
            tx.tip = replace(tx.tip, card_serial=serial)


_COMPARED = {
    "company_no": _COMPANY,
    "vehicle_type": _TYPE,
    "id_no_digest": _ID_NO,
    "phone_digest": _PHONE,
    "driver": _DRIVER,
    "owner": _OWNER,
    "cylinder_no": _CYLINDER_NO,
    "cylinder_due": _CYLINDER_DUE,
    "fleet_no": _FLEET_NO,
    "route_no": _ROUTE_NO,
    "fleet_name": _FLEET,
}


def _draft(connection: Connection, row: SheetRow, company_no: str) -> VehicleDraft:
    values = row.values
    types = dict(customers.vehicle_types(connection))
    codes = {name: code for code, name in types.items()}
    typed = values[_TYPE]
    return VehicleDraft(
        plate=values[_PLATE],
        accept_plate=False,
        id_no=values[_ID_NO],
        accept_id_no=False,
        driver=values[_DRIVER],
        phone=values[_PHONE],
        owner=values[_OWNER],
        vehicle_type=typed if typed in types else codes.get(typed, typed),
        company_no=company_no,
        cylinder_no=values[_CYLINDER_NO],
        cylinder_due=values[_CYLINDER_DUE],
        fleet_no=values[_FLEET_NO],
        route_no=values[_ROUTE_NO],
        fleet_name=values[_FLEET],
    )


def _is_new(result: RowResult) -> bool:
    return result.outcome is Outcome.ADDED


def _brings(row: SheetRow) -> bool:
    """Tell whether a row that was taken brings a balance."""
    return bool(row.values[_CARD_NO] and _purse(row.values[_BALANCE]))


def _purse(text: str) -> int:
    try:
        purse = parse_decimal(text or "0", 2)
    except ValueError as error:
        raise FieldWrong(
            field=_BALANCE, why="an amount with at most two decimals"
        ) from error
    if not 0 <= purse <= MOST_PURSE:
        raise FieldWrong(field=_BALANCE, why="not below zero, and what a card can hold")
    return purse


def _is_uid(uid: str) -> bool:
    try:
        return len(bytes.fromhex(uid)) in {0, 4, 7, 10}
    except ValueError:
        return False


def _require_same(
    connection: Connection, card: Card, known: Card, opening: OpeningBalance
) -> None:
    """Refuse a card that is known as another one, or with another balance."""
    before = openings.find(connection, card.card_key)
    if before is None:
        raise SaysOtherwise(what=card.card_no, field="origin (not imported)")
    pairs = {
        _PLATE: (known.vehicle_id, card.vehicle_id),
        _KIND: (known.kind, card.kind),
        _MODE: (known.payment_mode, card.payment_mode),
        _UID: (before.balance.uid, opening.uid),
        _BALANCE: (before.balance.balance_purse, opening.balance_purse),
    }
    for field, (there, here) in pairs.items():
        if there != here:
            raise SaysOtherwise(what=card.card_no, field=field)
