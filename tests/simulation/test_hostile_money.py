"""Hostile sequences of acts: what goes back is what was paid, and nothing twice.

What a card, a till and a company hold at the end is counted from what was handed over,
and not from how an act was booked.
"""

from dataclasses import replace
from typing import Any

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.domain.tenders import Payment
from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.services.keep_company_money import CompanyTopUp, top_company_up
from cngstation.services.keep_till import CashMove, move_cash, open_till
from cngstation.storage.tills import DROP
from cngstation.units import Money
from tests.plain_cards import KEY, PlainWorld, plain_chip
from tests.simulation.card_cases import (
    FIRST,
    GAS,
    LENT,
    LENT_GAS,
    MONEY,
    Case,
)
from tests.simulation.money_cards import Chip, Fault
from tests.simulation.money_world import CALL, FEE, RULES, World
from tests.small_station import CASHIER

DRAWER = "till:1:cash"
DEFERRED = "liability:deferred_revenue"


# Money goes back the way it came.


def test_what_was_taken_back_does_not_go_back_again(world: World) -> None:
    """A payment whose money went back pays nothing of a later cancelling."""
    case = Case(world)
    number = {"tender": "wechat", "tender_ref": "W1"}
    world.top_up(case.key, case.chip, 5_000, act="BY-WECHAT", **number)
    case.do("reverse_top_up", of="BY-WECHAT", amount=3_000)
    assert world.account("till:1:wechat") == 200_000
    case.do("cancel")
    assert world.account("till:1:wechat") == 0
    assert world.account(DRAWER) == FEE.e4
    world.require_proved()


@pytest.mark.parametrize("mode", [MONEY, GAS])
def test_company_money_is_no_cash_after_a_replacement(
    world: World, mode: PaymentMode
) -> None:
    """Lost, replaced, lost and replaced again, cancelled: the company has it back."""
    _fund(world, 100_000)
    case = Case(world, mode, amount=100)
    left = world.account("company:0001")
    world.top_up(case.key, case.chip, 5_000, act="BY-COMPANY", tender="company")
    paid = world.account("company:0001") - left
    assert paid > 0
    key, new = case.key, case.chip
    for _ in range(2):
        new, key = _replaced(world, key)
    drawer = world.account(DRAWER)
    done = world.act("cancel", key, new)
    assert isinstance(done, ActReply), done
    assert world.account("company:0001") == left
    assert drawer - world.account(DRAWER) == 100 * done.refund_fen - paid
    world.require_proved()


def test_gas_typed_away_takes_its_money_with_it(world: World) -> None:
    """A replacement typed to 1 of 100 m3 is worth 1 m3 at its cancelling."""
    case = Case(world, GAS)
    new, key = _replaced(world, case.key, fields={"typed": "1"}, amount=100)
    assert -world.account(DEFERRED) == 33_700
    done = world.act("cancel", key, new)
    assert isinstance(done, ActReply)
    assert done.refund_fen == 337
    assert world.account(DEFERRED) == 0
    world.require_proved()


def test_lent_gas_typed_away_leaves_the_lent(world: World) -> None:
    """The pool of gas on credit is at nought when every card is."""
    case = Case(world, LENT_GAS)
    case.fill()
    new, key = _replaced(world, case.key, fields={"typed": "1"}, amount=100)
    assert isinstance(world.act("clear_credit", key, new), ActReply)
    assert world.account("stock:gas_lent", "m3") == 0
    assert world.account("stock:gas_owed", "m3") == 0


def test_typed_balance_keeps_to_the_ceiling(world: World) -> None:
    """Two people type at most what any card may hold."""
    case = Case(world)
    _mark(world, "report_loss", case.key)
    made = world.answers.card_acts._parts.replacements
    made._rules = replace(made._rules, balance_ceiling=Money.from_fen(20_000))
    typed = {"fields": {"typed": "1"}, "amount": 20_001}
    told = world.quote("replace", case.key, _blank(), **typed)
    assert _code(told) == "refusal.ceiling"
    typed["amount"] = 20_000
    assert not isinstance(
        world.quote("replace", case.key, _blank(), **typed), StationError
    )


# What two people typed, and what came of it.


def test_too_little_typed_is_paid_at_the_clearing(world: World) -> None:
    """The rest of a fill settled by hand is owed until somebody pays it."""
    case = Case(world, LENT)
    grey = case.fill(leaves=True, upload=False)
    case.done("settle_grey_by_hand", amount=500)
    world.upload(0, grey)
    before = world.account(DRAWER)
    told = world.act("clear_credit", case.key, case.chip)
    assert isinstance(told, ActReply)
    assert world.account(DRAWER) - before == grey.amount_e4
    assert world.account(f"receivable:{case.key}") == 0
    assert world.account(f"card:{case.key}") == 0
    assert isinstance(world.act("cancel", case.key, case.chip), ActReply)
    world.require_proved()


@pytest.mark.parametrize("is_first", [True, False])
def test_too_much_typed_is_not_kept(world: World, is_first: bool) -> None:
    """It lowers the clearing, or goes back at the cancelling, and is booked so."""
    case = Case(world, LENT)
    grey = case.fill(leaves=True, upload=False)
    case.done("settle_grey_by_hand", amount=5_000)
    before = world.account(DRAWER)
    if is_first:
        world.upload(0, grey)
    assert isinstance(world.act("clear_credit", case.key, case.chip), ActReply)
    if not is_first:
        world.upload(0, grey)
    told = world.act("cancel", case.key, case.chip)
    assert isinstance(told, ActReply)
    assert world.account(DRAWER) - before == grey.amount_e4
    assert world.account(f"receivable:{case.key}") == 0
    world.require_proved()


@pytest.mark.parametrize(
    ("mode", "kind"), [(MONEY, "cancel"), (LENT_GAS, "clear_credit")]
)
def test_a_record_that_never_comes_does_not_hold_a_card(
    world: World, mode: PaymentMode, kind: str
) -> None:
    """Two people stood for the fill: the card is cleared and cancelled without it."""
    case = Case(world, mode)
    case.fill(leaves=True, upload=False)
    assert isinstance(case.do(kind), StationError)
    case.done("settle_grey_by_hand", amount=500)
    unbooked = world.fill(case.chip, 100)
    assert _code(case.do(kind)) == "refusal.fills_missing"
    world.upload(0, unbooked)
    told = world.act(kind, case.key, case.chip)
    assert isinstance(told, ActReply), told
    world.require_proved()


@pytest.mark.parametrize("typed", [500, 4_000])
@pytest.mark.parametrize("mode", list(PaymentMode))
def test_the_record_comes_while_two_people_settle(
    world: World, mode: PaymentMode, typed: int
) -> None:
    """Typed, the card pulled, the record booked, the card back: counted once."""
    case = Case(world, mode)
    grey = case.fill(leaves=True, upload=False)

    def arm() -> None:
        world.reader.arm(Fault.PULLED, 0, writes=True)

    told = case.do("settle_grey_by_hand", amount=typed, act="BY-HAND-1", arm=arm)
    assert told.state is ActState.PENDING
    world.upload(0, grey)
    world.present(case.chip)
    assert world.find("BY-HAND-1").state is ActState.DONE
    unit = "m3" if mode.in_quantity else "CNY"
    on_card = case.balance * (10 if mode.in_quantity else 100)
    booked = world.account(f"card:{case.key}", unit)
    assert booked == (-on_card if mode.prepaid else on_card)
    assert world.account("clearing:BY-HAND-1") == 0
    drawer = world.account(DRAWER)
    if mode.prepaid:
        world.top_up(case.key, case.chip, 10_000)
        told = world.act("cancel", case.key, case.chip)
        # Of all that was paid in, the fill and the fee are what stays.
        assert abs(world.account(DRAWER) - FEE.e4 - grey.amount_e4) <= 100
    else:
        told = world.act("clear_credit", case.key, case.chip)
        again = world.act("cancel", case.key, case.chip)
        assert isinstance(again, ActReply), again
        assert world.account(DRAWER) - drawer == grey.amount_e4
    assert isinstance(told, ActReply), told
    assert world.account(f"receivable:{case.key}") == 0
    assert world.account(DEFERRED) == 0
    world.require_proved()


def test_what_was_typed_pays_the_record_of_a_replaced_card(world: World) -> None:
    """Only the rest of the fill is a loss; nothing stays in the clearing account."""
    case = Case(world)
    grey = case.fill(leaves=True, upload=False)
    case.done("settle_grey_by_hand", amount=500, act="BY-HAND-1")
    _replaced(world, case.key)
    world.upload(0, grey)
    assert world.account("clearing:BY-HAND-1") == 0
    assert world.account("expense:loss") == grey.amount_e4 - 50_000
    assert world.account(f"receivable:{case.key}") == 0
    world.require_proved()


# What was decided of a card stays decided.


def test_blacklist_stays_when_an_issue_is_finished(world: World) -> None:
    """A card blacklisted while its issue was open is black when it comes back."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    world.reader.arm(Fault.ANSWER_LOST, 8, writes=True)
    told = world.issue(chip, MONEY, FIRST, "ISSUE-OPEN")
    assert isinstance(told, ActReply)
    world.reader.arm(None, writes=True)
    _mark(world, "blacklist", told.card_key)
    world.present(chip)
    assert world.find("ISSUE-OPEN").state is ActState.DONE
    assert world.value("SELECT state FROM card", told.card_key) == "black"


@pytest.mark.parametrize(
    ("mark", "state"), [("blacklist", "black"), ("suspend", "inactive")]
)
def test_a_replacement_lifts_no_mark(world: World, mark: str, state: str) -> None:
    """Losing a black card does not take it off the blacklist."""
    case = Case(world)
    _mark(world, mark, case.key)
    _, key = _replaced(world, case.key)
    assert world.value("SELECT state FROM card", key) == state


def test_a_card_lost_in_its_issue_is_not_suspended(world: World) -> None:
    """Nobody suspended it: its replacement is in use."""
    chip = Chip(bytes.fromhex("04a1b2c3"))
    world.reader.arm(Fault.PULLED, 3, writes=True)
    told = world.issue(chip, MONEY, FIRST, "ISSUE-OPEN")
    assert isinstance(told, ActReply)
    world.reader.arm(None, writes=True)
    new, key = _replaced(world, told.card_key)
    assert world.value("SELECT state FROM card", key) == "normal"
    assert world.balance_on(new) == FIRST


@pytest.mark.parametrize("mode", list(PaymentMode))
def test_a_card_tapped_before_its_loss_leaves_the_books_proved(
    world: World, mode: PaymentMode
) -> None:
    """What the lost card showed last is on the new card now."""
    case = Case(world, mode)
    case.fill()
    world.present(case.chip)
    _replaced(world, case.key)
    world.require_proved()


@pytest.mark.parametrize("kind", ["cancel", "wipe"])
def test_one_act_at_a_time_for_a_card_out_of_use(world: World, kind: str) -> None:
    """A black or cancelled card with an open act refuses another in a sentence."""
    case = Case(world)
    if kind == "wipe":
        case.done("cancel")
    else:
        _mark(world, "blacklist", case.key)

    def arm() -> None:
        world.reader.arm(Fault.PULLED, 0, writes=True)

    assert case.do(kind, act="FIRST-ACT", arm=arm).state is ActState.PENDING
    assert _code(case.do(kind, act="SECOND-ACT")) == "refusal.act_open"
    world.present(case.chip)
    assert world.find("FIRST-ACT").state is ActState.DONE


@pytest.mark.parametrize(
    "kind", ["cancel", "edit", "cylinder_date", "rewrite_price", "reverse_top_up"]
)
def test_a_card_without_counters_has_no_act_that_never_ends(kind: str) -> None:
    """What could not be proved later is refused before, and a top-up still works."""
    world = PlainWorld()
    try:
        world.register()
        chip = plain_chip(0)
        world.top_up(KEY, chip, 5_000, act="PLAIN-TOP-UP")
        typed = {"plate": "川B54321", "cylinder_due": "2030-01-31"}
        fields = {**typed, "certificate": "CERT-0042"}
        of = {"of": "PLAIN-TOP-UP", "amount": 1_000, "fields": fields}
        assert _code(world.act(kind, KEY, chip, **of)) == "refusal.no_counters"
        again = world.top_up(KEY, chip, 100)
        assert isinstance(again, ActReply)
        assert again.state is ActState.DONE
        assert world.account(DRAWER) == 510_000
    finally:
        world.close()


# An id is one act.


def test_an_id_with_another_amount_is_refused(world: World) -> None:
    """A company's top-up and a move of cash answer for what they were asked first."""

    def company(fen: int, act: str = "COMPANY-1") -> Any:
        wanted = CompanyTopUp(act, "0001", Money.from_fen(fen), Payment())
        return _written(
            world,
            lambda tx: top_company_up(tx, RULES, wanted, CASHIER, prints_wanted=1),
        )

    def drop(fen: int) -> Any:
        wanted = CashMove("DROPPED-1", DROP, Money.from_fen(fen), "")
        return _written(world, lambda tx: move_cash(tx, RULES, wanted, CASHIER))

    float_ = Money.from_fen(5_000)
    _written(world, lambda tx: open_till(tx, RULES, "OPENED-1", float_, CASHIER))
    assert company(1_000) == company(1_000)
    assert _code(company(5_000)) == "refusal.act_id_taken"
    assert drop(1_000) is drop(1_000) is None
    assert _code(drop(2_000)) == "refusal.act_id_taken"
    assert _code(company(1_000, "DROPPED-1")) == "refusal.act_id_taken"
    assert world.account(DRAWER) == 500_000
    world.require_proved()


def _written(world: World, unit: Any) -> Any:
    return world.run(world.database.write(unit))


def _fund(world: World, fen: int) -> None:
    wanted = CompanyTopUp("FUND-0001", "0001", Money.from_fen(fen), Payment())
    told = _written(
        world, lambda tx: top_company_up(tx, RULES, wanted, CASHIER, prints_wanted=1)
    )
    assert not isinstance(told, StationError)


def _mark(world: World, name: str, key: str) -> None:
    order = MarkOrder(card_key=key, reason="because", approval=None)
    world.must(world.answers.marks.marking(name)(order, CALL))


_CHIPS = iter(range(1, 250))


def _blank() -> Chip:
    return Chip(bytes([0x06, next(_CHIPS), 0xB2, 0xC3]))


def _replaced(world: World, key: str, **given: Any) -> tuple[Chip, str]:
    _mark(world, "report_loss", key)
    new = _blank()
    told = world.act("replace", key, new, **given)
    assert isinstance(told, ActReply), told
    assert told.state is ActState.DONE
    return new, told.card_key


def _code(told: object) -> str:
    assert isinstance(told, StationError), told
    return told.code
