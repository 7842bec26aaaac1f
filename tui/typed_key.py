"""Keys as they are bound, whatever Caps Lock or an input method made of them.

Every letter is bound small, every sign as ASCII has it. A field takes what was typed,
and so does a screen that reads the character of a key.
"""

import unicodedata
from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.widget import Widget

# Where a Chinese keyboard has its own sign: the key that it stands on.
_SIGNS = {
    "、": "slash",
    "，": "comma",
    "。": "full_stop",
    "《": "less_than_sign",
    "》": "greater_than_sign",
    "？": "question_mark",
    "－": "minus",
    "—": "minus",
    "＊": "asterisk",
    "×": "asterisk",
}


def as_bound(key: events.Key, focused: "Widget | None") -> events.Key:
    """Return a key as the screens know it; as it came where a field takes it."""
    typed = key.character
    if typed is None or (
        focused is not None and focused.check_consume_key(key.key, typed)
    ):
        return key
    plain = unicodedata.normalize("NFKC", typed)
    bound = _SIGNS.get(typed, plain.lower())
    is_known = typed in _SIGNS or (bound.isascii() and bound.isalnum())
    # What was changed once comes back when no widget took it: it stays the same event.
    return events.Key(bound, plain) if is_known and bound != key.key else key
