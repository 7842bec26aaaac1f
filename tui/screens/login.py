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
    from tui.demo import Demo

SignIn = Callable[[str, str], Awaitable[None]]


class LoginScreen(Screen[None]):
    """Name and password; Enter goes on, Esc leaves."""

    stays_on_top = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.quit", show=False),
    ]
    DEFAULT_CSS = """
    LoginScreen { align: center middle; }
    LoginScreen > Vertical { width: 60; height: auto; border: round $primary;
        padding: 1 2; }
    LoginScreen Input { margin: 0 0 1 0; }
    """

    def __init__(self, sign_in: SignIn, demo: "Demo | None" = None) -> None:
        super().__init__()
        self._sign_in = sign_in
        self._demo = demo
        self._said = ""
        self._busy = False

    def compose(self) -> ComposeResult:
        """Lay out title, two fields, and what happened."""
        demo = self._demo
        name, password = (demo.login_name, demo.password) if demo else ("", "")
        with Vertical():
            yield Drawn(_title)
            yield Input(name, id="login-name", compact=True)
            yield Drawn(lambda: line(_("Password")))
            yield Input(password, password=True, id="password", compact=True)
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
        self._say(why)

    def relabel(self) -> None:
        """Show the texts in the language that was chosen."""
        for drawn in self.query(Drawn):
            drawn.redraw()

    def _hint(self) -> Content:
        if self._said:
            return line((f"✖ {self._said}", "bold $error"))
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
        """Go to the password, or log in."""
        password = self.query_one("#password", Input)
        if submitted.input is not password and not password.value:
            password.focus()
            return
        if not self._busy:
            self._say("", busy=True)
            # The app's own worker: this screen is gone when it ends.
            self.app.run_worker(self._try(), group="sign-in")

    async def _try(self) -> None:
        from cngstation.errors import StationError

        password = self.query_one("#password", Input)
        name = self.query_one("#login-name", Input).value.strip()
        try:
            await self._sign_in(name, password.value)
        except StationError as error:
            from tui.texts import error_sentence

            self.begin_again(error_sentence(error))
        except ValueError:  # longer than the contract takes, or control characters
            self._say(_("The name or password has characters that cannot be used."))
        else:
            self.begin_again()


def _title() -> Content:
    return line((_("CNG filling station"), "bold $accent"), "\n\n", _("Operator"))


def _keys_text() -> str:
    return _("Enter logs in   Esc quits   Ctrl+L 中文/English")
