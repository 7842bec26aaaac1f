"""Texts in the user's language through gettext; zh_CN is the default.

The English sentence is the key. Mark a text with `_()` where it is shown and
with `mark()` where it is only named.
"""

import gettext
from pathlib import Path

LANGUAGES = ("zh_CN", "en")
DEFAULT = "zh_CN"
_LOCALE = Path(__file__).with_name("locale")

_current: gettext.NullTranslations = gettext.NullTranslations()


def use_language(name: str) -> None:
    """Switch every later text to a language of `LANGUAGES`."""
    global _current  # noqa: PLW0603 - one screen, one language
    _current = _texts_of(name)


def _(text: str) -> str:
    """Return the text in the language in use."""
    return _current.gettext(text) if text else text


def said_in(name: str, text: str) -> str:
    """Return a text in a language of `LANGUAGES`, whichever is in use."""
    return _texts_of(name).gettext(text) if text else text


def _texts_of(name: str) -> gettext.NullTranslations:
    if name not in LANGUAGES:
        raise ValueError(f"language {name!r} is not one of {', '.join(LANGUAGES)}")
    if name == "en":
        return gettext.NullTranslations()
    # Without a catalogue the English sentences are better than no station.
    return gettext.translation("cngstation", _LOCALE, [name], fallback=True)


def mark(text: str) -> str:
    """Name a text for extraction without translating it yet."""
    return text
