"""Any day at the till: each account is what was done, counted beside the books.

A model of a few integers says what each act has to move and which acts are refused;
the books come to the same figures by postings, and prove themselves.
"""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cngstation.domain.payment import PaymentMode
from cngstation.domain.tenders import IN_TILL, WANTS_REFERENCE, Tender
from cngstation.errors import Refusal
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, FEE, World

FIRST = 1_000
amounts = st.sampled_from([1, 250, 300, 999, 5_000])
tenders = st.sampled_from([*IN_TILL, Tender.COMPANY, Tender.COMPANY])
steps = st.one_of(
    st.tuples(st.just("top_up"), tenders, amounts),
    st.tuples(st.just("undone"), tenders, amounts),
    st.tuples(st.just("company"), st.sampled_from(IN_TILL), amounts),
    st.tuples(st.just("terms"), st.sampled_from([0, 300, 6_000])),
    st.tuples(st.just("rule"), st.sampled_from([0, 125, 5_000]), amounts),
    st.tuples(st.just("no_rule")),
    st.tuples(st.just("open"), st.sampled_from([0, 20_000])),
    st.tuples(st.just("close"), st.sampled_from([0, 0, -1, 777])),
    st.tuples(st.sampled_from(["drop", "pay_in", "pay_out"]), amounts),
)


@dataclass
class Model:
    """What the accounts have to be, in fen; `state` is that of the till."""

    till: dict[Tender, int] = field(default_factory=lambda: dict.fromkeys(IN_TILL, 0))
    bank: dict[Tender, int] = field(default_factory=lambda: dict.fromkeys(IN_TILL, 0))
    state: str = "never"
    company: int = 0
    may_owe: int = 0
    company_in: int = 0
    allocated: int = 0
    paid_out: int = 0
    over: int = 0
    promotion: int = 0
    card: int = FIRST
    rules: dict[int, tuple[int, int]] = field(default_factory=dict)

    def takes(self, tender: Tender, fen: int) -> bool:
        """Tell whether an act may be paid by a tender now."""
        if tender is Tender.COMPANY:
            return fen <= self.company + self.may_owe
        return self.state != "closed"

    def pay(self, tender: Tender, fen: int) -> None:
        """Take what an act was paid by."""
        if tender is Tender.COMPANY:
            self.company -= fen
            self.allocated += fen
        else:
            self.till[tender] += fen

    def bonus(self, fen: int) -> int:
        """Return what the best rule gives."""
        given = (
            (fen * 100 * percent // 10_000 + fixed * 100) // 100
            for percent, fixed in self.rules.values()
        )
        return max(given, default=0)

    def hand_over(self) -> None:
        """Empty the till into safe and bank."""
        for tender, fen in self.till.items():
            self.bank[tender] += fen
            self.till[tender] = 0


class Day:
    """A world, its model, and the steps that both take."""

    def __init__(self, world: World) -> None:
        self.world, self.model = world, Model()
        self.chip = Chip(b"\x04\x11\x22\x33")
        reply = world.issue(self.chip, PaymentMode.PREPAID_MONEY, FIRST)
        assert isinstance(reply, ActReply)
        self.key = reply.card_key
        self.model.till[Tender.CASH] = FIRST + FEE.fen

    def take(self, step: tuple[object, ...]) -> None:
        """Take a step; what the model does not allow has to be refused."""
        name, *values = step
        getattr(self, f"_{name}")(*values)

    def _top_up(self, tender: Tender, fen: int) -> None:
        number = "1" if WANTS_REFERENCE[tender] else ""
        done = self.world.top_up(
            self.key, self.chip, fen, tender=tender, tender_ref=number
        )
        assert isinstance(done, ActReply) is self.model.takes(tender, fen), done
        if isinstance(done, ActReply):
            bonus = self.model.bonus(fen)
            self.model.pay(tender, fen)
            self.model.promotion += bonus
            self.model.card += fen + bonus

    def _undone(self, tender: Tender, fen: int) -> None:
        """A card that is pulled away, and its money given back."""
        if not self.model.takes(tender, fen):
            return
        act = self.world.new_id()
        number = "1" if WANTS_REFERENCE[tender] else ""
        self.world.reader.arm(Fault.PULLED, 0, writes=True)
        self.world.top_up(
            self.key, self.chip, fen, act=act, tender=tender, tender_ref=number
        )
        self.world.reader.arm(None, writes=True)
        assert isinstance(self.world.give_back(act, self.chip), ActReply)

    def _company(self, tender: Tender, fen: int) -> None:
        request = counter.CompanyTopUp(
            act_id=self.world.new_id(),
            company_no="0001",
            amount_fen=fen,
            tender=tender,
            tender_ref="1" if WANTS_REFERENCE[tender] else "",
        )
        done = self.world.run(self.world.answers.companies.top_up(request, CALL))
        assert isinstance(done, Refusal) is (self.model.state == "closed"), done
        if not isinstance(done, Refusal):
            self.model.pay(tender, fen)
            self.model.company += fen
            self.model.company_in += fen

    def _terms(self, fen: int) -> None:
        terms = counter.CompanyTerms(company_no="0001", credit_limit_fen=fen)
        done = self.world.run(self.world.answers.companies.set_terms(terms, CALL))
        assert isinstance(done, Refusal) is (-self.model.company > fen), done
        if not isinstance(done, Refusal):
            self.model.may_owe = fen

    def _rule(self, percent: int, fixed: int) -> None:
        rule = counter.DiscountRule(
            rule_no=0, card_kind="", company_no="", payment_mode="", from_fen=0,
            to_fen=0, percent_hundredths=percent, fixed_fen=fixed, since_ms=0,
            until_ms=0,
        )  # fmt: skip
        listed = self.world.must(self.world.answers.companies.add_rule(rule, CALL))
        self.model.rules[listed.rows[-1].rule_no] = (percent, fixed)

    def _no_rule(self) -> None:
        for number in self.model.rules:
            ended = counter.DiscountEnd(rule_no=number)
            self.world.must(self.world.answers.companies.end_rule(ended, CALL))
        self.model.rules.clear()

    def _open(self, fen: int) -> None:
        opening = counter.TillOpening(act_id=self.world.new_id(), float_fen=fen)
        done = self.world.run(self.world.answers.till.open(opening, CALL))
        assert isinstance(done, Refusal) is (self.model.state == "opened"), done
        if not isinstance(done, Refusal):
            self.model.hand_over()
            self.model.till[Tender.CASH] = fen
            self.model.bank[Tender.CASH] -= fen
            self.model.state = "opened"

    def _close(self, over: int) -> None:
        held = max(self.model.till[Tender.CASH] + over, 0)
        count = counter.TenderCount(tender="cash", counted_fen=held)
        closing = counter.TillClosing(act_id=self.world.new_id(), counts=(count,))
        done = self.world.run(self.world.answers.till.close(closing, CALL))
        assert isinstance(done, Refusal) is (self.model.state != "opened"), done
        if not isinstance(done, Refusal):
            self.model.over += held - self.model.till[Tender.CASH]
            self.model.till[Tender.CASH] = held
            self.model.hand_over()
            self.model.state = "closed"

    def _cash(self, name: str, fen: int) -> None:
        wanted = counter.TillCash(
            act_id=self.world.new_id(), amount_fen=fen, reason="why"
        )
        method = getattr(self.world.answers.till, name)
        done = self.world.run(method(wanted, CALL))
        short = name != "pay_in" and fen > self.model.till[Tender.CASH]
        refused = self.model.state != "opened" or short
        assert isinstance(done, Refusal) is refused, done
        if refused:
            return
        self.model.till[Tender.CASH] += fen if name == "pay_in" else -fen
        if name == "pay_out":
            self.model.paid_out += fen
        else:
            self.model.bank[Tender.CASH] += -fen if name == "pay_in" else fen

    def _drop(self, fen: int) -> None:
        self._cash("drop", fen)

    def _pay_in(self, fen: int) -> None:
        self._cash("pay_in", fen)

    def _pay_out(self, fen: int) -> None:
        self._cash("pay_out", fen)

    def require_books(self) -> None:
        """Assert that every account is what the model says, and all sum to zero."""
        model, account = self.model, self.world.account
        for tender in IN_TILL:
            kept = "safe:cash" if tender is Tender.CASH else f"bank:{tender}"
            assert account(f"till:1:{tender}") == 100 * model.till[tender], tender
            assert account(kept) == 100 * model.bank[tender], kept
        assert account("company:0001") == -100 * model.company
        assert model.company == model.company_in - model.allocated
        assert model.company >= -model.may_owe
        assert account("expense:pay_out") == 100 * model.paid_out
        assert account("expense:over_short") == -100 * model.over
        assert account("expense:promotion") == 100 * model.promotion
        assert account(f"card:{self.key}") == -100 * model.card
        assert self.world.balance_on(self.chip) == model.card
        sums = self.world.view.execute(
            "SELECT unit, sum(amount) FROM posting GROUP BY unit"
        )
        assert all(total == 0 for _, total in sums)
        self.world.require_proved()


# One day of each kind that chance is slow to find.
A_SHORT_DAY = [
    ("open", 20_000),
    ("top_up", Tender.CASH, 999),
    ("close", -1),
    ("open", 0),
    ("company", Tender.CHEQUE, 300),
    ("close", 777),
    ("top_up", Tender.WECHAT, 1),
]
A_DAY_ON_CREDIT = [
    ("company", Tender.TRANSFER, 300),
    ("terms", 300),
    ("top_up", Tender.COMPANY, 300),
    ("top_up", Tender.COMPANY, 250),
    ("terms", 0),
    ("top_up", Tender.COMPANY, 250),
    ("undone", Tender.COMPANY, 1),
]
A_DAY_OF_GIFTS = [
    ("rule", 5_000, 300),
    ("rule", 125, 1),
    ("top_up", Tender.ALIPAY, 999),
    ("no_rule",),
    ("top_up", Tender.CASH, 999),
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(A_SHORT_DAY)
@example(A_DAY_ON_CREDIT)
@example(A_DAY_OF_GIFTS)
@given(st.lists(steps, min_size=10, max_size=24))
def test_any_day_at_the_till_adds_up(program: list[tuple[object, ...]]) -> None:
    """Tenders, company moves, discounts, sessions, in any order."""
    world = World()
    try:
        day = Day(world)
        for step in program:
            day.take(step)
        day.require_books()
    finally:
        world.close()
