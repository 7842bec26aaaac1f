"""What every screen above the login has: header, notice, open rows, keys, status."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widget import Widget

from cngstation.errors import NotLoggedIn, StationError
from cngstation.hygiene import clean
from cngstation.language import _
from cngstation.rpc.contract.counter import CARD_READ
from cngstation.rpc.session import Nothing
from tui.areas import EVERYTHING, Area
from tui.confirming import Confirming
from tui.damage import DamageCompositor
from tui.desk import Desk
from tui.link import Part, Told
from tui.texts import error_sentence
from tui.widgets.board import Board
from tui.widgets.header_line import HeaderLine
from tui.widgets.key_line import KeyLine, Keys
from tui.widgets.lazy_table import LazyTable
from tui.widgets.lines import Drawn, Lines
from tui.widgets.notice_line import NoticeLine
from tui.widgets.open_line import OpenLine
from tui.widgets.status_line import StatusLine
from tui.widgets.trend import Trend

if TYPE_CHECKING:
    from tui.app import StationApp


class StationScreen(Screen[None]):
    """A screen between the header and the four lines at the bottom."""

    AUTO_FOCUS = ""
    HELP: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
    ]
    DEFAULT_CSS = """
    StationScreen #bottom { dock: bottom; height: auto; }
    StationScreen #body { height: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._compositor = DamageCompositor()
        self.desk = desk
        self.confirming = Confirming()

    def compose(self) -> ComposeResult:
        """Put the screen's own part between what all have."""
        yield HeaderLine(self.desk)
        with Vertical(id="body"):
            yield from self.parts()
        with Vertical(id="bottom"):
            yield NoticeLine()
            yield OpenLine(self.desk)
            yield KeyLine(self._keys)
            yield StatusLine(self.desk)

    def on_mount(self) -> None:
        """Draw what was told while the screen was being laid out."""
        self.call_later(self.draw, EVERYTHING)

    def parts(self) -> Iterable[Widget]:
        """Return the screen's own widgets."""
        return ()

    def offered_keys(self) -> Keys:
        """Return the keys that help here now, the one that goes on first."""
        return []

    def _keys(self) -> Keys:
        """Return them with what brings columns that have no room."""
        keys = self.offered_keys()
        tables = self.query(LazyTable)
        if any(table.display and table.hides_columns for table in tables):
            last = len(keys) - 1 if keys and keys[-1][0] == "Esc" else len(keys)
            keys = [*keys[:last], ("< >", _("columns")), *keys[last:]]
        return keys

    def unfinished(self) -> bool:
        """Tell whether something would be lost by leaving."""
        return False

    @property
    def station_app(self) -> "StationApp":
        """The app, with its own type."""
        return cast("StationApp", self.app)

    def draw(self, areas: Area) -> None:
        """Draw what has changed; a screen that is still being laid out draws all."""
        if not self.is_mounted:
            return
        for lines in self.query(Lines):
            wanted = lines.areas if isinstance(lines, Drawn) else lines.AREAS
            if wanted & areas or areas == EVERYTHING:
                lines.redraw()
        if Area.TILES in areas:
            for board in self.query(Board):
                board.redraw()
        if Area.SALES in areas:
            for trend in self.query(Trend):
                trend.follow()

    def draw_figures(self, turn: int) -> bool:
        """Draw the changed figures of a block of the board; False without a board."""
        boards = self.query(Board)
        for board in boards:
            board.take_turn(turn)
        return bool(boards)

    def on_screen_resume(self) -> None:
        """Draw what a board above this one took."""
        if self.is_mounted:
            for board in self.query(Board):
                board.redraw()

    def redraw(self) -> None:
        """Draw the screen's own texts after something typed."""
        for lines in self.query(Lines):
            if isinstance(lines, Drawn | KeyLine):
                lines.redraw()

    def ask_to_confirm(self) -> None:
        """Let a key confirm what is drawn next, once it has been seen."""
        self.confirming.asked()
        self.call_after_refresh(self.confirming.shown)

    def confirm(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do what is shown, when its key was pressed for it and is not held down."""
        may = self.confirming.pressed()
        self.run_worker(self._confirm(act, may=may), group="confirm")

    async def _confirm(self, act: Callable[[], Awaitable[None]], *, may: bool) -> None:
        if may and await self.confirming.stays_alone():
            await act()
        elif self.is_mounted:
            self.say(_("Look at the figures first, then press the key once."))

    def say(self, text: str, kind: str = "") -> None:
        """Show a sentence on the notice line; `kind` is `done`, `failed` or nothing."""
        # An act may end when its screen has been left: then there is no such line.
        for line in self.query(NoticeLine):
            line.say(text, kind)

    def say_error(self, error: StationError) -> None:
        """Show why something was not done; what ends or locks a session is followed.

        The sentence says whether money moved.
        """
        if isinstance(error, NotLoggedIn):
            self.station_app.signed_out(error_sentence(error))
        elif not self.station_app.show_lock(error):
            self.say(error_sentence(error), "failed")

    def card_waits(self) -> None:
        """Say that a card came while this form is unfinished."""
        card = self.desk.picture.card
        if card is not None:
            name = clean(card.card_no or card.uid)
            text = _("Card {card_no} waits on the reader; finish this or press Esc.")
            self.say(text.replace("{card_no}", name))

    def action_leave(self) -> None:
        """Go back to the counter."""
        self.station_app.back_to_counter()
        self.station_app.counter().draw(EVERYTHING)

    async def read_card_again(self) -> None:
        """Show the card as it is after an act; the page stays if it cannot be read."""
        try:
            card: Any = await self.desk.link.call(CARD_READ, Nothing())
        except StationError:
            return
        self.station_app.hear(Told(Part.COUNTER, "card.presented", card))
