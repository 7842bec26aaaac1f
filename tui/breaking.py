"""Breaks long lines where Chinese is broken: between any two of its characters.

A line begins with no closing mark and ends with no opening one; words, numbers and a
figure with the word behind it stay whole.
"""

from collections.abc import Iterator

# The login is drawn before the tables behind `cngstation.hygiene` are loaded.
from rich.cells import cell_len as width
from textual.content import Content

_NEVER_FIRST = frozenset("，。、；：！？）》」』】”’…％,.;:!?)]}%")
_NEVER_LAST = frozenset("（《「『【“‘([{")
_WIDE = 2


def broken(content: Content, columns: int) -> Content:
    """Return content with its lines broken so that none is wider than `columns`."""
    cuts = list(_cuts(content.plain, max(columns, _WIDE)))
    if not cuts:
        return content
    pieces = content.divide(cuts)
    return Content("\n").join([piece.rstrip(" ") for piece in pieces])


def _cuts(text: str, columns: int) -> Iterator[int]:
    """Yield the offsets at which a line begins that the text does not begin itself."""
    start = 0
    for whole in text.split("\n"):
        if width(whole) > columns:
            yield from (start + cut for cut in _cuts_of_line(whole, columns))
        start += len(whole) + 1


def _cuts_of_line(text: str, columns: int) -> Iterator[int]:
    used = since = may = 0  # of this line: its columns, its offset, where it may end
    for offset, character in enumerate(text):
        if offset and _may_begin(text, offset):
            may = offset
        used += width(character)
        # A space at the end of a line is not seen.
        if used > columns and character != " ":
            cut = may if may > since else offset
            yield cut
            since, used = cut, width(text[cut : offset + 1])


def _may_begin(text: str, offset: int) -> bool:
    """Tell whether a line may begin at an offset that is not the first."""
    before, here = text[offset - 1], text[offset]
    if here == " " or here in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    if before == " ":
        figure = text[offset - 2 : offset - 1].isdigit() and width(here) == _WIDE
        return not figure
    return width(before) == _WIDE or width(here) == _WIDE
