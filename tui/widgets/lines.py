"""A block of text that is drawn anew from the picture whenever its area changes."""

from collections.abc import Callable
from typing import ClassVar

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.areas import Area
from tui.breaking import broken

Part = str | tuple[str, str]


class Lines(Widget):
    """Text whose content is made when it is drawn, in the language of that moment.

    Data reaches the terminal as plain text with a style beside it, never as markup.
    """

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"
    AREAS: ClassVar[Area] = Area.NOTHING
    can_focus = False
    _height_drawn = 0

    def content(self) -> Content:
        """Return what stands here now."""
        raise AssertionError("every block says what it shows")

    def render(self) -> Content:
        """Draw, no line wider than there is room."""
        columns = self.content_size.width
        return broken(self.content(), columns) if columns else self.content()

    def lines_at(self, columns: int) -> int:
        """Return how many lines the content takes at this width."""
        return broken(self.content(), columns).plain.count("\n") + 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take the lines that the content needs now."""
        self._height_drawn = max(self.lines_at(width), 1)
        return self._height_drawn

    def redraw(self) -> None:
        """Draw anew; lay the screen out again only when the height has changed."""
        before = self._height_drawn
        if self.styles.is_auto_height and self.size.width:
            self._height_drawn = max(self.lines_at(self.content_size.width), 1)
        self.refresh(layout=self._height_drawn != before)


class Drawn(Lines):
    """Lines that a function makes; for the small texts of forms."""

    def __init__(
        self,
        draw: Callable[[], Content],
        *,
        areas: Area = Area.NOTHING,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self.areas = areas

    def content(self) -> Content:
        """Return what the function makes now."""
        return self._draw()


def line(*parts: Part) -> Content:
    """Join plain texts and (text, style) pairs."""
    return Content.assemble(*parts)


def stacked(lines: list[Content]) -> Content:
    """Put lines one under the other."""
    return Content("\n").join(lines)
