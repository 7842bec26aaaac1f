"""The page of the card on the reader: whose it is, before, change, after, what helps.

When the card has gone the page stays, grey, until the next one comes.
"""

from typing import TYPE_CHECKING

from textual.content import Content

from cngstation.hygiene import clean, cut, fit
from cngstation.language import _
from cngstation.units import quantity_text
from tui.areas import Area
from tui.desk import Desk
from tui.figures import (
    NEVER_TOPPED_UP,
    PREPAID_MODES,
    fen_text,
    in_quantity,
    price_text,
    purse_text,
    sale_text,
    short_time,
)
from tui.link import Part as DaemonPart
from tui.texts import labelled, sentence
from tui.top_up import Stage, TopUpFlow
from tui.widgets.lines import Lines, Part, line, stacked
from tui.words import word

if TYPE_CHECKING:
    from cngstation.rpc.contract.counter import CardView

_COLUMN = 14
# Names are cut so that plate, cylinder date and its days stay on one line.
_REST_OF_OWNER = 56
_SHORTEST_NAME = 14
_LONGEST_PLATE = 12
_LONGEST_HOLDER = 60
_STANDING = {"normal": ("●", "bold $success"), "new": ("○", "bold $accent")}
_NOT_WELL = ("!", "bold $warning")


class CardPage(Lines):
    """Draws the card of the picture and the figures of the top-up beside it."""

    AREAS = Area.CARD | Area.STATUS
    DEFAULT_CSS = """
    CardPage { height: auto; min-height: 9; padding: 0 1; border-top: solid $primary; }
    CardPage.gone { color: $text-muted; }
    """

    def __init__(self, desk: Desk, flow: TopUpFlow) -> None:
        super().__init__()
        self._desk = desk
        self._flow = flow

    def content(self) -> Content:
        """Write the page, grey when the card or the counter is away."""
        card = self._desk.picture.card
        if card is None:
            ask = self._no_reader() or line((_("Put a card on the reader."), "bold"))
            return stacked([Content(""), ask])
        lines = self._lines(card)
        there = self._desk.picture.card_is_there
        if there and self._desk.picture.is_up(DaemonPart.COUNTER):
            return stacked(lines)
        old = Content(stacked(lines).plain).stylize("$text-muted")
        no_reader = self._no_reader()
        return stacked([old, no_reader]) if no_reader else old

    def _no_reader(self) -> Content | None:
        """Say why no card can be seen, where that is so."""
        picture = self._desk.picture
        reader = picture.reader
        if reader is None or reader.state in ("online", "absent"):
            return None
        if not picture.is_up(DaemonPart.COUNTER):
            return None
        return line((f"✖ {sentence(reader.text, reader.facts)}", "bold $error"))

    def _lines(self, card: "CardView") -> list[Content]:
        if not card.card_key:
            return self._not_ours(card)
        if card.holder:
            return self._of_crew(card)
        return [
            self._title(card),
            self._owner(card),
            Content(""),
            *self._money(card),
            *(self._warnings(card) or [Content("")]),
            *self._last(card),
        ]

    def _not_ours(self, card: "CardView") -> list[Content]:
        """Write what lies there when it is no card of the register."""
        head = line(
            (word(card.on_reader), "bold"), "   " + labelled(_("chip"), card.uid)
        )
        if card.on_reader == "blank":
            way_out = _("Enter issues it to a vehicle.")
        else:
            way_out = sentence(card.way_out)
        return [head, Content(""), line(way_out), *self._warnings(card)]

    def _of_crew(self, card: "CardView") -> list[Content]:
        """Write a crew card: who holds it, and nothing of money."""
        shape, style = _STANDING.get(card.standing, _NOT_WELL)
        holder = cut(clean(card.holder), _LONGEST_HOLDER)
        return [
            line(
                (labelled(_("Card"), card.card_no), "bold"),
                f"   {word(card.kind)}   ",
                (f"{shape} {word(card.standing)}", style),
            ),
            line((labelled(_("Holder"), holder), "bold $accent")),
            Content(""),
            line((_("No money and no gas is ever on a crew card."), "$text-muted")),
            *self._warnings(card),
        ]

    def _title(self, card: "CardView") -> Content:
        shape, style = _STANDING.get(card.standing, _NOT_WELL)
        return line(
            (labelled(_("Card"), card.card_no), "bold"),
            f"   {word(card.payment_mode)}   {word(card.kind)}   ",
            (f"{shape} {word(card.standing)}", style),
        )

    def _owner(self, card: "CardView") -> Content:
        room = max((self.size.width - _REST_OF_OWNER) // 2, _SHORTEST_NAME)
        names = [cut(clean(name), room) for name in (card.company_name, card.driver)]
        parts: list[Part] = [(cut(clean(card.plate), _LONGEST_PLATE), "bold $accent")]
        parts += ["   " + name for name in names if name]
        if card.cylinder_due:
            parts.append("   " + labelled(_("cylinder"), card.cylinder_due) + " ")
            parts.append(_days(card.cylinder_days))
        return line(*parts)

    def _money(self, card: "CardView") -> list[Content]:
        """Write three figures in fixed columns, and the cash to take.

        A credit card has no balance: what it holds is owed until it is cleared.
        """
        if card.payment_mode not in PREPAID_MODES:
            used = labelled(_("To be cleared"), purse_text(card.balance_purse))
            figure = labelled(used, word(card.unit))
            return [line(" " * 4, (figure, "bold")), self._cash(card)]
        flow, quote = self._flow, self._flow.quote
        before = quote.before_purse if quote else card.balance_purse
        change = f"[ {flow.amount.text:>9} ]"
        if card.standing in NEVER_TOPPED_UP and not flow.amount.text:
            change = ""
        after = purse_text(quote.after_purse) if quote else ""
        if quote and flow.stage is not Stage.TYPING:
            change = f"{purse_text(quote.change_purse)}  "
        style = "bold $success" if flow.succeeded else "bold"
        labels = "".join(
            fit(text, _COLUMN, right=True)
            for text in (_("Balance"), self._top_up(), _("After"))
        )
        figures = line(
            fit(purse_text(before), _COLUMN, right=True),
            (fit(change, _COLUMN, right=True), "bold $accent"),
            (fit(after, _COLUMN, right=True), style),
            "   ",
            self._gas() if in_quantity(card.payment_mode) else _("yuan"),
        )
        return [line((labels, "$text-muted")), figures, self._cash(card)]

    def _top_up(self) -> str:
        """Name the column, with the unit that is typed where there is a choice."""
        flow = self._flow
        if not flow.in_gas:
            return _("Top-up")
        gas = flow.by_quantity or flow.quote is not None
        return labelled(_("Top-up"), self._gas() if gas else _("yuan"))

    def _gas(self) -> str:
        station = self._desk.picture.station
        return word(station.gas_unit if station else "m3")

    def _cash(self, card: "CardView") -> Content:
        quote = self._flow.quote
        level = labelled(_("Price level"), card.price_level)
        price = f"{level}: {price_text(card.price_e4)} {_('yuan')}/{self._gas()}"
        owed = labelled("   " + _("owed"), price_text(card.receivable_e4))
        owed = owed if card.receivable_e4 else ""
        if quote is None:
            return line(" " * 4, (price + owed, "$text-muted"))
        bonus = labelled("   " + _("bonus"), purse_text(quote.bonus_purse))
        cash = labelled(_("To take"), fen_text(quote.cash_fen))
        return line(
            " " * 4,
            (labelled(cash, _("yuan")), "bold"),
            ("   " + self._flow.paying.text(), "bold $accent"),
            bonus if quote.bonus_purse else "",
            owed,
        )

    def _last(self, card: "CardView") -> list[Content]:
        lines = []
        if (sale := card.last_sale) is not None:
            filled = sale_text(sale.quantity_milli, sale.unit, sale.amount_e4)
            at = labelled(_("Last fill"), short_time(sale.at_ms))
            nozzle = labelled(_("nozzle"), sale.nozzle_no)
            if sale.returned_milli:
                back = quantity_text(sale.returned_milli)
                filled += f"  {labelled(_('returned'), back)}"
            lines.append(line((f"{at}  {nozzle}  {filled}", "$text-muted")))
        if (top_up := card.last_top_up) is not None:
            amount = labelled(purse_text(top_up.amount_purse), word(card.unit))
            at = labelled(_("Last top-up"), short_time(top_up.at_ms))
            paper = labelled("  " + _("receipt"), top_up.receipt_no)
            paper = paper if top_up.receipt_no else ""
            lines.append(line((f"{at}  {amount}{paper}", "$text-muted")))
        return lines

    def _warnings(self, card: "CardView") -> list[Content]:
        texts = [sentence(text) for text in card.warnings]
        if card.standing != "normal" and card.way_out and card.card_key:
            texts.insert(0, sentence(card.way_out))
        return [line((f"! {text}", "bold $warning")) for text in texts]


def _days(days: int | None) -> tuple[str, str]:
    """Say how long the cylinder's inspection still holds."""
    if days is None:
        return "", ""
    if days < 0:
        text = _("(overdue {days} days)").replace("{days}", str(-days))
        return text, "bold $error"
    text = _("({days} days left)").replace("{days}", str(days))
    return text, "bold $warning" if days <= 30 else ""
