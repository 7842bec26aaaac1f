"""Text as a Chinese receipt printer sets it: what has a glyph, and how wide it is.

Font A is one column for ASCII and two for everything else. A terminal counts signs
such as ³, — and · as one column, the printer as two; such a sign is replaced by one
that both count alike, so that the lines on the screen are the lines on the paper.
Source of the widths: GB18030 fonts of 12x24 (ASCII) and 24x24 dots.
"""

import unicodedata
from functools import lru_cache

from wcwidth import wcwidth

from cngstation import hygiene

LONGEST_TEXT = 200
NO_GLYPH = "?"

_SAME_MEANING = {
    "\N{MIDDLE DOT}": "\N{FULLWIDTH FULL STOP}",  # between the parts of a Uygur name
    "\N{YEN SIGN}": "\N{FULLWIDTH YEN SIGN}",
    "\N{EM DASH}": "-",
    "\N{EN DASH}": "-",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{MULTIPLICATION SIGN}": "x",
}


def paper_text(text: str) -> str:
    """Return text that is ASCII or two columns wide throughout, and clean."""
    if text.isascii() and text.isprintable():
        return text[:LONGEST_TEXT]
    return "".join(map(_printable, hygiene.clean(text, limit=LONGEST_TEXT)))


@lru_cache(maxsize=4096)  # a station's texts use about 500 characters
def _printable(ch: str) -> str:
    if ch.isascii() or (wcwidth(ch) == 2 and not _is_pictograph(ch)):
        return ch
    if ch in _SAME_MEANING:
        return _SAME_MEANING[ch]
    plain = [c for c in unicodedata.normalize("NFKD", ch) if c.isascii()]
    return "".join(plain) or NO_GLYPH


def _is_pictograph(ch: str) -> bool:
    """Tell a sign of plane 1: no printer has it, and terminals merge some of them."""
    return ord(ch) >> 16 == 1
