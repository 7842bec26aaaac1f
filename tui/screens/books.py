"""The books: prove them now, and finish what is open with the card on the reader."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.language import _, mark
from cngstation.moments import time_text
from cngstation.rpc.contract.counter import (
    BOOKS_ANCHORED,
    BOOKS_VERIFY,
    CARD_GIVE_BACK,
    CARD_SETTLE,
    ActReply,
    ActRequest,
    ActState,
    LastAnchor,
)
from cngstation.rpc.contract.figures import OpenRow
from cngstation.rpc.method import Method
from cngstation.rpc.session import Nothing
from tui.acts import carry_out
from tui.areas import Area
from tui.desk import Desk
from tui.figures import fen_text, purse_text, short_time
from tui.screens.anchor import AnchorScreen
from tui.screens.explain_row import ExplainRowScreen
from tui.screens.station_screen import StationScreen
from tui.texts import error_sentence, filled, labelled, sentence
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, Lines, line, stacked
from tui.words import word

_VERIFY_TIMEOUT_S = 300  # a year of rows on a slow disk
_ANCHORED = mark(
    "Last anchored {minutes} min ago: row {seq} {head}; {rows_since} rows since."
)
_SETTLED = mark("Finished: the card holds {after} now. Receipt {receipt_no}.")
_GIVEN_BACK = mark("Gave {cash} yuan back; the top-up is void.")
_COLUMNS = (
    Column(mark("Since"), 11, lambda row: short_time(row.at_ms)),
    Column(mark("What"), 12, lambda row: word(row.kind)),
    Column(mark("Whose"), 14, lambda row: row.subject),
    Column(mark("What happened"), 80, lambda row: sentence(row.text, row.facts)),
)


class BooksScreen(StationScreen):
    """V proves the books, A compares a slip, Enter finishes a row, G gives back."""

    HELP = mark(
        "V reads every record of the books and proves them. A compares them with row "
        "and head as a slip has them. Below stands what was cut off: put that card on "
        "the reader, choose the row, Enter finishes it. G, pressed twice, gives the "
        "money back instead. E closes a row that only a reason closes. X writes a "
        "file for an auditor."
    )
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", show=False),
        Binding("a", "compare", show=False),
        Binding("g", "give_back", show=False),
        Binding("e", "explain", show=False),
        Binding("x", "export", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    BooksScreen #verdict { padding: 0 1; height: auto; min-height: 4;
        border-bottom: solid $primary; }
    BooksScreen #cure { padding: 0 1; height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._verifying = False
        self._acting = False
        self._asked_to_give_back = ""
        self._newest: LastAnchor | None = None

    def on_mount(self) -> None:
        """Ask where the books were said to stand last."""
        self.run_worker(self._ask_anchored(), group="anchored")

    async def _ask_anchored(self) -> None:
        try:
            self._newest = await self.desk.link.call(BOOKS_ANCHORED, Nothing())
        except StationError as error:
            self.say_error(error)
        if self.is_mounted:
            self.redraw()

    def parts(self) -> Iterable[Widget]:
        """Verdict, open rows, and what cures the chosen one."""
        yield Drawn(self._verdict, areas=Area.BOOKS, id="verdict")
        yield LazyTable()
        yield Drawn(self._cure, areas=Area.OPEN_ROWS, id="cure")

    def offered_keys(self) -> Keys:
        """Name what helps with the chosen row."""
        row = self._row
        on_row: Keys = []
        if row is not None and row.intent_id:
            on_row = [("Enter", _("finish it")), ("G G", _("give the money back"))]
        if row is not None and row.people:
            on_row = [("E", _("close with a reason"))]
        of_books = [("V", _("prove the books")), ("A", _("compare with a slip"))]
        of_books.append(("X", _("file for an auditor")))
        return [*on_row, *of_books, ("Esc", _("back"))]

    @property
    def _row(self) -> OpenRow | None:
        if not self.is_mounted:
            return None
        return self.query_one(LazyTable).chosen

    def draw(self, areas: Area) -> None:
        """Draw; the rows stay where they are unless they have changed."""
        if self.is_mounted and Area.OPEN_ROWS in areas:
            self._asked_to_give_back = ""
            rows = self.desk.picture.open_rows
            for table in self.query(LazyTable):
                table.show_rows(_COLUMNS, rows)
        super().draw(areas)

    def redraw(self) -> None:
        """Draw the texts about the chosen row."""
        for lines in self.query(Lines):
            lines.redraw()

    def _verdict(self) -> Content:
        books = self.desk.picture.books
        if self._verifying:
            return line((_("Reading every record ..."), "bold"))
        if books is None:
            unchecked = line(
                _("The books were not checked since the start. V does it.")
            )
            return stacked([unchecked, *self._last_anchor()])
        shape, text = ("✔", _("The books hold.")), "$success"
        if not books.proved:
            shape, text = ("✖", _("The books do not hold.")), "$error"
        rows = [
            line((" ".join(shape), f"bold {text}"), f"   {time_text(books.at_ms)}"),
            line(
                labelled(_("Records"), books.rows) + "   ",
                labelled(_("open"), books.open_rows),
            ),
            line(labelled(_("Head"), books.head)),
        ]
        if not books.proved:
            found = sentence(books.text, books.facts)
            first_bad = labelled(_("First bad:"), found)
            rows.append(line((first_bad, "bold $error")))
        return stacked([*rows, *self._last_anchor()])

    def _last_anchor(self) -> Iterable[Content]:
        last = self._newest
        if last is not None and last.seq:
            said = filled(_ANCHORED, **last.model_dump())
            yield line(said)
        elif last is not None:
            yield line(_("Not anchored yet: it is done a quarter of an hour on."))

    def _cure(self) -> Content:
        row = self._row
        if row is None:
            return line(_("Nothing is unfinished."))
        what, cure = sentence(row.text, row.facts), sentence(row.cure, row.facts)
        return stacked([line(what), line((cure, "bold"))])

    def on_key(self) -> None:
        """The chosen row decides the texts below."""
        self.call_after_refresh(self.redraw)

    # What is done.

    def action_verify(self) -> None:
        """Prove the books now."""
        if not self._verifying:
            self._verifying = True
            self.redraw()
            self.run_worker(self._verify(), group="verify")

    def action_compare(self) -> None:
        """Compare the books with what a slip says."""
        self.app.push_screen(AnchorScreen(self.desk))

    async def _verify(self) -> None:
        try:
            verdict = await self.desk.link.call(
                BOOKS_VERIFY, Nothing(), timeout_s=_VERIFY_TIMEOUT_S
            )
        except StationError as error:
            self.say_error(error)
        else:
            self.desk.picture.books = verdict
        self._verifying = False
        if self.is_mounted:
            self.redraw()

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Finish the row."""
        self._act(CARD_SETTLE, chosen.row)

    def action_give_back(self) -> None:
        """Give the money back; asked for twice."""
        row = self._row
        if row is None or not row.intent_id:
            return
        if self._asked_to_give_back == row.row_id:
            self.confirm(partial(self._give_back, row))
            return
        self.confirming.pressed()
        self._asked_to_give_back = row.row_id
        self.say(_("Press G again: the money goes back and the act is void."))
        self.ask_to_confirm()

    def action_explain(self) -> None:
        """Close the chosen row with a reason."""
        row = self._row
        if row is not None and row.people:
            self.app.push_screen(ExplainRowScreen(self.desk, row))
        elif row is not None:
            self.say(sentence(row.cure, row.facts))

    def action_export(self) -> None:
        """Write the file for an auditor."""
        from tui.screens.export_audit import ExportAuditScreen

        self.app.push_screen(ExportAuditScreen(self.desk))

    async def _give_back(self, row: OpenRow) -> None:
        if self._asked_to_give_back == row.row_id:
            self._asked_to_give_back = ""
            self._act(CARD_GIVE_BACK, row)

    def _act(self, method: Method[ActRequest, ActReply], row: OpenRow) -> None:
        if not row.intent_id:
            self.say(sentence(row.cure, row.facts))
        elif not self.desk.picture.card_is_there:
            self.say(_("Put the card of this row on the reader first."))
        elif not self._acting:
            self._acting = True
            self.run_worker(self._carry_out(method, row), group="act")

    async def _carry_out(
        self, method: Method[ActRequest, ActReply], row: OpenRow
    ) -> None:
        self.say(_("Leave the card on the reader ..."))
        try:
            reply = await carry_out(
                self.desk.link,
                method,
                ActRequest(intent_id=row.intent_id),
                row.intent_id,
                still_asking=lambda error: self.say(error_sentence(error), "failed"),
            )
        except StationError as error:
            self.say_error(error)
        else:
            self.say(*_outcome(reply))
            await self.read_card_again()
        finally:
            self._acting = False


def _outcome(reply: ActReply) -> tuple[str, str]:
    kind = "failed" if reply.state is ActState.PENDING else "done"
    if reply.text:
        return sentence(reply.text, reply.facts), kind
    text = filled(
        _SETTLED if reply.state is ActState.DONE else _GIVEN_BACK,
        after=purse_text(reply.after_purse),
        receipt_no=reply.receipt_no,
        cash=fen_text(reply.cash_fen),
    )
    return text, kind
