"""Lists from a file: what lies in the import folder, what it would change, taken."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import Refusal, StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.downloads import (
    LISTS_FILE,
    LISTS_FILES,
    LISTS_LOOK,
    FileChanges,
    FileLook,
    FileName,
    FileOrder,
    FileRows,
)
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.figures import short_time
from tui.screens.form_screen import Field, FormScreen
from tui.screens.mark_card import BOTH_PEOPLE, REASON, approval_of, hide_passwords
from tui.screens.station_screen import StationScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line, stacked

_TAKEN = mark("{on} numbers came onto the blacklist, {off} off it, {others} others.")
_AS_CHANGES = mark(
    "1 changes: {on} onto the blacklist, {off} off it, {others} others; {black} then."
)
_AS_WHOLE = mark(
    "2 whole: {on} onto the blacklist, {off} off it, {others} others; {black} then."
)
_OWN = mark("{count} of our own cards in it are left out: their register decides.")
_FAULT = mark("Row {row}: {why}")
_COLUMNS = (
    Column(mark("File"), 40, lambda r: r.name),
    Column(mark("Bytes"), 9, lambda r: str(r.bytes), right=True),
    Column(mark("When"), 11, lambda r: short_time(r.at_ms)),
)


class ListFilesScreen(StationScreen):
    """Enter looks at a file; nothing is changed by that."""

    HELP = mark(
        "Files of the import folder: text, CSV or Excel. Each row is a card number "
        "and its list (black, white, none), the last row is: total, number of rows. "
        "Enter shows what a file would change; nothing is changed by that."
    )
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = "ListFilesScreen #title, ListFilesScreen #empty { padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._files: FileRows | None = None

    def parts(self) -> Iterable[Widget]:
        """Title, files, and where they lie."""
        yield Drawn(lambda: line((_("Lists from a file"), "bold")), id="title")
        yield LazyTable()
        yield Drawn(self._where, id="empty")

    def on_mount(self) -> None:
        """Ask what lies there."""
        super().on_mount()
        self.run_worker(self._fetch(), group="files")

    async def _fetch(self) -> None:
        try:
            self._files = await self.desk.link.call(LISTS_FILES, Nothing())
        except StationError as error:
            self.say_error(error)
        else:
            self.query_one(LazyTable).show_rows(_COLUMNS, self._files.rows)
        self.redraw()

    def offered_keys(self) -> Keys:
        """Name the next step."""
        return [("Enter", _("look at it")), ("↑↓", _("move")), ("Esc", _("back"))]

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Look at a file."""
        self.run_worker(self._look(chosen.row.name), group="files")

    async def _look(self, name: str) -> None:
        try:
            looked = await self.desk.link.call(LISTS_LOOK, FileName(name=name))
        except StationError as error:
            self.say_error(error)
        else:
            self.app.switch_screen(ListFileScreen(self.desk, name, looked))

    def _where(self) -> Content:
        if self._files is None:
            return line(_("One moment ..."))
        text = _("Files are put into {folder}.") if self._files.rows else _(
            "There is no file in {folder}."
        )  # fmt: skip
        return line((filled(text, folder=self._files.folder), "$text-muted"))


class NoWayChosen(Refusal):
    """Neither changes nor whole."""

    code = "tui.no_way_chosen"
    text = "Say 1 (changes) or 2 (whole). Nothing was done."


class ListFileScreen(FormScreen):
    """What a file would change; the last Enter changes it."""

    TITLE_TEXT = mark("Lists from a file")
    HELP = mark(
        "1: each number of the file goes on the list that stands beside it. 2: the "
        "blacklist by hand becomes what the file says. Where a number comes off the "
        "blacklist a second operator is needed. A file with one bad row is not taken."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("whole", mark("How"), mark("1 changes, 2 whole"), longest=1),
        REASON,
        *BOTH_PEOPLE,
    )
    DEFAULT_CSS = "ListFileScreen #title { height: auto; }"

    def __init__(self, desk: Desk, name: str, looked: FileLook) -> None:
        super().__init__(desk)
        self._file_name, self._looked = name, looked

    def on_mount(self) -> None:
        """Hide what is secret."""
        super().on_mount()
        hide_passwords(self)

    def title_line(self) -> Content:
        """Say what it would change, or why it cannot be taken."""
        looked = self._looked
        rows = filled(_("  {rows} numbers"), rows=looked.rows)
        lines = [line((clean(self._file_name), "bold"), rows)]
        if looked.faults:
            for one in looked.faults:
                why = filled(one.text, value=one.value)
                said = filled(_FAULT, row=one.row, why=why)
                lines.append(line((said, "bold $warning")))
            lines.append(line(_("No row of it is taken. Correct the file.")))
            return stacked(lines)
        lines.append(line(_said(_AS_CHANGES, looked.as_changes)))
        lines.append(line(_said(_AS_WHOLE, looked.as_whole)))
        if looked.as_changes.own:
            lines.append(line((filled(_OWN, count=looked.as_changes.own), "$warning")))
        return stacked(lines)

    async def save(self) -> str:
        """Take the file that was looked at."""
        how = self.value("whole")
        if how not in {"1", "2"}:
            raise NoWayChosen
        order = FileOrder(
            name=self._file_name,
            digest=self._looked.digest,
            whole=how == "2",
            reason=self.value("reason"),
            approval=approval_of(self),
        )
        done = await self.desk.link.call(LISTS_FILE, order, timeout_s=60)
        return _said(_TAKEN, done)


def _said(text: str, changes: FileChanges) -> str:
    return filled(
        text,
        on=changes.on_black,
        off=changes.off_black,
        others=changes.others,
        black=changes.black,
    )
