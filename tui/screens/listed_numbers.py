"""The numbers on the dispensers' lists: black or white, and where each came from."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from cngstation.language import _, mark
from cngstation.rpc.contract.downloads import (
    LISTS_NUMBERS,
    ListedNumber,
    NumberQuery,
)
from tui.desk import Desk
from tui.screens.paged_screen import PagedScreen, Rows
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column
from tui.words import word

_LISTS = {"black": mark("black"), "white": mark("white")}
_SOURCES = {
    "own": mark("own card"),
    "hand": mark("by hand"),
    "file": mark("file"),
    "centre": mark("head office"),
}
_NEXT = {"": "black", "black": "white", "white": ""}


def _source(row: ListedNumber) -> str:
    text = _(_SOURCES.get(row.source, row.source))
    return f"{text}  {word(row.state)}" if row.state else text


class ListedNumbersScreen(PagedScreen):
    """Every number, page by page; / searches, l shows one list alone."""

    TITLE_TEXT = mark("Numbers on the lists")
    HELP = mark(
        "Every card number that dispensers are told, in its order: on the black or the "
        "white list, and where it came from: a card of this station by its state, by "
        "hand, from a file, from head office. / searches a part of the number; l shows "
        "the black list, the white one, or both. n puts a number on a list by hand or "
        "takes it off."
    )
    FIELDS = (("digits", mark("Card no."), 16),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "next_list", show=False),
        Binding("n", "number", show=False),
    ]
    COLUMNS = (
        Column(mark("Card no."), 16, lambda row: row.card_no, stays=True),
        Column(mark("List"), 6, lambda row: _(_LISTS.get(row.list, row.list))),
        Column(mark("Came from"), 40, _source, least=20),
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._list = ""

    def list_keys(self) -> Keys:
        """Name the next list."""
        following = _NEXT[self._list]
        text = _(_LISTS[following]) if following else _("both lists")
        return [("l", text), ("n", _("a number")), ("↑↓", _("move"))]

    def action_next_list(self) -> None:
        """Show another list alone, or both."""
        self._list = _NEXT[self._list]
        self.on_input_submitted()

    def action_number(self) -> None:
        """Open the form for a number."""
        self.station_app.action_open("list_number")

    async def page(self, wanted: dict[str, str], after: Any) -> tuple[Rows, Any]:
        """Return numbers."""
        query = NumberQuery(digits=wanted["digits"], list=self._list, after=after or "")
        told = await self.desk.link.call(LISTS_NUMBERS, query)
        return told.rows, told.next_place
