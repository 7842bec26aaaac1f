"""The first login: a password that was given must become a password of one's own."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import SecretStr
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.language import _
from cngstation.rpc.contract.counter import OPERATOR_CHANGE_PASSWORD, PasswordChange
from tui.desk import Desk
from tui.texts import error_sentence
from tui.widgets.lines import Drawn, line

if TYPE_CHECKING:
    from tui.app import StationApp

Changed = Callable[[], Awaitable[None]]


class FirstPasswordScreen(Screen[None]):
    """Nothing else is open before; Esc goes back to the login."""

    stays_on_top = True
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]
    DEFAULT_CSS = """
    FirstPasswordScreen { align: center middle; }
    FirstPasswordScreen > Vertical { width: 60; height: auto; padding: 1 2;
        border: round $primary; }
    FirstPasswordScreen Input { margin: 0 0 1 0; }
    """

    def __init__(self, desk: Desk, given: str, changed: Changed) -> None:
        super().__init__()
        self._desk = desk
        self._given = given
        self._changed = changed
        self._said = ""
        self._busy = False

    def compose(self) -> ComposeResult:
        """Say why, and ask for the new password twice."""
        with Vertical():
            yield Drawn(self._title)
            yield Input(password=True, id="new", compact=True, max_length=128)
            yield Drawn(lambda: line(_("The new password once more")))
            yield Input(password=True, id="again", compact=True, max_length=128)
            yield Drawn(self._hint, id="said")

    def _title(self) -> Content:
        why = _("Your password was given for one login. Set one that you alone know.")
        return line(
            (_("Set your password"), "bold $accent"),
            f"\n\n{why}\n\n",
            _("New password, at least 8 characters"),
        )

    def _hint(self) -> Content:
        if self._said:
            return line((f"✖ {self._said}", "bold $error"))
        if self._busy:
            return line((_("One moment ..."), "$text-muted"))
        return line(_("Enter saves   Esc back to the login"))

    def _say(self, text: str, *, busy: bool = False) -> None:
        self._said, self._busy = text, busy
        if self.is_mounted:
            self.query_one("#said", Drawn).redraw()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go to the second field, or change the password."""
        again = self.query_one("#again", Input)
        if submitted.input is not again:
            again.focus()
        elif not self._busy:
            self._say("", busy=True)
            self.app.run_worker(self._change(), group="first-password")

    async def _change(self) -> None:
        new, again = (self.query_one(f"#{n}", Input).value for n in ("new", "again"))
        try:
            request = PasswordChange(
                old=SecretStr(self._given), new=SecretStr(new), again=SecretStr(again)
            )
            await self._desk.link.call(OPERATOR_CHANGE_PASSWORD, request)
            await self._changed()
        except StationError as error:
            self._type_again(error_sentence(error))
        except ValueError:  # longer than the contract takes
            self._type_again(_("The password has characters that cannot be used."))

    def _type_again(self, why: str) -> None:
        if self.is_mounted:
            for field in self.query(Input):
                field.clear()
            self.query_one("#new", Input).focus()
        self._say(why)

    def left_alone(self) -> None:
        """Nobody was here, and the session is locked: begin at the login again."""
        self.app.run_worker(self._leave(_("Nobody was at the screen.")))

    def action_leave(self) -> None:
        """End the session; the given password is still good for the next login."""
        if not self._busy:
            self.app.run_worker(self._leave(), group="first-password")

    async def _leave(self, why: str = "") -> None:
        try:
            await self._desk.link.logout()
        except StationError as error:
            if not why:
                self._say(error_sentence(error))
                return
        if self.is_mounted:
            cast("StationApp", self.app).signed_out(why)
