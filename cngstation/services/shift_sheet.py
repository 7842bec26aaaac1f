"""The sheet of a shift (交接班表): what each nozzle was taken over with, sold, left."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from cngstation.domain import ledger
from cngstation.domain.fill_marks import CREW_TENDERS, NO_SALE
from cngstation.domain.tenders import Tender
from cngstation.domain.totaliser import GAS, MONEY
from cngstation.services.name_breaks import (
    KIND,
    MONEY_KIND,
    breaks_between,
    open_breaks,
)
from cngstation.services.station_rules import StationRules
from cngstation.storage import cash_fills, facts, sales, shifts
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.findings import Finding
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import OFF, ON, Reading
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

COLLECTION = "make_up_debit"


@dataclass(frozen=True, slots=True)
class NozzleSheet:
    """A nozzle in a shift; `off_milli` is None while the crew is on duty there.

    An amount of a totaliser is 0 where it is not known. `price_e4` is the price of
    every fill, 0 where `has_prices`, several; fills that moved nothing are no fills.
    Gas that was sold while nobody was on duty before stands in `alone_milli`, what
    the totalisers moved without a fill in `unexplained`. `on_at_ms` and `off_at_ms`
    are when it was taken over and handed over, 0 in sheets that do not say. A nozzle
    that sold in another unit too has a further sheet with what was sold in it.
    """

    nozzle_no: int
    dispenser_no: int
    unit: str
    staff_card: str
    taken_over_milli: int
    taken_over_e4: int
    off_milli: int | None
    off_e4: int
    fills: int = 0
    zero_fills: int = 0
    price_e4: int = 0
    has_prices: bool = False
    quantity_milli: int = 0
    amount_e4: int = 0
    card_milli: int = 0
    card_e4: int = 0
    cash_milli: int = 0
    cash_e4: int = 0
    other_milli: int = 0
    other_e4: int = 0
    test_milli: int = 0
    alone_milli: int = 0
    unexplained_milli: int = 0
    unexplained_e4: int = 0
    on_at_ms: int = 0
    off_at_ms: int = 0
    is_further_unit: bool = False

    @property
    def is_on_duty(self) -> bool:
        """Whether the crew has not left it."""
        return self.off_milli is None


def nozzle_sheets(
    connection: Connection, shift_no: int, rules: StationRules
) -> list[NozzleSheet]:
    """Return the nozzles of a shift, by number."""
    readings = shifts.readings_of_shift(connection, shift_no)
    off = {each.nozzle: each for each in readings if each.moment == OFF}
    cash = {fill.seq: fill for fill in cash_fills.of_shift(connection, shift_no)}
    sold: dict[NozzleKey, list[dict[str, Any]]] = {}
    for row in sales.of_shift(connection, shift_no):
        key = NozzleKey(row["station_no"], row["dispenser_no"], row["nozzle_no"])
        sold.setdefault(key, []).append(row)
    sheets: list[NozzleSheet] = []
    for on in (each for each in readings if each.moment == ON):
        fills = [fill for fill in sold.get(on.nozzle, ()) if is_fill(fill)]
        frame = _frame(connection, on, off.get(on.nozzle), rules)
        by_unit = _by_unit(frame, fills, _alone(connection, on))
        for row in fills:
            unit = row["unit"] if row["unit"] in by_unit else next(iter(by_unit))
            by_unit[unit] = _with_fill(by_unit[unit], row, cash.get(row["seq"]))
        sheets += by_unit.values()
    return sorted(sheets, key=lambda sheet: sheet.nozzle_no)


def is_fill(sale: Mapping[str, Any]) -> bool:
    """Tell whether a row of the book moved gas, or was to; a collection does not."""
    return bool(sale["transaction_type"] != COLLECTION)


def _alone(connection: Connection, on: Reading) -> Counter[str]:
    """Return what was sold before while nobody was on duty, by unit."""
    alone: Counter[str] = Counter()
    before = shifts.reading_before(connection, on)
    if before is not None:
        for sale in sales.between(connection, on.nozzle, before.place, on.place):
            alone[sale["unit"]] += sale["quantity_milli"] if is_fill(sale) else 0
    return +alone


def _by_unit(
    frame: NozzleSheet, fills: Iterable[Mapping[str, Any]], alone: Mapping[str, int]
) -> dict[str, NozzleSheet]:
    """Return a line for each unit of a nozzle; the totaliser stands in the first."""
    sold = [f["unit"] for f in fills if f["quantity_milli"] or f["amount_e4"]]
    own = [frame.unit] if frame.unit in alone or not alone else []
    first, *others = dict.fromkeys([*sold, *(own if not sold else ()), *alone])
    further = replace(
        frame,
        taken_over_milli=0,
        taken_over_e4=0,
        off_milli=None if frame.is_on_duty else 0,
        off_e4=0,
        unexplained_milli=0,
        unexplained_e4=0,
        is_further_unit=True,
    )
    lines = {first: frame, **dict.fromkeys(others, further)}
    return {
        unit: replace(line, unit=unit, alone_milli=alone.get(unit, 0))
        for unit, line in lines.items()
    }


def _frame(
    connection: Connection, on: Reading, off: Reading | None, rules: StationRules
) -> NozzleSheet:
    before = shifts.reading_before(connection, on)
    unexplained = money = 0
    if before is not None:
        unexplained, money = _sizes(connection, before, on)
    if off is not None:
        gas, paid = _sizes(connection, on, off)
    else:
        rows = open_breaks(connection, on.nozzle, on, None)
        gas = sum(_size(row) for row in rows if row.kind == KIND)
        paid = sum(_size(row) for row in rows if row.kind == MONEY_KIND)
    first = before or on
    return NozzleSheet(
        nozzle_no=on.nozzle.nozzle_no,
        dispenser_no=on.nozzle.dispenser_no,
        unit=str(_unit_of(connection, on.nozzle, rules)),
        staff_card=(off or on).staff_card or on.staff_card,
        taken_over_milli=first.total_quantity_milli,
        taken_over_e4=first.total_amount_e4,
        off_milli=off.total_quantity_milli if off else None,
        off_e4=off.total_amount_e4 if off else 0,
        unexplained_milli=unexplained + gas,
        unexplained_e4=money + paid,
        on_at_ms=on.at_ms,
        off_at_ms=off.at_ms if off else 0,
    )


def _sizes(connection: Connection, start: Reading, end: Reading) -> tuple[int, int]:
    """Return what gas and money moved without a fill between two readings."""
    gas, money = (
        sum(
            each.size
            for each in breaks_between(connection, start.nozzle, start, end, measure)
        )
        for measure in (GAS, MONEY)
    )
    return gas, money


def _unit_of(connection: Connection, nozzle: NozzleKey, rules: StationRules) -> Unit:
    """Return the nozzle's own unit; of one that is no more, that of its last fill."""
    if unit := rules.nozzle_units.get(nozzle):
        return unit
    newest = sales.newest_of_nozzle(connection, nozzle)
    return Unit(newest["unit"]) if newest else rules.gas_unit


def _with_fill(
    sheet: NozzleSheet, row: Mapping[str, Any], cash: CashFill | None
) -> NozzleSheet:
    quantity, amount = row["quantity_milli"], row["amount_e4"]
    if not quantity and not amount:
        return replace(sheet, zero_fills=sheet.zero_fills + 1)
    sheet = replace(sheet, fills=sheet.fills + 1)
    sheet = _with_price(sheet, row["price_e4"])
    if cash is not None and cash.marked in NO_SALE:
        return replace(sheet, test_milli=sheet.test_milli + quantity)
    if cash is None:
        part, money = "card_milli", "card_e4"
    elif any(account.startswith(cash_fills.CREW) for account in cash.accounts):
        part, money = "cash_milli", "cash_e4"
    else:
        part, money = "other_milli", "other_e4"
    return replace(
        sheet,
        quantity_milli=sheet.quantity_milli + quantity,
        amount_e4=sheet.amount_e4 + amount,
        **{
            part: getattr(sheet, part) + quantity,
            money: getattr(sheet, money) + amount,
        },
    )


def _with_price(sheet: NozzleSheet, price_e4: int) -> NozzleSheet:
    if sheet.has_prices or (sheet.fills > 1 and sheet.price_e4 != price_e4):
        return replace(sheet, price_e4=0, has_prices=True)
    return replace(sheet, price_e4=price_e4)


def open_breaks_of(connection: Connection, shift_no: int) -> list[Finding]:
    """Return the rows of a shift's nozzles that somebody has to explain first."""
    found: dict[int, Finding] = {}
    for start, end, nozzle in _windows(connection, shift_no):
        for row in open_breaks(connection, nozzle, start, end):
            found[row.seq] = row
    return [found[seq] for seq in sorted(found)]


def _windows(
    connection: Connection, shift_no: int
) -> Iterator[tuple[Reading, Reading | None, NozzleKey]]:
    readings = shifts.readings_of_shift(connection, shift_no)
    off = {each.nozzle: each for each in readings if each.moment == OFF}
    for on in (each for each in readings if each.moment == ON):
        before = shifts.reading_before(connection, on)
        if before is not None:
            yield before, on, on.nozzle
        yield on, off.get(on.nozzle), on.nozzle


def owed_by(connection: Connection, shift_no: int) -> dict[Tender, int]:
    """Return what the crew of a shift owes, by way of paying; none that is zero."""
    owed = {
        tender: facts.balance(
            connection, ledger.crew_account(shift_no, tender), Unit.CNY
        )
        for tender in CREW_TENDERS
    }
    return {tender: amount for tender, amount in owed.items() if amount}


def kept_sheets(sheets: list[NozzleSheet]) -> list[dict[str, Any]]:
    """Return sheets as the fact of a handover keeps them."""
    return [
        {name: value for name, value in asdict(sheet).items() if value is not None}
        for sheet in sheets
    ]


def sheets_of(kept: Mapping[str, Any]) -> list[NozzleSheet]:
    """Return the sheets that a handover has kept."""
    return [NozzleSheet(**{"off_milli": None, **sheet}) for sheet in kept["nozzles"]]


def _size(row: Finding) -> int:
    told = json.loads(row.facts)
    return int(told["found"] - told["expected"])
