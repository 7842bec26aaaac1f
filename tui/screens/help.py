"""Help about the screen below: what it is for, its keys, what is not well and why."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from cngstation.hygiene import fit
from cngstation.language import _
from tui.desk import Desk
from tui.screens.station_screen import StationScreen
from tui.texts import sentence
from tui.widgets.lines import Drawn, Part, line
from tui.widgets.status_line import troubles
from tui.words import word

_KEY = 10  # columns


class HelpScreen(ModalScreen[None]):
    """Closed by Esc, Enter or F1."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,f1,alt+1,question_mark,q", "dismiss", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll { width: 76; max-width: 100%; height: auto;
        max-height: 100%; padding: 1 2; border: round $accent;
        background: $background; }
    """

    def __init__(self, desk: Desk, about: StationScreen) -> None:
        super().__init__()
        self._desk = desk
        self._about = about

    def compose(self) -> ComposeResult:
        """Show it on one page that scrolls."""
        with VerticalScroll():
            yield Drawn(self._text)

    def _text(self) -> Content:
        parts: list[Part] = [*self._about_the_card(), *self._not_well()]
        parts += [_(self._about.HELP), "\n\n"]
        for key, meaning in self._about.offered_keys():
            parts += [(fit(key, _KEY), "bold"), f"{meaning}\n"]
        parts += [
            (fit("Ctrl+P", _KEY), "bold"),
            _("every function, by its old menu name") + "\n",
            (fit("Ctrl+K", _KEY), "bold"),
            _("locks the screen at once; what is typed is kept") + "\n",
            (fit("Ctrl+L", _KEY), "bold"), "中文 / English\n",
            (fit("Ctrl+T", _KEY), "bold"), _("dark, light, high contrast") + "\n",
            (fit("Alt+1...9", _KEY), "bold"), _("the same as F1 to F9") + "\n",
        ]  # fmt: skip
        return line(*parts)

    def _not_well(self) -> list[Part]:
        said = troubles(self._desk)
        if not said:
            return []
        head = (_("Not well:"), "bold $warning")
        return [head, "\n", *(f"! {text}\n" for text in said), "\n"]

    def _about_the_card(self) -> list[Part]:
        """Say why this card will not fill, where it will not."""
        card = self._desk.picture.card
        if card is None or not self._desk.picture.card_is_there:
            return []
        if card.standing == "normal" or not card.way_out:
            return []
        state = _("This card: {state}.").replace("{state}", word(card.standing))
        return [(f"{state} {sentence(card.way_out)}", "bold $warning"), "\n\n"]
