"""Shifts (班组): who is on duty, what differs, handover; each by one key."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import RECEIPT_PRINT, ReceiptRequest
from cngstation.rpc.contract.figures import OpenRow
from cngstation.rpc.contract.shifts import (
    SHIFT_CHECK,
    SHIFT_LIST,
    SHIFT_SHOW,
    OpenShift,
    ShiftQuery,
    ShiftRequest,
    ShiftsNow,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.figures import short_time
from tui.nozzle_columns import NOZZLE_COLUMNS, is_money_told
from tui.screens.shift_sheet import HIDDEN, NozzleScreen
from tui.screens.station_screen import StationScreen
from tui.texts import filled, sentence
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import LazyTable
from tui.widgets.lines import Drawn, line, stacked

_HEAD = mark("Shift {shift}  crew {crew}  day {day}  since {since}")
_DIFFERENCES = mark("{count} differences to be explained:")
_CHECKED = mark("Checked: every totaliser agrees with its fills.")
_PRINTED = mark("The slip of shift {shift} is being printed.")
_READ_TIMEOUT_S = 60  # every nozzle of a line is read twice, and what it kept fetched
_ROWS = 4


class ShiftsScreen(StationScreen):
    """A letter or a digit does what stands in the line of keys."""

    HELP = mark(
        "Each shift with its nozzles; < and > turn to more columns, Enter shows every "
        "figure of the marked nozzle. c reads every totaliser and compares it with "
        "its fills; e explains the first difference; h hands over: count the money "
        "first, it is not told before. n goes on duty, o off duty, u says of a fill "
        "without a card what it was, f closes the shift of a crew that is away. l "
        "lists past handovers, w the crews, p prints the last slip again."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", show=False),
        Binding("n,1", "form('OnDutyScreen')", show=False),
        Binding("o,2", "form('OffDutyScreen')", show=False),
        Binding("c,3", "check", show=False),
        Binding("e,4", "explain", show=False),
        Binding("h,5", "form('HandOverScreen')", show=False),
        Binding("p,6", "print_last", show=False),
        Binding("u,7", "table('CashFillsScreen')", show=False),
        Binding("l,8", "table('PastShiftsScreen')", show=False),
        Binding("w,9", "table('CrewsScreen')", show=False),
        Binding("f,0", "form('ForceScreen')", show=False),
    ]
    AUTO_FOCUS = "LazyTable"
    DEFAULT_CSS = """
    ShiftsScreen Drawn { padding: 0 1; }
    ShiftsScreen LazyTable { height: 1fr; min-height: 4; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.view: ShiftsNow | None = None
        self._chosen = 0

    def parts(self) -> Iterable[Widget]:
        """Which shift it is, its nozzles, what is open of it."""
        yield Drawn(self._head)
        yield LazyTable()
        yield Drawn(self._below)

    def on_mount(self) -> None:
        """Ask who is on duty."""
        self.fetch()

    def offered_keys(self) -> Keys:
        """Name what each key does."""
        open_now: Keys = []
        if self.shift is not None:
            open_now = [
                ("c", _("check differences")),
                ("e", _("explain")),
                ("h", _("hand over")),
                ("o", _("off duty")),
                ("u", _("mark fills")),
                ("f", _("by force")),
            ]
        if self.shift is not None:
            open_now.append(("Enter", _("all figures")))
        return [
            *open_now,
            ("n", _("on duty")),
            ("p", _("print")),
            ("l", _("past ones")),
            ("w", _("crews")),
            ("Esc", _("back")),
        ]

    @property
    def shift(self) -> OpenShift | None:
        """The open shift that is shown."""
        if self.view is None or not self.view.shifts:
            return None
        return self.view.shifts[self._chosen % len(self.view.shifts)]

    def fetch(self) -> None:
        """Ask anew who is on duty."""
        self._ask(lambda: self.desk.link.call(SHIFT_SHOW, Nothing()))

    def came_back(self, done: str, kind: str = "done") -> None:
        """Say what a form above has done, and show how it is now."""
        self.say(done, kind)
        self.fetch()

    def _ask(self, ask: Callable[[], Any], done: str = "") -> None:
        self.run_worker(self._fetch(ask, done), group="shifts", exclusive=True)

    async def _fetch(self, ask: Callable[[], Any], done: str) -> None:
        try:
            self.view = await ask()
        except StationError as error:
            self.say_error(error)
            return
        if done and self.shift is not None and not self.shift.differences:
            self.say(done, "done")
        elif done:
            self.say("")
        self._show()

    def _show(self) -> None:
        for table in self.query(LazyTable):
            nozzles = self.shift.nozzles if self.shift else ()
            table.display = bool(nozzles)
            table.styles.max_height = len(nozzles) + 1
            table.renew_rows(NOZZLE_COLUMNS, nozzles)
        if self.is_mounted:
            self.redraw()

    def action_turn(self, by: int) -> None:
        """Show another open shift."""
        self._chosen += by
        for table in self.query(LazyTable):
            table.action_to_end(-1)
        self._show()

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Show all of a nozzle."""
        if self.shift is not None:
            number = self.shift.shift_no
            self.app.push_screen(NozzleScreen(self.desk, number, chosen.row))

    def action_check(self) -> None:
        """Read every totaliser of the shift and compare."""
        shift = self.shift
        if shift is None:
            return
        self.say(_("Reading the totalisers ..."))
        request = ShiftRequest(shift_no=shift.shift_no)
        self._ask(
            lambda: self.desk.link.call(
                SHIFT_CHECK, request, timeout_s=_READ_TIMEOUT_S
            ),
            _(_CHECKED),
        )

    def action_explain(self) -> None:
        """Explain the first difference."""
        shift = self.shift
        if shift is None or not shift.differences:
            self.say(_("No difference is to be explained."))
            return
        from tui.screens.shift_forms import ExplainDifferenceScreen

        first = shift.differences[0]
        row = OpenRow(
            row_id=first.row_id, kind="totaliser_break", subject="", text=first.text,
            cure="", facts=first.facts, at_ms=first.at_ms, intent_id="", people=1,
        )  # fmt: skip
        self.app.push_screen(ExplainDifferenceScreen(self.desk, row, self))

    def action_form(self, name: str) -> None:
        """Open one of the forms."""
        from tui.screens import shift_forms

        if name != "OnDutyScreen" and self.shift is None:
            self.say(_("No shift is open. n puts a crew on duty."))
            return
        self.app.push_screen(getattr(shift_forms, name)(self.desk, self))

    def action_table(self, name: str) -> None:
        """Open one of the lists."""
        from tui.screens import shift_lists

        self.app.push_screen(getattr(shift_lists, name)(self.desk, self))

    def action_print_last(self) -> None:
        """Print the slip of the newest handover again."""
        self.run_worker(self._print_last(), group="print", exclusive=True)

    async def _print_last(self) -> None:
        try:
            past = await self.desk.link.call(SHIFT_LIST, ShiftQuery(limit=1))
            if not past.rows:
                self.say(_("Nothing was handed over yet."))
                return
            await print_slip(self, past.rows[0].receipt_no, past.rows[0].shift_no)
        except StationError as error:
            self.say_error(error)

    # What is shown.

    def _head(self) -> Content:
        if self.view is None:
            return line(_("One moment ..."))
        shift = self.shift
        if shift is None:
            return line((_("Nobody is on duty."), "bold"))
        count = len(self.view.shifts)
        which = f"  < {self._chosen % count + 1}/{count} >" if count > 1 else ""
        head = filled(
            _HEAD,
            shift=shift.shift_no,
            crew=clean(f"{shift.crew_no} {shift.crew_name}".strip()) or "?",
            day=shift.business_day,
            since=short_time(shift.since_ms),
        )
        rows = [line((head, "bold"), which)]
        if shift.is_open_long:
            rows.append(line((_("! open for too long: hand it over"), "$warning")))
        return stacked(rows)

    def _below(self) -> Content:
        shift = self.shift
        rows = self._free()
        if shift is None:
            return stacked(rows)
        if not all(is_money_told(nozzle) for nozzle in shift.nozzles):
            rows.append(line((_(HIDDEN), "$text-muted")))
        return stacked([*rows, *_differences(shift)])

    def _free(self) -> list[Content]:
        free = self.view.free_nozzles if self.view else ()
        if not free:
            return []
        numbers = " ".join(map(str, free))
        text = filled(mark("Nobody is at nozzles {nozzles}."), nozzles=numbers)
        return [line((text, "$text-muted"))]


async def print_slip(screen: StationScreen, receipt_no: int, shift_no: int) -> None:
    """Print the slip of a handover again, as a copy."""
    request = ReceiptRequest(receipt_no=receipt_no)
    await screen.desk.link.call(RECEIPT_PRINT, request, timeout_s=30)
    screen.say(filled(_PRINTED, shift=shift_no), "done")


def _differences(shift: OpenShift) -> list[Content]:
    if not shift.differences:
        return []
    head = filled(_DIFFERENCES, count=len(shift.differences))
    rows = [Content(""), line((head, "bold $warning"))]
    for number, each in enumerate(shift.differences[:_ROWS]):
        sign = "e" if number == 0 else " "
        rows.append(line(f"{sign} {sentence(each.text, each.facts)}"))
    return rows
