"""A long table that draws the lines that are seen and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cngstation.hygiene import clean, fit
from cngstation.language import _

_HEAD_ROWS = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its English head, its width, and what it shows of a row."""

    head: str
    width: int
    text: Callable[[Any], str]
    right: bool = False


def _key(keys: str, action: str) -> Binding:
    return Binding(keys, action, show=False)


class LazyTable(ScrollView, can_focus=True):
    """Rows below a head that stays; arrows move, Enter chooses."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--head",
        "table--row",
        "table--cursor",
    }
    DEFAULT_CSS = """
    LazyTable { height: 1fr; width: 1fr; margin: 0 1; overflow-x: hidden;
        scrollbar-size-vertical: 1; }
    LazyTable .table--head { color: $text-muted; text-style: underline; }
    LazyTable .table--row { color: $foreground; }
    LazyTable .table--cursor { color: $foreground; background: $panel;
        text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("up,k", "move(-1)"),
        _key("down,j", "move(1)"),
        _key("pageup", "page(-1)"),
        _key("pagedown", "page(1)"),
        _key("home", "to_end(-1)"),
        _key("end", "to_end(1)"),
        _key("enter", "choose"),
    ]

    @dataclass
    class Chosen(Message):
        """Enter was pressed on a row."""

        row: Any

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[Any] = ()
        self.cursor = 0

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Any]) -> None:
        """Show other rows; the cursor goes to the first."""
        self._columns, self._rows, self.cursor = columns, rows, 0
        wide = sum(column.width + 1 for column in columns)
        self.virtual_size = Size(wide, len(rows) + _HEAD_ROWS)
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def renew_rows(self, columns: Sequence[Column], rows: Sequence[Any]) -> None:
        """Show the same rows anew; cursor and place stay where they are."""
        if columns is not self._columns:
            self.show_rows(columns, rows)
            return
        self._rows = rows
        self.cursor = max(min(self.cursor, len(rows) - 1), 0)
        wide = sum(column.width + 1 for column in columns)
        self.virtual_size = Size(wide, len(rows) + _HEAD_ROWS)
        self.refresh()

    @property
    def chosen(self) -> Any | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def render_line(self, y: int) -> Strip:
        """Draw the head, or the row that is scrolled to this line."""
        x = round(self.scroll_offset.x)
        number = y - _HEAD_ROWS + round(self.scroll_offset.y)
        if y < _HEAD_ROWS:
            texts = [_(column.head) for column in self._columns]
            return self._strip(texts, "head", x)
        if number >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        row = self._rows[number]
        texts = [clean(column.text(row)) for column in self._columns]
        return self._strip(texts, "cursor" if number == self.cursor else "row", x)

    def _strip(self, texts: list[str], name: str, x: int) -> Strip:
        base = self.rich_style
        style = base + self.get_component_rich_style(f"table--{name}", partial=True)
        cells = (
            fit(text, column.width, right=column.right)
            for text, column in zip(texts, self._columns, strict=True)
        )
        strip = Strip([Segment(" ".join(cells), style)])
        return strip.crop(x, x + self.size.width).adjust_cell_length(
            self.size.width, style
        )

    def _move_to(self, number: int) -> None:
        self.cursor = max(0, min(number, len(self._rows) - 1))
        height = max(self.size.height - _HEAD_ROWS, 1)
        top = round(self.scroll_offset.y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)
        self.refresh(Region(0, 0, self.size.width, self.size.height))

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is seen."""
        self._move_to(self.cursor + by * max(self.size.height - _HEAD_ROWS, 1))

    def action_to_end(self, direction: int) -> None:
        """Go to the first or the last row."""
        self._move_to(0 if direction < 0 else len(self._rows) - 1)

    def action_choose(self) -> None:
        """Tell which row was meant."""
        if self.chosen is not None:
            self.post_message(self.Chosen(self.chosen))
