"""The counter: the live board and the page of the card that was tapped."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from cngstation.language import _, mark
from cngstation.rpc.contract.counter import ActReply, ActState, CardOnReaderState
from tui.areas import Area
from tui.desk import Desk
from tui.figures import NEVER_TOPPED_UP, PREPAID_MODES, fen_text, purse_text
from tui.screens.station_screen import StationScreen
from tui.screens.why import WhyScreen
from tui.texts import error_sentence, filled, sentence
from tui.top_up import Stage, TopUpFlow
from tui.widgets.board import Board
from tui.widgets.card_page import CardPage
from tui.widgets.key_line import KeyLine, Keys
from tui.widgets.last_sales import LastSales
from tui.widgets.open_list import OpenList
from tui.widgets.trend import Trend

if TYPE_CHECKING:
    from cngstation.rpc.contract.counter import CardView

# What stands on the screen beside the board: stacked, or with the page at its side.
_ROWS_BESIDE_STACKED = 18
_TOPPED_UP = mark(
    "Topped up {change}. The card holds {after} now; {cash} yuan were taken."
)


def _key(keys: str, action: str) -> Binding:
    return Binding(keys, action, show=False)


class CounterScreen(StationScreen):
    """Digits go to the amount, Enter is yes, Esc is back; the card decides the page.

    While an act waits for its Enter, letters choose how it is paid.
    """

    HELP = mark(
        "Put a card on the reader: its page opens. Type the amount, Enter shows "
        "before, change, after and the money to take; a letter chooses another way of "
        "paying than cash; Enter again does it. Tab switches between yuan and gas on "
        "gas cards. A new card: Enter issues it."
    )
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter", "go_on"),
        _key("backspace", "erase"),
        _key("tab", "turn_unit"),
        _key("question_mark", "why"),
        _key("h", "app.help"),
        _key("i", "app.open('issue')"),
        _key("c", "app.open('company')"),
        _key("o", "app.open('loss')"),
        _key("x", "app.open('card_acts')"),
        _key("r,v", "app.open('vehicle')"),
        _key("f", "app.open('vehicles')"),
        _key("b", "app.open('books')"),
        _key("s", "app.open('shifts')"),
        _key("n,f2,alt+2", "app.open('board')"),
        _key("a", "app.open('alarms')"),
        _key("p", "app.open('prices')"),
        _key("m", "app.open('till')"),
        _key("d", "app.open('hands')"),
        _key("l", "app.lock"),
        _key("g", "app.language"),
        _key("t", "app.theme"),
        _key("q", "app.quit"),
        _key("slash", "app.command_palette"),
    ]
    DEFAULT_CSS = """
    CounterScreen #left, CounterScreen #right { height: auto; width: 1fr; }
    CounterScreen.-wide #sides { layout: horizontal; }
    CounterScreen #sides { layout: vertical; height: 1fr; }
    CounterScreen.-wide #left { width: 80; height: 1fr; margin: 0 1 0 0; }
    CounterScreen.-wide #right { height: 1fr; }
    CounterScreen LastSales, CounterScreen OpenList, CounterScreen Trend
        { display: none; }
    CounterScreen.-wide.-high LastSales, CounterScreen.-wide.-high OpenList,
        CounterScreen.-wide.-high Trend { display: block; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.flow = TopUpFlow(desk.link, self._flow_changed)
        self.flow.begin(desk.picture.card)

    def parts(self) -> Iterable[Widget]:
        """Board and page, above each other or side by side."""
        with Horizontal(id="sides"):
            with Vertical(id="left"):
                yield Board(self.desk, rows_beside=_ROWS_BESIDE_STACKED)
                yield LastSales(self.desk)
            with Vertical(id="right"):
                yield CardPage(self.desk, self.flow)
                yield OpenList(self.desk)
                yield Trend(self.desk)

    def offered_keys(self) -> Keys:
        """Name the next key first: it depends on the card and on what was typed."""
        if self.flow.stage is Stage.QUOTED:
            return self._next_keys()
        return [
            *self._next_keys(),
            ("F2/n", _("Nozzles")),
            ("a", _("Alarms")),
            ("F3/i", _("Issue")),
            ("F4/o", _("Loss")),
            ("x", _("Acts")),
            ("c", _("Company")),
            ("F5/v", _("Vehicle")),
            ("F6/f", _("Look up")),
            ("F7/b", _("Books")),
            ("F8/s", _("Shifts")),
            ("F10/m", _("Till")),
            *([("F9/d", _("Hands"))] if self.desk.hands else []),
            ("^P", _("Find")),
            ("^K", _("Lock")),
            ("?", _("Why?")),
            ("F1/h", _("Help")),
        ]

    def _next_keys(self) -> Keys:
        card, flow = self.desk.picture.card, self.flow
        if card is None or not self.desk.picture.card_is_there:
            return [(_("Tap"), _("a card opens its page"))]
        if card.on_reader == CardOnReaderState.BLANK:
            return [("Enter", _("issue this card"))]
        if card.open_intent_id:
            return [("Enter", _("finish what is open"))]
        if card.standing == "grey":
            return [("Enter", _("settle the unpaid fill"))]
        match flow.stage:
            case Stage.QUOTED:
                enter = ("Enter", _("take the money, top up"))
                return [enter, *flow.paying.offered_keys(), ("Esc", _("back"))]
            case Stage.QUOTING | Stage.DOING:
                return [("...", _("leave the card on the reader"))]
        if flow.amount.text and flow.stage is Stage.TYPING:
            return [("Enter", _("show the change")), *self._turn(), ("Esc", _("back"))]
        if card.standing == "lost":
            return [("F4/o", _("Replace a lost card"))]
        anew: Keys = [("Enter", _("write the card anew"))] if card.cure else []
        if card.payment_mode in PREPAID_MODES and card.standing not in NEVER_TOPPED_UP:
            return [("0-9", _("amount of the top-up")), *self._turn(), *anew]
        return anew

    def _turn(self) -> Keys:
        """Offer the other unit on a card that takes both."""
        if not self.flow.in_gas:
            return []
        return [("Tab", _("in yuan") if self.flow.by_quantity else _("in gas"))]

    def unfinished(self) -> bool:
        """An amount that was typed, or an act under way."""
        return self.flow.unfinished

    def card_waits(self) -> None:
        """Only an act under way keeps another card waiting here."""
        if self.flow.stage is Stage.DOING:
            super().card_waits()

    # What was told.

    def draw(self, areas: Area) -> None:
        """Draw, and let the card decide what stands on its page."""
        if Area.CARD in areas:
            self._take_card(self.desk.picture.card, came=Area.CARD_CAME in areas)
        if Area.ACT in areas and not self.flow.unfinished:
            self._say_settled(self.desk.picture.last_act)
        super().draw(areas)
        if self.is_mounted and areas & (Area.CARD | Area.STATION):
            self.query_one(KeyLine).redraw()

    def _take_card(self, card: "CardView | None", *, came: bool) -> None:
        if self.flow.stage is Stage.DOING:
            return
        if came:
            self.flow.begin(card)
            self.say("")
        elif not self.flow.unfinished:
            self._follow(card if card and card.card_key else None)

    def _follow(self, card: "CardView | None") -> None:
        """Take the card as it is by now; one that was just issued is another one."""
        known = self.flow.card
        if known is None or card is None or known.card_key != card.card_key:
            self.flow.begin(card)
        else:
            self.flow.card = card

    def on_screen_suspend(self) -> None:
        """Let the figures of an outcome go: another act may change the card."""
        if self.flow.stage is Stage.DONE:
            self.flow.begin(self.flow.card)

    def _say_settled(self, reply: ActReply | None) -> None:
        """Say how an act ended that another tap brought to its end."""
        if reply is not None and reply is not self.flow.reply and reply.text:
            kind = "done" if reply.state is not ActState.PENDING else "failed"
            self.say(sentence(reply.text, reply.facts), kind)

    # What was pressed.

    def on_key(self, event: events.Key) -> None:
        """Let digits go where money goes."""
        character = event.character or ""
        card = self.desk.picture.card
        quoted = self.flow.stage is Stage.QUOTED
        if not character or card is None:
            return
        if character not in "0123456789." and not (quoted and character.isalnum()):
            return
        event.stop()
        if not self.desk.picture.card_is_there or not card.card_key:
            self.say(_("Put the card on the reader first."))
            return
        if self.flow.type(character):
            self.say("")
            self._flow_changed()
        elif quoted and character.isalpha():
            why = self.flow.paying.why_not(character)
            self.say(why or _("There is no such choice."), "failed" if why else "")
            self.ask_to_confirm()

    def action_why(self) -> None:
        """Say why the card on the reader will not fill."""
        if self.flow.stage is not Stage.DOING:
            self.app.push_screen(WhyScreen(self.desk))

    def action_erase(self) -> None:
        """Take the last digit back."""
        self.flow.erase()
        self._flow_changed()

    def action_turn_unit(self) -> None:
        """Switch between yuan and gas."""
        self.flow.turn_unit()
        self._flow_changed()

    def action_leave(self) -> None:
        """Step back in the top-up."""
        if not self.flow.back():
            self.say("")
        self._flow_changed()

    def action_go_on(self) -> None:
        """Do the first thing of the key line."""
        card = self.desk.picture.card
        if card is None or not self.desk.picture.card_is_there:
            return
        if card.on_reader == CardOnReaderState.BLANK:
            self.station_app.action_open("issue")
        elif card.open_intent_id and not self.flow.unfinished:
            self.station_app.action_open("books")
        elif card.standing == "grey":
            self.station_app.action_open("settle_grey")
        elif card.cure and not self.flow.unfinished:
            self.station_app.run_function(card.cure)
        elif self._is_quoted():
            self.confirm(self._do_as_quoted)
        elif self.flow.stage is Stage.TYPING:
            self.confirming.pressed()
            self.run_worker(self._ask_quote(), group="top-up")
        else:
            self.confirming.pressed()

    async def _ask_quote(self) -> None:
        await self.flow.enter()
        if self._is_quoted():
            self.ask_to_confirm()

    def _is_quoted(self) -> bool:
        return self.flow.stage is Stage.QUOTED

    async def _do_as_quoted(self) -> None:
        # One act: a second Enter while it runs finds another stage.
        if not self._is_quoted():
            return
        await self.flow.enter()
        if self._is_quoted():
            self.ask_to_confirm()
        else:
            self.say(*self._outcome())
            self._give_the_page_to_a_waiting_card()
            await self.read_card_again()

    def _give_the_page_to_a_waiting_card(self) -> None:
        card, done = self.desk.picture.card, self.flow.card
        if card is not None and done is not None and card.uid != done.uid:
            self.flow.begin(card)
            self._flow_changed()

    def _outcome(self) -> tuple[str, str]:
        reply = self.flow.reply
        if reply is None:
            failure = self.flow.failure
            return (error_sentence(failure), "failed") if failure else ("", "")
        kind = "done" if self.flow.succeeded else "failed"
        if reply.text:
            return sentence(reply.text, reply.facts), kind
        text = filled(
            _TOPPED_UP,
            change=purse_text(reply.after_purse - reply.before_purse),
            after=purse_text(reply.after_purse),
            cash=fen_text(reply.cash_fen),
        )
        return text, kind

    def _flow_changed(self) -> None:
        """Draw the page again after a step of the top-up."""
        if not self.is_mounted:
            return
        flow = self.flow
        if flow.doubt is not None:
            self.say(error_sentence(flow.doubt), "failed")
        elif flow.failure is not None:
            self.say_error(flow.failure)
        self.query_one(CardPage).redraw()
        self.query_one(KeyLine).redraw()
