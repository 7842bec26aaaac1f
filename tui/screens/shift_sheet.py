"""The nozzles of a shift: the sheet of an ended one, and one nozzle with everything."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from cngstation.rpc.contract.shifts import (
    SHIFT_SHEET,
    PastShift,
    ShiftNozzle,
    ShiftRequest,
)
from cngstation.units import yuan_text
from tui.desk import Desk
from tui.figures import short_time
from tui.nozzle_columns import NOZZLE_COLUMNS, every_figure, is_money_told
from tui.screens.list_screen import ListScreen
from tui.screens.station_screen import StationScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import LazyTable
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_HEAD = mark("Shift {shift}  crew {crew}  day {day}  {since} - {until}  {how}")
_MONEY = mark("Due {due}  counted {counted}  differs {over}  owes {owed}")
_COLUMN = 36


class ShiftSheetScreen(ListScreen):
    """The nozzles of an ended shift as they were handed over."""

    HELP = mark(
        "What each nozzle was taken over and handed over with, what it sold and how it "
        "was paid, as the slip has it. < and > turn to more columns; Enter shows all "
        "figures of the marked nozzle. p prints the slip again."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("p", "print", show=False)]
    COLUMNS = NOZZLE_COLUMNS

    def __init__(self, desk: Desk, row: PastShift) -> None:
        super().__init__(desk)
        self._row = row

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        keys = [("Enter", _("all figures")), ("p", _("print again"))]
        return [*keys, ("↑↓", _("move")), ("Esc", _("back"))]

    def title_line(self) -> Content:
        """Say which shift it was and what it brought."""
        row = self._row
        head = filled(
            _HEAD,
            shift=row.shift_no,
            crew=clean(f"{row.crew_no} {row.crew_name}".strip()) or "?",
            day=row.business_day,
            since=short_time(row.since_ms),
            until=short_time(row.ended_ms),
            how=word(row.how),
        )
        money = filled(
            _MONEY,
            due=yuan_text(row.due_e4),
            counted=yuan_text(row.counted_e4),
            over=yuan_text(row.over_e4),
            owed=yuan_text(row.owed_e4),
        )
        return stacked([line((head, "bold")), line(money)])

    async def rows(self) -> Sequence[Any]:
        """Return the nozzles."""
        request = ShiftRequest(shift_no=self._row.shift_no)
        sheet = await self.desk.link.call(SHIFT_SHEET, request)
        self._row = sheet.shift
        return sheet.nozzles

    def action_leave(self) -> None:
        """Go back to the list."""
        self.app.pop_screen()

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Show all of a nozzle."""
        self.app.push_screen(NozzleScreen(self.desk, self._row.shift_no, chosen.row))

    def action_print(self) -> None:
        """Print the slip again."""
        self.run_worker(self._print(), group="print", exclusive=True)

    async def _print(self) -> None:
        from tui.screens.shifts import print_slip

        try:
            await print_slip(self, self._row.receipt_no, self._row.shift_no)
        except StationError as error:
            self.say_error(error)


class NozzleScreen(StationScreen):
    """Every figure of a nozzle in a shift."""

    HELP = mark(
        "Everything that is kept of a nozzle in a shift: its totaliser with gas and "
        "money when it was taken over and handed over, what it sold and how it was "
        "paid. A - is told after the count."
    )
    DEFAULT_CSS = "NozzleScreen #figures { padding: 0 1; }"

    def __init__(self, desk: Desk, shift_no: int, row: ShiftNozzle) -> None:
        super().__init__(desk)
        self._shift_no, self._row = shift_no, row

    def parts(self) -> Iterable[Widget]:
        """One text in two columns."""
        yield Drawn(self._text, id="figures")

    def offered_keys(self) -> Keys:
        """Name the way back."""
        return [("Esc", _("back"))]

    def action_leave(self) -> None:
        """Go back to the nozzles."""
        self.app.pop_screen()

    def _text(self) -> Content:
        title = filled(
            mark("Shift {shift}, nozzle {nozzle}"),
            shift=self._shift_no,
            nozzle=self._row.nozzle_no,
        )
        told = [_pair(label, text) for label, text in every_figure(self._row)]
        half = (len(told) + 1) // 2
        both = zip_longest(told[:half], told[half:], fillvalue="")
        lines = [line(f"{left}  {right}".rstrip()) for left, right in both]
        if not is_money_told(self._row):
            lines.append(line((_(HIDDEN), "$text-muted")))
        return stacked([line((title, "bold")), Content(""), *lines])


HIDDEN = mark("- is told after the count.")


def _pair(label: str, text: str) -> str:
    wide = _COLUMN // 2
    return f"{fit(label, wide)} {fit(text, _COLUMN - wide - 1, right=True)}"
