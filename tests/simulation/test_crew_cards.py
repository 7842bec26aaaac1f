"""Crew cards: a number and a holder, proved like every card, and no act of money.

Issue and rewriting are cut off at each block, command and commit; the next tap ends
them.
"""

from typing import Any

import pytest

from cngstation.domain.card_kinds import CREW
from cngstation.domain.limits import Stopped
from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply, ActState, CardView
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.services.limit_spending import may_fill
from cngstation.storage.sqlite import connect
from tests.simulation.card_cases import armed
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_proof import Holder, Proof
from tests.simulation.money_world import CALL, RULES, World
from tests.simulation.world_parts import CommitFault

ACT, HOLDER, OTHER = "ACT-UNDER-TEST", "王一班", "李二班"
MONEY_ACTS = (
    "settle_grey",
    "settle_grey_by_hand",
    "clear_credit",
    "reverse_top_up",
    "cancel",
    "edit",
    "cylinder_date",
    "rewrite_price",
    "wipe",
)


def _chip(number: int = 1) -> Chip:
    return Chip(bytes.fromhex(f"04a1b2{number:02x}"))


def _issue(world: World, chip: Chip, act: str = "", holder: str = HOLDER) -> Any:
    world.reader.put(chip)
    request = counter.CrewIssue(
        intent_id=act or world.new_id(), holder=holder, remark="夜班"
    )
    return world.run(world.answers.cards.crew_issue(request, CALL))


def _issued(world: World, chip: Chip, holder: str = HOLDER) -> str:
    told = _issue(world, chip, holder=holder)
    assert isinstance(told, ActReply), told
    assert told.state is ActState.DONE
    return str(told.card_key)


def _rewrite(world: World, key: str, chip: Chip, **given: Any) -> Any:
    fields = {"holder": given.pop("holder", OTHER)}
    return world.act("crew_rewrite", key, chip, fields=fields, **given)


def _shown(world: World, chip: Chip) -> CardView:
    shown = world.present(chip)
    assert not isinstance(shown, StationError | PowerCut), shown
    return shown[1]


def _check(world: World, chip: Chip, key: str) -> None:
    Proof([Holder(chip, PaymentMode.PREPAID_MONEY, ACT, key)]).check(world)
    assert world.account("till:1:cash") == 0
    assert world.balance_on(chip) == 0


def _mark(world: World, name: str, key: str) -> Any:
    order = MarkOrder(card_key=key, reason="left in a bus", approval=None)
    return world.run(world.answers.marks.marking(name)(order, CALL))


def test_a_crew_card_is_issued_shown_and_listed(world: World) -> None:
    """Its number is the next of the issue point; its page has holder and state."""
    chip = _chip()
    told = _issue(world, chip)
    assert (told.state, told.cash_fen) == (ActState.DONE, 0)
    assert "No money is on it" in told.text
    key = told.card_key
    assert key == "002801000001"
    view = _shown(world, chip)
    assert (view.kind, view.holder, view.standing) == ("crew", HOLDER, "normal")
    assert (view.card_no, view.plate, view.warnings) == ("01000001", "", ())
    purse = world.reading(chip).purse
    assert purse is not None
    assert (purse.kind, purse.balance, purse.wseq) == (CREW.code, 0, 1)
    assert world.value("SELECT vehicle_id FROM card", key) is None
    _check(world, chip, key)
    second = _issued(world, _chip(2), holder=HOLDER)
    assert second == "002801000002"


def test_a_crew_card_has_a_holder_and_a_new_chip(world: World) -> None:
    """No name, or a chip that is a card already: nothing happens."""
    told = _issue(world, _chip(), holder="  ")
    assert told.code == "refusal.field_empty"
    assert world.view.execute("SELECT count(*) FROM card").fetchone() == (0,)
    chip = _chip()
    _issued(world, chip)
    assert _issue(world, chip).code == "refusal.not_blank"
    world.require_proved()


def test_the_same_id_is_the_same_issue(world: World) -> None:
    """A repeat answers for the first; the id with another holder is refused."""
    chip = _chip()
    first = _issue(world, chip, ACT)
    assert _issue(world, chip, ACT).card_key == first.card_key
    assert _issue(world, chip, ACT, OTHER).code == "refusal.act_id_taken"
    assert world.view.execute("SELECT count(*) FROM card").fetchone() == (1,)


def test_rewriting_changes_the_holder_or_nothing(world: World) -> None:
    """Card and register change together; the audit says who it was before."""
    chip = _chip()
    key = _issued(world, chip)
    assert _rewrite(world, key, chip, holder="").state is ActState.DONE
    assert world.value("SELECT holder FROM card", key) == HOLDER
    assert _rewrite(world, key, chip).state is ActState.DONE
    assert _shown(world, chip).holder == OTHER
    changed = world.view.execute(
        "SELECT before, after FROM audit WHERE act='card.crew_rewrite.holder'"
    ).fetchall()
    assert changed == [(HOLDER, OTHER)]
    purse = world.reading(chip).purse
    assert purse is not None
    assert (purse.kind, purse.wseq) == (CREW.code, 3)
    _check(world, chip, key)


def test_a_customers_card_is_not_rewritten_as_a_crew_card(world: World) -> None:
    """The other way round is refused by name too."""
    chip = _chip()
    issued = world.issue(chip, PaymentMode.PREPAID_MONEY, 10_000)
    assert isinstance(issued, ActReply)
    told = _rewrite(world, issued.card_key, chip)
    assert told.code == "refusal.not_crew_card"
    assert world.balance_on(chip) == 10_000


@pytest.mark.parametrize("kind", MONEY_ACTS)
def test_no_act_of_a_customer_takes_a_crew_card(world: World, kind: str) -> None:
    """Each is refused by name, and nothing is on card, till and books."""
    chip = _chip()
    key = _issued(world, chip)
    told = world.act(kind, key, chip, amount=100)
    assert told.code == "refusal.crew_card", told
    _check(world, chip, key)


def test_a_crew_card_is_not_topped_up_replaced_or_filled_with(world: World) -> None:
    """Top-up and its quote, replacement, and the question of a dispenser."""
    chip = _chip()
    key = _issued(world, chip)
    told = world.top_up(key, chip, 5_000)
    assert isinstance(told, StationError)
    assert told.code == "refusal.crew_card"
    quote = counter.QuoteRequest(card_key=key, money_fen=100, quantity_hundredths=0)
    quoted = world.run(world.answers.cards.quote(quote, CALL))
    assert isinstance(quoted, StationError)
    assert quoted.code == "refusal.crew_card"
    now_ms = world.clock.now().wall_ms
    assert may_fill(world.view, key, now_ms, RULES) == Stopped("crew")
    _mark(world, "report_loss", key)
    replaced = world.act("replace", key, _chip(2))
    assert replaced.code == "refusal.crew_card"
    _check(world, chip, key)


def test_a_dispenser_off_line_gives_a_crew_card_no_gas(world: World) -> None:
    """Its image is an empty purse that is paid before."""
    chip = _chip()
    key = _issued(world, chip)
    assert world.fill(chip, 1_000) is None
    _check(world, chip, key)


def test_loss_and_blacklist_are_those_of_every_card(world: World) -> None:
    """A lost crew card is found again; a black one is not rewritten."""
    chip = _chip()
    key = _issued(world, chip)
    lost = _mark(world, "report_loss", key)
    assert lost.state == "lost"
    assert "Issue its holder a new crew card" in lost.text
    assert _shown(world, chip).standing == "lost"
    assert _mark(world, "withdraw_loss", key).state == "normal"
    assert _mark(world, "blacklist", key).state == "black"
    assert _rewrite(world, key, chip).code == "refusal.card_state"
    _check(world, chip, key)


def test_verify_names_a_holder_that_was_changed_behind_the_books(world: World) -> None:
    """The holder is part of the card's fact."""
    key = _issued(world, _chip())
    world.require_proved()
    forger = connect(world.path)
    forger.execute("UPDATE card SET holder=? WHERE card_key=?", (OTHER, key))
    forger.close()
    with pytest.raises(AssertionError, match=f"card {key} was changed"):
        world.require_proved()


# Cut off anywhere.

KINDS = ("crew_issue", "crew_rewrite")


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.REFUSED])
@pytest.mark.parametrize("kind", KINDS)
def test_every_block_write_can_fail(kind: str, fault: Fault) -> None:
    """At every block write a fault leaves a card that is found again."""
    at = 0
    while _ends_well(kind, "write", fault, at):
        at += 1
    assert at >= 3


@pytest.mark.parametrize("fault", [Fault.PULLED, Fault.NONSENSE, Fault.CUT_BEFORE])
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_can_fail(kind: str, fault: Fault) -> None:
    """Looking, opening, reading and reading back may fail: the next tap goes on."""
    at = 0
    while _ends_well(kind, "command", fault, at):
        at += 4
    assert at > 20


@pytest.mark.parametrize("fault", list(CommitFault))
@pytest.mark.parametrize("countdown", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_every_commit_can_fail(kind: str, countdown: int, fault: CommitFault) -> None:
    """Before and after each commit, durable or not: the act is found or was not."""
    assert _ends_well(kind, "commit", fault, countdown)


def _ends_well(kind: str, place: str, fault: Any, countdown: int) -> bool:
    """Do it with a fault, tap twice, do it again if it was not; tell if it struck."""
    world = World()
    try:
        chip = _chip()
        key = _issued(world, chip) if kind == "crew_rewrite" else ""
        starts = world.starts
        arm = armed(world, place, fault, countdown)
        if key:
            _rewrite(world, key, chip, act=ACT, arm=arm)
        else:
            world.reader.put(chip)
            arm()
            _issue_where_it_lies(world)
        struck = world.starts > starts
        struck = struck or (place != "commit" and world.reader.fault is None)
        world.reader.arm(None, writes=True)
        world.database.fault = None
        world.require_proved()
        for _ in range(2):
            _shown(world, chip)
        end = world.find(ACT)
        scrapped = end.state is ActState.SCRAPPED
        assert not scrapped or fault in {Fault.TORN, Fault.CUT_INSIDE}
        if end.state in {ActState.UNKNOWN, ActState.GIVEN_BACK}:
            again = _rewrite(world, key, chip) if key else _issue(world, chip)
            assert again.state is ActState.DONE
            end = again
        elif not scrapped:
            assert end.state is ActState.DONE, end
        world.require_proved()
        if not scrapped:
            holder = OTHER if key else HOLDER
            assert _shown(world, chip).holder == holder
            _check(world, chip, end.card_key)
        return struck
    finally:
        world.close()


def _issue_where_it_lies(world: World) -> None:
    request = counter.CrewIssue(intent_id=ACT, holder=HOLDER, remark="夜班")
    world.run(world.answers.cards.crew_issue(request, CALL))
