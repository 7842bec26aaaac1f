"""Draws what is damaged, from where it begins to where it ends, and nothing beside it.

For a damaged part of a line Textual 8 asks every widget below the smallest rectangle
around all damage for all of its lines, and sends the part from the left edge of its
widget (`Compositor.render_partial_update`, `ChopsUpdate.render_segments`). Here only
the damaged lines are asked for, and only the damaged columns are sent.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.control import Control
from textual._compositor import Compositor, CompositorUpdate
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

Columns = tuple[int, int]  # first, and the one after the last
Piece = tuple[int, int, Strip]  # row, column, what stands there


class Pieces(CompositorUpdate):
    """A partial update: strips with a move of the cursor before each."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = sorted(pieces, key=lambda piece: piece[:2])

    def render_segments(self, console: Console) -> str:
        """Return what the terminal gets."""
        sent: list[str] = []
        for row, column, strip in self.pieces:
            sent.append(Control.move_to(column, row).segment.text)
            sent.append(strip.render(console))
        return "".join(sent)


class DamageCompositor(Compositor):
    """Textual's compositor with exact partial updates."""

    # Textual names its own kind of update; any CompositorUpdate is shown.
    def render_partial_update(self) -> Pieces | None:  # type: ignore[override]
        """Return the update of what is damaged, or None."""
        screen = self.size.region
        damaged = [region.intersection(screen) for region in self._dirty_regions]
        self._dirty_regions.clear()
        if not damaged:
            return None
        bare: dict[int, list[Columns]] = {}
        for row, first, last in self._regions_to_spans(damaged):
            bare.setdefault(row, []).append((first, last))
        return Pieces(list(self._paint(bare)))

    def _paint(self, bare: dict[int, list[Columns]]) -> Iterator[Piece]:
        """Cover the bare columns of each row, the foremost widget first."""
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            rows = [
                row
                for row in bare
                if shown.y <= row < shown.bottom and _meet(bare[row], shown)
            ]
            if not rows:
                continue
            top = min(rows)
            strips = _lines(widget, region, shown, top, max(rows))
            for row in rows:
                left: list[Columns] = []
                for first, last in bare[row]:
                    begin, end = max(first, shown.x), min(last, shown.right)
                    if begin >= end:
                        left.append((first, last))
                        continue
                    strip = strips[row - top].crop(begin - shown.x, end - shown.x)
                    yield row, begin, strip
                    left += [s for s in ((first, begin), (end, last)) if s[0] < s[1]]
                bare[row] = left


def _meet(spans: list[Columns], shown: Region) -> bool:
    return any(first < shown.right and last > shown.x for first, last in spans)


def _lines(
    widget: Widget, region: Region, shown: Region, top: int, bottom: int
) -> list[Strip]:
    """Return a widget's lines from one row of the screen to another."""
    x, y = shown.x - region.x, top - region.y
    return widget.render_lines(Region(x, y, shown.width, bottom - top + 1))
