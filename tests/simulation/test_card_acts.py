"""Acts on a registered card: what each does to card, account and till; refusals."""

from dataclasses import replace
from typing import Any

import pytest

from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.card_acts import ActQuote, TopUpsRequest
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.storage import limits
from tests.simulation.card_cases import (
    ACT,
    FILL,
    FIRST,
    GAS,
    LENT,
    LENT_GAS,
    MONEY,
    Case,
    armed,
    bound,
    open_rows,
    plan_dearer,
)
from tests.simulation.money_cards import PRICE_E4, Chip, Fault
from tests.simulation.money_world import CALL, World, price_of

# Un-grey.


@pytest.mark.parametrize("mode", list(PaymentMode))
def test_grey_is_settled_by_the_record(world: World, mode: PaymentMode) -> None:
    """The fill's own figure goes off in one write, and the card fills again."""
    case = Case(world, mode)
    grey = case.fill(leaves=True)
    rows = open_rows(world, "grey_card")
    assert rows == 1
    case.done("settle_grey", act=ACT)
    assert open_rows(world, "grey_card") == 0
    due = FILL if mode.in_quantity else grey.amount_e4 // 100
    assert case.balance == (FIRST - due if mode.prepaid else due)
    case.fill()
    world.present(case.chip)
    case.check()


def test_grey_with_too_little_on_it_leaves_the_rest_owed(world: World) -> None:
    """The card goes to nought, the rest of the fill is a receivable."""
    case = Case(world, amount=500)
    grey = case.fill(leaves=True)
    case.done("settle_grey")
    assert case.balance == 0
    assert world.account(f"receivable:{case.key}") == grey.amount_e4 - 50_000


def test_grey_waits_for_its_record(world: World) -> None:
    """Without the record nothing is settled, whatever somebody types."""
    case = Case(world)
    grey = case.fill(leaves=True, upload=False)
    assert case.refused("settle_grey") == "refusal.no_grey_record"
    case.bring(grey)
    case.done("settle_grey")


def test_grey_collected_by_a_dispenser_first(world: World) -> None:
    """The card's mark lets one win: an open settling is undone, not written."""
    case = Case(world)
    grey = case.fill(leaves=True)
    arm = armed(world, "write", Fault.PULLED, 0)
    assert case.do("settle_grey", act=ACT, arm=arm).state is ActState.PENDING
    made = world.must(world.dispensers[0].collect(case.chip, grey))
    world.present(case.chip)
    assert world.find(ACT).state is ActState.GIVEN_BACK
    case.bring(made)
    case.check()


def test_collection_record_ends_an_open_settling(world: World) -> None:
    """The dispenser's record alone is enough; the card need not come."""
    case = Case(world)
    grey = case.fill(leaves=True)
    arm = armed(world, "write", Fault.PULLED, 0)
    case.do("settle_grey", act=ACT, arm=arm)
    made = world.must(world.dispensers[0].collect(case.chip, grey))
    case.bring(made)
    assert world.find(ACT).state is ActState.GIVEN_BACK
    case.check()


def test_collection_of_a_settled_fill_is_named(world: World) -> None:
    """An old image collected at a dispenser after the settling shows itself."""
    case = Case(world)
    grey = case.fill(leaves=True)
    saved = case.chip.saved()
    case.done("settle_grey")
    copy = Chip(case.chip.uid, saved)
    made = world.must(world.dispensers[0].collect(copy, grey))
    world.upload(0, made)
    assert open_rows(world, "grey_collected_twice") == 1


@pytest.mark.parametrize("mode", list(PaymentMode))
def test_by_hand_and_the_record_after_all(world: World, mode: PaymentMode) -> None:
    """What two people typed pays the fill when its record comes; the rest is owed."""
    case = Case(world, mode)
    grey = case.fill(leaves=True, upload=False)
    typed = FILL // 2
    case.done("settle_grey_by_hand", amount=typed)
    assert case.balance == (FIRST - typed if mode.prepaid else typed)
    assert open_rows(world, "ungrey_without_record") == 1
    world.upload(0, grey)
    assert open_rows(world, "ungrey_without_record") == 0
    assert open_rows(world, "grey_card") == 0
    assert world.account("income:gas") == -grey.amount_e4
    act = world.intents()[-1]["intent_id"]
    assert world.account(f"clearing:{act}") == 0
    paid = price_of(mode, typed).e4 if mode is not LENT_GAS else 0
    owed = world.account(f"receivable:{case.key}")
    assert abs(owed - (grey.amount_e4 - paid)) <= 100
    case.fill()
    world.present(case.chip)
    world.require_proved()


def test_by_hand_is_for_two_and_up_to_a_limit(world: World) -> None:
    """One person, too much, or a record that is there: refused."""
    case = Case(world, amount=50_000)
    grey = case.fill(leaves=True, upload=False)
    by_hand = "settle_grey_by_hand"
    assert case.refused(by_hand, amount=20_001) == "refusal.above_hand_limit"
    one = case.refused(by_hand, amount=100, second="")
    assert one == "refusal.second_person_missing"
    assert case.refused(by_hand, amount=100, second="01") == "refusal.same_person"
    assert case.refused(by_hand, amount=100, second="03") == "refusal.right"
    case.bring(grey)
    assert case.refused(by_hand, amount=100) == "refusal.grey_record_there"


# Credit.


@pytest.mark.parametrize("mode", [LENT, LENT_GAS])
def test_credit_is_cleared_by_the_fills(world: World, mode: PaymentMode) -> None:
    """Two fills are paid, the card shows nought; the next clearing is of the next."""
    case = Case(world, mode)
    owed = sum(case.fill().amount_e4 for _ in range(2))
    told = case.done("clear_credit")
    assert (case.balance, told.cash_fen) == (0, owed // 100)
    assert world.account(f"card:{case.key}", "m3" if mode.in_quantity else "CNY") == 0
    third = case.fill()
    quoted = world.quote("clear_credit", case.key, case.chip)
    assert isinstance(quoted, ActQuote)
    facts = {fact.name: fact.value for fact in quoted.notes[0].facts}
    assert facts["count"] == "1"
    assert case.done("clear_credit").cash_fen == third.amount_e4 // 100
    assert case.refused("clear_credit") == "refusal.nothing_owed"


def test_credit_with_a_record_under_way(world: World) -> None:
    """In money the card counts and the record comes against it; in gas one waits."""
    case = Case(world, LENT)
    late = case.fill(upload=False)
    case.done("clear_credit")
    assert world.account(f"card:{case.key}") == -late.amount_e4
    case.bring(late)
    assert world.account(f"card:{case.key}") == 0
    case.check()
    other = Case(world, LENT_GAS, uid="04a1b2c4")
    world.fill(other.chip, FILL)
    told = world.act("clear_credit", other.key, other.chip)
    assert isinstance(told, StationError)
    assert told.code == "refusal.fills_missing"


def test_a_fill_between_keeps_its_debt(world: World) -> None:
    """Not written, filled, written again: only what was paid is cleared."""
    case = Case(world, LENT)
    case.fill()
    arm = armed(world, "write", Fault.PULLED, 0)
    case.do("clear_credit", act=ACT, arm=arm)
    between = case.fill()
    world.present(case.chip)
    assert world.find(ACT).state is ActState.DONE
    assert case.balance == between.amount_e4 // 100
    case.check()


def test_a_prepaid_card_is_not_cleared(world: World) -> None:
    """The way out is a top-up."""
    assert Case(world).refused("clear_credit") == "refusal.not_credit"


# Taking back.


@pytest.mark.parametrize("mode", [MONEY, GAS])
def test_a_top_up_is_taken_back_once(world: World, mode: PaymentMode) -> None:
    """Part by part, never more than it gave, and the money goes back."""
    case = Case(world, mode)
    case.fill()
    world.top_up(case.key, case.chip, 5_000, act=ACT)
    before = case.balance
    told = case.done("reverse_top_up", of=ACT, amount=2_000)
    assert told.refund_fen == price_of(mode, 2_000).fen
    assert case.balance == before - 2_000
    again = case.refused("reverse_top_up", of=ACT, amount=3_001)
    assert again == "refusal.more_than_given"
    case.done("reverse_top_up", of=ACT, amount=3_000)
    assert case.refused("reverse_top_up", of=ACT, amount=1) == "refusal.more_than_given"
    corrects = world.view.execute(
        "SELECT count(*) FROM entry WHERE corrects=?", (f"{ACT}.finish",)
    ).fetchone()
    assert corrects == (2,)


def test_taking_back_never_goes_below_nought(world: World) -> None:
    """What was filled away cannot be taken back; another card's top-up neither."""
    case = Case(world, amount=100)
    world.top_up(case.key, case.chip, 5_000, act=ACT)
    case.fill()
    most = case.balance
    assert most < 5_000
    above = case.refused("reverse_top_up", of=ACT, amount=most + 1)
    assert above == "refusal.more_than_given"
    case.done("reverse_top_up", of=ACT, amount=most)
    assert case.balance == 0
    issue = next(a["intent_id"] for a in world.intents() if a["kind"] == "issue")
    wrong = case.refused("reverse_top_up", of=issue, amount=1)
    assert wrong == "refusal.not_that_top_up"


def test_taking_back_needs_two_and_the_switch(world: World) -> None:
    """One person does not, and a station that switched it off never."""
    case = Case(world)
    world.top_up(case.key, case.chip, 5_000, act=ACT)
    one = case.refused("reverse_top_up", of=ACT, amount=1, second="")
    assert one == "refusal.second_person_missing"
    act: Any = world.answers.card_acts._parts.card_acts._every["reverse_top_up"]
    object.__setattr__(act, "rules", replace(act.rules, negative_top_up=False))
    off = case.refused("reverse_top_up", of=ACT, amount=1)
    assert off == "refusal.negative_top_up_off"


def test_no_money_leaves_for_a_card_that_was_filled_meanwhile(world: World) -> None:
    """Too little is left when the card comes back: undone, the till as it was."""
    case = Case(world, amount=100)
    world.top_up(case.key, case.chip, 5_000, act=ACT)
    arm = armed(world, "write", Fault.PULLED, 0)
    told = case.do("reverse_top_up", of=ACT, amount=5_000, act="TAKEN-BACK", arm=arm)
    assert told.state is ActState.PENDING
    till = world.account("till:1:cash")
    case.fill()
    world.present(case.chip)
    assert world.find("TAKEN-BACK").state is ActState.GIVEN_BACK
    assert world.account("till:1:cash") == till
    case.check()


def test_an_older_top_up_is_found_and_taken_back(world: World) -> None:
    """Every finished one of this card, newest first, with what is left of it."""
    case, other = Case(world), Case(world, uid="04a1b2c4")
    world.top_up(case.key, case.chip, 5_000, act="OLDER-TOP-UP", tender="cash")
    world.top_up(case.key, case.chip, 3_000, act="NEWER-TOP-UP")
    world.top_up(other.key, other.chip, 1_000, act="OTHERS-TOP-UP")
    told = world.act(
        "reverse_top_up", case.key, case.chip, of="OLDER-TOP-UP", amount=2_000
    )
    assert isinstance(told, ActReply)
    request = TopUpsRequest(card_key=case.key)
    found = world.must(world.answers.card_acts.top_ups(request, CALL)).rows
    assert [(row.intent_id, row.amount_purse, row.left_purse) for row in found] == [
        ("NEWER-TOP-UP", 3_000, 3_000),
        ("OLDER-TOP-UP", 5_000, 3_000),
    ]


# Cancel and wipe.


@pytest.mark.parametrize("mode", list(PaymentMode))
def test_cancel_pays_what_the_card_is_worth(world: World, mode: PaymentMode) -> None:
    """The refund is the paid balance; card and account are at nought."""
    case = Case(world, mode)
    if mode.prepaid:
        case.fill()
    left = case.balance
    told = case.done("cancel")
    assert abs(told.refund_fen - price_of(mode, left).fen) <= (1 if mode is GAS else 0)
    assert case.balance == 0
    assert world.value("SELECT state FROM card", case.key) == "cancelled"
    assert world.account(f"card:{case.key}", "m3" if mode.in_quantity else "CNY") == 0
    top_up = world.top_up(case.key, case.chip, 100)
    assert isinstance(top_up, StationError)


def test_cancel_waits_for_every_fill(world: World) -> None:
    """A fill whose record has not come makes what the card is worth unknown."""
    case = Case(world)
    late = case.fill(upload=False)
    assert case.refused("cancel") == "refusal.fills_missing"
    case.bring(late)
    case.done("cancel")


def test_cancel_waits_after_the_last_fill(world: World) -> None:
    """Within the waiting time of the station it is refused, with until when."""
    case = Case(world)
    act: Any = world.answers.card_acts._parts.card_acts._every["cancel"]
    object.__setattr__(act, "rules", replace(act.rules, cancel_wait_hours=1))
    case.fill()
    assert case.refused("cancel") == "refusal.cancel_too_early"
    for _ in range(3_700):
        world.clock.now()
    case.done("cancel")


def test_cancel_keeps_what_is_owed(world: World) -> None:
    """A receivable is taken from the refund, or refuses the cancelling."""
    case = Case(world, LENT)
    case.fill()
    assert case.refused("cancel") == "refusal.still_owes"
    other = Case(world, MONEY, amount=500, uid="04a1b2c4")
    grey = world.fill(other.chip, FILL, leaves=True)
    world.upload(0, grey)
    world.act("settle_grey", other.key, other.chip)
    poor = world.act("cancel", other.key, other.chip)
    assert isinstance(poor, StationError)
    assert poor.code == "refusal.still_owes"
    rest = grey.amount_e4 // 100 - 500
    world.top_up(other.key, other.chip, 5_000)
    told = world.act("cancel", other.key, other.chip)
    assert isinstance(told, ActReply)
    assert told.refund_fen == 5_000 - rest
    assert world.account(f"receivable:{other.key}") == 0
    world.require_proved()


def test_wiped_chip_is_issued_again(world: World) -> None:
    """A cancelled card is wiped, its chip is a new card under a new number."""
    case = Case(world)
    assert case.refused("wipe") == "refusal.card_state"
    case.done("cancel")
    told = world.act("wipe", case.key, case.chip)
    assert isinstance(told, ActReply)
    assert told.state is ActState.DONE
    assert world.reading(case.chip).state is CardState.BLANK
    again = world.issue(case.chip, GAS, FIRST)
    assert isinstance(again, ActReply)
    assert again.card_key != case.key
    world.require_proved()


# Edit.


def test_cylinder_date_needs_its_certificate(world: World) -> None:
    """With the certificate card, register and vehicle have the new date, logged."""
    case = Case(world)
    fields = {"cylinder_due": "2030-01-31"}
    refused = case.refused("cylinder_date", fields=fields)
    assert refused == "refusal.certificate_missing"
    fields["certificate"] = "CERT-0042"
    case.done("cylinder_date", fields=fields)
    purse = world.reading(case.chip).purse
    assert purse is not None
    assert purse.cylinder_due == "2030-01-31"
    for table in ("card", "vehicle"):
        found = world.view.execute(f"SELECT cylinder_due FROM {table}").fetchone()
        assert found == ("2030-01-31",)
    told = world.view.execute(
        "SELECT act, after FROM audit WHERE act LIKE 'card.cylinder_date.%'"
    ).fetchall()
    assert sorted(told) == [
        ("card.cylinder_date.certificate", "CERT-0042"),
        ("card.cylinder_date.cylinder_due", "2030-01-31"),
    ]
    same = case.refused("cylinder_date", fields=fields)
    assert same == "refusal.nothing_changed"


def test_plate_changes_on_card_and_in_register(world: World) -> None:
    """Old and new plate are in the log; an odd plate wants a second Enter."""
    case = Case(world)
    case.done("edit", fields={"plate": "川B54321"})
    info = world.reading(case.chip).info
    assert info is not None
    assert info.plate == "川B54321"
    assert world.view.execute("SELECT plate FROM vehicle").fetchone() == ("川B54321",)
    odd = case.refused("edit", fields={"plate": "X1"})
    assert odd == "refusal.plate_unusual"
    case.done("edit", fields={"plate": "X1", "accept_plate": "1"})


def test_price_is_rewritten_after_a_change(world: World) -> None:
    """The tapped card shows the old price; the rewriting is logged and then settled."""
    case = Case(world)
    assert case.refused("rewrite_price") == "refusal.nothing_changed"
    plan_dearer(world)
    case.done("rewrite_price")
    info = world.reading(case.chip).info
    assert info is not None
    assert info.price_fen == 450
    assert world.value("SELECT price_e4 FROM card", case.key) == 45_000
    told = world.view.execute(
        "SELECT before, after FROM audit WHERE act='card.rewrite_price.price'"
    ).fetchall()
    assert len(told) == 1
    assert told[0][1] == "4.50"


def test_limits_of_now_are_written_on_the_card(world: World) -> None:
    """The tighter of card and company; what has none any more is taken off."""
    case = Case(world)
    assert case.refused("rewrite_limits") == "refusal.nothing_changed"
    bound(world, limits.Holder.COMPANY, "0001", 300, 0)
    bound(world, limits.Holder.CARD, case.key, 200, 900)
    for fill, day in ((200, 900), (300, 0)):
        case.done("rewrite_limits")
        info = world.reading(case.chip).info
        assert info is not None
        assert (info.limit_per_fill_yuan, info.limit_per_day_yuan) == (fill, day)
        assert (info.plate, info.price_fen) == ("川A12345", PRICE_E4 // 100)
        assert case.refused("rewrite_limits") == "refusal.nothing_changed"
        bound(world, limits.Holder.CARD, case.key, 0, 0)
    told = world.view.execute(
        "SELECT act, before, after FROM audit WHERE act LIKE 'card.rewrite_limits.%'"
    ).fetchall()
    assert sorted(told) == [
        ("card.rewrite_limits.limit_per_day_yuan", "0", "900"),
        ("card.rewrite_limits.limit_per_day_yuan", "900", "0"),
        ("card.rewrite_limits.limit_per_fill_yuan", "0", "200"),
        ("card.rewrite_limits.limit_per_fill_yuan", "200", "300"),
    ]
