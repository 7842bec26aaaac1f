"""Money of companies, and the rules of what a top-up is given on top."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import (
    MOST_ROWS,
    Asked,
    IntentId,
    SaleRow,
    Word,
)
from cngstation.rpc.contract.registers import NextPage, PageFound
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing


class CompanyTopUp(Message):
    """Money for a company's account; a repeat has the same `act_id`."""

    act_id: IntentId
    company_no: Word
    amount_fen: Asked
    tender: Word
    tender_ref: Word


class CompanyTerms(Message):
    """What a company may owe from now on."""

    company_no: Word
    credit_limit_fen: Asked


class CompanyQuery(Message):
    """The account of a company with its newest rows."""

    company_no: Word
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]


class CompanyMove(Message):
    """A row of a company's statement: a top-up, or money for one of its cards."""

    at_ms: int
    kind: Word
    amount_e4: int
    balance_e4: int
    card_no: Word
    plate: Word
    tender: Word
    operator_no: Word
    receipt_no: int


class CompanyAccount(Message):
    """What a company has, may owe, and did lately, newest first."""

    company_no: Word
    name: Text
    balance_e4: int
    credit_limit_e4: int
    receipt_no: int
    rows: Annotated[tuple[CompanyMove, ...], Field(max_length=MOST_ROWS)]


class CompanyFillsQuery(NextPage):
    """Fills of a company's vehicles; an empty number is every company."""

    company_no: Word


class CompanyFill(Message):
    """A fill, and the company that the card's vehicle belongs to now."""

    company_no: Word
    company_name: Text
    sale: SaleRow


class CompanyFills(PageFound):
    """A page of fills."""

    rows: Annotated[tuple[CompanyFill, ...], Field(max_length=MOST_ROWS)]


class DiscountRule(Message):
    """A rule of top-up discounts; empty texts and zero bounds mean any.

    The bonus is `percent_hundredths` (1/100 of a percent) of what is paid and the
    fixed amount. `since_ms` zero is now. Of the rules that fit, the best one counts.
    """

    rule_no: int
    card_kind: Word
    company_no: Word
    payment_mode: Word
    from_fen: Asked
    to_fen: Asked
    percent_hundredths: Annotated[int, Field(ge=0, le=10_000)]
    fixed_fen: Asked
    since_ms: int
    until_ms: int


class DiscountRules(Message):
    """The rules, oldest first."""

    rows: Annotated[tuple[DiscountRule, ...], Field(max_length=MOST_ROWS)]


class DiscountEnd(Message):
    """A rule to end now."""

    rule_no: int


COMPANY_TOP_UP = Method(
    "company.top_up", CompanyTopUp, CompanyAccount, "company.top_up", changes=True
)
COMPANY_SET_TERMS = Method(
    "company.set_terms", CompanyTerms, CompanyAccount, "company.terms", changes=True
)
COMPANY_ACCOUNT = Method(
    "company.account", CompanyQuery, CompanyAccount, LOGGED_IN, changes=False
)
COMPANY_FILLS = Method(
    "company.fills", CompanyFillsQuery, CompanyFills, LOGGED_IN, changes=False
)
DISCOUNT_LIST = Method(
    "discount.list", Nothing, DiscountRules, LOGGED_IN, changes=False
)
DISCOUNT_ADD = Method(
    "discount.add", DiscountRule, DiscountRules, "discount.write", changes=True
)
DISCOUNT_END = Method(
    "discount.end", DiscountEnd, DiscountRules, "discount.write", changes=True
)

COMPANY_METHODS = (
    COMPANY_TOP_UP,
    COMPANY_SET_TERMS,
    COMPANY_ACCOUNT,
    COMPANY_FILLS,
    DISCOUNT_LIST,
    DISCOUNT_ADD,
    DISCOUNT_END,
)
