"""A block of text that is drawn anew from the picture whenever its area changes."""

from collections.abc import Callable
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from tui.picture import Area

Part = str | tuple[str, str]


class Lines(Widget):
    """Text whose content is made when it is drawn, in the language of that moment.

    Data reaches the terminal as plain text with a style beside it, never as markup.
    """

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"
    AREAS: ClassVar[Area] = Area.NOTHING
    can_focus = False

    def content(self) -> Content:
        """Return what stands here now."""
        raise AssertionError("every block says what it shows")

    def render(self) -> Content:
        """Draw."""
        return self.content()


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
