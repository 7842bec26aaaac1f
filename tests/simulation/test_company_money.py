"""Companies' money and discounts: what comes in, what goes to cards, what is given."""

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.receipt.slip import Row
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, CompanyAccount
from cngstation.rpc.session import Nothing
from cngstation.services.give_bonus import NoSuchRule, RuleGivesNothing
from cngstation.services.keep_company_money import OwesMore
from cngstation.services.keep_till import NoAmount
from cngstation.services.price_top_up import AmountRefused
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.reverse_top_up import MoreThanWasGiven
from cngstation.services.take_payment import (
    CompanyFundsShort,
    NoCompany,
    ReferenceMissing,
    UnknownTender,
)
from cngstation.storage import customers, receipts
from cngstation.storage.customers import Company
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, FEE, World

MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY
COMPANY = "company:0001"
PAPER = PaperSettings("company", "station", "1", 48, two_copies=False)
RULE = counter.DiscountRule(
    rule_no=0,
    card_kind="",
    company_no="",
    payment_mode="",
    from_fen=0,
    to_fen=0,
    percent_hundredths=500,
    fixed_fen=0,
    since_ms=0,
    until_ms=0,
)


def _card(world: World, mode: PaymentMode = MONEY) -> tuple[Chip, str]:
    chip = Chip(b"\x04\x11\x22\x33")
    reply = world.issue(chip, mode, 1_000)
    assert isinstance(reply, ActReply), reply
    return chip, reply.card_key


def _paid_in(
    world: World, fen: int, *, act: str = "", company: str = "0001", **paid: str
) -> CompanyAccount | StationError:
    request = counter.CompanyTopUp(
        act_id=act or world.new_id(),
        company_no=company,
        amount_fen=fen,
        tender=paid.get("tender", "cash"),
        tender_ref=paid.get("tender_ref", ""),
    )
    return world.run(world.answers.companies.top_up(request, CALL))  # type: ignore[return-value]


def _terms(world: World, fen: int) -> CompanyAccount | StationError:
    request = counter.CompanyTerms(company_no="0001", credit_limit_fen=fen)
    return world.run(world.answers.companies.set_terms(request, CALL))  # type: ignore[return-value]


def _add(world: World, **changes: object) -> counter.DiscountRules | StationError:
    rule = RULE.model_copy(update=changes)
    return world.run(world.answers.companies.add_rule(rule, CALL))  # type: ignore[return-value]


def _printed(world: World, receipt_no: int) -> dict[str, str]:
    receipt = receipts.find(world.view, receipt_no)
    assert receipt is not None
    rows = slips(receipt, PAPER)[0].rows
    return {row.label: row.value for row in rows if isinstance(row, Row)}


def test_a_company_pays_in_and_its_cards_use_it(world: World) -> None:
    """Top-up by its tender with a receipt; allocation to a card; the statement."""
    chip, key = _card(world)
    drawer = world.account("till:1:cash")
    paid = _paid_in(world, 10_000, tender="transfer", tender_ref="T-1")
    assert isinstance(paid, CompanyAccount)
    assert (paid.balance_e4, paid.name) == (1_000_000, "公司")
    paper = _printed(world, paid.receipt_no)
    assert paper["Received"] == "100.00 yuan"
    assert (paper["Paid by"], paper["Payment no."]) == ("bank transfer", "T-1")
    told = world.top_up(key, chip, 3_000, tender="company")
    assert isinstance(told, ActReply)
    assert "30.00" in {fact.value for fact in told.facts}
    assert told.text.endswith("{cash} yuan went from the company's account.")
    asked = counter.CompanyQuery(company_no="0001", limit=10)
    account = world.must(world.answers.companies.account(asked, CALL))
    rows = [(row.kind, row.amount_e4, row.balance_e4) for row in account.rows]
    assert rows == [
        ("top_up.hold", -300_000, 700_000),
        ("company_top_up", 1_000_000, 1_000_000),
    ]
    assert account.rows[0].plate == "川A12345"
    assert account.rows[0].card_no == key[-8:]
    assert account.rows[1].tender == "transfer"
    assert world.account(COMPANY) == -700_000
    assert world.account("till:1:transfer") == 1_000_000
    assert world.account("till:1:cash") == drawer
    world.require_proved()


def test_fills_of_a_company_come_in_pages(world: World) -> None:
    """Company, card, plate, quantity, amount, time; the newest first, none twice."""
    chip, key = _card(world)
    assert isinstance(world.top_up(key, chip, 5_000), ActReply)
    for _ in range(3):
        world.upload(0, world.fill(chip, 500))

    def page(company_no: str, before_seq: int, limit: int = 2) -> counter.CompanyFills:
        query = counter.CompanyFillsQuery(
            company_no=company_no, limit=limit, before_seq=before_seq
        )
        return world.must(world.answers.companies.fills(query, CALL))

    first = page("0001", 0)
    last = page("0001", first.next_seq)
    assert (len(first.rows), len(last.rows), last.next_seq) == (2, 1, 0)
    every = [*first.rows, *last.rows]
    booked = world.view.execute(
        "SELECT seq, quantity_milli, amount_e4 FROM sale ORDER BY seq DESC"
    ).fetchall()
    assert booked == [
        (r.sale.seq, r.sale.quantity_milli, r.sale.amount_e4) for r in every
    ]
    assert {(r.company_name, r.sale.card_no) for r in every} == {("公司", key[-8:])}
    assert all(r.sale.at_ms for r in every)
    assert page("", 0, 9).rows == tuple(every)
    unknown = counter.CompanyFillsQuery(company_no="0002", limit=9)
    refused = world.run(world.answers.companies.fills(unknown, CALL))
    assert isinstance(refused, StationError)
    world.must(
        world.database.write(
            lambda tx: customers.add_company(tx, Company("0002", "另", "", "", "l"))
        )
    )
    assert page("0002", 0).rows == ()


def test_a_repeat_of_a_company_top_up_is_the_same(world: World) -> None:
    """The act's number answers with the receipt that was made."""
    first = _paid_in(world, 500, act="ACT-COMP1")
    again = _paid_in(world, 500, act="ACT-COMP1")
    assert isinstance(first, CompanyAccount)
    assert isinstance(again, CompanyAccount)
    assert first.receipt_no == again.receipt_no
    assert world.account(COMPANY) == -50_000


def test_what_a_company_top_up_refuses(world: World) -> None:
    """Nothing, nobody, no number, and its own account."""
    assert isinstance(_paid_in(world, 0), NoAmount)
    assert isinstance(_paid_in(world, 5, company="0404"), NoCompany)
    assert isinstance(_paid_in(world, 5, tender="cheque"), ReferenceMissing)
    assert isinstance(_paid_in(world, 5, tender="company"), UnknownTender)
    assert world.account(COMPANY) == 0


def test_a_company_owes_at_most_its_limit(world: World) -> None:
    """Only an agreed limit lets an account go below nothing."""
    chip, key = _card(world)
    assert isinstance(world.top_up(key, chip, 300, tender="company"), CompanyFundsShort)
    _terms(world, 500)
    assert isinstance(world.top_up(key, chip, 300, tender="company"), ActReply)
    assert isinstance(world.top_up(key, chip, 201, tender="company"), CompanyFundsShort)
    assert isinstance(world.top_up(key, chip, 200, tender="company"), ActReply)
    assert world.account(COMPANY) == 50_000
    assert isinstance(_terms(world, 499), OwesMore)
    told = "SELECT before, after FROM audit WHERE act='company.terms'"
    assert world.view.execute(told).fetchall() == [("0.00", "5.00")]
    paid = _paid_in(world, 100)
    assert isinstance(paid, CompanyAccount)
    assert paid.balance_e4 == -40_000
    world.require_proved()


def test_an_undone_allocation_is_with_the_company_again(world: World) -> None:
    """Money that did not reach the card goes back where it came from."""
    chip, key = _card(world)
    _paid_in(world, 1_000)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 400, act="ACT-ALLOC", tender="company")
    world.reader.arm(None, writes=True)
    assert world.account(COMPANY) == -60_000
    undone = world.give_back("ACT-ALLOC", chip)
    assert isinstance(undone, ActReply)
    assert "with the company again" in undone.text
    assert world.account(COMPANY) == -100_000
    world.require_proved()


@pytest.mark.parametrize(
    ("mode", "asked", "bonus", "promotion"),
    [(MONEY, 10_010, 500, 50_000), (GAS, 2_500, 124, 0)],
)
def test_a_bonus_is_its_own_amount(
    world: World, mode: PaymentMode, asked: int, bonus: int, promotion: int
) -> None:
    """On the quote, the card, the receipt and in the books; cash is what was paid."""
    chip, key = _card(world, mode)
    till, card = world.account("till:1:cash"), f"card:{key}"
    unit = "m3" if mode.in_quantity else "CNY"
    before = world.account(card, unit)
    _add(world)
    quote = _quote(world, key, chip, mode, asked)
    assert (quote.change_purse, quote.bonus_purse) == (asked, bonus)
    assert quote.after_purse == 1_000 + asked + bonus
    reply = world.top_up(key, chip, asked)
    assert isinstance(reply, ActReply)
    assert world.balance_on(chip) == 1_000 + asked + bonus
    assert world.account("expense:promotion") == promotion
    assert world.account("till:1:cash") - till == quote.cash_fen * 100
    scale = 10 if mode.in_quantity else 100
    assert before - world.account(card, unit) == (asked + bonus) * scale
    paper = _printed(world, reply.receipt_no)
    assert paper["Bonus"].startswith(f"{bonus // 100}.{bonus % 100:02d}")
    assert paper["Added"].startswith(f"{asked // 100}.{asked % 100:02d}")
    world.require_proved()


def _quote(
    world: World, key: str, chip: Chip, mode: PaymentMode, asked: int
) -> counter.Quote:
    world.reader.put(chip)
    request = counter.QuoteRequest(
        card_key=key,
        money_fen=0 if mode.in_quantity else asked,
        quantity_hundredths=asked if mode.in_quantity else 0,
    )
    return world.must(world.answers.cards.quote(request, CALL))


def test_a_bonus_that_was_shown_otherwise_is_refused(world: World) -> None:
    """A rule that ended since the quote gives nothing unseen."""
    chip, key = _card(world)
    _add(world)
    request = counter.TopUp(
        intent_id="ACT-BONUS",
        card_key=key,
        before_purse=1_000,
        money_fen=1_000,
        quantity_hundredths=0,
        cash_fen=1_000,
        bonus_purse=50,
    )
    ended = counter.DiscountEnd(rule_no=1)
    world.must(world.answers.companies.end_rule(ended, CALL))
    world.reader.put(chip)
    assert isinstance(
        world.run(world.answers.cards.top_up(request, CALL)), AmountRefused
    )
    told = world.view.execute(
        "SELECT act, before, after FROM audit WHERE act LIKE 'discount.%' ORDER BY seq"
    ).fetchall()
    (added, nothing, rule), (ends, was, is_now) = told
    assert (added, nothing, ends) == ("discount.add", "-", "discount.end")
    assert rule.startswith("5.00%, 2")
    assert rule.endswith(" -")
    assert (was, is_now[: len(rule)]) == (rule, rule)
    assert len(is_now) == len(rule) + len(" 2026-11-21 09:42:17")
    far = {"until_ms": 2**62, "from_fen": 10_000, "to_fen": 20_000, "fixed_fen": 150}
    assert not isinstance(_add(world, **far), StationError)
    last = "SELECT after FROM audit ORDER BY seq DESC LIMIT 1"
    (far_rule,) = world.view.execute(last).fetchone()
    assert far_rule.startswith("5.00%, + 1.50, 100.00-200.00, 2")
    assert far_rule.endswith(f" - {2**62}")
    as_shown = request.model_copy(update={"bonus_purse": 0})
    assert isinstance(world.run(world.answers.cards.top_up(as_shown, CALL)), ActReply)
    assert world.balance_on(chip) == 2_000
    assert isinstance(
        world.run(world.answers.companies.end_rule(ended, CALL)), NoSuchRule
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"percent_hundredths": 0},
        {"from_fen": 500, "to_fen": 500},
        {"until_ms": 1},
        {"company_no": "0404"},
    ],
)
def test_a_rule_that_gives_nothing_is_not_added(
    world: World, changes: dict[str, object]
) -> None:
    """No bonus, no amount between its bounds, no time left, no such company."""
    assert isinstance(_add(world, **changes), RuleGivesNothing | NoCompany)
    listed = world.must(world.answers.companies.rules(Nothing(), CALL))
    assert listed.rows == ()


def test_an_act_that_was_cut_off_keeps_its_bonus(world: World) -> None:
    """What was promised at the hold is written at the next tap."""
    chip, key = _card(world)
    _add(world)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 1_000, act="ACT-CUT-1")
    world.reader.arm(None, writes=True)
    world.must(world.answers.companies.end_rule(counter.DiscountEnd(rule_no=1), CALL))
    settled = world.settle("ACT-CUT-1", chip)
    assert isinstance(settled, ActReply)
    assert world.balance_on(chip) == 2_050
    assert world.account("expense:promotion") == 5_000
    assert world.account("income:card_fee") == -FEE.e4
    world.require_proved()


@pytest.mark.parametrize("mode", [MONEY, GAS])
@pytest.mark.parametrize("percent", [500, 3_333])
def test_what_can_be_taken_back_leaves_room_for_its_bonus(
    world: World, mode: PaymentMode, percent: int
) -> None:
    """The figure of the refusal is taken, one more is not, and no more goes out."""
    chip, key = _card(world, mode)
    _add(world, percent_hundredths=percent)
    drawer = world.account("till:1:cash")
    world.top_up(key, chip, 5_000, act="WITH-BONUS")
    paid = world.account("till:1:cash") - drawer
    world.upload(0, world.fill(chip, 700))
    back = {"of": "WITH-BONUS"}
    above = world.act("reverse_top_up", key, chip, amount=5_001, **back)
    assert isinstance(above, MoreThanWasGiven)
    most = round(100 * float(str(above.facts["most"])))
    assert 0 < most <= 5_000
    over = world.act("reverse_top_up", key, chip, amount=most + 1, **back)
    assert isinstance(over, MoreThanWasGiven)
    before, promotion = world.balance_on(chip), world.account("expense:promotion")
    for part in (most // 3, most - most // 3):
        done = world.act("reverse_top_up", key, chip, amount=part, **back)
        assert isinstance(done, ActReply), done
    off = before - world.balance_on(chip)
    assert most < off <= before
    assert world.account("till:1:cash") >= drawer
    assert 0 <= world.account("expense:promotion") <= promotion
    assert paid > 0
    again = world.act("reverse_top_up", key, chip, amount=5_000, **back)
    assert isinstance(again, MoreThanWasGiven)
    world.present(chip)
    world.require_proved()
