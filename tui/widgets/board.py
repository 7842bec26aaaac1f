"""The live board: every nozzle in one widget that redraws only what has changed."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from cngstation.hygiene import width as width_of
from tui.areas import Area
from tui.desk import Desk
from tui.link import Part
from tui.tiles import GAP, Cell, arrange, heading, tile

_HEAD_ROWS = 1


class Board(Widget):
    """Draws lines; a changed figure damages its own cells and nothing beside them."""

    AREAS: ClassVar[Area] = Area.BOARD
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "board--plain",
        "board--active",
        "board--warning",
        "board--error",
        "board--quiet",
        "board--head",
    }
    DEFAULT_CSS = """
    Board { height: auto; width: 1fr; }
    Board .board--plain { color: $foreground; }
    Board .board--active { color: $success; text-style: bold; }
    Board .board--warning { color: $warning; text-style: bold; }
    Board .board--error { color: $error; text-style: bold; }
    Board .board--quiet { color: $text-muted; }
    Board .board--head { color: $text-muted; text-style: underline; }
    """
    can_focus = False

    def __init__(self, desk: Desk, *, rows_beside: int) -> None:
        super().__init__()
        self._desk = desk
        self.rows_beside = rows_beside
        self._arrangement = arrange(0, 1, 1)
        self._order: list[int] = []
        self._tiles: dict[int, list[Cell]] = {}

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take the rows that the fullest tiles that fit need, and one for the head."""
        most = max(viewport.height - self.rows_beside, 1)
        count = len(self._desk.picture.nozzles)
        return arrange(count, width, most).rows + _HEAD_ROWS

    def on_resize(self) -> None:
        """Arrange the tiles for the new size."""
        self.redraw()

    def redraw(self) -> None:
        """Draw everything anew: other nozzles, size, language or theme."""
        picture = self._desk.picture
        most = max(self.size.height - _HEAD_ROWS, 1)
        order = sorted(picture.nozzles)
        if len(order) != len(self._order):
            self.refresh(layout=True)
        self._order = order
        self._arrangement = arrange(len(order), self.size.width, most)
        stale = not picture.is_up(Part.FORECOURT)
        density = self._arrangement.density
        self._tiles = {
            no: tile(picture.nozzles[no], density, stale=stale) for no in order
        }
        self.refresh()

    def show_changes(self, changed: set[int]) -> None:
        """Redraw the cells of these nozzles that are not as they were."""
        picture = self._desk.picture
        if sorted(picture.nozzles) != self._order:
            self.redraw()
            return
        stale = not picture.is_up(Part.FORECOURT)
        damaged: dict[int, int] = {}
        for index, no in enumerate(self._order):
            if no in changed:
                density = self._arrangement.density
                new = tile(picture.nozzles[no], density, stale=stale)
                x, row = self._arrangement.place(index)
                end = x + _changed_columns(self._tiles[no], new)
                if end > x:
                    damaged[row] = max(damaged.get(row, 0), end)
                self._tiles[no] = new
        # One region a line: Textual writes a damaged line from its beginning, once
        # for each region.
        regions = [Region(0, row + _HEAD_ROWS, end, 1) for row, end in damaged.items()]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Draw one line of tiles."""
        if y == 0:
            return self._strip([self._heading()] * self._used_columns())
        row = y - _HEAD_ROWS
        rows = self._arrangement.rows
        beside = self._order[row::rows] if row < rows else []
        return self._strip([self._tiles[no] for no in beside])

    def _used_columns(self) -> int:
        rows = max(self._arrangement.rows, 1)
        return -(-len(self._order) // rows)

    def _heading(self) -> list[Cell]:
        station = self._desk.picture.station
        unit = station.gas_unit if station else "m3"
        return heading(self._arrangement.density, unit)

    def _strip(self, tiles: list[list[Cell]]) -> Strip:
        base = self.rich_style
        segments: list[Segment] = []
        for number, cells in enumerate(tiles):
            if number:
                segments.append(Segment(" " * GAP, base))
            segments += [
                Segment(text, base + self._style(style)) for text, style in cells
            ]
        strip = Strip(Segment.simplify(segments))
        return strip.adjust_cell_length(self.size.width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"board--{name}", partial=True)


def _changed_columns(old: list[Cell], new: list[Cell]) -> int:
    """Return how many columns of a tile, from its left, have to be drawn anew."""
    x = changed = 0
    for before, now in zip(old, new, strict=True):
        x += width_of(now[0])
        if before != now:
            changed = x
    return changed
