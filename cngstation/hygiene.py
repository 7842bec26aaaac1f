"""Makes text from cards, forms and wires safe to store, show, print and log.

Nothing below 0x20, 0x7F to 0x9F, bidirectional controls, zero-width characters,
surrogates or unassigned code points pass. Used at entry and again at every exit.
"""

import unicodedata

from wcwidth import wcswidth, wcwidth

# U+202A-E and U+2066-9 reorder what stands around them; U+200B-F, U+2060, U+FEFF
# take no room; all are category Cf, as are the tag characters U+E0000-7F.
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
REPLACEMENT = "�"


def clean(text: str, *, limit: int = 200) -> str:
    """Return text fit for a terminal, a printer and a log, at most `limit` long.

    Control characters become U+FFFD, so that a tampered field is seen to be one.
    """
    normal = unicodedata.normalize("NFC", text[: limit * 4])
    shown = "".join(
        REPLACEMENT if unicodedata.category(ch) in _DROPPED_CATEGORIES else ch
        for ch in normal
    )
    return shown[:limit]


def is_clean(text: str) -> bool:
    """Tell whether text would pass `clean` unchanged, whatever its length."""
    return clean(text, limit=max(len(text), 1)) == text


def decode_gb(data: bytes, *, limit: int = 200) -> str:
    """Decode GB18030 from a wire or a card and clean it; padding is dropped."""
    return clean(data.strip(b"\x00").decode("gb18030", "replace"), limit=limit).strip()


def width(text: str) -> int:
    """Return the columns that clean text takes on a terminal."""
    if text.isascii() and text.isprintable():
        return len(text)
    return max(wcswidth(text), 0)


def cut(text: str, columns: int) -> str:
    """Cut clean text to at most so many columns, never through a wide character."""
    if text.isascii() and text.isprintable():
        return text[:columns]
    kept = text[: _longest(text, columns)]
    # A selector can make the character before it wider than it is alone.
    while width(kept) > columns:
        kept = kept[:-1]
    return kept


def _longest(text: str, columns: int) -> int:
    used = 0
    for index, ch in enumerate(text):
        used += max(wcwidth(ch), 0)
        if used > columns:
            return index
    return len(text)


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """Cut or pad clean text to exactly so many columns."""
    shown = cut(text, columns)
    padding = " " * (columns - width(shown))
    return padding + shown if right else shown + padding
