"""The next keys to press, in words; the first is the one that goes on."""

from collections.abc import Callable

from textual.content import Content

from tui.widgets.lines import Lines, Part, line

Keys = list[tuple[str, str]]


class KeyLine(Lines):
    """Key and word, as many lines as they take; a pair is never torn apart."""

    DEFAULT_CSS = "KeyLine { background: $panel; padding: 0 1; }"
    GAP = "  "

    def __init__(self, keys: Callable[[], Keys]) -> None:
        super().__init__()
        self._keys = keys

    def content(self) -> Content:
        """Write the pairs that the screen offers now."""
        parts: list[Part] = []
        for number, (key, meaning) in enumerate(self._keys()):
            parts.append(self.GAP if number else "")
            # A space that does not break keeps the key beside its word.
            style = "bold $accent" if number == 0 else "bold"
            parts += [(key, style), "\u00a0" + meaning.replace(" ", "\u00a0")]
        return line(*parts)
