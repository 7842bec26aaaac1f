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
    if name not in LANGUAGES:
        raise ValueError(f"language {name!r} is not one of {', '.join(LANGUAGES)}")
    if name == "en":
        _current = gettext.NullTranslations()
    else:
        # Without a catalogue the English sentences are better than no station.
        _current = gettext.translation("cngstation", _LOCALE, [name], fallback=True)


def _(text: str) -> str:
    """Return the text in the language in use."""
    return _current.gettext(text) if text else text


def mark(text: str) -> str:
    """Name a text for extraction without translating it yet."""
    return text
