"""A table of rows with a title; what can be done with a row is done by letters."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.language import _
from tui.areas import Area
from tui.desk import Desk
from tui.screens.station_screen import StationScreen
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line


class ListScreen(StationScreen):
    """Asks for its rows when it is opened and when a form above has done something."""

    TITLE_TEXT: ClassVar[str] = ""
    COLUMNS: ClassVar[Sequence[Column]] = ()
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = "ListScreen #title { padding: 0 1; text-style: bold; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._wanted = ""

    def key_of(self, row: Any) -> str:
        """Return what names a row, for `go_to`."""
        return str(row)

    def go_to(self, key: str) -> None:
        """Mark the row of this name when the rows have come."""
        self._wanted = key

    def parts(self) -> Iterable[Widget]:
        """Title and table."""
        yield Drawn(self.title_line, id="title")
        yield LazyTable()

    def title_line(self) -> Content:
        """Name the list."""
        return line((_(self.TITLE_TEXT), "bold"))

    def on_mount(self) -> None:
        """Ask for the rows."""
        self.fetch()

    def fetch(self) -> None:
        """Ask anew."""
        self.run_worker(self._fetch(), group="rows", exclusive=True)

    async def rows(self) -> Sequence[Any]:
        """Return what is listed."""
        raise AssertionError("every list says what it lists")

    async def _fetch(self) -> None:
        try:
            rows = await self.rows()
        except StationError as error:
            self.say_error(error)
            return
        for table in self.query(LazyTable):
            table.renew_rows(self.COLUMNS, rows)
            keys = [self.key_of(row) for row in rows] if self._wanted else []
            if self._wanted in keys:
                table.action_move(keys.index(self._wanted) - table.cursor)
        self._wanted = ""
        if not rows:
            self.say(_("Nothing found."))
        self.redraw()

    def came_back(self, done: str, kind: str = "done") -> None:
        """Say what a form above has done, and show how it is now."""
        self.say(done, kind)
        self.fetch()

    def draw(self, areas: Area) -> None:
        """Draw, the heads of the table too."""
        super().draw(areas)
        for table in self.query(LazyTable) if self.is_mounted else ():
            table.refresh()

    @property
    def chosen(self) -> Any:
        """The row that is marked, None while there is none."""
        return self.query_one(LazyTable).chosen
