"""Every kind that a list shows has a word in both languages."""

import pytest

from cngstation.hygiene import width
from cngstation.language import use_language
from cngstation.services.open_rows import WORDS as ROWS
from cngstation.services.print_receipts import TITLES
from tui.words import word

LONGEST = 20


@pytest.mark.parametrize("kind", sorted({*ROWS, *TITLES}))
def test_a_kind_is_never_shown_as_it_is_stored(kind: str) -> None:
    """A row and a receipt have a short word, in Chinese without a Latin letter."""
    assert "_" not in word(kind)
    assert 0 < width(word(kind)) <= LONGEST
    use_language("zh_CN")
    try:
        said = word(kind)
    finally:
        use_language("en")
    assert not any(letter.isascii() and letter.isalpha() for letter in said), said
