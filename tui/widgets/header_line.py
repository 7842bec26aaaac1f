"""The first line: which station, who works, which day, what time."""

from textual.content import Content

from cngstation.hygiene import fit, width
from cngstation.language import _
from tui.areas import Area
from tui.desk import Desk
from tui.figures import clock_text
from tui.widgets.lines import Lines, line


class HeaderLine(Lines):
    """Refreshes once a second, and only itself."""

    AREAS = Area.STATION
    DEFAULT_CSS = """
    HeaderLine { height: 1; background: $panel; color: $foreground; text-style: bold; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def on_mount(self) -> None:
        """Let the clock go."""
        self.set_interval(1, self.refresh)

    def content(self) -> Content:
        """Station, operator and day on the left, the time on the right."""
        station = self._desk.picture.station
        session = self._desk.session
        clock = clock_text(self._desk.now_ms())
        parts = []
        if station is not None:
            parts.append(f"{station.name} {station.station_no}-{station.till}")
        if session is not None:
            parts.append(session.operator)
        if station is not None:
            parts.append(_("day {day}").replace("{day}", station.business_day))
        room = max(self.size.width - width(clock) - 2, 0)
        return line(" ", fit("  ".join(parts), room), clock)
