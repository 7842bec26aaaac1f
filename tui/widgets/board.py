"""The live board: every nozzle in one widget that redraws only what has changed."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from cngstation.hygiene import width as width_of
from tui.areas import TURNS, Area
from tui.desk import Desk
from tui.link import Part
from tui.tile_filter import TileFilter
from tui.tiles import GAP, Arrangement, Cell, arrange, heading, tile

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

    def __init__(
        self,
        desk: Desk,
        *,
        rows_beside: int,
        wanted: Callable[[], TileFilter] = TileFilter,
    ) -> None:
        super().__init__()
        self._desk = desk
        self._wanted = wanted
        self.rows_beside = rows_beside
        self._arrangement = arrange(0, 1, 1)
        self._order: list[int] = []
        self._tiles: dict[int, list[Cell]] = {}
        self._base: Style | None = None
        self._styles: dict[str, Style] = {}

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take the rows that the fullest tiles that fit need, and one for the head."""
        most = max(viewport.height - self.rows_beside, 1)
        return self._arrange(len(self.shown()), width, most).rows + _HEAD_ROWS

    def _units(self) -> set[str]:
        return {nozzle.unit for nozzle in self._desk.picture.nozzles.values()}

    def _arrange(self, count: int, columns: int, most_rows: int) -> Arrangement:
        several = len(self._units()) > 1
        return arrange(count, columns, most_rows, several_units=several)

    def shown(self) -> list[int]:
        """Return the nozzles that the filter lets through, in order."""
        picture, wanted = self._desk.picture, self._wanted()
        if not wanted:
            return sorted(picture.nozzles)
        stale = not picture.is_up(Part.FORECOURT)
        found = picture.nozzles.items()
        return sorted(no for no, one in found if wanted.shows(one, stale=stale))

    def on_resize(self) -> None:
        """Arrange the tiles for the new size."""
        self.redraw()

    def redraw(self) -> None:
        """Draw everything anew: other nozzles, size, language or theme."""
        picture = self._desk.picture
        picture.changed_nozzles.clear()
        most = max(self.size.height - _HEAD_ROWS, 1)
        order = self.shown()
        if len(order) != len(self._order):
            self.refresh(layout=True)
        self._order = order
        self._arrangement = self._arrange(len(order), self.size.width, most)
        stale = not picture.is_up(Part.FORECOURT)
        density = self._arrangement.density
        self._tiles = {
            no: tile(picture.nozzles[no], density, stale=stale) for no in order
        }
        self.refresh()

    def take_turn(self, turn: int) -> None:
        """Redraw what has changed in one block of rows."""
        changed = self._desk.picture.changed_nozzles
        rows = max(self._arrangement.rows, 1)
        due = {
            no
            for index, no in enumerate(self._order)
            if no in changed and index % rows * TURNS // rows == turn
        }
        others = changed.difference(self._order)
        changed -= due | others
        if due or others:
            self.show_changes(due)

    def show_changes(self, changed: set[int]) -> None:
        """Redraw the cells of these nozzles that are not as they were."""
        picture = self._desk.picture
        if self.shown() != self._order:
            self.redraw()
            return
        stale = not picture.is_up(Part.FORECOURT)
        damaged: list[Region] = []
        for index, no in enumerate(self._order):
            if no in changed:
                density = self._arrangement.density
                new = tile(picture.nozzles[no], density, stale=stale)
                if region := self._damage(index, self._tiles[no], new):
                    damaged.append(region)
                self._tiles[no] = new
        if damaged:
            self.refresh(*damaged)

    def _damage(self, index: int, old: list[Cell], new: list[Cell]) -> Region | None:
        """Return what changed in a tile; one span costs less than two and a move."""
        x, row = self._arrangement.place(index)
        first = last = None
        for before, now in zip(old, new, strict=True):
            columns = width_of(now[0])
            if before != now:
                first = x + _same_beginning(before, now) if first is None else first
                last = x + columns
            x += columns
        if first is None or last is None:
            return None
        return Region(first, row + _HEAD_ROWS, last - first, 1)

    def notify_style_update(self) -> None:
        """Forget the styles of another theme."""
        self._base = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw lines without Textual's box: the board has no border and no padding."""
        first, last = crop.column_span
        strips = [self.render_line(y).crop(first, last) for y in crop.line_range]
        _below, background = self.background_colors
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips

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
        return heading(self._arrangement.density, min(self._units(), default="m3"))

    def _strip(self, tiles: list[list[Cell]]) -> Strip:
        base = self._base_style()
        segments: list[Segment] = []
        for number, cells in enumerate(tiles):
            if number:
                segments.append(Segment(" " * GAP, base))
            segments += [Segment(text, self._styles[style]) for text, style in cells]
        used = len(tiles) * (self._arrangement.density.width + GAP) - GAP
        strip = Strip(Segment.simplify(segments), max(used, 0))
        return strip.adjust_cell_length(self.size.width, base)

    def _base_style(self) -> Style:
        """Return the style below all text; looked up once for a theme, not a line."""
        if self._base is None:
            self._base = base = self.rich_style
            for name in self.COMPONENT_CLASSES:
                style = self.get_component_rich_style(name, partial=True)
                self._styles[name.removeprefix("board--")] = base + style
        return self._base


def _same_beginning(old: Cell, new: Cell) -> int:
    """Count the leading columns that need no drawing; only plain digits are split."""
    if old[1] != new[1] or not (old[0].isascii() and new[0].isascii()):
        return 0
    pairs = zip(old[0], new[0], strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
