"""What still needs a person, one below the other, each with what helps."""

from textual.content import Content

from cngstation.language import _
from tui.areas import Area
from tui.desk import Desk
from tui.figures import short_time
from tui.texts import sentence
from tui.widgets.lines import Lines, line, stacked


class OpenList(Lines):
    """As many open rows as there is room for."""

    AREAS = Area.OPEN_ROWS
    DEFAULT_CSS = """
    OpenList { height: 1fr; border-top: solid $primary; padding: 0 1; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def content(self) -> Content:
        """Write when, what and the cure."""
        rows = self._desk.picture.open_rows
        lines = [line((_("Unfinished"), "bold"), f" {len(rows)}")]
        for row in rows:
            what = sentence(row.text, row.facts)
            cure = sentence(row.cure, row.facts)
            lines.append(line((f"! {short_time(row.at_ms)}  ", "bold $warning"), what))
            lines.append(line(f"   {cure}"))
        return stacked(lines)
