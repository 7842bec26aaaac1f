"""What verifying finds wrong first: a sentence in English, and in the language in use.

Names in it come from the file, and whoever changed the file chose them.
"""

from dataclasses import dataclass

from cngstation.hygiene import clean
from cngstation.language import _, said_in

LONGEST_SENTENCE = 400


@dataclass(frozen=True, slots=True)
class Wrong:
    """A sentence with fields, by its English text, and what stands in the fields."""

    text: str
    facts: tuple[tuple[str, str | int], ...] = ()

    def __str__(self) -> str:
        """Say it in English."""
        return self._filled(self.text)

    def told(self, language: str = "") -> str:
        """Say it in a language, else in the one in use."""
        text = said_in(language, self.text) if language else _(self.text)
        return self._filled(text)

    def _filled(self, text: str) -> str:
        return clean(text.format(**dict(self.facts)), limit=LONGEST_SENTENCE)


def wrong(text: str, **facts: str | int) -> Wrong:
    """Return what is wrong, from a text that is marked and what fills its fields."""
    return Wrong(text, tuple(facts.items()))
