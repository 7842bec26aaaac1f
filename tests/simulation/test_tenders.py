"""Ways of paying: each tender's account is the sum of its acts, and pays them back."""

import pytest

from cngstation.domain.ledger import Entry, move
from cngstation.domain.payment import PaymentMode
from cngstation.domain.tenders import CASH, IN_TILL, WANTS_REFERENCE, Payment, Tender
from cngstation.protocols.receipt.slip import Row
from cngstation.rpc.contract.card_acts import ActQuote
from cngstation.rpc.contract.counter import ActReply, ActState, QuoteRequest
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.services.act_result import ActIdTaken
from cngstation.services.print_receipts import PaperSettings, slips
from cngstation.services.take_payment import (
    CompanyFundsShort,
    ReferenceMissing,
    UnknownTender,
)
from cngstation.storage import facts, receipts
from cngstation.storage.database import Transaction
from cngstation.units import Unit
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, FEE, World

MONEY = PaymentMode.PREPAID_MONEY
PAID_BY_NUMBER = [tender for tender in Tender if WANTS_REFERENCE[tender]]


def _card(world: World) -> tuple[Chip, str]:
    chip = Chip(b"\x04\x11\x22\x33")
    reply = world.issue(chip, MONEY, 1_000)
    assert isinstance(reply, ActReply), reply
    return chip, reply.card_key


def _fund(world: World, fen: int) -> None:
    """Let the station hold money of the company."""

    def unit(tx: Transaction) -> None:
        postings = move("company:0001", "till:1:transfer", Unit.CNY, fen * 100)
        facts.post(tx, Entry("FUND", "test", "2026-11-21", "01", "till", postings))

    world.must(world.database.write(unit))


@pytest.mark.parametrize("tender", PAID_BY_NUMBER)
def test_money_is_in_the_account_of_its_tender(world: World, tender: Tender) -> None:
    """What is paid by phone, card or cheque is not in the drawer."""
    chip, key = _card(world)
    drawer = world.account("till:1:cash")
    reply = world.top_up(key, chip, 500, tender=tender, tender_ref=" 42  17 ")
    assert isinstance(reply, ActReply)
    assert reply.state is ActState.DONE
    assert world.account("till:1:cash") == drawer
    assert world.account(f"till:1:{tender}") == 500_00
    [act] = [a for a in world.intents() if a["intent_id"] == reply.intent_id]
    assert '"tender_ref": "42 17"' in act["plan"]
    world.require_proved()


def test_an_issue_is_paid_like_a_top_up(world: World) -> None:
    """Fee and prepaid part come by one payment."""
    reply = world.issue(
        Chip(b"\x04\x11\x22\x44"), MONEY, 1_000, tender="wechat", tender_ref="W1"
    )
    assert isinstance(reply, ActReply)
    assert world.account("till:1:wechat") == 1_000_00 + FEE.e4
    assert world.account("till:1:cash") == 0
    world.require_proved()


@pytest.mark.parametrize("tender", PAID_BY_NUMBER)
def test_no_number_no_payment(world: World, tender: Tender) -> None:
    """A payment that nobody could find at the bank is not taken."""
    chip, key = _card(world)
    refused = world.top_up(key, chip, 500, tender=tender, tender_ref="  ")
    assert isinstance(refused, ReferenceMissing)
    assert world.account(f"till:1:{tender}") == 0


def test_an_unknown_tender_is_refused(world: World) -> None:
    """No account is made up for a word."""
    chip, key = _card(world)
    assert isinstance(world.top_up(key, chip, 500, tender="shells"), UnknownTender)


def test_money_goes_back_the_way_it_came(world: World) -> None:
    """An act that was undone is paid back by its own tender."""
    chip, key = _card(world)
    drawer = world.account("till:1:cash")
    world.reader.arm(Fault.PULLED, 0, writes=True)
    told = world.top_up(
        key, chip, 500, act="ACT-BACK", tender="alipay", tender_ref="A1"
    )
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
    assert world.account("till:1:alipay") == 500_00
    world.reader.arm(None, writes=True)
    undone = world.give_back("ACT-BACK", chip)
    assert isinstance(undone, ActReply)
    assert undone.state is ActState.GIVEN_BACK
    assert "not in cash" in undone.text
    assert world.account("till:1:alipay") == 0
    assert world.account("till:1:cash") == drawer
    world.require_proved()


def test_a_retry_with_another_tender_is_another_act(world: World) -> None:
    """The same id never stands for two payments."""
    chip, key = _card(world)
    told = world.top_up(key, chip, 500, act="ACT-ONCE", tender="wechat", tender_ref="1")
    assert isinstance(told, ActReply)
    again = world.top_up(
        key, chip, 500, before=1_000, act="ACT-ONCE", tender="wechat", tender_ref="1"
    )
    assert again == told
    assert isinstance(
        world.top_up(key, chip, 500, before=1_000, act="ACT-ONCE"), ActIdTaken
    )


def test_a_company_pays_from_its_account_and_never_beyond(world: World) -> None:
    """The company's money covers the amount, or nothing happens."""
    chip, key = _card(world)
    drawer = world.account("till:1:cash")
    _fund(world, 700)
    reply = world.top_up(key, chip, 500, tender="company")
    assert isinstance(reply, ActReply)
    assert world.account("company:0001") == -200_00
    assert world.account("till:1:cash") == drawer
    assert world.balance_on(chip) == 1_500
    refused = world.top_up(key, chip, 201, tender="company")
    assert isinstance(refused, CompanyFundsShort)
    assert "2.00" in refused.sentence()
    assert isinstance(world.top_up(key, chip, 200, tender="company"), ActReply)
    assert world.account("company:0001") == 0
    world.require_proved()


def test_the_receipt_says_how_it_was_paid(world: World) -> None:
    """Tender and number stand on the paper; a receipt from before says nothing."""
    chip, key = _card(world)
    reply = world.top_up(key, chip, 500, tender="cheque", tender_ref="00417")
    assert isinstance(reply, ActReply)
    receipt = receipts.find(world.view, reply.receipt_no)
    assert receipt is not None
    paper = PaperSettings("company", "station", "1", 48, two_copies=False)
    printed = slips(receipt, paper)[0].rows
    rows = {row.label: row.value for row in printed if isinstance(row, Row)}
    assert rows["Paid by"] == "cheque"
    assert rows["Payment no."] == "00417"


def test_an_act_from_before_there_were_tenders_was_paid_in_cash() -> None:
    """Old plans name none."""
    assert Payment.of_plan({"payment_mode": "prepaid_money"}) == CASH
    assert CASH.account("1") == "till:1:cash"
    kept = Payment(Tender.COMPANY, "", "0007")
    assert Payment.of_plan(kept.as_plan()) == kept


def test_a_quote_says_why_the_company_does_not_pay(world: World) -> None:
    """Its account and what it lacks are named; with enough money it is offered."""
    chip, key = _card(world)
    world.reader.put(chip)

    def offered(fen: int) -> set[str]:
        request = QuoteRequest(card_key=key, money_fen=fen, quantity_hundredths=0)
        quote = world.must(world.answers.cards.quote(request, CALL))
        (company,) = (o for o in quote.tenders if o.tender == "company")
        refused = {fact.name: fact.value for fact in company.facts}
        assert bool(refused) == bool(company.refused)
        assert refused.get("wanted", "") == (f"{fen / 100:.2f}" if refused else "")
        return {offer.tender for offer in quote.tenders if not offer.refused}

    tills = {str(tender) for tender in IN_TILL}
    assert offered(500) == tills
    _fund(world, 700)
    assert offered(700) == tills | {"company"}
    assert offered(701) == tills


@pytest.mark.parametrize("kind", ["clear_credit", "replace"])
def test_an_act_with_a_card_is_paid_like_a_top_up(world: World, kind: str) -> None:
    """The quote offers the ways; the money is in the account of the one chosen."""
    chip = Chip(b"\x04\x11\x22\x33")
    mode = PaymentMode.CREDIT_MONEY if kind == "clear_credit" else MONEY
    issued = world.issue(chip, mode, 0 if kind == "clear_credit" else 1_000)
    assert isinstance(issued, ActReply)
    if kind == "clear_credit":
        world.upload(0, world.fill(chip, 500))
    else:
        order = MarkOrder(card_key=issued.card_key, reason="lost", approval=None)
        world.must(world.answers.marks.marking("report_loss")(order, CALL))
        chip = Chip(b"\x04\x11\x22\x44")
    drawer = world.account("till:1:cash")
    quoted = world.quote(kind, issued.card_key, chip)
    assert isinstance(quoted, ActQuote)
    taken = [offer.tender for offer in quoted.tenders if not offer.refused]
    assert taken == list(IN_TILL)
    paid = {"quoted": quoted, "tender": "wechat", "tender_ref": "W1"}
    told = world.act(kind, issued.card_key, chip, **paid)
    assert isinstance(told, ActReply), told
    assert told.state is ActState.DONE
    assert world.account("till:1:cash") == drawer
    assert world.account("till:1:wechat") == quoted.cash_fen * 100 > 0
    world.require_proved()


def test_a_refund_is_quoted_the_way_it_goes_back(world: World) -> None:
    """By its tender and number, and no way of paying is offered for it."""
    chip, key = _card(world)
    world.top_up(key, chip, 500, act="TOP-UP-BEFORE", tender="alipay", tender_ref="A1")
    taken = world.quote("reverse_top_up", key, chip, of="TOP-UP-BEFORE", amount=200)
    assert isinstance(taken, ActQuote)
    assert [(p.tender, p.number, p.fen) for p in taken.refunds] == [
        ("alipay", "A1", 200)
    ]
    ended = world.quote("cancel", key, chip)
    assert isinstance(ended, ActQuote)
    assert [(p.tender, p.number, p.fen) for p in ended.refunds] == [
        ("alipay", "A1", 500),
        ("cash", "", 1_000),
    ]
    assert ended.tenders == ()
