"""Money of companies: what they may owe, and the postings of their accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

from cngstation.domain import ledger
from cngstation.storage import facts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, Unit


@dataclass(frozen=True, slots=True)
class CompanyMove:
    """A posting of a company's account; what is left after it is `balance_e4`."""

    seq: int
    at_ms: int
    kind: str
    entry_id: str
    intent_id: str
    operator_no: str
    amount_e4: int
    balance_e4: int


def set_terms(
    tx: Transaction, company_no: str, credit_limit: Money, actor: Actor
) -> None:
    """Record what a company may owe from now on."""
    row = {
        "company_no": company_no,
        "credit_limit_e4": credit_limit.e4,
        "operator_no": actor.operator_no,
    }
    prove_row(tx, "company_terms", company_no, row)


def credit_limit(connection: Connection, company_no: str) -> Money:
    """Return what a company may owe; nothing unless it was agreed."""
    row = connection.execute(
        "SELECT credit_limit_e4 FROM company_terms WHERE company_no=?"
        " ORDER BY seq DESC LIMIT 1",
        (company_no,),
    ).fetchone()
    return Money(row[0] if row else 0)


def balance(connection: Connection, company_no: str) -> Money:
    """Return what the station holds of a company's money; negative when it owes."""
    account = ledger.company_account(company_no)
    return Money(-facts.balance(connection, account, Unit.CNY))


def statement(
    connection: Connection, company_no: str, limit: int
) -> Iterator[CompanyMove]:
    """Yield the newest postings of a company's account, newest first."""
    left = balance(connection, company_no).e4
    found = rows(
        connection,
        "SELECT p.seq, e.at_ms, e.kind, e.entry_id, e.intent_id, e.operator_no,"
        " -p.amount AS amount_e4 FROM posting p JOIN entry e USING (seq)"
        " WHERE p.account >= 'company:' AND p.account < 'company;' AND p.account = ?"
        " ORDER BY p.seq DESC LIMIT ?",
        (ledger.company_account(company_no), limit),
    )
    for row in found:
        yield CompanyMove(**row, balance_e4=left)
        left -= row["amount_e4"]
