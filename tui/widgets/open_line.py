"""The line that says what still needs a person, and what helps."""

from textual.content import Content

from cngstation.language import _
from tui.areas import Area
from tui.desk import Desk
from tui.texts import sentence, sentences
from tui.widgets.lines import Lines, line


class OpenLine(Lines):
    """Count, the newest row and its cure; empty when nothing is open."""

    AREAS = Area.OPEN_ROWS
    DEFAULT_CSS = "OpenLine { height: auto; max-height: 3; padding: 0 1; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def content(self) -> Content:
        """Write the row that is to be dealt with first."""
        rows = self._desk.picture.open_rows
        if not rows:
            return Content("")
        count = _("{count} unfinished").replace("{count}", str(len(rows)))
        first = rows[0]
        what = sentence(first.text, first.facts)
        cure = sentence(first.cure, first.facts)
        return line((f"! {count}", "bold $warning"), f"  {sentences(what, cure)}")
