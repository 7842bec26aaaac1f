"""The sheet of an issue: every choice on its line, the present one marked."""

from collections.abc import Callable

from textual.content import Content

from cngstation.hygiene import clean, fit
from cngstation.language import _
from tui.figures import fen_text, in_quantity, price_text
from tui.issue import IssueDraft, Step
from tui.texts import labelled
from tui.widgets.lines import Lines, Part, line, stacked
from tui.words import word

_LABEL = 14


class IssueSheet(Lines):
    """Draws the draft; the digits that choose stand before each choice."""

    DEFAULT_CSS = "IssueSheet { padding: 0 1; }"

    def __init__(self, draft: Callable[[], IssueDraft | None]) -> None:
        super().__init__()
        self._draft = draft

    def content(self) -> Content:
        """Write the steps after the vehicle."""
        draft = self._draft()
        if draft is None:
            return line(_("One moment ..."))
        kinds = [(str(n), word(k)) for n, k in enumerate(draft.choices.card_kinds, 1)]
        modes = [
            (str(n), word(m)) for n, m in enumerate(draft.choices.payment_modes, 1)
        ]
        levels = [(str(p.level), price_text(p.price_e4)) for p in draft.choices.prices]
        return stacked(
            [
                self._vehicle(draft),
                self._choice(draft, Step.KIND, _("Card kind"), kinds, word(draft.kind)),
                self._choice(draft, Step.MODE, _("Mode"), modes, word(draft.mode)),
                self._choice(
                    draft,
                    Step.LEVEL,
                    _("Price level"),
                    levels,
                    f"{draft.level}  {price_text(draft.price_e4)} {word('CNY')}",
                ),
                self._amount(draft),
                self._cash(draft),
            ]
        )

    def _label(self, draft: IssueDraft, step: Step, text: str) -> list[Part]:
        here = draft.step is step
        marked = ("▸ " if here else "  ") + fit(text, _LABEL)
        return [(marked, "bold $accent" if here else "")]

    def _vehicle(self, draft: IssueDraft) -> Content:
        vehicle = draft.vehicle
        chosen = ""
        if vehicle is not None and draft.step is not Step.VEHICLE:
            names = (vehicle.plate, vehicle.vehicle_type_name, vehicle.company_name)
            chosen = "  ".join(clean(name) for name in names)
        label = self._label(draft, Step.VEHICLE, _("Vehicle"))
        return line(*label, (chosen, "bold"))

    def _choice(
        self,
        draft: IssueDraft,
        step: Step,
        label: str,
        offered: list[tuple[str, str]],
        chosen: str,
    ) -> Content:
        parts = self._label(draft, step, label)
        if draft.step > step:
            return line(*parts, (chosen, "bold"))
        if draft.step is step:
            for digit, text in offered:
                parts += [(digit, "bold $accent"), f" {text}   "]
        return line(*parts)

    def _amount(self, draft: IssueDraft) -> Content:
        parts = self._label(draft, Step.AMOUNT, _("Prepaid"))
        if draft.step >= Step.AMOUNT and draft.is_prepaid:
            unit = word(draft.gas_unit if in_quantity(draft.mode) else "CNY")
            parts += [(f"[ {draft.amount.text:>9} ]", "bold"), f" {unit}"]
        return line(*parts)

    def _cash(self, draft: IssueDraft) -> Content:
        parts = self._label(draft, Step.CONFIRM, _("To take"))
        if draft.step >= Step.AMOUNT:
            fee = fen_text(draft.choices.card_fee_fen)
            parts += [
                (f"{fen_text(draft.cash_fen)} {word('CNY')}", "bold"),
                "   = " + labelled(_("prepaid"), fen_text(draft.prepaid_fen)) + " + ",
                labelled(_("card fee"), fee),
                ("   " + draft.paying.text(), "bold $accent"),
            ]
        return line(*parts)
