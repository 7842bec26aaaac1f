"""Texts in the user's language; the English sentence is the key and the fallback."""

import gettext
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation import language
from cngstation.language import LANGUAGES, mark, use_language


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Leave the language as other tests expect it."""
    yield
    use_language("en")


class Catalogue(gettext.NullTranslations):
    """A catalogue with one text."""

    def gettext(self, message: str) -> str:
        """Return its text, or what the fallback has."""
        texts = {"Before": "余额", "": "Project-Id-Version: x"}
        return texts.get(message) or super().gettext(message)


def test_a_text_without_translation_is_the_english_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hole in the catalogue shows the key, never nothing and never a failure."""
    monkeypatch.setattr(gettext, "translation", lambda *a, **k: Catalogue())
    use_language("zh_CN")
    assert language._("Before") == "余额"
    assert language._("Not in any catalogue.") == "Not in any catalogue."
    use_language("en")
    assert language._("Before") == "Before"


def test_the_empty_text_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """In gettext the empty key is the catalogue's own header."""
    monkeypatch.setattr(gettext, "translation", lambda *a, **k: Catalogue())
    use_language("zh_CN")
    assert language._("") == ""


def test_a_missing_catalogue_does_not_stop_the_station(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without its file every text is the English one."""
    monkeypatch.setattr(language, "_LOCALE", tmp_path)
    for name in LANGUAGES:
        use_language(name)
        assert language._("Before") == "Before"


def test_an_unknown_language_is_refused() -> None:
    """The names that exist are told."""
    with pytest.raises(ValueError, match="zh_CN, en"):
        use_language("de")


def test_marking_changes_nothing() -> None:
    """A marked text is the key itself."""
    assert mark("Before") == "Before"
