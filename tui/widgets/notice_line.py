"""What was just done, or why it was not: it stays until the next act."""

from textual.content import Content

from tui.widgets.lines import Lines, line

_SHAPES = {"done": ("✔ ", "bold $success"), "failed": ("✖ ", "bold $error")}


class NoticeLine(Lines):
    """A sentence with a shape before it."""

    DEFAULT_CSS = """
    NoticeLine { height: auto; min-height: 2; max-height: 6; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._kind = ""

    def say(self, text: str, kind: str = "") -> None:
        """Show a sentence; `kind` is `done`, `failed` or nothing."""
        if (text, kind) != (self.text, self._kind):
            self.text, self._kind = text, kind
            self.redraw()

    def content(self) -> Content:
        """Write shape and sentence."""
        if not self.text:
            return Content("")
        shape, style = _SHAPES.get(self._kind, ("· ", "bold"))
        return line((shape, style), (self.text, style if self._kind else ""))
