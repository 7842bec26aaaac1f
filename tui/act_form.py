"""A form that moves money: one number for the act, kept until a field changes."""

from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.language import mark
from cngstation.units import parse_decimal
from tui.acts import new_id
from tui.desk import Desk
from tui.screens.form_screen import FormScreen

_DECIMALS = 2
_MOST_FEN = 10**9


class NotAnAmount(StationError):
    """What was typed is no amount of yuan."""

    code = "tui.not_an_amount"
    text = "{typed} is no amount of yuan with at most two decimals. Nothing was done."


class ActForm(FormScreen):
    """Asked again after a lost answer, it asks for the very same act."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._act_id = ""

    @property
    def act_id(self) -> str:
        """The number of this act."""
        self._act_id = self._act_id or new_id()
        return self._act_id

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Other fields are another act."""
        self._act_id = ""
        super().on_input_changed(changed)

    def fen(self, name: str) -> int:
        """Return what was typed into a field of money; nothing is zero.

        Raises:
            NotAnAmount: it is none.
        """
        return fen_of(self.value(name))

    def typed_fen(self, name: str) -> int:
        """Return an amount that must be typed, be it zero: Enter alone sets nothing.

        Raises:
            NotAnAmount: it is none, or nothing was typed.
        """
        if not self.value(name):
            self.query_one(f"#{name}", Input).focus()
            raise NotAnAmount(typed=mark("nothing"))
        return self.fen(name)


def fen_of(typed: str) -> int:
    """Return an amount of yuan in fen; nothing is zero.

    Raises:
        NotAnAmount: it is none.
    """
    if not typed:
        return 0
    try:
        fen = parse_decimal(typed, _DECIMALS)
    except ValueError as error:
        raise NotAnAmount(typed=typed) from error
    if not 0 <= fen <= _MOST_FEN:
        raise NotAnAmount(typed=typed)
    return fen
