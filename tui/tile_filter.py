"""Which nozzles the board shows: by number, plate or card, by state, alarms alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cngstation.hygiene import clean
from cngstation.language import _
from tui.texts import filled
from tui.words import nozzle_look

if TYPE_CHECKING:
    from collections.abc import Collection

    from cngstation.rpc.contract.forecourt import NozzleFigure

_ALARMS = frozenset({"error", "warning"})
_NUMBER_DIGITS = 2


def is_alarm(nozzle: "NozzleFigure", *, stale: bool) -> bool:
    """Tell whether somebody should look at a nozzle: lost, fault, lock, unpaid."""
    return nozzle_look(nozzle, stale=stale).style in _ALARMS


@dataclass(frozen=True, slots=True)
class TileFilter:
    """What was typed and chosen; an empty one shows every nozzle."""

    text: str = ""
    state: str = ""  # the English word of a look
    alarms: bool = False

    def __bool__(self) -> bool:
        return bool(self.text or self.state or self.alarms)

    def shows(self, nozzle: "NozzleFigure", *, stale: bool) -> bool:
        """Tell whether a nozzle is shown."""
        look = nozzle_look(nozzle, stale=stale)
        if self.alarms and look.style not in _ALARMS:
            return False
        if self.state and look.text != self.state:
            return False
        return not self.text or self._has_text(nozzle, (look.text, _(look.text)))

    def _has_text(self, nozzle: "NozzleFigure", state: tuple[str, ...]) -> bool:
        text = self.text.casefold()
        if text.isdigit() and len(text) <= _NUMBER_DIGITS:
            return str(nozzle.nozzle_no) == text.lstrip("0")
        of_nozzle = (nozzle.plate.replace("·", ""), nozzle.card_no, *state)
        return any(text in part.casefold() for part in of_nozzle)

    def next_state(self, states: "Collection[str]", step: int) -> str:
        """Return the state behind the chosen one among those there are, or all."""
        offered = ["", *sorted(states)]
        at = offered.index(self.state) if self.state in offered else 0
        return offered[(at + step) % len(offered)]

    def words(self) -> str:
        """Say what is shown, in words."""
        parts = []
        if self.alarms:
            parts.append(_("alarms"))
        if self.state:
            parts.append(_(self.state))
        if self.text:
            parts.append(filled(_('"{text}"'), text=clean(self.text)))
        return " + ".join(parts)
