"""Sentences with facts in the user's language; facts are data and stay data."""

import re
from typing import TYPE_CHECKING

from cngstation.errors import StationError
from cngstation.hygiene import clean
from cngstation.language import _
from tui.words import WORDS, word

if TYPE_CHECKING:
    from cngstation.rpc.contract.figures import Fact

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LONGEST = 400


def filled(text: str, /, **facts: str | int) -> str:
    """Translate a sentence, then put the facts in; an unknown field stays visible.

    A fact may itself be a word or a sentence of the contract and is translated then.
    """

    def fact(match: re.Match[str]) -> str:
        value = facts.get(match[1])
        if value is None:
            return match[0]
        shown = str(value)
        return word(shown) if shown in WORDS else _(shown)

    return clean(_FIELD.sub(fact, _(text)), limit=_LONGEST)


def sentence(text: str, facts: "tuple[Fact, ...]" = ()) -> str:
    """Write a sentence that came over the wire with its facts."""
    return filled(text, **{fact.name: fact.value for fact in facts})


def sentences(first: str, second: str) -> str:
    """Put a sentence behind another one, with a full stop between."""
    if first.endswith(("。", "！")):
        return first + second
    return first.removesuffix(".") + _(". ") + second


def labelled(label: str, figure: object) -> str:
    """Put a figure behind its label; texts are not extracted from f-strings."""
    return f"{label} {figure}"


def error_sentence(error: StationError) -> str:
    """Say what an error means, in the user's language."""
    return filled(error.text, **error.facts)
