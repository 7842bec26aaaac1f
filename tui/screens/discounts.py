"""Rules of top-up discounts: the list, a new rule, the end of one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from cngstation.errors import StationError
from cngstation.hygiene import clean, fit
from cngstation.language import _, mark
from cngstation.moments import CHINA, local_time
from cngstation.rpc.contract.counter import (
    DISCOUNT_ADD,
    DISCOUNT_END,
    DISCOUNT_LIST,
    DiscountEnd,
    DiscountRule,
    DiscountRules,
)
from cngstation.rpc.session import Nothing
from cngstation.units import decimal_text
from tui.act_form import ActForm
from tui.desk import Desk
from tui.figures import fen_text
from tui.screens.form_screen import Field
from tui.texts import filled, labelled
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_ADDED = mark("Rule {number} gives from now on.")
_ENDED = mark("Rule {number} has ended.")
_KINDS = ("", "taxi", "unit", "personal")
_MODES = ("", "prepaid_money", "prepaid_quantity")
_SHOWN = 8
_MS = 1000


class NotOfTheForm(StationError):
    """A field does not hold what it is for."""

    code = "tui.not_of_the_form"
    text = "{typed} does not fit the field {field}. Nothing was done."


class _RulesForm(ActForm):
    """Shows the rules below the form."""

    DEFAULT_CSS = "_RulesForm #rules { padding: 0 1; height: auto; }"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._rules: tuple[DiscountRule, ...] = ()

    def parts(self) -> Iterable[Widget]:
        """The form and the rules."""
        yield from super().parts()
        yield Drawn(self._list, id="rules")

    def on_mount(self) -> None:
        """Fetch the rules."""
        super().on_mount()
        self.run_worker(self._fetch(), group="rules")

    async def _fetch(self) -> None:
        try:
            self.take(await self.desk.link.call(DISCOUNT_LIST, Nothing()))
        except StationError as error:
            self.say_error(error)

    def take(self, rules: DiscountRules) -> None:
        """Keep the rules that were told."""
        self._rules = rules.rows
        self.redraw()

    def _list(self) -> Content:
        if not self._rules:
            return line((_("There is no rule yet."), "$text-muted"))
        return stacked([line(_rule_text(rule)) for rule in self._rules[-_SHOWN:]])


def _rule_text(rule: DiscountRule) -> str:
    percent = decimal_text(rule.percent_hundredths, 2, 0)
    top = fen_text(rule.to_fen) if rule.to_fen else "…"
    whose = clean(rule.company_no) or word(rule.card_kind or "every card")
    cells = (
        fit(str(rule.rule_no), 3, right=True),
        fit(whose, 14),
        fit(word(rule.payment_mode or "every mode"), 14),
        fit(f"{fen_text(rule.from_fen)}-{top}", 20),
        fit(f"{percent}%", 7, right=True),
        fit(f"+{fen_text(rule.fixed_fen)}" if rule.fixed_fen else "", 9, right=True),
        _until(rule),
    )
    return " ".join(cells)


def _until(rule: DiscountRule) -> str:
    if not rule.until_ms:
        return ""
    return labelled(_("until"), local_time(rule.until_ms).strftime("%Y-%m-%d"))


class AddDiscountScreen(_RulesForm):
    """Whose cards, which amounts, how much."""

    TITLE_TEXT = mark("Top-up discounts: new rule")
    HELP = mark(
        "What is left empty sets no bound. Kind: 1 taxi, 2 company, 3 personal. Mode: "
        "1 prepaid money, 2 prepaid gas. The bonus is the percentage of what is paid "
        "and the fixed amount; of the rules that fit a top-up the best one counts, "
        "alone."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field(
            "kind", mark("Card kind"), mark("1 taxi 2 company 3 personal"), longest=1
        ),
        Field("company", mark("Company"), mark("its number, empty: every"), longest=8),
        Field("mode", mark("Mode"), mark("1 money 2 gas, empty: every"), longest=1),
        Field("from", mark("From"), mark("yuan paid, included"), longest=12),
        Field("to", mark("To"), mark("yuan paid, not included"), longest=12),
        Field("percent", mark("Percent"), mark("of what is paid"), longest=6),
        Field("fixed", mark("Fixed bonus"), mark("yuan"), longest=12),
        Field("until", mark("Until"), mark("YYYY-MM-DD, included"), longest=10),
    )

    def _one_of(self, name: str, label: str, words: Sequence[str]) -> str:
        typed = self.value(name) or "0"
        if typed not in "0123456789"[: len(words)]:
            raise NotOfTheForm(typed=clean(typed), field=label)
        return words[int(typed)]

    def _until_ms(self) -> int:
        typed = self.value("until")
        if not typed:
            return 0
        try:
            day = datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=CHINA)
        except ValueError as error:
            raise NotOfTheForm(typed=clean(typed), field=mark("Until")) from error
        return (int(day.timestamp()) + 86_400) * _MS

    async def save(self) -> str:
        """Add the rule."""
        rule = DiscountRule(
            rule_no=0,
            card_kind=self._one_of("kind", mark("Card kind"), _KINDS),
            company_no=self.value("company"),
            payment_mode=self._one_of("mode", mark("Mode"), _MODES),
            from_fen=self.fen("from"),
            to_fen=self.fen("to"),
            percent_hundredths=self.fen("percent"),
            fixed_fen=self.fen("fixed"),
            since_ms=0,
            until_ms=self._until_ms(),
        )
        rules = await self.desk.link.call(DISCOUNT_ADD, rule)
        self.take(rules)
        return filled(_ADDED, number=rules.rows[-1].rule_no)


class EndDiscountScreen(_RulesForm):
    """The number of the rule that ends."""

    TITLE_TEXT = mark("Top-up discounts: end a rule")
    HELP = mark("Type the number of the rule; it gives nothing from now on.")
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("number", mark("Rule"), mark("its number"), longest=6),
    )

    async def save(self) -> str:
        """End the rule."""
        typed = self.value("number")
        if not (typed.isascii() and typed.isdigit()):
            raise NotOfTheForm(typed=clean(typed) or _("nothing"), field=mark("Rule"))
        ended = DiscountEnd(rule_no=int(typed))
        self.take(await self.desk.link.call(DISCOUNT_END, ended))
        return filled(_ENDED, number=ended.rule_no)
