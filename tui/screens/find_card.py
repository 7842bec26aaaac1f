"""Finds a card by plate or number, and says something of it: loss, blacklist, active.

Enter searches, Enter on a row does what its state calls for, or what was asked.
"""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import CardRow, Search
from cngstation.rpc.contract.marks import CARD_SEARCH
from tui.desk import Desk
from tui.screens.card_act import CardActScreen
from tui.screens.mark_card import TITLES, MarkCardScreen
from tui.screens.station_screen import StationScreen
from tui.widgets.key_line import Keys
from tui.widgets.lazy_table import Column, LazyTable
from tui.widgets.lines import Drawn, line
from tui.words import word

# What F4 does with a card in a state: a lost card is replaced, any other is lost.
LOSS = "loss"
_MOST = 50
_TYPING_PAUSE_S = 0.15
_COLUMNS = (
    Column(mark("Card no."), 10, lambda row: row.card_no),
    Column(mark("Plate"), 12, lambda row: row.plate),
    Column(mark("State"), 16, lambda row: word(row.state)),
    Column(mark("Kind"), 12, lambda row: word(row.payment_mode)),
    Column(mark("Company"), 22, lambda row: row.company_name),
)
_LOSS_TITLE = mark("Report a loss, replace a lost card")


class FindCardScreen(StationScreen):
    """Search above, cards below; letters do what stands in the key line."""

    HELP = mark(
        "Type a part of the plate, the card number or the driver; Enter takes the "
        "card if only one is found, else it goes to the cards found. Enter on a card "
        "reports it lost; on a lost card it opens the replacement. W on a card of the "
        "list withdraws a loss."
    )
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "app.help", show=False),
        Binding("down", "to_rows", show=False),
    ]
    DEFAULT_CSS = """
    FindCardScreen #title { padding: 0 1; border-bottom: solid $primary; }
    FindCardScreen Input { margin: 0 1; }
    """

    def __init__(self, desk: Desk, act: str = LOSS) -> None:
        super().__init__(desk)
        self._act = act
        self._rows: tuple[CardRow, ...] = ()

    def parts(self) -> Iterable[Widget]:
        """Title, search, cards."""
        yield Drawn(self._title, id="title")
        yield Input(id="search", compact=True, max_length=40)
        yield LazyTable()

    def on_mount(self) -> None:
        """Show the newest cards, and the card on the reader first."""
        card = self.desk.picture.card
        on_reader = card is not None and self.desk.picture.card_is_there
        text = card.card_no if card is not None and on_reader else ""
        self.query_one(Input).placeholder = _("part of a plate, card number, driver")
        if text:
            self.query_one(Input).value = text
        else:
            self._fetch("", pause_s=0)

    def _title(self) -> Content:
        title = _LOSS_TITLE if self._act == LOSS else TITLES[self._act]
        return line((_(title), "bold"))

    def offered_keys(self) -> Keys:
        """Name what Enter does."""
        if self.is_mounted and self.query_one(Input).has_focus:
            rows = ("↓", _("to the cards found"))
            return [("Enter", _("the card found")), rows, ("Esc", _("back"))]
        if self._act != LOSS:
            return [("Enter", _(TITLES[self._act])), ("Esc", _("back"))]
        enter = _("report this card lost; a lost one: replace it")
        return [("Enter", enter), ("W", _("withdraw the loss")), ("Esc", _("back"))]

    def unfinished(self) -> bool:
        """A search is no loss."""
        return False

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Search as it is typed."""
        self._fetch(changed.value, pause_s=_TYPING_PAUSE_S)

    def _fetch(self, text: str, *, pause_s: float) -> None:
        self.run_worker(self._search(text, pause_s), group="search", exclusive=True)

    async def _search(self, text: str, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        try:
            request = Search(text=text.strip(), limit=_MOST)
            found = await self.desk.link.call(CARD_SEARCH, request)
        except StationError as error:
            self.say_error(error)
            return
        except ValueError:  # characters that the contract does not carry
            return
        self._rows = found.rows
        self.query_one(LazyTable).show_rows(_COLUMNS, self._rows)
        if not self._rows and text:
            self.say(_("Nothing found."))

    async def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to what was found, of the text as it is now."""
        self.workers.cancel_group(self, "search")
        await self._search(submitted.value, 0)
        if len(self._rows) == 1 and submitted.value.strip():
            self._choose(self._rows[0])
        elif self._rows:
            self.action_to_rows()

    def action_to_rows(self) -> None:
        """Go to the cards."""
        self.query_one(LazyTable).focus()
        self.call_after_refresh(self.redraw)

    def on_lazy_table_chosen(self, chosen: LazyTable.Chosen) -> None:
        """Do what the card's state calls for, or what was asked."""
        self._choose(chosen.row)

    def _choose(self, row: CardRow) -> None:
        if self._act != LOSS:
            self._open(self._act, row)
        elif row.state == "lost":
            self.app.push_screen(CardActScreen(self.desk, "replace", row.card_key))
        else:
            self._open("report_loss", row)

    def key_w(self) -> None:
        """Withdraw the loss of the chosen card."""
        row = self.query_one(LazyTable).chosen
        on_rows = self.query_one(LazyTable).has_focus
        if self._act == LOSS and on_rows and row is not None:
            self._open("withdraw_loss", row)

    def _open(self, act: str, row: CardRow) -> None:
        self.app.push_screen(MarkCardScreen(self.desk, act, row))
