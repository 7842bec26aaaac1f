"""The acts with the card on the reader, and those by card number, in one list."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from tui.desk import Desk
from tui.functions import BY_NAME
from tui.screens.station_screen import StationScreen
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, Part, line, stacked

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


_KEYS = dict(zip(_LETTERS, NAMES, strict=True))
_DEEP = -(-len(NAMES) // 2)  # two columns: all acts stand on 24 lines
_WIDTH = 38


def letter_of(name: str) -> str:
    """Return what is pressed in the list for an act; empty where it has none."""
    return next((key for key, known in _KEYS.items() if known == name), "")


class CardMenuScreen(StationScreen):
    """A digit or letter, or Enter on a row, opens an act."""

    HELP = mark("Press the digit or letter of an act, or choose it and press Enter.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("left", f"move({-_DEEP})", show=False),
        Binding("right", f"move({_DEEP})", show=False),
        Binding("enter", "choose", show=False),
    ]
    DEFAULT_CSS = """
    CardMenuScreen #title { padding: 0 1 1 1; }
    CardMenuScreen #acts { padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._at = 0

    def parts(self) -> Iterable[Widget]:
        """Title and acts."""
        yield Drawn(self._title, id="title")
        yield Drawn(self._acts, id="acts")

    def _title(self) -> Content:
        card = self.desk.picture.card
        number = card.card_no if card and self.desk.picture.card_is_there else ""
        return line((_("Acts with a card"), "bold"), f"  {clean(number)}")

    def _acts(self) -> Content:
        cells = [
            self._cell(at, key, name) for at, (key, name) in enumerate(_KEYS.items())
        ]
        rows = zip_longest(cells[:_DEEP], cells[_DEEP:], fillvalue="")
        return stacked([line(left, right) for left, right in rows])

    def _cell(self, at: int, key: str, name: str) -> Part:
        here = at == self._at
        text = f"{'▸' if here else ' '} {key}  {_(BY_NAME[name].title)}"
        return (fit(text, _WIDTH), "bold" if here else "")

    def offered_keys(self) -> Keys:
        """Name the keys."""
        moves = ("↑↓←→", _("move"))
        letters = f"1-9 a-{_LETTERS[-1]}"
        enter = ("Enter", _("this act"))
        return [(letters, _("choose")), enter, moves, ("Esc", _("back"))]

    def on_key(self, event: events.Key) -> None:
        """Open an act by its key."""
        if (name := _KEYS.get(event.character or "")) is not None:
            event.stop()
            self.station_app.run_function(name)

    def action_move(self, by: int) -> None:
        """Choose another act."""
        self._at = (self._at + by) % len(NAMES)
        self.redraw()

    def action_choose(self) -> None:
        """Open the chosen act."""
        self.station_app.run_function(NAMES[self._at])
