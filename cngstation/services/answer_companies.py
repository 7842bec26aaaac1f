"""Answers for the money of companies and the rules of discounts."""

from cngstation.domain.discounts import DiscountRule
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.figures import MOST_ROWS
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.give_bonus import add_rule, end_rule
from cngstation.services.keep_company_money import (
    CompanyTopUp,
    agree_terms,
    require_company,
    top_company_up,
)
from cngstation.services.show_sales import sale_row
from cngstation.services.take_payment import payment_of
from cngstation.storage import (
    cards,
    company_money,
    customers,
    discounts,
    journal,
    receipts,
    sales,
)
from cngstation.storage.company_money import CompanyMove
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection
from cngstation.units import Money

SHOWN = 20


class CompanyAnswers:
    """Answers for companies' money and discount rules."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.COMPANY_TOP_UP, self.top_up)
        made.add(counter.COMPANY_SET_TERMS, self.set_terms)
        made.add(counter.COMPANY_ACCOUNT, self.account)
        made.add(counter.COMPANY_FILLS, self.fills)
        made.add(counter.DISCOUNT_LIST, self.rules)
        made.add(counter.DISCOUNT_ADD, self.add_rule)
        made.add(counter.DISCOUNT_END, self.end_rule)

    async def top_up(
        self, request: counter.CompanyTopUp, call: CallContext
    ) -> counter.CompanyAccount:
        """Take money for a company's account."""
        actor, parts = actor_of(call), self._parts
        wanted = CompanyTopUp(
            act_id=request.act_id,
            company_no=request.company_no,
            amount=Money.from_fen(request.amount_fen),
            payment=payment_of(request.tender, request.tender_ref),
        )

        def unit(tx: Transaction) -> counter.CompanyAccount:
            receipt_no = top_company_up(
                tx, parts.rules, wanted, actor, prints_wanted=parts.prints_wanted
            )
            return account_view(
                tx.connection, wanted.company_no, SHOWN, receipt_no=receipt_no
            )

        return await parts.database.write(unit)

    async def set_terms(
        self, request: counter.CompanyTerms, call: CallContext
    ) -> counter.CompanyAccount:
        """Set what a company may owe."""
        actor = actor_of(call)

        def unit(tx: Transaction) -> counter.CompanyAccount:
            limit = Money.from_fen(request.credit_limit_fen)
            agree_terms(tx, request.company_no, limit, actor)
            return account_view(tx.connection, request.company_no, SHOWN)

        return await self._parts.database.write(unit)

    async def account(
        self, request: counter.CompanyQuery, call: CallContext
    ) -> counter.CompanyAccount:
        """Return a company's account with its newest rows."""
        return await self._parts.database.read(
            lambda connection: account_view(
                connection, request.company_no, request.limit
            )
        )

    async def fills(
        self, request: counter.CompanyFillsQuery, call: CallContext
    ) -> counter.CompanyFills:
        """Return a page of the fills of a company, or of all."""

        def question(connection: Connection) -> counter.CompanyFills:
            if request.company_no:
                require_company(connection, request.company_no)
            found = sales.of_company(
                connection, request.company_no, request.before_seq, request.limit
            )
            rows = tuple(
                counter.CompanyFill(
                    company_no=row["company_no"],
                    company_name=row["company_name"],
                    sale=sale_row(row),
                )
                for row in found
            )
            whole = len(rows) == request.limit
            return counter.CompanyFills(
                rows=rows, next_seq=rows[-1].sale.seq if whole else 0
            )

        return await self._parts.database.read(question)

    async def rules(self, _: Nothing, call: CallContext) -> counter.DiscountRules:
        """Return the rules of discounts."""
        return await self._parts.database.read(_rules)

    async def add_rule(
        self, request: counter.DiscountRule, call: CallContext
    ) -> counter.DiscountRules:
        """Add a rule."""
        actor = actor_of(call)
        rule = DiscountRule(
            rule_no=0,
            card_kind=request.card_kind,
            company_no=request.company_no,
            payment_mode=request.payment_mode,
            from_e4=Money.from_fen(request.from_fen).e4,
            to_e4=Money.from_fen(request.to_fen).e4,
            percent_hundredths=request.percent_hundredths,
            fixed_e4=Money.from_fen(request.fixed_fen).e4,
            since_ms=request.since_ms,
            until_ms=request.until_ms,
        )

        def unit(tx: Transaction) -> counter.DiscountRules:
            add_rule(tx, rule, actor)
            return _rules(tx.connection)

        return await self._parts.database.write(unit)

    async def end_rule(
        self, request: counter.DiscountEnd, call: CallContext
    ) -> counter.DiscountRules:
        """End a rule."""
        actor = actor_of(call)

        def unit(tx: Transaction) -> counter.DiscountRules:
            end_rule(tx, request.rule_no, actor)
            return _rules(tx.connection)

        return await self._parts.database.write(unit)


def account_view(
    connection: Connection, company_no: str, limit: int, *, receipt_no: int = 0
) -> counter.CompanyAccount:
    """Return a company's account, for the screen.

    Raises:
        NoCompany: there is no such company.
    """
    company = require_company(connection, company_no)
    moves = company_money.statement(connection, company_no, limit)
    return counter.CompanyAccount(
        company_no=company.company_no,
        name=company.name,
        balance_e4=company_money.balance(connection, company_no).e4,
        credit_limit_e4=company_money.credit_limit(connection, company_no).e4,
        receipt_no=receipt_no,
        rows=tuple(_move_row(connection, move) for move in moves),
    )


def _move_row(connection: Connection, move: CompanyMove) -> counter.CompanyMove:
    intent = journal.find(connection, move.intent_id) if move.intent_id else None
    card = cards.find(connection, intent.card_key) if intent else None
    vehicle = customers.find_vehicle(connection, card.vehicle_id) if card else None
    made_by = f"{move.intent_id}.finish" if move.intent_id else move.entry_id
    receipt = receipts.of_entry(connection, made_by)
    content = receipt.content if receipt else {}
    return counter.CompanyMove(
        at_ms=move.at_ms,
        kind=move.kind,
        amount_e4=move.amount_e4,
        balance_e4=move.balance_e4,
        card_no=card.card_no if card else "",
        plate=vehicle.plate if vehicle else "",
        tender=str(content.get("tender", "")),
        operator_no=move.operator_no,
        receipt_no=receipt.receipt_no if receipt else 0,
    )


def _rules(connection: Connection) -> counter.DiscountRules:
    newest = discounts.every_rule(connection)[-MOST_ROWS:]
    return counter.DiscountRules(
        rows=tuple(
            counter.DiscountRule(
                rule_no=rule.rule_no,
                card_kind=rule.card_kind,
                company_no=rule.company_no,
                payment_mode=rule.payment_mode,
                from_fen=Money(rule.from_e4).fen,
                to_fen=Money(rule.to_e4).fen,
                percent_hundredths=rule.percent_hundredths,
                fixed_fen=Money(rule.fixed_e4).fen,
                since_ms=rule.since_ms,
                until_ms=rule.until_ms,
            )
            for rule in newest
        )
    )
