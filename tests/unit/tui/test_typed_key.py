"""Caps Lock and a Chinese input method leave the keys what they are."""

import unicodedata

import pytest
from textual import events

from tests.unit.tui.opened import opened
from tui.typed_key import as_bound


@pytest.mark.parametrize(
    ("typed", "bound"),
    [("V", "v"), ("ｖ", "v"), ("８", "8"), ("？", "question_mark"), ("、", "slash"),
     ("《", "less_than_sign"), ("＊", "asterisk"), ("v", "v"), ("川", "川")],
)  # fmt: skip
def test_a_key_is_what_it_is_bound_as(typed: str, bound: str) -> None:
    """What is no key of ours stays what it was."""
    key = as_bound(events.Key(typed, typed), None)
    assert key.key == bound
    assert key.character == unicodedata.normalize("NFKC", typed)


def test_keys_without_a_sign_stay() -> None:
    """Function keys, arrows, and what is pressed with Ctrl."""
    for name in ("f7", "up", "ctrl+k", "enter"):
        assert as_bound(events.Key(name, None), None).key == name


async def test_with_caps_lock_the_screen_works_and_a_field_takes_what_was_typed() -> (
    None
):
    """V proves the books; the name of a crew keeps its capitals."""
    async with opened() as screen:
        await screen.press("f7", "V")
        await screen.sees("The books hold.")
        await screen.press("escape", "f5")
        await screen.type("A1B")
        await screen.sees("A1B")
