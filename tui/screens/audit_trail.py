"""The audit trail (审计): who did what, newest first, and one row with all of it."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.rpc.contract.audit import (
    AUDIT_LIST,
    AUDIT_SHOW,
    AuditDetail,
    AuditOne,
    AuditQuery,
    AuditRow,
)
from tui.desk import Desk
from tui.figures import short_time
from tui.screens.station_screen import StationScreen
from tui.texts import filled, labelled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_PAGE = 100
_AHEAD = 30  # rows below the cursor when the next page is asked for
# What a page of nothing is followed by, before the screen says that it goes on.
_MOST_EMPTY = 20
_FIELDS = ("operator_no", "act", "subject", "outcome", "day")
_LABELS = {
    "operator_no": mark("Operator"),
    "act": mark("Act"),
    "subject": mark("Of"),
    "outcome": mark("Outcome"),
    "day": mark("Day"),
}


def act_text(title: str, field: str, *, is_second: bool) -> str:
    """Write what an act is called, with the field that it changed."""
    text = _(title)
    if field:
        text = f"{text} ({word(field)})"
    if is_second:
        text = _("{act}: second person").replace("{act}", text)
    return text


def _act(row: AuditRow) -> str:
    return act_text(row.title, row.field, is_second=row.is_second)


def _who(row: AuditRow) -> str:
    return f"{row.operator_no} {row.operator_name}".strip() or _("station")


_COLUMNS = (
    Column(mark("When"), 11, lambda row: short_time(row.at_ms)),
    Column(mark("Who"), 14, _who),
    Column(mark("Act"), 24, _act),
    Column(mark("Outcome"), 8, lambda row: word(row.outcome)),
    Column(mark("Of"), 40, lambda row: row.subject),
    Column(mark("Terminal"), 20, lambda row: row.terminal),
)


class AuditTrailScreen(StationScreen):
    """Rows page by page; / filters, Enter opens a row, d shows the digest."""

    HELP = mark(
        "Every act, newest first: who, what, of what, how it ended. / goes to the "
        "filters: operator's number, a part of the act's name, of whom or what, how it "
        "ended, a day such as 2026-11-21; Enter looks for it. Enter on a row shows all "
        "that is kept of it. d shows the daily digest, x writes an auditor's file."
    )
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    AuditTrailScreen #title { padding: 0 1; text-style: bold; }
    AuditTrailScreen #filters { height: 1; padding: 0 1; }
    AuditTrailScreen #filters Drawn { width: auto; padding: 0 1 0 0; }
    AuditTrailScreen #filters Input { width: 1fr; margin: 0 1 0 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._rows: list[AuditRow] = []
        self._next_seq: int | None = None  # None: nothing was asked for yet
        self._asking = False

    def parts(self) -> Iterable[Widget]:
        """Title, filters on one line, the rows."""
        yield Drawn(self._title, id="title")
        with Horizontal(id="filters"):
            for name in _FIELDS:
                yield Drawn(lambda name=name: line(_(_LABELS[name])))  # type: ignore[misc] # bound at once
                yield Input(id=name, compact=True, max_length=40)
        yield LazyTable()

    def on_mount(self) -> None:
        """Ask for the newest page."""
        super().on_mount()
        self._begin()

    def offered_keys(self) -> Keys:
        """Name what goes on."""
        if isinstance(self.focused, Input):
            return [("Enter", _("look for it")), ("Esc", _("to the rows"))]
        return [
            ("Enter", _("all of a row")),
            ("/", _("filter")),
            ("d", _("daily digest")),
            ("x", _("file for an auditor")),
            ("Esc", _("back")),
        ]

    def on_key(self, event: events.Key) -> None:
        """Letters work on the rows; further down more of them are asked for."""
        if isinstance(self.focused, Input):
            if event.key == "escape":
                self.query_one(LazyTable).focus()
                event.stop()
            return
        match event.character:
            case "/":
                self.query(Input).first().focus()
            case "d":
                from tui.screens.digest import DigestScreen

                self.app.push_screen(DigestScreen(self.desk))
            case "x":
                from tui.screens.export_audit import ExportAuditScreen

                self.app.push_screen(ExportAuditScreen(self.desk))
            case _:
                # The table moves only after this.
                self.call_after_refresh(self._more, to_end=event.key == "end")
                return
        event.stop()

    def on_input_submitted(self) -> None:
        """Look for what was typed."""
        self.query_one(LazyTable).focus()
        self._begin()

    def _begin(self) -> None:
        self._rows, self._next_seq = [], None
        self.query_one(LazyTable).show_rows(_COLUMNS, self._rows)
        self.run_worker(self._fetch(), group="audit", exclusive=True)

    def _more(self, *, to_end: bool = False) -> None:
        if not self.is_mounted or self._asking or not self._next_seq:
            return
        if to_end or self.query_one(LazyTable).cursor >= len(self._rows) - _AHEAD:
            self.run_worker(self._fetch(), group="audit", exclusive=True)

    async def _fetch(self) -> None:
        """Ask for the next rows; pages on which nothing fits are passed over."""
        self._asking = True
        typed = {name: self.query_one(f"#{name}", Input).value for name in _FIELDS}
        wanted = {name: text.strip() for name, text in typed.items()}
        try:
            for _page in range(_MOST_EMPTY):
                query = AuditQuery(
                    limit=_PAGE, before_seq=self._next_seq or 0, **wanted
                )
                told = await self.desk.link.call(AUDIT_LIST, query)
                self._next_seq = told.next_seq
                self._rows = [*self._rows, *told.rows]
                if told.rows or not told.next_seq:
                    break
        except StationError as error:
            self._next_seq = self._next_seq or 0
            self.say_error(error)
        finally:
            self._asking = False
        if self.is_mounted:
            self.query_one(LazyTable).renew_rows(_COLUMNS, self._rows)
            self.redraw()
            self.call_after_refresh(self._more)

    def _title(self) -> Content:
        title = (_("Audit trail"), "bold")
        if self._next_seq is None:
            return line(title, "  ", _("One moment ..."))
        text = _("  {rows} rows, more below") if self._next_seq else _("  {rows} rows")
        return line(title, filled(text, rows=len(self._rows)))

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open a row."""
        self.app.push_screen(AuditRowScreen(self.desk, chosen.row))


class AuditRowScreen(StationScreen):
    """Everything that is kept of a row."""

    HELP = mark(
        "A row of the audit: three readings of the clock (the wall clock, the time "
        "since the machine's start, and which start that was), the terminal, what it "
        "was before and after, why, both people, and its place in the chain."
    )
    DEFAULT_CSS = """
    AuditRowScreen #row { padding: 0 1; }
    """

    def __init__(self, desk: Desk, row: AuditRow) -> None:
        super().__init__(desk)
        self._row = row
        self._detail: AuditDetail | None = None

    def parts(self) -> Iterable[Widget]:
        """One text."""
        yield Drawn(self._text, id="row")

    def on_mount(self) -> None:
        """Ask for it."""
        super().on_mount()
        self.run_worker(self._fetch(), group="audit")

    def offered_keys(self) -> Keys:
        """Name the way back."""
        return [("Esc", _("back to the rows"))]

    def action_leave(self) -> None:
        """Go back to the rows."""
        self.app.pop_screen()

    async def _fetch(self) -> None:
        try:
            one = AuditOne(seq=self._row.seq)
            self._detail = await self.desk.link.call(AUDIT_SHOW, one)
        except StationError as error:
            self.say_error(error)
        self.redraw()

    def _text(self) -> Content:
        row, detail = self._row, self._detail
        lines = [line((clean(_act(row)), "bold")), line("")]
        if detail is None:
            return stacked([*lines, line(_("One moment ..."))])
        since = filled(_("{seconds} s after the start"), seconds=detail.mono_ms // 1000)
        place = filled(
            _("row {seq} of {rows}, life {life} of the books"),
            seq=row.seq,
            rows=detail.chain_rows,
            life=detail.epoch,
        )
        told = (
            (_("Code"), row.act),
            (_("Of"), row.subject),
            (_("Outcome"), word(row.outcome)),
            (_("First operator"), _person(detail.first_no, detail.first_name)),
            (_("Second operator"), _person(detail.second_no, detail.second_name)),
            (_("Terminal"), row.terminal),
            (_("Reason"), detail.reason),
            (_("Before the act"), detail.before),
            (_("After the act"), detail.after),
            (_("Wall clock"), time_text(row.at_ms)),
            (_("Machine's clock"), since),
            (_("Machine's start"), detail.boot_id),
            (_("In the chain"), place),
            (_("Head before"), detail.head_before[:32]),
            (_("Head"), detail.head[:32]),
        )
        lines += [line(labelled(name, clean(text))) for name, text in told if text]
        return stacked(lines)


def _person(number: str, name: str) -> str:
    return f"{number} {name}".strip()
