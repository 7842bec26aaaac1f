"""A nozzle in a shift as columns of a table, and as a page with all of its figures."""

from collections.abc import Callable

from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.shifts import ShiftNozzle
from cngstation.units import quantity_text, yuan_text
from tui.figures import short_time
from tui.widgets.lazy_table import Column
from tui.words import word

Figure = Callable[[ShiftNozzle], str]


def _gas(name: str) -> Figure:
    def text(row: ShiftNozzle) -> str:
        milli = getattr(row, name)
        return _not_told() if milli is None else quantity_text(milli)

    return text


def _money(name: str) -> Figure:
    def text(row: ShiftNozzle) -> str:
        e4 = getattr(row, name)
        return _not_told() if e4 is None else yuan_text(e4)

    return text


def _not_told() -> str:
    return "-"


def _unless_none(name: str) -> Figure:
    def text(row: ShiftNozzle) -> str:
        milli = getattr(row, name)
        return quantity_text(milli) if milli else ""

    return text


def _handed_over(row: ShiftNozzle) -> str:
    off = row.handed_over_milli
    return _("at work") if off is None else quantity_text(off)


def _handed_over_money(row: ShiftNozzle) -> str:
    if row.handed_over_milli is None:
        return _("at work")
    return _money("handed_over_e4")(row)


def _until(row: ShiftNozzle) -> str:
    return _("at work") if row.until_ms is None else _time(row.until_ms)


def _time(at_ms: int) -> str:
    """Write when; nothing for what an older sheet does not say."""
    return short_time(at_ms) if at_ms else ""


def _price(row: ShiftNozzle) -> str:
    if row.fills and not row.price_e4:
        return _("several")
    """Write the price; fills of several have none that is the shift's."""
    if not row.fills:
        return ""
    return yuan_text(row.price_e4) if row.price_e4 else _("several")


NOZZLE_COLUMNS = (
    Column(mark("No"), 3, lambda row: str(row.nozzle_no), right=True, stays=True),
    Column(mark("Fills"), 5, lambda row: str(row.fills), right=True),
    Column(mark("Taken over"), 10, _gas("taken_over_milli"), right=True),
    Column(mark("Handed over"), 11, _handed_over, right=True),
    Column(mark("Sold"), 8, _gas("quantity_milli"), right=True),
    Column(mark("Unit"), 4, lambda row: word(row.unit)),
    Column(mark("Differs"), 7, _unless_none("unexplained_milli"), right=True),
    Column(mark("Price"), 5, _price, right=True),
    Column(mark("Amount"), 9, _money("amount_e4"), right=True),
    Column(mark("Tests"), 6, _unless_none("test_milli"), right=True),
    Column(mark("Nobody there"), 12, _unless_none("alone_milli"), right=True),
    Column(mark("By card"), 9, _money("card_e4"), right=True),
    Column(mark("Cash"), 9, _money("cash_e4"), right=True),
    Column(mark("Credit"), 8, _money("other_e4"), right=True),
    Column(mark("On"), 11, lambda row: _time(row.since_ms)),
    Column(mark("Off"), 11, _until),
    Column(mark("Staff card"), 10, lambda row: row.staff_card),
    Column(mark("Money at start"), 14, _money("taken_over_e4"), right=True),
    Column(mark("Money at end"), 12, _handed_over_money, right=True),
    Column(mark("Gas by card"), 11, _gas("card_milli"), right=True),
    Column(mark("Gas for cash"), 12, _gas("cash_milli"), right=True),
    Column(mark("Gas on credit"), 13, _gas("other_milli"), right=True),
    Column(mark("Money differs"), 13, _money("unexplained_e4"), right=True),
)

# Everything that is kept of a nozzle, a line each.
_LINES: tuple[tuple[str, Figure], ...] = (
    (mark("Staff card"), lambda row: row.staff_card or _("none")),
    (mark("On duty"), lambda row: _time(row.since_ms)),
    (mark("Off duty"), _until),
    (mark("Taken over"), _gas("taken_over_milli")),
    (mark("Handed over"), _handed_over),
    (mark("Money at start"), _money("taken_over_e4")),
    (mark("Money at end"), _handed_over_money),
    (mark("Fills"), lambda row: str(row.fills)),
    (mark("Price"), _price),
    (mark("Sold"), _gas("quantity_milli")),
    (mark("Amount"), _money("amount_e4")),
    (mark("Gas by card"), _gas("card_milli")),
    (mark("By card"), _money("card_e4")),
    (mark("Gas for cash"), _gas("cash_milli")),
    (mark("Cash"), _money("cash_e4")),
    (mark("Gas on credit"), _gas("other_milli")),
    (mark("Credit"), _money("other_e4")),
    (mark("Tests"), _gas("test_milli")),
    (mark("Nobody there"), _gas("alone_milli")),
    (mark("Differs"), _gas("unexplained_milli")),
    (mark("Money differs"), _money("unexplained_e4")),
    (mark("Unit"), lambda row: word(row.unit)),
)


def every_figure(row: ShiftNozzle) -> list[tuple[str, str]]:
    """Return label and figure of all that is kept of a nozzle in a shift."""
    return [(_(label), clean(text(row))) for label, text in _LINES]


def is_money_told(row: ShiftNozzle) -> bool:
    """Tell whether the money of a nozzle is told."""
    return row.amount_e4 is not None
