"""Money of companies: what one has, its statement, its top-up, what it may owe."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from cngstation.errors import StationError
from cngstation.hygiene import clean, cut, fit
from cngstation.language import _, mark
from cngstation.rpc.contract.counter import (
    COMPANY_ACCOUNT,
    COMPANY_SEARCH,
    COMPANY_SET_TERMS,
    COMPANY_TOP_UP,
    CompanyAccount,
    CompanyMove,
    CompanyQuery,
    CompanyTerms,
    CompanyTopUp,
    Search,
)
from tui.act_form import ActForm
from tui.desk import Desk
from tui.figures import fen_text, price_text, short_time
from tui.paying import CASH, KEYS
from tui.screens.form_screen import Field
from tui.texts import filled, labelled
from tui.widgets.key_line import Keys
from tui.widgets.lines import Drawn, line, stacked
from tui.words import word

_TYPING_PAUSE_S = 0.15
_ROWS = 8
_OF_COMPANIES = "company"
_HINT_ROOM = 29
_PAID_IN = mark("{company}: {amount} yuan received; it has {balance} yuan now.")
_AGREED = mark("{company} may owe up to {amount} yuan from now on.")
_COMPANY = Field("company", mark("Company"), mark("number, part of the name"))


class CompanyNotFound(StationError):
    """No company was found by what was typed."""

    code = "tui.company_not_found"
    text = "No company is found by {typed}. Nothing was done."


class TenderNotChosen(StationError):
    """The letter stands for no way of paying."""

    code = "tui.tender_not_chosen"
    text = "{typed} is no letter of a way of paying. Nothing was done."


class _CompanyForm(ActForm):
    """Finds the company as it is typed and shows its account below."""

    DEFAULT_CSS = """
    _CompanyForm #fields { height: auto; }
    _CompanyForm #account { padding: 1 1 0 1; height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._account: CompanyAccount | None = None

    def parts(self) -> Iterable[Widget]:
        """The form and the account."""
        yield from super().parts()
        yield Drawn(self._statement, id="account")

    def on_input_changed(self, changed: Input.Changed) -> None:
        """Look for the company as it is typed."""
        super().on_input_changed(changed)
        if changed.input.id == "company":
            self.run_worker(
                self._find(_TYPING_PAUSE_S), group="company", exclusive=True
            )

    async def _find(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        try:
            self._account = await self._look_up(self.value("company"))
        except (StationError, ValueError):
            self._account = None
        self.redraw()

    async def _look_up(self, typed: str) -> CompanyAccount | None:
        if not typed:
            return None
        search = Search(text=typed, limit=2)
        found = (await self.desk.link.call(COMPANY_SEARCH, search)).rows
        if not found:
            return None
        query = CompanyQuery(company_no=found[0].company_no, limit=_ROWS)
        return await self.desk.link.call(COMPANY_ACCOUNT, query)

    async def company(self) -> CompanyAccount:
        """Return the company that was typed, as it is now.

        Raises:
            CompanyNotFound: there is none.
        """
        self._account = await self._look_up(self.value("company"))
        if self._account is None:
            raise CompanyNotFound(typed=clean(self.value("company")) or _("nothing"))
        return self._account

    def hint(self, field: Field) -> Content:
        """Show the company that was found."""
        if field.name == "company" and self._account is not None:
            return line((cut(clean(self._account.name), _HINT_ROOM), "$accent"))
        return super().hint(field)

    def _statement(self) -> Content:
        account = self._account
        if account is None:
            return Content("")
        balance = labelled(_("Balance"), price_text(account.balance_e4))
        limit = labelled(_("may owe"), price_text(account.credit_limit_e4))
        head = line((f"{balance} {word('CNY')}   {limit}", "bold"))
        return stacked([head, *(_row(move) for move in account.rows[:_ROWS])])


def _row(move: CompanyMove) -> Content:
    what = word(move.tender or move.kind)
    card = "  ".join(clean(part) for part in (move.card_no, move.plate) if part)
    cells = (
        short_time(move.at_ms),
        fit(price_text(move.amount_e4), 12, right=True),
        fit(price_text(move.balance_e4), 12, right=True),
        fit(what, 16),
        card,
    )
    return line("  ".join(cells))


class CompanyMoneyScreen(_CompanyForm):
    """Company, amount, way of paying, its number."""

    TITLE_TEXT = mark("Company account: statement and top-up")
    HELP = mark(
        "Type the company: its account and newest rows stand below. To take money for "
        "it, type the amount and the letter of the way of paying (c cash, w WeChat, a "
        "Alipay, b bank card, t transfer, k cheque) with its number. The company's "
        "cards are topped up from the account with g at the counter."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        _COMPANY,
        Field("amount", mark("Amount"), mark("yuan"), longest=12),
        Field("tender", mark("Way of paying"), mark("a letter; empty is cash")),
        Field("number", mark("Payment no."), longest=40),
    )

    def offered_keys(self) -> Keys:
        """Name the letters where one is typed."""
        keys = super().offered_keys()
        if self.focused is None or self.focused.id != "tender":
            return keys
        letters = [(key, word(t)) for key, t in KEYS.items() if t != _OF_COMPANIES]
        return [*keys[:1], *letters, *keys[1:]]

    def hint(self, field: Field) -> Content:
        """Name the way of paying that the letter stands for."""
        if field.name == "tender":
            tender = KEYS.get(self.value("tender") or "c")
            if tender is not None:
                return line((word(tender), "$accent"))
        return super().hint(field)

    async def save(self) -> str:
        """Take the money."""
        typed = self.value("tender")
        tender = KEYS.get(typed) if typed else CASH
        if tender is None:
            raise TenderNotChosen(typed=clean(typed))
        company, fen = await self.company(), self.fen("amount")
        request = CompanyTopUp(
            act_id=self.act_id,
            company_no=company.company_no,
            amount_fen=fen,
            tender=tender,
            tender_ref=self.value("number"),
        )
        account = await self.desk.link.call(COMPANY_TOP_UP, request)
        return filled(
            _PAID_IN,
            company=clean(account.name),
            amount=fen_text(fen),
            balance=price_text(account.balance_e4),
        )


class CompanyTermsScreen(_CompanyForm):
    """Company and what it may owe."""

    TITLE_TEXT = mark("Company account: what it may owe")
    HELP = mark(
        "Type the company and how much its account may go below nothing; 0 is not at "
        "all. Every change is kept."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        _COMPANY,
        Field("limit", mark("Credit limit"), mark("yuan; 0 is none"), longest=12),
    )

    async def save(self) -> str:
        """Agree the terms."""
        company, fen = await self.company(), self.typed_fen("limit")
        terms = CompanyTerms(company_no=company.company_no, credit_limit_fen=fen)
        account = await self.desk.link.call(COMPANY_SET_TERMS, terms)
        amount = price_text(account.credit_limit_e4)
        return filled(_AGREED, company=clean(account.name), amount=amount)
