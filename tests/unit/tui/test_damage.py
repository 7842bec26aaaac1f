"""What a partial update sends to the terminal."""

import random
from typing import ClassVar

from rich.console import Console
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.damage import DamageCompositor, Pieces

COLUMNS, ROWS = 40, 12


class Letters(Widget):
    """Lines of one letter and a count of how often it was drawn."""

    def __init__(self, letter: str) -> None:
        super().__init__(id=letter)
        self.letter = letter
        self.drawn: list[int] = []

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Any width."""
        return 10

    def render_line(self, y: int) -> Strip:
        """Draw the letter all over the line."""
        self.drawn.append(y)
        width = self.size.width
        return Strip([Segment(self.letter * width)], width)


class LayeredScreen(Screen[None]):
    """Two widgets side by side and one that lies over both."""

    DEFAULT_CSS = """
    LayeredScreen { layers: below above; layout: horizontal; }
    #a, #b { width: 1fr; height: 8; }
    #c { layer: above; width: 12; height: 3; offset: 14 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._compositor = DamageCompositor()

    def compose(self) -> ComposeResult:
        """Lay the three out."""
        for letter in "abc":
            yield Letters(letter)


class LayeredApp(App[None]):
    """Shows the layered screen."""

    SCREENS: ClassVar = {"layered": LayeredScreen}

    def get_default_screen(self) -> Screen[None]:
        """Begin with it."""
        return LayeredScreen()


def test_a_piece_is_sent_from_where_it_begins() -> None:
    """Two pieces of one line are moved to, the left one first."""
    pieces = Pieces([(1, 9, _strip("01")), (1, 2, _strip("ft"))])
    sent = pieces.render_segments(Console(color_system=None))
    assert sent == "\x1b[2;3Hft\x1b[2;10H01"


async def test_damage_is_painted_as_a_whole_drawing_would() -> None:
    """Whatever is damaged, exactly those cells are sent, the foremost widget's."""
    async with LayeredApp().run_test(size=(COLUMNS, ROWS)) as pilot:
        await pilot.pause()
        compositor = pilot.app.screen._compositor
        whole = [strip.text.ljust(COLUMNS) for strip in compositor.render_strips()]
        assert {"a", "b", "c"} <= set(whole[3])
        choose = random.Random(7)
        for _ in range(100):
            regions = {_somewhere(choose) for _ in range(choose.randint(1, 4))}
            compositor._dirty_regions.update(regions)
            update = compositor.render_partial_update()
            assert isinstance(update, Pieces)
            sent = {
                (row, column + i): character
                for row, column, strip in update.pieces
                for i, character in enumerate(strip.text)
            }
            cells = {(y, x) for r in regions for y, x in _cells(r)}
            assert sent == {(y, x): whole[y][x] for y, x in cells}


async def test_lines_beside_the_damage_are_not_drawn() -> None:
    """A widget is asked for its damaged rows only, one below another not at all."""
    async with LayeredApp().run_test(size=(COLUMNS, ROWS)) as pilot:
        await pilot.pause()
        screen = pilot.app.screen
        letters = {w.letter: w for w in screen.query(Letters)}
        for widget in letters.values():
            widget._styles_cache.clear()
            widget.drawn.clear()
        screen._compositor._dirty_regions.add(Region(22, 5, 3, 2))
        screen._compositor.render_partial_update()
        assert letters["b"].drawn == [5, 6]
        assert not letters["a"].drawn
        assert not letters["c"].drawn


def _somewhere(choose: random.Random) -> Region:
    x, y = choose.randrange(COLUMNS), choose.randrange(ROWS)
    return Region(x, y, choose.randint(1, COLUMNS - x), choose.randint(1, ROWS - y))


def _cells(region: Region) -> list[tuple[int, int]]:
    return [(y, x) for y in region.line_range for x in region.column_range]


def _strip(text: str) -> Strip:
    return Strip([Segment(text)])
