"""The last fills, newest first; shown where there is room beside the counter."""

from textual.content import Content

from cngstation.hygiene import clean, fit
from cngstation.language import _
from cngstation.units import quantity_text, yuan_text
from tui.areas import Area
from tui.desk import Desk
from tui.figures import short_time
from tui.texts import labelled
from tui.widgets.lines import Lines, line, stacked
from tui.words import word


class LastSales(Lines):
    """As many rows as there is room for."""

    AREAS = Area.SALES
    DEFAULT_CSS = """
    LastSales { height: 1fr; border-top: solid $primary; padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def content(self) -> Content:
        """Write time, nozzle, quantity, amount, plate and card."""
        rows = [line((_("Last fills"), "bold"))]
        for sale in list(self._desk.picture.sales)[: max(self.size.height - 1, 0)]:
            back = quantity_text(sale.returned_milli)
            rows.append(
                line(
                    fit(short_time(sale.at_ms), 12),
                    fit(str(sale.nozzle_no), 3, right=True),
                    fit(quantity_text(sale.quantity_milli), 9, right=True),
                    " " + fit(word(sale.unit), 2),
                    fit(yuan_text(sale.amount_e4), 11, right=True),
                    "  " + fit(clean(sale.plate), 10),
                    fit(clean(sale.card_no), 10),
                    labelled(_("returned"), back) if sale.returned_milli else "",
                )
            )
        return stacked(rows)
