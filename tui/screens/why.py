"""Why the card on the reader will not fill: the gravest cause, and what cures it."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from cngstation.errors import StationError
from cngstation.language import _
from cngstation.rpc.contract.counter import CARD_WHY
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.functions import BY_NAME, Function
from tui.screens.card_menu import letter_of
from tui.texts import error_sentence, labelled, sentence
from tui.widgets.lines import Drawn, Part, line

if TYPE_CHECKING:
    from cngstation.rpc.contract.diagnosis import Diagnosis, WhyNot
    from tui.app import StationApp

# Cures whose function has another name, and what is pressed where it has no key.
_OPENED_BY = {
    "finish": "books",
    "edit_card": "edit",
    "cylinder": "cylinder_date",
}
_PRESSED = {"top_up": "0-9"}


class WhyScreen(ModalScreen[None]):
    """Enter opens the act that cures the first cause, r asks again, Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", show=False),
        Binding("enter", "cure", show=False),
        Binding("r", "ask", show=False),
    ]
    DEFAULT_CSS = """
    WhyScreen { align: center middle; }
    WhyScreen VerticalScroll { width: 76; max-width: 100%; height: auto;
        max-height: 100%; padding: 1 2; border: round $accent;
        background: $background; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._found: Diagnosis | None = None
        self._failure: StationError | None = None

    def compose(self) -> ComposeResult:
        """Show it on one page that scrolls."""
        with VerticalScroll():
            yield Drawn(self._text)

    def on_mount(self) -> None:
        """Ask at once."""
        self.action_ask()

    def action_ask(self) -> None:
        """Look at the card anew."""
        self._found = self._failure = None
        self.run_worker(self._ask(), group="why", exclusive=True)

    async def _ask(self) -> None:
        try:
            self._found = await self._desk.link.call(CARD_WHY, Nothing())
        except StationError as error:
            self._failure = error
        for drawn in self.query(Drawn):
            drawn.redraw()

    def action_cure(self) -> None:
        """Open the act that cures the first cause."""
        function = self._function()
        if function is None:
            return
        app = cast("StationApp", self.app)
        self.dismiss()
        app.call_later(app.run_function, function.name)

    def _function(self) -> Function | None:
        causes = self._found.causes if self._found else ()
        return function_of(causes[0].act) if causes else None

    def _text(self) -> Content:
        parts: list[Part] = [(_("Why will this card not fill?"), "bold"), "\n\n"]
        if self._failure is not None:
            parts.append((error_sentence(self._failure), "bold $warning"))
        elif self._found is None:
            parts.append(_("Looking at the card..."))
        elif not self._found.causes:
            parts += [
                (_("Nothing speaks against filling with this card."), "bold $success"),
                "\n",
                _("If it does not fill all the same, look at the nozzle on the board."),
            ]
        else:
            parts += _first(self._found.causes[0])
            parts += _others(self._found.causes[1:])
        return line(*parts, "\n\n", *self._keys())

    def _keys(self) -> list[Part]:
        keys: list[Part] = []
        if (function := self._function()) is not None:
            keys += [("Enter", "bold $accent"), f" {_(function.title)}   "]
        again = labelled("", _("asks again")) + "   "
        return [*keys, ("r", "bold"), again, ("Esc", "bold"), labelled("", _("back"))]


def _first(cause: "WhyNot") -> list[Part]:
    cure = sentence(cause.cure, cause.facts)
    key = _key(cause.act)
    return [
        (sentence(cause.text, cause.facts), "bold $warning"),
        "\n\n",
        (labelled(_("Do this:"), cure), "bold"),
        (f"  [{key}]" if key else "", "bold $accent"),
    ]


def _others(causes: "tuple[WhyNot, ...]") -> list[Part]:
    parts: list[Part] = ["\n\n", _("Also:")] if causes else []
    for cause in causes:
        parts.append("\n- " + sentence(cause.text, cause.facts))
    return parts


def _key(act: str) -> str:
    function = function_of(act)
    if act in _PRESSED or function is None:
        return _PRESSED.get(act, "")
    letter = letter_of(function.name)
    return function.keys or (f"{BY_NAME['card_acts'].keys} {letter}" if letter else "")


def function_of(act: str) -> Function | None:
    """Return the function of the screen that does an act; None where none does."""
    return BY_NAME.get(_OPENED_BY.get(act, act))
