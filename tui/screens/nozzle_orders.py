"""Orders to a nozzle: its number, a letter, Enter; `!` stops them all."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from ulid import ULID

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.control import (
    NOZZLE_ABILITIES,
    NOZZLE_AUTHORISE,
    NOZZLE_END_SHIFT,
    NOZZLE_LOCK,
    NOZZLE_STOP,
    NOZZLE_STOP_ALL,
    NOZZLE_UNLOCK,
    NozzleOrder,
    OrderReply,
    StopAll,
)
from cngstation.rpc.session import Nothing
from cngstation.units import hundredths_to_e4, quantity_text
from tui.amount import Amount
from tui.areas import Area
from tui.desk import Desk
from tui.figures import price_text
from tui.screens.station_screen import StationScreen
from tui.texts import filled, sentence
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

if TYPE_CHECKING:
    from cngstation.rpc.contract.forecourt import NozzleFigure

_METHODS = {
    "lock": NOZZLE_LOCK,
    "unlock": NOZZLE_UNLOCK,
    "authorise": NOZZLE_AUTHORISE,
    "stop": NOZZLE_STOP,
    "end_shift": NOZZLE_END_SHIFT,
}
_LETTERS = {"l": "lock", "u": "unlock", "a": "authorise", "s": "stop", "o": "end_shift"}
_NAMES = {
    "lock": mark("lock the nozzle"),
    "unlock": mark("unlock the nozzle"),
    "authorise": mark("let it fill"),
    "stop": mark("stop the fill"),
    "end_shift": mark("off duty"),
}
_ASK = mark("Nozzle {nozzle}: {order}? Enter")
_ASK_AMOUNT = mark("Nozzle {nozzle}: fill for {amount} yuan at most? Enter")
_ASK_GAS = mark("Nozzle {nozzle}: fill {quantity} {unit} at most? Enter")
_PERSON = mark("{count} of {all} nozzles need a person: {numbers}. Go and look.")
_STOPPED = mark("All {all} nozzles were told to stop, and none needs a person.")
_ASK_ALL = mark("Stop every nozzle now? Enter")
_LONGEST_NO = 2
_SEVERAL = 2  # what became of one alone stands in the notice
_MILLI = 10  # of a hundredth


class NozzleOrdersScreen(StationScreen):
    """Nothing is sent before the Enter that follows the question."""

    HELP = mark(
        "Type the nozzle's number, then the letter of the order; Enter sends it, once. "
        "For authorise type an amount in yuan first, or none; g makes it a quantity of "
        "gas. ! stops all nozzles; arrows scroll what became of each, those that need "
        "a person first. An order that got no answer is not sent again: go and look."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("backspace", "erase", show=False),
        Binding("question_mark", "app.help", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
    ]
    DEFAULT_CSS = """
    NozzleOrdersScreen Drawn { padding: 0 1; }
    NozzleOrdersScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    """

    def __init__(self, desk: Desk, number: str = "") -> None:
        super().__init__(desk)
        self._number = number
        self._amount = Amount()
        self._order = ""  # asked for and not confirmed; "all" is the stop of all
        self._typing_amount = self._in_gas = False
        self._abilities: dict[int, frozenset[str]] = {}
        self._replies: tuple[OrderReply, ...] = ()

    def parts(self) -> Iterable[Widget]:
        """One page that follows the nozzle."""
        yield Drawn(self._page, areas=Area.BOARD | Area.TILES)
        with VerticalScroll(can_focus=False):
            yield Drawn(self._told)

    def on_mount(self) -> None:
        """Ask what each nozzle can be told."""
        super().on_mount()
        self.run_worker(self._fetch(), group="abilities")

    async def _fetch(self) -> None:
        try:
            told = await self.desk.link.call(NOZZLE_ABILITIES, Nothing())
        except StationError as error:
            self.say_error(error)
        else:
            self._abilities = {n.nozzle_no: frozenset(n.orders) for n in told.nozzles}
        self.redraw()

    @property
    def _nozzle(self) -> "NozzleFigure | None":
        return self.desk.picture.nozzles.get(int(self._number or 0))

    def unfinished(self) -> bool:
        """Tell whether an order stands asked."""
        return bool(self._order or self._typing_amount)

    def offered_keys(self) -> Keys:
        """Name what can be done with the nozzle."""
        if self._order:
            return [("Enter", _("send")), ("Esc", _("back"))]
        if self._typing_amount:
            shown, other = self._unit_word(), self._unit_word(other=True)
            keys = [("0-9", shown), ("g", other)]
            return [*keys, ("Enter", _("go on")), ("Esc", _("back"))]
        if self._nozzle is None:
            return [("0-9", _("nozzle")), ("!", _("stop all")), ("Esc", _("back"))]
        able = self._abilities.get(self._nozzle.nozzle_no, frozenset())
        letters = [(k, _(_NAMES[name])) for k, name in _LETTERS.items() if name in able]
        return [*letters, ("!", _("stop all")), ("Esc", _("back"))]

    def on_key(self, event: events.Key) -> None:
        """Take the number, the letter or the amount."""
        character = event.character or ""
        if self._order or not character:
            return
        if self._typing_amount and character in "0123456789.":
            event.stop()
            self._amount.type(character)
        elif self._typing_amount and character == "g":
            event.stop()
            self._in_gas = not self._in_gas
        elif character.isascii() and character.isdigit():
            event.stop()
            self._number = (self._number + character)[-_LONGEST_NO:].lstrip("0")
        elif character == "!":
            event.stop()
            self._ask("all", _(_ASK_ALL))
        elif self._can(character):
            event.stop()
            self._choose(_LETTERS[character])
        self.redraw()

    def _unit_word(self, *, other: bool = False) -> str:
        """Return what is typed, or what g changes it to."""
        nozzle = self._nozzle
        in_gas = self._in_gas != other
        return word(nozzle.unit) if in_gas and nozzle is not None else _("yuan")

    def _can(self, letter: str) -> bool:
        nozzle, name = self._nozzle, _LETTERS.get(letter)
        if nozzle is None or name is None or self._typing_amount:
            return False
        return name in self._abilities.get(nozzle.nozzle_no, frozenset())

    def _choose(self, name: str) -> None:
        if name == "authorise":
            self._typing_amount = True
            self.say("")
            return
        self._ask(name, filled(_ASK, nozzle=self._number, order=_(_NAMES[name])))

    def _ask(self, order: str, question: str) -> None:
        self._order = order
        self.say(question)
        self.ask_to_confirm()

    def action_go_on(self) -> None:
        """Ask, then send."""
        if self._typing_amount and not self._order:
            self._ask("authorise", self._authorise_question())
            self.redraw()
        elif self._order:
            self.confirm(self._send)

    def _authorise_question(self) -> str:
        if not self._amount.hundredths:
            return filled(_ASK, nozzle=self._number, order=_(_NAMES["authorise"]))
        if self._in_gas:
            quantity = quantity_text(self._amount.hundredths * _MILLI)
            unit = self._unit_word()
            return filled(_ASK_GAS, nozzle=self._number, quantity=quantity, unit=unit)
        amount = price_text(hundredths_to_e4(self._amount.hundredths))
        return filled(_ASK_AMOUNT, nozzle=self._number, amount=amount)

    def action_scroll(self, by: int) -> None:
        """Show more of what became of each nozzle."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_erase(self) -> None:
        """Take the last digit back."""
        if self._order:
            return
        if self._typing_amount:
            self._amount.erase()
        else:
            self._number = self._number[:-1]
        self.redraw()

    def action_leave(self) -> None:
        """Step back."""
        if self.unfinished():
            self._settle()
            self.say("")
        elif self._number:
            self._number = ""
        else:
            super().action_leave()
            return
        self.redraw()

    def _settle(self) -> None:
        self._order, self._typing_amount, self._in_gas = "", False, False
        self._amount.clear()

    async def _send(self) -> None:
        order, number = self._order, int(self._number or 0)
        typed = self._amount.hundredths if order == "authorise" else 0
        gas_milli = typed * _MILLI if self._in_gas else 0
        preset_e4 = 0 if self._in_gas else hundredths_to_e4(typed)
        self._settle()
        order_id = str(ULID())
        try:
            if order == "all":
                stop = StopAll(order_id=order_id)
                told = await self.desk.link.call(NOZZLE_STOP_ALL, stop)
                self._replies = told.replies
            else:
                asked = NozzleOrder(
                    order_id=order_id,
                    nozzle_no=number,
                    preset_quantity_milli=gas_milli,
                    preset_amount_e4=preset_e4,
                )
                reply = await self.desk.link.call(_METHODS[order], asked)
                self._replies = (reply,)
        except StationError as error:
            self.say_error(error)
        else:
            self._say_outcome(is_all=order == "all")
            self.query_one(VerticalScroll).scroll_home(animate=False)
        self.redraw()

    def _say_outcome(self, *, is_all: bool) -> None:
        """Say what became of one nozzle, or how many of all need a person."""
        waiting = [r.nozzle_no for r in self._replies if r.wants_a_person]
        kind = "failed" if waiting else "done"
        if not is_all:
            first = self._replies[0]
            self.say(sentence(first.text, first.facts), kind)
            return
        numbers = " ".join(map(str, waiting))
        text = filled(
            _PERSON if waiting else _STOPPED,
            count=len(waiting),
            all=len(self._replies),
            numbers=numbers,
        )
        self.say(text, kind)

    def _page(self) -> Content:
        rows = [line((_("Orders to a nozzle"), "bold")), Content("")]
        rows.append(line(f"{_('Nozzle')}  [ {self._number:>2} ]"))
        nozzle = self._nozzle
        if nozzle is not None:
            shown = word("locked") if nozzle.locked else word(nozzle.state)
            facts = f"{shown}  {clean(nozzle.plate)}  {price_text(nozzle.price_e4)}"
            rows.append(line(facts))
        elif self._number:
            rows.append(line(_("There is no such nozzle.")))
        if self._typing_amount:
            unit = self._unit_word()
            rows.append(line((f"{unit}  [ {self._amount.text:>8} ]", "$accent")))
        rows.append(Content(""))
        return stacked(rows)

    def _told(self) -> Content:
        """Say what became of each nozzle when all were told."""
        if len(self._replies) < _SEVERAL:
            return Content("")
        return stacked(
            [
                line(
                    ("! " if r.wants_a_person else "  ", "bold $warning"),
                    (sentence(r.text, r.facts), "bold" if r.wants_a_person else ""),
                )
                for r in self._replies
            ]
        )
