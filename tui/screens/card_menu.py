"""The acts with the card on the reader, and those by card number, in one list."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.language import _, mark
from tui.desk import Desk
from tui.functions import BY_NAME
from tui.screens.station_screen import StationScreen
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line

NAMES = (
    "settle_grey",
    "clear_credit",
    "report_loss",
    "replace",
    "withdraw_loss",
    "cylinder_date",
    "edit",
    "rewrite_price",
    "reverse_top_up",
    "cancel",
    "wipe",
    "activate",
    "suspend",
    "blacklist",
    "unblacklist",
    "settle_grey_by_hand",
    "crew_rewrite",
    "rewrite_limits",
)
_LETTERS = "123456789abcdefgjk"


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    name: str


_ROWS = tuple(_Row(*pair) for pair in zip(_LETTERS, NAMES, strict=True))
_COLUMNS = (
    Column("", 3, lambda row: row.key),
    Column(mark("Act"), 50, lambda row: _(BY_NAME[row.name].title)),
)


def letter_of(name: str) -> str:
    """Return what is pressed in the list for an act; empty where it has none."""
    return next((row.key for row in _ROWS if row.name == name), "")


class CardMenuScreen(StationScreen):
    """A digit or letter, or Enter on a row, opens an act."""

    HELP = mark("Press the digit or letter of an act, or choose it and press Enter.")
    AUTO_FOCUS = "LazyTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = """
    CardMenuScreen #title { padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)

    def parts(self) -> Iterable[Widget]:
        """Title and acts."""
        yield Drawn(self._title, id="title")
        yield LazyTable()

    def on_mount(self) -> None:
        """Show the acts."""
        self.query_one(LazyTable).show_rows(_COLUMNS, _ROWS)

    def _title(self) -> Content:
        card = self.desk.picture.card
        number = card.card_no if card and self.desk.picture.card_is_there else ""
        return line((_("Acts with a card"), "bold"), f"  {number}")

    def offered_keys(self) -> Keys:
        """Name the keys."""
        return [("1-9 a-k", _("choose")), ("Enter", _("this act")), ("Esc", _("back"))]

    def on_key(self, event: events.Key) -> None:
        """Open an act by its key."""
        character = event.character or ""
        for row in _ROWS:
            if row.key == character:
                event.stop()
                self.station_app.run_function(row.name)

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Open the chosen act."""
        self.station_app.run_function(chosen.row.name)
