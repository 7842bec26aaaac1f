"""Text from cards, forms and wires: nothing of it moves a cursor or hides."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cngstation.hygiene import clean, cut, decode_gb, fit, is_clean, width

NASTY = {
    "colour": "\x1b[31mred",
    "one-byte CSI": "\x9b2J",
    "title": "\x1b]0;x\x07",
    "carriage return": "100.00\r9",
    "line feed": "a\nb",
    "null": "a\0b",
    "delete": "a\x7fb",
    "right-to-left override": "A\u202e54321",
    "isolate": "\u2066x\u2069",
    "zero-width space": "川A\u200b12345",
    "joiner": "a\u200db",
    "byte order mark": "\ufeffa",
    "soft hyphen": "a\u00adb",
    "line separator": "a\u2028b",
    "surrogate": "a\ud800b",
    "tag": "a\U000e0041b",
    "private": "a\ue000b",
    "unassigned": "a\U0003ffffb",
}
texts = st.text(st.characters(codec=None), max_size=60) | st.text(
    st.sampled_from(
        [*"".join(NASTY.values()), "川", "é", "e", "\u0301", "❤", "\ufe0f"]
    ),
    max_size=30,
)


def harmless(text: str) -> bool:
    """Tell whether nothing in a text can steer a terminal or hide."""
    return not any(
        unicodedata.category(ch) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        for ch in text
    )


@pytest.mark.parametrize("name", NASTY)
def test_what_steers_or_hides_is_replaced(name: str) -> None:
    """Each becomes U+FFFD, so that a tampered field is seen to be one."""
    assert not is_clean(NASTY[name])
    shown = clean(NASTY[name])
    assert harmless(shown)
    assert "�" in shown


@settings(max_examples=150)
@given(texts, st.integers(0, 80))
def test_clean_text_is_harmless_and_stays_so(text: str, limit: int) -> None:
    """Any text: harmless, within its limit, encodable, and clean a second time."""
    shown = clean(text, limit=limit)
    assert harmless(shown)
    assert len(shown) <= limit
    assert shown.encode("utf-8").decode() == shown
    assert clean(shown, limit=limit) == shown
    assert is_clean(shown)


@settings(max_examples=150)
@given(st.binary(max_size=60) | texts.map(lambda t: t.encode("gb18030", "replace")))
def test_gb18030_garbage_is_harmless(data: bytes) -> None:
    """Whatever bytes a card holds, their text is clean."""
    shown = decode_gb(data)
    assert harmless(shown)
    assert shown == shown.strip()


def test_padding_of_a_field_is_dropped() -> None:
    """Zeros before and after are no text; a zero within is seen."""
    assert decode_gb("川A12345".encode("gb18030") + b"\0\0") == "川A12345"
    assert decode_gb(b"\0A\0B\0") == "A�B"
    assert decode_gb("川A12345".encode("gb18030"), limit=3) == "川A1"


def test_composed_and_decomposed_text_is_one() -> None:
    """Equal on the screen is equal in the register."""
    assert clean("e\u0301") == "é"
    assert not is_clean("e\u0301")


def test_a_limit_holds_for_a_flood() -> None:
    """A megabyte is not even looked at beyond what could be shown."""
    assert len(clean("x" * 1_000_000)) == 200
    assert len(clean("\x1b" * 1_000_000, limit=7)) == 7


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("⚠\ufe0f!", 1, "⚠"),
        ("川A", 2, "川"),
        ("川A", 1, ""),
        ("川A", 3, "川A"),
        ("", 2, ""),
        ("ab", 9, "ab"),
    ],
)
def test_a_wide_character_is_never_cut_through(
    text: str, columns: int, shown: str
) -> None:
    """Half of 川 would break the line behind it."""
    assert cut(text, columns) == shown


@settings(max_examples=200)
@given(texts.map(clean), st.integers(0, 40))
def test_a_fitted_text_has_exactly_its_columns(text: str, columns: int) -> None:
    """Columns of a table line up whatever stands in them."""
    assert width(cut(text, columns)) <= columns
    assert width(fit(text, columns)) == columns
    assert width(fit(text, columns, right=True)) == columns


def test_a_column_is_filled_on_its_side() -> None:
    """Figures stand right, names left."""
    assert fit("川", 4) == "川  "
    assert fit("9", 3, right=True) == "  9"
