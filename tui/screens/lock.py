"""The lock: everything is covered until the operator's password is given."""

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.language import _
from tui.areas import EVERYTHING
from tui.desk import Desk
from tui.texts import error_sentence
from tui.widgets.lines import Drawn, line

if TYPE_CHECKING:
    from tui.app import StationApp


class LockScreen(Screen[None]):
    """Covers the counter; what was typed there is kept."""

    stays_on_top = True
    DEFAULT_CSS = """
    LockScreen { align: center middle; }
    LockScreen > Vertical { width: 60; height: auto; border: round $warning;
        padding: 1 2; }
    """

    def __init__(self, desk: Desk, *, is_locked: bool = False) -> None:
        super().__init__()
        self._desk = desk
        self._is_locked = is_locked
        self._said = ""
        self._busy = False

    def compose(self) -> ComposeResult:
        """Say who locked it and ask for the password."""
        with Vertical():
            yield Drawn(self._text)
            yield Input(password=True, compact=True, max_length=128)

    def on_mount(self) -> None:
        """Lock the session too, not only this screen, unless it is locked."""
        if not self._is_locked:
            self.run_worker(self._lock(), group="lock")

    async def _lock(self) -> None:
        try:
            await self._desk.link.lock()
        except StationError as error:
            self._say(error_sentence(error))

    def _text(self) -> Content:
        session = self._desk.session
        who = session.operator if session else ""
        said = f"✖ {self._said}\n" if self._said else ""
        return line(
            (_("Locked"), "bold $warning"),
            f"  {who}\n\n",
            (_("Nobody was at the screen.") + "\n" if self._is_locked else ""),
            _("Type your password and press Enter.") + "\n",
            (said, "bold $error"),
        )

    def _say(self, text: str) -> None:
        self._said = text
        if self.is_mounted:
            self.query_one(Drawn).redraw()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Try the password."""
        if not self._busy:
            self._busy = True
            self.app.run_worker(self._unlock(submitted.input), group="unlock")

    async def _unlock(self, field: Input) -> None:
        try:
            self._desk.session = await self._desk.link.unlock(field.value)
        except StationError as error:
            field.value = ""
            self._say(error_sentence(error))
        else:
            self.dismiss()
            app = cast("StationApp", self.app)
            app.call_later(lambda: app.counter().draw(EVERYTHING))
        finally:
            self._busy = False
