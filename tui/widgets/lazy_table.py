"""A long table that draws the lines that are seen and nothing else.

Figures are drawn whole or not at all: they take the room that the longest of them
needs, and names give way. A text that has some room beside the rest begins there; what
has none is a key away (< and >).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cngstation.hygiene import clean, fit
from cngstation.hygiene import width as columns_of
from cngstation.language import _

_HEAD_ROWS = 1
_BACK, _ON = "<", ">"
_SHORTEST_TEXT = 8  # columns in which a text says something


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its English head, its width, and what it shows of a row.

    One that stands right holds figures and is as wide as the widest of them. Another
    gives way down to `least` columns; `stays` keeps it when others are turned to.
    """

    head: str
    width: int
    text: Callable[[Any], str]
    right: bool = False
    least: int = 0
    stays: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns are drawn, how wide, and which are out of sight."""

    shown: tuple[tuple[int, int], ...]  # number and width
    first: int = 0  # how many of those that do not stay are turned away
    after: bool = False
    back: int = 0  # where a turn back leads, and
    on: int = 0  # a turn on


def layout(
    columns: Sequence[Column], widths: Sequence[int], room: int, first: int
) -> _Layout:
    """Give columns their room; `first` of those that do not stay are turned away."""
    wide = list(widths)
    over = sum(wide) + len(wide) - 1 - room
    while over > 0:
        can = [n for n, c in enumerate(columns) if c.least and wide[n] > c.least]
        if not can:
            break
        wide[max(can, key=wide.__getitem__)] -= 1
        over -= 1
    if over <= 0:
        return _Layout(tuple(enumerate(wide)))
    stay = [n for n, column in enumerate(columns) if column.stays]
    rest = [n for n in range(len(columns)) if n not in stay]
    first = min(first, len(rest) - _fitting(reversed(rest), stay, wide, room))
    count = _fitting(rest[first:], stay, wide, room)
    drawn = [(n, wide[n]) for n in (*stay, *rest[first : first + count])]
    left = room - sum(width + 1 for _n, width in drawn) - len(_BACK + _ON)
    if first + count < len(rest) and left >= _SHORTEST_TEXT:
        beside = rest[first + count]
        if not columns[beside].right:
            drawn.append((beside, min(left, wide[beside])))
    return _Layout(
        shown=tuple(drawn),
        first=first,
        after=first + count < len(rest),
        back=first - _fitting(reversed(rest[:first]), stay, wide, room),
        on=first + count,
    )


def _fitting(
    numbers: Iterable[int], stay: Sequence[int], wide: Sequence[int], room: int
) -> int:
    """Return how many columns fit beside those that stay; one at least."""
    used = sum(wide[n] + 1 for n in stay) + len(_BACK + _ON)
    count = 0
    for n in numbers:
        used += wide[n] + 1
        if used > room and count:
            break
        count += 1
    return count


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
        _key("comma,less_than_sign", "columns(-1)"),
        _key("full_stop,greater_than_sign", "columns(1)"),
    ]

    @dataclass
    class Chosen(Message):
        """Enter was pressed on a row."""

        row: Any

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[Any] = ()
        self._widths: Sequence[int] = ()
        self._turned = 0  # columns that were turned away
        self.cursor = 0

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Any]) -> None:
        """Show other rows; the cursor goes to the first."""
        self._columns, self.cursor, self._turned = columns, 0, 0
        self._take(rows)
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def _take(self, rows: Sequence[Any]) -> None:
        self._rows = rows
        self._widths = [_widest(column, rows) for column in self._columns]
        self.virtual_size = Size(0, len(rows) + _HEAD_ROWS)

    def renew_rows(self, columns: Sequence[Column], rows: Sequence[Any]) -> None:
        """Show the same rows anew; cursor and place stay where they are."""
        if columns is not self._columns:
            self.show_rows(columns, rows)
            return
        self._take(rows)
        self.cursor = max(min(self.cursor, len(rows) - 1), 0)
        self.refresh()

    @property
    def chosen(self) -> Any | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    @property
    def _room(self) -> int:
        """Columns beside the scrollbar."""
        return self.scrollable_content_region.width

    @property
    def _layout(self) -> _Layout:
        return layout(self._columns, self._widths, self._room, self._turned)

    @property
    def hides_columns(self) -> bool:
        """Whether columns are out of sight that a key brings."""
        drawn = self._layout
        return drawn.first > 0 or drawn.after

    def render_line(self, y: int) -> Strip:
        """Draw the head, or the row that is scrolled to this line."""
        drawn = self._layout
        number = y - _HEAD_ROWS + round(self.scroll_offset.y)
        if y < _HEAD_ROWS:
            head = self._cells(drawn, lambda column: _(column.head))
            marks = (_BACK if drawn.first else "") + (_ON if drawn.after else "")
            if marks:
                head = fit(head, self._room - len(marks)) + marks
            return self._strip(head, "head")
        if number >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        row = self._rows[number]
        text = self._cells(drawn, lambda column: column.text(row))
        return self._strip(text, "cursor" if number == self.cursor else "row")

    def _cells(self, drawn: _Layout, text: Callable[[Column], str]) -> str:
        shown = ((self._columns[number], wide) for number, wide in drawn.shown)
        return " ".join(
            fit(clean(text(column)), wide, right=column.right) for column, wide in shown
        )

    def _strip(self, text: str, name: str) -> Strip:
        base = self.rich_style
        style = base + self.get_component_rich_style(f"table--{name}", partial=True)
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)

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

    def action_columns(self, by: int) -> None:
        """Turn to the columns that have no room."""
        drawn = self._layout
        self._turned = max(drawn.on if by > 0 else drawn.back, 0)
        self.refresh()

    def action_choose(self) -> None:
        """Tell which row was meant."""
        if self.chosen is not None:
            self.post_message(self.Chosen(self.chosen))


def _widest(column: Column, rows: Sequence[Any]) -> int:
    """Return the room that a column wants: no figure is ever cut."""
    if not column.right:
        return column.width
    texts = (columns_of(clean(column.text(row))) for row in rows)
    return max(column.width, *texts, 0)
