"""The question before leaving something unfinished."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from cngstation.language import _
from tui.widgets.lines import Drawn, line


class QuitScreen(ModalScreen[None]):
    """Enter leaves, Esc stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave", show=False),
        Binding("escape", "dismiss", show=False),
    ]
    DEFAULT_CSS = """
    QuitScreen { align: center middle; }
    QuitScreen Drawn { width: 56; padding: 1 2; border: round $warning;
        background: $background; }
    """

    def compose(self) -> ComposeResult:
        """Ask."""
        yield Drawn(_question)

    def action_leave(self) -> None:
        """Quit all the same."""
        self.app.exit()


def _question() -> Content:
    return line(
        (_("Something is unfinished on this screen."), "bold $warning"),
        "\n\n",
        _("Enter quits all the same   Esc stays"),
    )
