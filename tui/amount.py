"""An amount as it is typed: plain digits, one point, two decimals."""

from cngstation.units import parse_decimal

_LONGEST = 9
_DECIMALS = 2


class Amount:
    """What was typed so far; anything that is no amount is not taken."""

    def __init__(self) -> None:
        self.text = ""

    def type(self, character: str) -> bool:
        """Take a digit or a point; tell whether it was taken."""
        candidate = self.text + character
        if not _may_begin_an_amount(candidate):
            return False
        self.text = candidate
        return True

    def erase(self) -> None:
        """Take the last character back."""
        self.text = self.text[:-1]

    def clear(self) -> None:
        """Take all back."""
        self.text = ""

    @property
    def hundredths(self) -> int:
        """The amount in 1/100; zero for nothing."""
        plain = self.text.rstrip(".")
        return parse_decimal(plain, _DECIMALS) if plain else 0


def _may_begin_an_amount(text: str) -> bool:
    whole, point, rest = text.partition(".")
    digits = whole.isascii() and whole.isdigit()
    decimals = not rest or (rest.isascii() and rest.isdigit())
    fits = len(text) <= _LONGEST and len(rest) <= _DECIMALS
    return digits and decimals and fits and (bool(whole) or not point)
