"""Draws a damaged span from where it begins, not from the edge of its widget.

Textual 8 sends a damaged part of a line from the left edge of the widget that it is in
(`ChopsUpdate.render_segments` crops at the right end alone). A board whose figures
change all over would send nearly every line again for each figure.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class Spans(ChopsUpdate):
    """A partial update that sends its spans and nothing beside them."""

    def render_segments(self, console: Console) -> str:
        """Return the spans with a move of the cursor before each."""
        sent: list[str] = []
        for y, begins, ends in self.spans:
            for end, (x, strip) in zip(
                self.chop_ends[y], self.chops[y].items(), strict=False
            ):
                first, last = max(begins, x), min(ends, end)
                if strip is not None and first < last:
                    sent.append(Control.move_to(first, y).segment.text)
                    sent.append(strip.crop(first - x, last - x).render(console))
        return "".join(sent)


class DamageCompositor(Compositor):
    """Textual's compositor with exact partial updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return the update of what is damaged, or None."""
        update = super().render_partial_update()
        if update is None:
            return None
        return Spans(update.chops, update.spans, update.chop_ends)
