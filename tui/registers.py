"""The registers that can be looked up: how each is fetched and which columns it has."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    CARD_LIST,
    COMPANY_FILLS,
    COMPANY_SEARCH,
    EDIT_LIST,
    OPENING_LIST,
    RECEIPT_LIST,
    VEHICLE_SEARCH,
    VEHICLE_TYPES,
    CardRow,
    CompanyFill,
    CompanyFillsQuery,
    Page,
    ReceiptQuery,
    Search,
)
from cngstation.rpc.contract.figures import MOST_ROWS, SaleRow
from cngstation.rpc.contract.forecourt import SALE_LIST
from cngstation.rpc.session import Nothing
from cngstation.units import quantity_text, yuan_text
from tui.figures import purse_text, short_time
from tui.widgets.lazy_table import Column
from tui.words import word

if TYPE_CHECKING:
    from tui.desk import Desk

Rows = Sequence[Any]
_PAGES = 5  # of a company's fills, each of the most rows that an answer has


@dataclass(frozen=True, slots=True)
class Register:
    """A register; `fetch` is given the desk and what was typed."""

    name: str
    title: str
    columns: tuple[Column, ...]
    fetch: Callable[["Desk", str], Awaitable[Rows]]
    form: str = ""  # class in `tui.screens.edit_rows` that changes a row
    has_numbers: bool = False  # masked ones, that can be shown whole


async def _companies(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(COMPANY_SEARCH, _search(text))
    return found.rows


async def _vehicles(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(VEHICLE_SEARCH, _search(text))
    return found.rows


async def _types(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(VEHICLE_TYPES, Nothing())
    return _containing(found.rows, text, lambda row: (row.code, row.name))


async def _edits(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(EDIT_LIST, _search(text))
    return found.rows


async def _openings(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(OPENING_LIST, _search(text))
    return found.rows


async def _company_fills(desk: "Desk", text: str) -> Rows:
    """Fills of the company that is searched for, of every one while none is."""
    company_no = ""
    rows: list[CompanyFill] = []
    if text.strip():
        found = await desk.link.call(COMPANY_SEARCH, Search(text=text, limit=1))
        if not found.rows:
            return []
        company_no = found.rows[0].company_no
    next_seq = 0
    for _page in range(_PAGES):
        query = CompanyFillsQuery(
            company_no=company_no, limit=MOST_ROWS, before_seq=next_seq
        )
        page = await desk.link.call(COMPANY_FILLS, query)
        rows += page.rows
        next_seq = page.next_seq
        if not next_seq:
            break
    return rows


def _search(text: str) -> Search:
    return Search(text=text, limit=MOST_ROWS, with_retired=True)


async def _cards(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(CARD_LIST, Page(limit=MOST_ROWS))
    return _containing(
        found.rows, text, lambda row: (row.card_no, row.plate, row.company_name)
    )


async def _sales(desk: "Desk", text: str) -> Rows:
    found = await desk.link.call(SALE_LIST, Page(limit=MOST_ROWS))
    return _containing(found.rows, text, lambda row: (row.card_no, row.plate))


async def _receipts(desk: "Desk", text: str) -> Rows:
    """The card on the reader asks for its own, unless something is searched for."""
    card = desk.picture.card if desk.picture.card_is_there else None
    of_card = "" if card is None or text.strip() else card.card_key
    request = ReceiptQuery(limit=MOST_ROWS, card_key=of_card)
    found = await desk.link.call(RECEIPT_LIST, request)
    return _containing(
        found.rows, text, lambda row: (str(row.receipt_no), row.card_no, row.plate)
    )


def _containing(rows: Rows, text: str, of: Callable[[Any], tuple[str, ...]]) -> Rows:
    wanted = text.strip().upper()
    return [row for row in rows if any(wanted in part.upper() for part in of(row))]


def _retired(row: Any) -> str:
    return _("retired") if row.retired else ""


def _quantity(row: SaleRow) -> str:
    return quantity_text(row.quantity_milli)


def _returned(row: SaleRow) -> str:
    return quantity_text(row.returned_milli) if row.returned_milli else ""


def _balance(row: CardRow) -> str:
    in_money = row.unit == "CNY"
    return yuan_text(row.balance_book) if in_money else quantity_text(row.balance_book)


REGISTERS = (
    Register(
        "companies",
        mark("Companies"),
        (
            Column(mark("Number"), 6, lambda r: r.company_no),
            Column(mark("Name"), 30, lambda r: r.name),
            Column(mark("Phone"), 14, lambda r: r.phone_masked),
            Column(mark("State"), 7, _retired),
            Column(mark("Address"), 40, lambda r: r.address),
        ),
        _companies,
        "EditCompanyScreen",
        has_numbers=True,
    ),
    Register(
        "vehicles",
        mark("Vehicles"),
        (
            Column(mark("Plate"), 9, lambda r: r.plate),
            Column(mark("Type"), 8, lambda r: r.vehicle_type_name),
            Column(mark("Driver"), 8, lambda r: r.driver),
            Column(mark("Phone"), 11, lambda r: r.phone_masked),
            Column(mark("Company"), 18, lambda r: r.company_name),
            Column(mark("Cylinder due"), 12, lambda r: r.cylinder_due),
            Column(mark("Cards"), 5, lambda r: str(r.cards), right=True),
            Column(mark("Fleet no"), 8, lambda r: r.fleet_no),
            Column(mark("State"), 7, _retired),
            Column(mark("ID number"), 18, lambda r: r.id_no_masked),
        ),
        _vehicles,
        "EditVehicleScreen",
        has_numbers=True,
    ),
    Register(
        "cards",
        mark("Cards"),
        (
            Column(mark("Card"), 8, lambda r: r.card_no),
            Column(mark("Plate"), 9, lambda r: r.plate),
            Column(mark("State"), 10, lambda r: word(r.state)),
            Column(mark("Kind"), 12, lambda r: word(r.kind)),
            Column(mark("Mode"), 14, lambda r: word(r.payment_mode)),
            Column(mark("Balance"), 10, _balance, right=True),
            Column(mark("Unit"), 4, lambda r: word(r.unit)),
            Column(mark("Driver"), 10, lambda r: r.driver or r.holder),
            Column(mark("Company"), 30, lambda r: r.company_name),
            Column(mark("Cylinder due"), 12, lambda r: r.cylinder_due),
            Column(mark("Issued"), 11, lambda r: short_time(r.issued_at_ms)),
        ),
        _cards,
    ),
    Register(
        "sales",
        mark("Last fills"),
        (
            Column(mark("Time"), 11, lambda r: short_time(r.at_ms)),
            Column(mark("No"), 3, lambda r: str(r.nozzle_no), right=True),
            Column(
                mark("Quantity"),
                9,
                _quantity,
                right=True,
            ),
            Column(mark("Unit"), 4, lambda r: word(r.unit)),
            Column(mark("Price"), 6, lambda r: yuan_text(r.price_e4), right=True),
            Column(mark("Amount"), 9, lambda r: yuan_text(r.amount_e4), right=True),
            Column(mark("Plate"), 9, lambda r: r.plate),
            Column(mark("Card"), 8, lambda r: r.card_no),
            Column(mark("Mode"), 10, lambda r: word(r.payment_mode)),
            Column(mark("Kind"), 14, lambda r: word(r.transaction_type)),
            Column(mark("Returned"), 8, _returned, right=True),
        ),
        _sales,
    ),
    Register(
        "receipts",
        mark("Receipts"),
        (
            Column(mark("Receipt"), 8, lambda r: str(r.receipt_no), right=True),
            Column(mark("Time"), 11, lambda r: short_time(r.at_ms)),
            Column(mark("Kind"), 10, lambda r: word(r.kind)),
            Column(mark("Card"), 8, lambda r: r.card_no),
            Column(mark("Plate"), 9, lambda r: r.plate),
            Column(mark("Received"), 9, lambda r: yuan_text(r.cash_e4), right=True),
            Column(mark("Prints"), 6, lambda r: str(r.prints), right=True),
            Column(mark("Outcome"), 12, lambda r: word(r.outcome)),
            Column(mark("Operator"), 8, lambda r: r.operator_no),
        ),
        _receipts,
    ),
    Register(
        "types",
        mark("Types"),
        (
            Column(mark("Code"), 8, lambda r: r.code),
            Column(mark("Name"), 30, lambda r: r.name),
            Column(mark("State"), 7, _retired),
            Column(mark("Vehicles"), 8, lambda r: str(r.vehicles), right=True),
        ),
        _types,
        "EditTypeScreen",
    ),
    Register(
        "edits",
        mark("Edits"),
        (
            Column(mark("Time"), 11, lambda r: short_time(r.at_ms)),
            Column(mark("Register"), 9, lambda r: word(f"of_{r.kind}")),
            Column(mark("Of"), 12, lambda r: r.subject),
            Column(mark("Field"), 12, lambda r: word(r.field)),
            Column(mark("Old"), 11, lambda r: r.before),
            Column(mark("New content"), 11, lambda r: r.after),
            Column(mark("Who"), 6, lambda r: r.operator_no),
            Column(mark("Reason"), 30, lambda r: r.reason),
            Column(mark("Terminal"), 12, lambda r: r.terminal),
        ),
        _edits,
    ),
    Register(
        "openings",
        mark("Old cards"),
        (
            Column(mark("Card"), 8, lambda r: r.card_no),
            Column(mark("State"), 10, lambda r: word(r.verdict)),
            Column(
                mark("Imported"), 10, lambda r: purse_text(r.imported_purse), right=True
            ),
            Column(mark("Book"), 10, lambda r: purse_text(r.book_purse), right=True),
            Column(mark("On card"), 10, lambda r: purse_text(r.card_purse), right=True),
            Column(mark("Unit"), 4, lambda r: word(r.unit)),
            Column(mark("Reason"), 16, lambda r: _(r.why)),
            Column(mark("Row"), 6, lambda r: str(r.source_row), right=True),
            Column(mark("Sheet"), 20, lambda r: r.source),
        ),
        _openings,
        "AcceptOpeningScreen",
    ),
    Register(
        "company_fills",
        mark("Company fills"),
        (
            Column(mark("Time"), 11, lambda r: short_time(r.sale.at_ms)),
            Column(mark("Company"), 16, lambda r: r.company_name),
            Column(mark("Card"), 8, lambda r: r.sale.card_no),
            Column(mark("Plate"), 9, lambda r: r.sale.plate),
            Column(mark("Quantity"), 9, lambda r: _quantity(r.sale), right=True),
            Column(mark("Unit"), 4, lambda r: word(r.sale.unit)),
            Column(
                mark("Amount"), 9, lambda r: yuan_text(r.sale.amount_e4), right=True
            ),
            Column(mark("Kind"), 14, lambda r: word(r.sale.transaction_type)),
            Column(mark("Returned"), 8, lambda r: _returned(r.sale), right=True),
        ),
        _company_fills,
    ),
)
