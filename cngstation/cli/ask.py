"""Questions on a terminal, one a line, with what stands there if nothing is typed."""

import sys
from collections.abc import Callable

from cngstation import hygiene
from cngstation.language import _


class BrokenOff(Exception):
    """Whoever was asked has broken off."""


def ask(text: str, fallback: str, problem: Callable[[str], str]) -> str:
    """Ask until an answer fits; `problem` says why one does not, or nothing.

    Raises:
        BrokenOff: the input has ended.
    """
    while True:
        shown = f"{text} [{fallback}]: " if fallback else f"{text}: "
        answer = hygiene.clean(_line(shown)).strip() or fallback
        wrong = problem(answer)
        if not wrong:
            return answer
        sys.stdout.write(f"  {wrong}\n")


def agreed(text: str) -> bool:
    """Ask for a yes or a no.

    Raises:
        BrokenOff: the input has ended.
    """
    yes = {"y", "yes", "是"}

    def problem(answer: str) -> str:
        known = answer.lower() in {*yes, "n", "no", "否"}
        return "" if known else _("y or n")

    return ask(text, "", problem).lower() in yes


def _line(shown: str) -> str:
    try:
        return input(shown)
    except EOFError:
        raise BrokenOff from None
