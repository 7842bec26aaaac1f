"""Everything the screen can do, under the names of the menus that people know."""

from tui.functions import card_acts, dispensers, money, people, registers, upkeep
from tui.functions.function import Function

__all__ = ["BY_NAME", "FUNCTIONS", "Function"]

FUNCTIONS = (
    *card_acts.FUNCTIONS,
    *registers.FUNCTIONS,
    *money.FUNCTIONS,
    *dispensers.FUNCTIONS,
    *people.FUNCTIONS,
    *upkeep.FUNCTIONS,
)
BY_NAME = {function.name: function for function in FUNCTIONS}
