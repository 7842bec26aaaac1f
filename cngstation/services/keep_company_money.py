"""Takes money for a company's account and says what became of it.

The account is spent card by card: a top-up or an issue that is paid by the company.
"""

from dataclasses import dataclass

from cngstation.domain.ledger import company_account, move
from cngstation.domain.tenders import Payment, Tender
from cngstation.errors import Refusal
from cngstation.services.act_result import ActIdTaken
from cngstation.services.book_entry import book_entry
from cngstation.services.keep_till import NoAmount
from cngstation.services.station_rules import StationRules
from cngstation.services.take_payment import NoCompany, UnknownTender
from cngstation.services.till_state import require_open
from cngstation.storage import audit, company_money, customers, facts, receipts
from cngstation.storage.audit import Actor
from cngstation.storage.customers import Company
from cngstation.storage.database import Transaction
from cngstation.storage.receipts import Receipt
from cngstation.storage.sqlite import Connection
from cngstation.units import ZERO, Money, Unit, yuan_text

KIND = "company_top_up"


class OwesMore(Refusal):
    """The company owes more than the new limit already."""

    code = "refusal.owes_more"
    text = (
        "{company} owes {owed} yuan already; the limit cannot be set below that. "
        "Nothing was changed."
    )


@dataclass(frozen=True, slots=True)
class CompanyTopUp:
    """Money for a company's account as it was confirmed."""

    act_id: str
    company_no: str
    amount: Money
    payment: Payment


def top_company_up(
    tx: Transaction,
    rules: StationRules,
    wanted: CompanyTopUp,
    actor: Actor,
    *,
    prints_wanted: int,
) -> int:
    """Book money received for a company; return the number of the receipt.

    Raises:
        NoCompany, NoAmount, TillClosed, ActIdTaken: nothing is booked.
        UnknownTender: a company does not pay its own account.
    """
    entry_id = f"{wanted.act_id}.{KIND}"
    if (known := receipts.of_entry(tx.connection, entry_id)) is not None:
        if not _is_of(known, wanted):
            raise ActIdTaken
        return known.receipt_no
    if facts.entries_of_act(tx.connection, wanted.act_id):
        raise ActIdTaken
    company = require_company(tx.connection, wanted.company_no)
    if wanted.amount <= ZERO:
        raise NoAmount
    if wanted.payment.tender is Tender.COMPANY:
        raise UnknownTender(tender=wanted.payment.tender)
    require_open(tx.connection, rules.till, wanted.payment.tender)
    before = company_money.balance(tx.connection, company.company_no)
    book_entry(
        tx,
        rules,
        actor,
        entry_id=entry_id,
        kind=KIND,
        postings=move(
            company_account(company.company_no),
            wanted.payment.account(rules.till),
            Unit.CNY,
            wanted.amount.e4,
        ),
        note=wanted.payment.reference,
    )
    paid = yuan_text(wanted.amount.e4)
    audit.record(tx, actor, "company.top_up", company.company_no, after=paid)
    content = {
        "company_no": company.company_no,
        "company": company.name,
        "before_e4": before.e4,
        "after_e4": (before + wanted.amount).e4,
        "cash_e4": wanted.amount.e4,
        **wanted.payment.as_plan(),
        "operator_no": actor.operator_no,
        "at_ms": tx.now.wall_ms,
    }
    return receipts.make(tx, entry_id, KIND, content, wanted=prints_wanted)


def _is_of(known: Receipt, wanted: CompanyTopUp) -> bool:
    content = known.content
    found = (content["company_no"], content["cash_e4"], Payment.of_plan(content).tender)
    payment = wanted.payment
    return found == (wanted.company_no, wanted.amount.e4, payment.tender)


def agree_terms(
    tx: Transaction, company_no: str, credit_limit: Money, actor: Actor
) -> None:
    """Record what a company may owe.

    Raises:
        NoCompany: there is no such company.
        OwesMore: it owes more than that already.
    """
    company = require_company(tx.connection, company_no)
    owed = -company_money.balance(tx.connection, company_no)
    if owed > credit_limit:
        raise OwesMore(company=company.name, owed=yuan_text(owed.e4))
    before = company_money.credit_limit(tx.connection, company_no)
    company_money.set_terms(tx, company_no, credit_limit, actor)
    audit.record(
        tx,
        actor,
        "company.terms",
        company_no,
        before=yuan_text(before.e4),
        after=yuan_text(credit_limit.e4),
    )


def require_company(connection: Connection, company_no: str) -> Company:
    """Return a company of the register.

    Raises:
        NoCompany: there is none with this number.
    """
    company = customers.find_company(connection, company_no)
    if company is None:
        raise NoCompany
    return company
