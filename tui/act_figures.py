"""What an act on a card would do, in figures: before, after, what is paid and how."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widgets import Input

from cngstation.hygiene import clean
from cngstation.language import _
from tui.figures import fen_text, purse_text
from tui.texts import labelled, sentence
from tui.widgets.lines import line, stacked
from tui.words import word

if TYPE_CHECKING:
    from cngstation.rpc.contract.card_acts import ActQuote, RefundPart
    from tui.paying import Paying

_FIGURES = "0123456789."
_MOST_WAYS = 4  # lines; the notes stand below


class FigureInput(Input):
    """A field of figures; every other sign goes on to the screen."""

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and (event.character or "") not in _FIGURES:
            event.prevent_default()


def act_figures(quote: "ActQuote", paying: "Paying") -> Content:
    """Write the figures of an act, and the sentences to read before it is done."""
    unit = word(quote.unit)
    rows = [
        line((labelled(_("Card no."), quote.card_no), "bold")),
        line(
            labelled(_("Balance before"), purse_text(quote.before_purse))
            + f" {unit}   ",
            (labelled(_("Balance after"), purse_text(quote.after_purse)), "bold"),
            f" {unit}",
        ),
    ]
    if quote.cash_fen:
        take = labelled(_("Take"), fen_text(quote.cash_fen))
        rows.append(line((f"{take} {_('yuan')}", "bold $accent"), "   ", paying.text()))
    if quote.refund_fen:
        give = labelled(_("Give back"), fen_text(quote.refund_fen))
        rows.append(line((f"{give} {_('yuan')}", "bold $accent")))
        rows += [line("  ", text) for text in _ways_back(quote.refunds)]
    rows += [line(sentence(note.text, note.facts)) for note in quote.notes]
    if quote.two_people:
        two = _("This takes two people: reason, second operator and password.")
        rows.append(line((two, "bold $warning")))
    return stacked(rows)


def _ways_back(parts: "Sequence[RefundPart]") -> list[str]:
    """Say how money goes back: the way it came, each payment by itself if few."""
    if len(parts) <= _MOST_WAYS:
        return [
            f"{_way(part.tender, part.fen)}   {clean(part.number)}".rstrip()
            for part in parts
        ]
    sums: dict[str, int] = {}
    for part in parts:
        sums[part.tender] = sums.get(part.tender, 0) + part.fen
    return [_way(tender, fen) for tender, fen in sums.items()]


def _way(tender: str, fen: int) -> str:
    return f"{labelled(word(tender), fen_text(fen))} {_('yuan')}"
