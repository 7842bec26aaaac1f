"""What a top-up is given on top: the bonus of the best rule, in the card's own unit."""

from dataclasses import dataclass, replace

from cngstation.domain.discounts import DiscountRule, TopUpCase, best_bonus
from cngstation.domain.payment import book_to_purse
from cngstation.errors import Refusal
from cngstation.services.keep_company_money import require_company
from cngstation.services.price_top_up import GAS_STEP_MILLI, Priced
from cngstation.storage import audit, customers, discounts
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection
from cngstation.units import Money, Price, quantity_for


class RuleGivesNothing(Refusal):
    """A rule without a bonus, or one that never fits."""

    code = "refusal.rule_gives_nothing"
    text = (
        "This rule gives nothing: it needs a percentage or a fixed amount, and bounds "
        "that something lies between. Nothing was changed."
    )


class NoSuchRule(Refusal):
    """There is no such rule in force."""

    code = "refusal.no_such_rule"
    text = "There is no rule {rule_no} in force. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Given:
    """A bonus in purse and book figures, with the rule that gives it; 0 is none."""

    purse: int = 0
    book: int = 0
    rule_no: int = 0

    def as_plan(self) -> dict[str, int]:
        """Return what an act remembers of it; nothing where nothing was given."""
        if not self.rule_no:
            return {}
        return {"discount_rule": self.rule_no, "bonus_purse": self.purse}


NO_BONUS = Given()


def bonus_for(connection: Connection, card: Card, priced: Priced, at_ms: int) -> Given:
    """Return what is given for what is paid; gas is given at the card's own price."""
    rules = discounts.every_rule(connection)
    if not rules:
        return NO_BONUS
    vehicle = customers.find_vehicle(connection, card.vehicle_id)
    case = TopUpCase(
        card_kind=card.kind,
        company_no=vehicle.company_no if vehicle else "",
        payment_mode=card.payment_mode,
        paid_e4=priced.cash.e4,
    )
    bonus = best_bonus(rules, case, at_ms)
    book = bonus.e4
    if card.payment_mode.in_quantity and bonus.e4:
        gas = quantity_for(
            Money(bonus.e4), Price(card.price_e4), card.unit, step_milli=GAS_STEP_MILLI
        )
        book = gas.milli
    if not book:
        return NO_BONUS
    return Given(book_to_purse(card.payment_mode, book), book, bonus.rule_no)


def add_rule(tx: Transaction, rule: DiscountRule, actor: Actor) -> DiscountRule:
    """Add a rule; it gives from its first moment on.

    Raises:
        RuleGivesNothing: no top-up could get anything by it.
        NoCompany: it is for a company that is not in the register.
    """
    if rule.company_no:
        require_company(tx.connection, rule.company_no)
    begins = replace(rule, since_ms=rule.since_ms or tx.now.wall_ms)
    empty = not begins.percent_hundredths and not begins.fixed_e4
    no_amount = begins.to_e4 and begins.to_e4 <= begins.from_e4
    no_time = begins.until_ms and begins.until_ms <= max(
        begins.since_ms, tx.now.wall_ms
    )
    if empty or no_amount or no_time:
        raise RuleGivesNothing
    added = discounts.add(tx, begins, actor)
    audit.record(
        tx, actor, "discount.add", str(added.rule_no), before="-", after=added.as_text()
    )
    return added


def end_rule(tx: Transaction, rule_no: int, actor: Actor) -> None:
    """End a rule now.

    Raises:
        NoSuchRule: there is none with this number, or it has ended.
    """
    rule = discounts.find(tx.connection, rule_no)
    if rule is None or (rule.until_ms and rule.until_ms <= tx.now.wall_ms):
        raise NoSuchRule(rule_no=rule_no)
    before = rule.as_text()
    after = discounts.end(tx, rule, actor).as_text()
    audit.record(tx, actor, "discount.end", str(rule_no), before=before, after=after)
