"""The login: the first frame, so it imports nothing that is not already there."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from cngstation.language import _
from tui.widgets.lines import Drawn, line

if TYPE_CHECKING:
    from cngstation.errors import StationError
    from tui.demo import Demo
    from tui.link import Released

SignIn = Callable[[str, str, "Released"], Awaitable[None]]
# Refusals after which the password was right and a card, or its reader, was not.
_OF_CARDS = (
    "refusal.staff_card",
    "refusal.not_staff_card",
    "card.",
    "device.",
    "reader.",
)


class LoginScreen(Screen[None]):
    """Name and password; Enter goes on, Esc leaves."""

    stays_on_top = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("f2,alt+2", "release", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    LoginScreen { align: center middle; }
    LoginScreen > Vertical { width: 60; height: auto; border: round $primary;
        padding: 1 2; }
    LoginScreen Input { margin: 0 0 1 0; }
    LoginScreen #release { height: auto; display: none; }
    LoginScreen #release.-asked { display: block; }
    """

    def __init__(self, sign_in: SignIn, demo: "Demo | None" = None) -> None:
        super().__init__()
        self._sign_in = sign_in
        self._demo = demo
        self._said = ""
        self._busy = False
        self._wants_card = False

    def compose(self) -> ComposeResult:
        """Lay out title, two fields, and what happened."""
        demo = self._demo
        name, password = (demo.login_name, demo.password) if demo else ("", "")
        with Vertical():
            yield Drawn(_title)
            yield Input(name, id="login-name", compact=True)
            yield Drawn(lambda: line(_("Password")))
            yield Input(password, password=True, id="password", compact=True)
            with Vertical(id="release"):
                yield Drawn(lambda: line(_("Administrator: name, password, reason")))
                yield Input(id="released-by", compact=True)
                yield Input(password=True, id="released-password", compact=True)
                yield Input(id="released-why", compact=True)
            yield Drawn(self._hint, id="login-said")

    def on_mount(self) -> None:
        """Begin at the field that is still empty."""
        field = "#login-name" if self._demo is None else "#password"
        self.query_one(field).focus()

    def begin_again(self, why: str = "") -> None:
        """Forget the password; say why the login is shown again."""
        field = self.query_one("#password", Input)
        field.value = self._demo.password if self._demo else ""
        field.focus()
        self._wants_card = False
        self._ask_for_release(asked=False)
        self._say(why)

    def action_leave(self) -> None:
        """Leave the second step first, then the program."""
        if self._wants_card:
            self.begin_again()
        else:
            self.app.exit()

    def action_release(self) -> None:
        """Let an administrator answer for whoever has no card, or no reader."""
        if self._wants_card:
            self._ask_for_release(asked=True)
            self.query_one("#released-by", Input).focus()

    def _ask_for_release(self, *, asked: bool) -> None:
        self.query_one("#release").set_class(asked, "-asked")
        for field in self.query("#release Input").results(Input):
            field.value = ""

    def relabel(self) -> None:
        """Show the texts in the language that was chosen."""
        for drawn in self.query(Drawn):
            drawn.redraw()

    def _hint(self) -> Content:
        if self._said:
            further = f"\n{_card_keys_text()}" if self._wants_card else ""
            return line((f"✖ {self._said}", "bold $error"), further)
        if self._busy:
            return line((_("One moment ..."), "$text-muted"))
        if self._demo is not None:
            demo = f"{self._demo.login_name} / {self._demo.password}"
            return line(_("Demonstration"), f": {demo}\n", _keys_text())
        return line(_keys_text())

    def _say(self, text: str, *, busy: bool = False) -> None:
        self._said, self._busy = text, busy
        self.query_one("#login-said", Drawn).redraw()

    async def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to the field that is empty, or log in, reading the card if need be."""
        for field in self.query(Input):
            if field.display and not field.value and self._is_asked(field):
                field.focus()
                return
        if not self._busy:
            self._say("", busy=True)
            # The app's own worker: this screen is gone when it ends.
            self.app.run_worker(self._try(), group="sign-in")

    def _is_asked(self, field: Input) -> bool:
        release = self.query_one("#release")
        return release.has_class("-asked") or release not in field.ancestors

    def _released_by(self) -> "Released":
        """Return what an administrator typed, if one was asked."""
        if not self.query_one("#release").has_class("-asked"):
            return None
        fields = ("#released-by", "#released-password", "#released-why")
        name, password, why = (self.query_one(each, Input).value for each in fields)
        return name.strip(), password, why

    def _refused(self, error: "StationError") -> None:
        """Say why; what a card is missing for keeps the password, until it is read."""
        from tui.texts import error_sentence

        self._wants_card = error.code.startswith(_OF_CARDS)
        if not self._wants_card:
            self.begin_again(error_sentence(error))
            return
        self._ask_for_release(asked=False)
        self.query_one("#password", Input).focus()
        self._say(error_sentence(error))

    async def _try(self) -> None:
        from cngstation.errors import StationError

        password = self.query_one("#password", Input)
        name = self.query_one("#login-name", Input).value.strip()
        try:
            await self._sign_in(name, password.value, self._released_by())
        except StationError as error:
            self._refused(error)
        except ValueError:  # longer than the contract takes, or control characters
            self._say(_("The name or password has characters that cannot be used."))
        else:
            self.begin_again()


def _title() -> Content:
    return line((_("CNG filling station"), "bold $accent"), "\n\n", _("Operator"))


def _keys_text() -> str:
    return _("Enter logs in   Esc quits   Ctrl+L 中文/English")


def _card_keys_text() -> str:
    return _(
        "Enter reads the card   F2 an administrator lets you in once   Esc starts again"
    )
