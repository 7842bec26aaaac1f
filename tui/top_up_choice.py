"""The last top-ups of a card, one of which is chosen."""

from typing import TYPE_CHECKING

from textual.content import Content

from cngstation.hygiene import fit
from cngstation.language import _
from tui.figures import purse_text, short_time
from tui.texts import labelled
from tui.widgets.lines import line, stacked
from tui.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cngstation.rpc.contract.card_acts import TopUpLeft

_SHOWN = 3  # a screen of 24 lines keeps all figures
_FIGURE, _WAY = 12, 16


class TopUpChoice:
    """The newest one is chosen until another one is."""

    def __init__(self) -> None:
        self._rows: Sequence[TopUpLeft] = ()
        self._at = 0

    def take(self, rows: "Sequence[TopUpLeft]") -> None:
        """Take the top-ups, newest first."""
        self._rows, self._at = rows, 0

    @property
    def intent_id(self) -> str:
        """The act that is chosen; empty where there is none."""
        return self._rows[self._at].intent_id if self._rows else ""

    def move(self, by: int) -> bool:
        """Choose an older or a newer one; tell whether another one is chosen."""
        at = min(max(self._at + by, 0), max(len(self._rows) - 1, 0))
        moved, self._at = at != self._at, at
        return moved

    def content(self) -> Content:
        """Write those around the chosen one."""
        first = max(self._at - _SHOWN + 1, 0)
        shown = list(enumerate(self._rows))[first : first + _SHOWN]
        return stacked([self._line(number, row) for number, row in shown])

    def _line(self, number: int, row: "TopUpLeft") -> Content:
        here = number == self._at
        text = f"{'▸' if here else ' '} {short_time(row.at_ms)}"
        text += fit(f"+{purse_text(row.amount_purse)}", _FIGURE, right=True)
        text += "   " + fit(word(row.tender), _WAY)
        text += labelled(_("can go back"), purse_text(row.left_purse))
        return line((text, "bold" if here else ""))
