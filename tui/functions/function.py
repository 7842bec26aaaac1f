"""A function of the screen, and the menus that people know."""

from dataclasses import dataclass

from cngstation.language import mark

SETTINGS = mark("System settings")
REGISTERS = mark("Basic registers")
CARDS = mark("IC cards")
QUERIES = mark("System queries")
REPORTS = mark("Reports")
UPKEEP = mark("System upkeep")


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how it is opened, found and shown.

    `target` is `module:Class[:argument]` or the app's action, `initials` its pinyin's.
    """

    name: str
    menu: str
    title: str
    initials: str
    target: str
    keys: str = ""
    demo_only: bool = False
