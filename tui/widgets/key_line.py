"""The next keys to press, in words; the first is the one that goes on."""

from collections.abc import Callable

from textual.content import Content

from cngstation.hygiene import width as width_of
from tui.widgets.lines import Lines, Part, line, stacked

Keys = list[tuple[str, str]]
_GAP = "  "
_PADDING = 2


class KeyLine(Lines):
    """Key and word, as many lines as they take; a pair is never torn apart."""

    # Two lines at the counter, so that nothing moves when fewer keys help.
    DEFAULT_CSS = """
    KeyLine { background: $panel; padding: 0 1; }
    CounterScreen.-narrow KeyLine { min-height: 2; }
    """

    def __init__(self, keys: Callable[[], Keys]) -> None:
        super().__init__()
        self._keys = keys

    def lines_at(self, columns: int) -> int:
        """Return how many lines the pairs take at this width."""
        return len(_broken(self._keys(), columns))

    def content(self) -> Content:
        """Write the pairs that the screen offers now."""
        room = self.app.size.width - _PADDING
        lines = []
        for number, pairs in enumerate(_broken(self._keys(), room)):
            parts: list[Part] = []
            for place, (key, meaning) in enumerate(pairs):
                goes_on = number == place == 0
                parts += [_GAP if place else ""]
                parts += [(key, "bold $accent" if goes_on else "bold"), f" {meaning}"]
            lines.append(line(*parts))
        return stacked(lines)


def _broken(keys: Keys, columns: int) -> list[Keys]:
    """Break pairs into lines of at most so many columns."""
    lines: list[Keys] = []
    used = columns
    for key, meaning in keys:
        needed = width_of(key) + 1 + width_of(meaning)
        if not lines or used + len(_GAP) + needed > columns:
            lines.append([])
            used = -len(_GAP)
        lines[-1].append((key, meaning))
        used += len(_GAP) + needed
    return lines
