"""The second person's staff card: it is laid on the reader, Enter reads it."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _, mark
from cngstation.rpc.contract.marks import APPROVAL_CARD
from cngstation.rpc.session import Nothing
from tui.desk import Desk
from tui.screens.station_screen import StationScreen
from tui.texts import error_sentence, filled
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked

KEY = "Ctrl+R"
_WANTED, _NOT_WAITED_FOR = "refusal.second_card_missing", "refusal.no_card_asked"
_READ = mark(
    "Staff card {card_no} of {name} is read. Lay the customer's card back if there was "
    "one; Enter does it."
)


def wants_card(form: Screen[None]) -> bool:
    """Begin to prove the second person of a form by card; False while nobody is named.

    The cursor goes to what has to be typed first.
    """
    for name in ("own_password", "second_login", "second_password"):
        for field in form.query(f"#{name}").results(Input):
            if not field.value.strip():
                field.focus()
                return False
    form.add_class("-by-card")
    return True


def is_by_card(form: Screen[None]) -> bool:
    """Tell whether the second person of a form shows a card."""
    return form.has_class("-by-card")


def asks_for_card(form: StationScreen, error: StationError) -> bool:
    """Ask for the second person's card when an act was refused for want of it."""
    if error.code != _WANTED:
        return False
    form.app.push_screen(
        SecondCardScreen(form.desk, form, str(error.facts.get("second", "")))
    )
    return True


class SecondCardScreen(StationScreen):
    """Stays until the right card was read, or it is left by Esc."""

    HELP = mark(
        "The second operator lays the own staff card on the reader; Enter reads it. "
        "It is good for this one act. Esc leaves without: nothing is done then."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "read", show=False)]
    DEFAULT_CSS = """
    SecondCardScreen #asked { padding: 1 2; height: auto; }
    """

    def __init__(self, desk: Desk, form: StationScreen, second: str) -> None:
        super().__init__(desk)
        self._form, self._second = form, second
        self._reading = False

    def parts(self) -> Iterable[Widget]:
        """Say who lays what where."""
        yield Drawn(self._text, id="asked")

    def _text(self) -> Content:
        return stacked([
            line((_("Staff card of the second operator"), "bold")),
            line(""),
            line(filled(mark("{name} lays the own staff card on the reader."),
                        name=clean(self._second))),
            line(_("A customer's card comes back on the reader afterwards.")),
            line(_("One moment ...") if self._reading else ""),
        ])  # fmt: skip

    def offered_keys(self) -> Keys:
        """Read, or leave."""
        if self._reading:
            return [("...", _("leave the card on the reader"))]
        return [
            ("Enter", _("read the staff card")),
            ("Esc", _("back, nothing is done")),
        ]

    def unfinished(self) -> bool:
        """No card that comes opens another screen: it is waited for."""
        return True

    def card_waits(self) -> None:
        """The card that is waited for may be this one."""
        self.say(_("A card is on the reader: Enter reads it."))

    def action_read(self) -> None:
        """Read what lies on the reader."""
        if not self._reading:
            self._reading = True
            self.redraw()
            self.run_worker(self._read(), group="card")

    async def _read(self) -> None:
        try:
            card = await self.desk.link.call(APPROVAL_CARD, Nothing())
        except StationError as error:
            if error.code == _NOT_WAITED_FOR:
                self._back(error_sentence(error), "failed")
            else:
                self.say_error(error)
        else:
            told = filled(_READ, card_no=card.card_no, name=clean(card.name))
            self._back(told, "done")
        finally:
            self._reading = False
            self.redraw()

    def action_leave(self) -> None:
        """Go back to the form; what was typed stays."""
        if not self._reading:
            self._form.remove_class("-by-card")
            told = _("No staff card was read. Nothing was done and no money moved.")
            self._back(told, "failed")

    def _back(self, told: str, kind: str) -> None:
        self.station_app.back_to(self._form)
        for field in self._form.query("#second_password").results(Input):
            field.focus()
        self._form.say(told, kind)
        self._form.ask_to_confirm()
