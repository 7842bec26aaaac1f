"""The lists of the shifts: past handovers, fills without a card, crews."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from cngstation.errors import StationError
from cngstation.language import _, mark
from cngstation.rpc.contract.shifts import (
    FILL_LIST,
    SHIFT_LIST,
    SHIFT_SHOW,
    CashFillRow,
    FillQuery,
    ShiftQuery,
)
from cngstation.rpc.session import Nothing
from cngstation.units import quantity_text, yuan_text
from tui.desk import Desk
from tui.figures import short_time
from tui.screens.crew_forms import (
    CrewScreen,
    RetireCrewScreen,
    RetireStaffScreen,
    StaffScreen,
)
from tui.screens.list_screen import ListScreen
from tui.screens.paged_screen import PAGE, PagedScreen
from tui.screens.shift_forms import MarkFillScreen, SettleScreen
from tui.screens.shift_sheet import ShiftSheetScreen
from tui.screens.shifts import ShiftsScreen, print_slip
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.words import word

if TYPE_CHECKING:
    from cngstation.rpc.contract.shifts import PastShift


def _what_it_was(row: CashFillRow) -> str:
    return ("? " if row.waits else "") + word(row.marked or "cash")


def _amount(row: CashFillRow) -> str:
    return "-" if row.amount_e4 is None else yuan_text(row.amount_e4)


class _ListScreen(ListScreen):
    """A table above the shifts; Esc goes back to them."""

    def __init__(self, desk: Desk, shifts: ShiftsScreen) -> None:
        super().__init__(desk)
        self._shifts = shifts

    def action_leave(self) -> None:
        """Go back to the shifts."""
        self.station_app.back_to(self._shifts)
        self._shifts.fetch()


class _PagedScreen(PagedScreen):
    """A long table above the shifts; Esc goes back to them."""

    def __init__(self, desk: Desk, shifts: ShiftsScreen) -> None:
        super().__init__(desk)
        self._shifts = shifts

    def action_leave(self) -> None:
        """Go back to the shifts."""
        self.station_app.back_to(self._shifts)
        self._shifts.fetch()


class PastShiftsScreen(_PagedScreen):
    """Enter shows the nozzles, p prints the slip again, s brings what is owed."""

    TITLE_TEXT = mark("Past handovers")
    HELP = mark(
        "Newest first. Enter shows the nozzles of the marked shift, p prints its slip "
        "again, as a copy; s takes what it still owes. / filters by crew and business "
        "days such as 2026-11-21, both included."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "settle", show=False),
        Binding("p", "print", show=False),
    ]
    FIELDS = (
        ("crew_no", mark("Crew"), 4),
        ("first_day", mark("From day"), 10),
        ("last_day", mark("To day"), 10),
    )
    COLUMNS = (
        Column(mark("Shift"), 5, lambda r: str(r.shift_no), right=True, stays=True),
        Column(mark("Crew"), 12, lambda r: f"{r.crew_no} {r.crew_name}", least=6),
        Column(mark("Day"), 10, lambda r: r.business_day),
        Column(mark("Ended"), 11, lambda r: short_time(r.ended_ms)),
        Column(mark("Fills"), 5, lambda r: str(r.fills), right=True),
        Column(mark("Due"), 8, lambda r: yuan_text(r.due_e4), right=True),
        Column(mark("Counted"), 8, lambda r: yuan_text(r.counted_e4), right=True),
        Column(mark("Differs"), 7, lambda r: _unless_zero(r.over_e4), right=True),
        Column(mark("Owes"), 7, lambda r: _unless_zero(r.owed_e4), right=True),
        Column(mark("How"), 12, lambda r: word(r.how)),
        Column(mark("Receipt"), 8, lambda r: str(r.receipt_no), right=True),
    )

    def list_keys(self) -> Keys:
        """Name what helps here."""
        keys = [("Enter", _("nozzles")), ("p", _("print again"))]
        return [*keys, ("s", _("bring what is owed")), ("↑↓", _("move"))]

    async def page(
        self, wanted: dict[str, str], after: Any
    ) -> tuple[Sequence[Any], Any]:
        """Return ended shifts."""
        query = ShiftQuery.model_validate(
            {"limit": PAGE, "before_no": after or 0, **wanted}
        )
        told = await self.desk.link.call(SHIFT_LIST, query)
        return told.rows, told.next_no

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Show the nozzles."""
        self.app.push_screen(ShiftSheetScreen(self.desk, chosen.row))

    def action_print(self) -> None:
        """Print the slip again."""
        if self.chosen is not None:
            self.run_worker(self._print(self.chosen), group="print", exclusive=True)

    async def _print(self, row: "PastShift") -> None:
        try:
            await print_slip(self, row.receipt_no, row.shift_no)
        except StationError as error:
            self.say_error(error)

    def action_settle(self) -> None:
        """Take what the marked shift owes."""
        row = self.chosen
        if row is None or not row.owed_e4:
            self.say(_("This shift owes nothing."))
        else:
            self.app.push_screen(SettleScreen(self.desk, self._shifts, row))


class CashFillsScreen(_PagedScreen):
    """Enter says what a fill was."""

    TITLE_TEXT = mark("Fills without a card")
    HELP = mark(
        "The fills of the shift on duty, then those of nobody's. Enter says of the "
        "marked one what it was, with the reason. ? waits for a second person. - "
        "stands for an amount that the crew has to count first. / filters by nozzle; m "
        "lists those alone that nobody has marked."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "unmarked", show=False)]
    FIELDS = (("nozzle_no", mark("Nozzle"), 2),)
    COLUMNS = (
        Column(mark("Time"), 11, lambda r: short_time(r.at_ms)),
        Column(mark("Shift"), 6, lambda r: str(r.shift_no or "-"), right=True),
        Column(mark("No"), 3, lambda r: str(r.nozzle_no), right=True),
        Column(mark("Fill"), 7, lambda r: str(r.device_seq), right=True),
        Column(
            mark("Quantity"), 9, lambda r: quantity_text(r.quantity_milli), right=True
        ),
        Column(mark("Amount"), 9, _amount, right=True),
        Column(mark("What it was"), 12, _what_it_was),
        Column(mark("Reason"), 30, lambda r: r.reason, least=8),
    )

    def __init__(self, desk: Desk, shifts: ShiftsScreen) -> None:
        super().__init__(desk, shifts)
        self._only_unmarked = False

    def list_keys(self) -> Keys:
        """Name what helps here."""
        others = _("all of them") if self._only_unmarked else _("unmarked only")
        return [("Enter", _("say what it was")), ("m", others), ("↑↓", _("move"))]

    def action_unmarked(self) -> None:
        """List those alone that nobody has marked, or all again."""
        self._only_unmarked = not self._only_unmarked
        self.query_one(LazyTable).action_to_end(-1)
        self.on_input_submitted()

    async def page(
        self, wanted: dict[str, str], after: Any
    ) -> tuple[Sequence[Any], Any]:
        """Return the fills of the shift, and behind them those of nobody's."""
        shift = self._shifts.shift
        first = shift.shift_no if shift else 0
        number, before = after or (first, 0)
        query = FillQuery.model_validate(
            {
                "shift_no": number,
                "limit": PAGE,
                "before_seq": before,
                "nozzle_no": int(wanted["nozzle_no"] or 0),
                "only_unmarked": self._only_unmarked,
            }
        )
        told = await self.desk.link.call(FILL_LIST, query)
        if told.next_seq:
            return told.rows, (number, told.next_seq)
        if not number:
            return told.rows, None
        rows, after = await self.page(wanted, (0, 0))
        return [*told.rows, *rows], after

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open the form."""
        self.app.push_screen(MarkFillScreen(self.desk, self._shifts, chosen.row))


class CrewsScreen(_ListScreen):
    """n registers a crew, a gives it a staff card, r and x retire crew and card."""

    TITLE_TEXT = mark("Crews")
    HELP = mark(
        "n registers a crew or changes one, a says which staff card is its. r says "
        "that the marked crew works no more, or again; x that a staff card of it does "
        "not."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "crew", show=False),
        Binding("a", "staff", show=False),
        Binding("r", "retire('RetireCrewScreen')", show=False),
        Binding("x", "retire('RetireStaffScreen')", show=False),
    ]
    COLUMNS = (
        Column(mark("Crew"), 5, lambda r: r.crew_no, right=True),
        Column(mark("Name"), 16, lambda r: r.name),
        Column(mark("Works"), 6, lambda r: _("no") if r.retired else ""),
        Column(mark("Staff cards"), 44, lambda r: r.staff_cards),
    )

    def offered_keys(self) -> Keys:
        """Name what helps here."""
        keys = [("n", _("new crew")), ("a", _("staff card"))]
        keys += [("r", _("works no more")), ("x", _("card no more"))]
        return [*keys, ("Esc", _("back"))]

    async def rows(self) -> Sequence[Any]:
        """Return the crews."""
        return (await self.desk.link.call(SHIFT_SHOW, Nothing())).crews

    def action_crew(self) -> None:
        """Open the form of a crew."""
        self.app.push_screen(CrewScreen(self.desk, self._shifts))

    def action_staff(self) -> None:
        """Open the form of a staff card."""
        self.app.push_screen(StaffScreen(self.desk, self._shifts))

    def action_retire(self, form: str) -> None:
        """Open the form about the marked crew."""
        row = self.chosen
        if row is not None:
            made = {
                each.__name__: each for each in (RetireCrewScreen, RetireStaffScreen)
            }
            self.app.push_screen(made[form](self.desk, self._shifts, row))


def _unless_zero(e4: int) -> str:
    return yuan_text(e4) if e4 else ""
