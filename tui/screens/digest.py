"""The daily digest (日报摘要): sums first, then each row to look at."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.audit import (
    DIGEST_PRINT,
    DIGEST_SHOW,
    DigestLine,
    DigestQuery,
    DigestView,
)
from tui.desk import Desk
from tui.figures import short_time
from tui.screens.audit_trail import act_text
from tui.screens.station_screen import StationScreen
from tui.texts import filled, labelled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line, stacked

_SUMS_A_LINE = 3
_PRINTED = mark("Slip {number} is being printed.")


def _act(row: DigestLine) -> str:
    times = f" x {row.times}" if row.times > 1 else ""
    return act_text(row.title, "", is_second=False) + times


def _people(row: DigestLine) -> str:
    return "+".join(one for one in (row.first_no, row.second_no) if one) or "-"


_COLUMNS = (
    Column(mark("When"), 11, lambda row: short_time(row.at_ms)),
    Column(mark("Act"), 22, _act),
    Column(mark("Who"), 9, _people),
    Column(mark("Of"), 16, lambda row: row.subject),
    Column(mark("Reason"), 60, lambda row: row.reason),
)


class DigestScreen(StationScreen):
    """One business day; left and right go to the day before and after."""

    HELP = mark(
        "What to look at of a business day: acts of two people, money taken back, "
        "rules overridden, rows closed by words, personal numbers shown, books taken "
        "out, operators changed, lock-outs and refusals. When the day has turned it is "
        "closed and goes to head office. ← and → change the day. P prints it; a day "
        "that is closed is printed once, then as a copy."
    )
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", show=False, priority=True),
        Binding("right", "turn(1)", show=False, priority=True),
        Binding("p", "print", show=False, priority=True),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    DigestScreen #sums { padding: 0 1; border-bottom: solid $primary; height: auto; }
    DigestScreen #chosen { padding: 0 1; border-top: solid $primary; height: 4; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._view: DigestView | None = None

    def parts(self) -> Iterable[Widget]:
        """Sums, rows, and what the chosen row says."""
        yield Drawn(self._sums, id="sums")
        yield LazyTable()
        yield Drawn(self._chosen, id="chosen")

    def on_mount(self) -> None:
        """Ask for today's."""
        super().on_mount()
        self.run_worker(self._fetch(""), group="digest", exclusive=True)

    def offered_keys(self) -> Keys:
        """Name the keys."""
        return [
            ("←→", _("day before, after")),
            ("↑↓", _("move")),
            ("P", _("print")),
            ("Esc", _("back")),
        ]

    def on_key(self, event: events.Key) -> None:
        """The chosen row decides the text below."""
        self.call_after_refresh(self.redraw)

    def action_leave(self) -> None:
        """Go back to where it was opened."""
        self.app.pop_screen()

    def action_turn(self, days: int) -> None:
        """Show another day."""
        if self._view is not None:
            shown = date.fromisoformat(self._view.business_day)
            day = (shown + timedelta(days=days)).isoformat()
            self.run_worker(self._fetch(day), group="digest", exclusive=True)

    def action_print(self) -> None:
        """Have the day that is shown printed."""
        if self._view is not None:
            day = self._view.business_day
            self.run_worker(self._print(day), group="print", exclusive=True)

    async def _print(self, day: str) -> None:
        try:
            made = await self.desk.link.call(DIGEST_PRINT, DigestQuery(day=day))
        except StationError as error:
            self.say_error(error)
        else:
            self.say(filled(_PRINTED, number=f"{made.receipt_no:08d}"))

    async def _fetch(self, day: str) -> None:
        try:
            self._view = await self.desk.link.call(DIGEST_SHOW, DigestQuery(day=day))
        except StationError as error:
            self.say_error(error)
        if self.is_mounted and self._view is not None:
            self.query_one(LazyTable).show_rows(_COLUMNS, self._view.rows)
        self.redraw()

    def _sums(self) -> Content:
        view = self._view
        if view is None:
            return line((_("Daily digest"), "bold"), "  ", _("One moment ..."))
        state = _("not closed yet")
        if view.seq:
            state = filled(_("closed, row {seq} of the chain"), seq=view.seq)
        name = _("Daily digest")
        title = (f"{name} {clean(view.business_day)}", "bold")
        sums = [labelled(_(each.title), each.count) for each in view.sums]
        firsts = range(0, len(sums), _SUMS_A_LINE)
        shown = [line("   ".join(sums[at : at + _SUMS_A_LINE])) for at in firsts]
        more = filled(_("{count} more rows are in the books"), count=view.more)
        return stacked(
            [line(title, f"  {state}"), *shown, *([line(more)] if view.more else [])]
        )

    def _chosen(self) -> Content:
        tables = self.query(LazyTable)
        row = tables.first().chosen if tables else None
        if row is None:
            empty = self._view is not None
            return line(_("Nothing of this day has to be looked at.") if empty else "")
        change = " > ".join(one for one in (row.before, row.after) if one)
        told = (
            (_("Terminal"), row.terminal),
            (_("Change"), change),
            (_("Row"), str(row.seq)),
        )
        said = "   ".join(labelled(name, clean(text)) for name, text in told if text)
        lines = [line((clean(_act(row)), "bold"), f"  {clean(row.subject)}")]
        lines += [line(said)]
        lines += [line(clean(row.reason))] if row.reason else []
        return stacked(lines)
