"""A list that comes page by page, with fields above it that say what is wanted."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.language import _
from tui.desk import Desk
from tui.screens.list_screen import ListScreen
from tui.texts import filled
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import LazyTable
from tui.widgets.lines import Drawn, line

Rows = Sequence[Any]
PAGE = 100
_AHEAD = 30  # rows below the cursor when the next page is asked for


class PagedScreen(ListScreen):
    """The cursor brings the next page; / goes to the fields, Enter looks for them."""

    FIELDS: ClassVar[Sequence[tuple[str, str, int]]] = ()  # id, label, most characters
    DEFAULT_CSS = """
    PagedScreen #filters { height: 1; padding: 0 1; }
    PagedScreen #filters Drawn { width: auto; padding: 0 1 0 0; }
    PagedScreen #filters Input { width: 1fr; margin: 0 1 0 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._found: list[Any] = []
        self._next: Any = None  # where the next page goes on; None: nothing asked yet
        self._asking = False

    async def page(
        self, wanted: dict[str, str], after: Any
    ) -> tuple[Sequence[Any], Any]:
        """Return the rows behind a place (None: the first) and where they go on.

        Raises:
            ValueError: what was typed is not what the field wants; with the sentence.
        """
        raise AssertionError("every list says what it lists")

    def parts(self) -> Iterable[Widget]:
        """Title, the fields on one line, the rows."""
        yield Drawn(self.title_line, id="title")
        with Horizontal(id="filters"):
            for name, label, most in self.FIELDS:
                yield Drawn(lambda label=label: line(_(label)))  # type: ignore[misc] # bound at once
                yield Input(id=name, compact=True, max_length=most)
        yield LazyTable()

    def list_keys(self) -> Keys:
        """Name what helps on the rows."""
        return []

    def offered_keys(self) -> Keys:
        """Name what goes on."""
        if isinstance(self.focused, Input):
            return [("Enter", _("look for it")), ("Esc", _("to the rows"))]
        return [*self.list_keys(), ("/", _("filter")), ("Esc", _("back"))]

    def title_line(self) -> Content:
        """Name the list and say how much of it is here."""
        title = (_(self.TITLE_TEXT), "bold")
        if self._next is None:
            return line(title, "  ", _("One moment ..."))
        text = _("  {rows} rows, more below") if self._next else _("  {rows} rows")
        return line(title, filled(text, rows=len(self._found)))

    def on_key(self, event: events.Key) -> None:
        """Go to the fields and back; further down more rows are asked for."""
        if isinstance(self.focused, Input):
            if event.key == "escape":
                self._to_rows()
                event.stop()
            return
        if event.character == "/":
            self.query(Input).first().focus()
            self.call_after_refresh(self.redraw)
            event.stop()
            return
        # The table moves only after this.
        self.call_after_refresh(self._more, to_end=event.key == "end")

    def on_input_submitted(self) -> None:
        """Look for what was typed."""
        self._to_rows()
        self._found, self._next = [], None
        self.say("")
        self.query_one(LazyTable).show_rows(self.COLUMNS, ())
        self.fetch()

    def _to_rows(self) -> None:
        self.query_one(LazyTable).focus()
        self.call_after_refresh(self.redraw)

    def _more(self, *, to_end: bool = False) -> None:
        if not self.is_mounted or self._asking or not self._next:
            return
        if to_end or self.query_one(LazyTable).cursor >= len(self._found) - _AHEAD:
            self.run_worker(self._fetch_on(), group="rows", exclusive=True)

    async def _fetch(self) -> None:
        """Ask anew for as many rows as there were."""
        much, self._found, self._next = len(self._found), [], None
        await self._fetch_on()
        while self._next and len(self._found) < much:
            await self._fetch_on()

    async def _fetch_on(self) -> None:
        self._asking, failed = True, False
        wanted = {
            name: self.query_one(f"#{name}", Input).value.strip()
            for name, _label, _most in self.FIELDS
        }
        try:
            rows, after = await self.page(wanted, self._next)
            self._next = after or 0
            self._found = [*self._found, *rows]
        except StationError as error:
            self._next, failed = self._next or 0, True
            self.say_error(error)
        except ValueError:
            self._next, failed = 0, True
            self.say(_("Nothing can be looked for with what is typed."), "failed")
        finally:
            self._asking = False
        if not self.is_mounted:
            return
        self.query_one(LazyTable).renew_rows(self.COLUMNS, self._found)
        if not self._found and not failed:
            self.say(_("Nothing found."))
        self.redraw()
        self.call_after_refresh(self._more)
