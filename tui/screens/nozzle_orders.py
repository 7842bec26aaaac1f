"""Orders to a nozzle: its number, a letter, Enter; `!` stops them all."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
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
from cngstation.units import hundredths_to_e4
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
_ASK_ALL = mark("Stop every nozzle now? Enter")
_LONGEST_NO = 2


class NozzleOrdersScreen(StationScreen):
    """Nothing is sent before the Enter that follows the question."""

    HELP = mark(
        "Type the nozzle's number, then the letter of the order; Enter sends it, once. "
        "For authorise type an amount in yuan first, or none. ! stops all nozzles. An "
        "order that got no answer is not sent again: go and look."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", show=False),
        Binding("backspace", "erase", show=False),
        Binding("question_mark", "app.help", show=False),
    ]
    DEFAULT_CSS = "NozzleOrdersScreen Drawn { padding: 0 1; }"

    def __init__(self, desk: Desk, number: str = "") -> None:
        super().__init__(desk)
        self._number = number
        self._amount = Amount()
        self._order = ""  # asked for and not confirmed; "all" is the stop of all
        self._typing_amount = False
        self._abilities: dict[int, frozenset[str]] = {}
        self._replies: tuple[OrderReply, ...] = ()

    def parts(self) -> Iterable[Widget]:
        """One page that follows the nozzle."""
        yield Drawn(self._page, areas=Area.BOARD | Area.TILES)

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
            return [("0-9", _("yuan")), ("Enter", _("go on")), ("Esc", _("back"))]
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
            amount = price_text(hundredths_to_e4(self._amount.hundredths))
            self._ask(
                "authorise",
                filled(_ASK_AMOUNT, nozzle=self._number, amount=amount)
                if self._amount.hundredths
                else filled(_ASK, nozzle=self._number, order=_(_NAMES["authorise"])),
            )
            self.redraw()
        elif self._order:
            self.confirm(self._send)

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
        self._order, self._typing_amount = "", False
        self._amount.clear()

    async def _send(self) -> None:
        order, number = self._order, int(self._number or 0)
        preset = hundredths_to_e4(self._amount.hundredths)
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
                    preset_amount_e4=preset if order == "authorise" else 0,
                )
                reply = await self.desk.link.call(_METHODS[order], asked)
                self._replies = (reply,)
        except StationError as error:
            self.say_error(error)
        else:
            first = self._replies[0]
            kind = "failed" if first.wants_a_person else "done"
            self.say(sentence(first.text, first.facts), kind)
        self.redraw()

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
            rows.append(line((f"{_('yuan')}  [ {self._amount.text:>8} ]", "$accent")))
        rows.append(Content(""))
        rows += [line(sentence(r.text, r.facts)) for r in self._replies[1:12]]
        return stacked(rows)
