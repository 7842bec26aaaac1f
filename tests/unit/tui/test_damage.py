"""What a partial update sends to the terminal."""

from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from tui.damage import Spans


def test_a_span_is_sent_from_where_it_begins() -> None:
    """Two spans of one line send their own cells and nothing to the left of them."""
    line = {0: _strip("left side "), 10: _strip("0123")}
    spans = Spans([line], [(0, 2, 4), (0, 9, 12)], [[10, 14]])
    sent = spans.render_segments(Console(color_system=None))
    assert sent == "\x1b[1;3Hft\x1b[1;10H \x1b[1;11H01"


def _strip(text: str) -> Strip:
    return Strip([Segment(text)])
