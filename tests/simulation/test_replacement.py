"""Replacing a lost card: once, by transfer, and with the proof of its balance."""

from typing import Any

import pytest

from cngstation.domain.balance_proof import ProofLevel, prove_balance
from cngstation.domain.payment import PaymentMode
from cngstation.errors import StationError
from cngstation.protocols.card_image.purse import CardState
from cngstation.rpc.contract.card_acts import ActQuote
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.rpc.contract.marks import MarkOrder
from cngstation.storage import replacements
from cngstation.storage.audit import STATION
from tests.simulation.card_cases import armed
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_world import CALL, FEE, World
from tests.simulation.world_parts import CommitFault

MONEY, GAS = PaymentMode.PREPAID_MONEY, PaymentMode.PREPAID_QUANTITY
FIRST, FILL = 10_000, 1_000
ACT = "ACT-UNDER-TEST"
HOUR = 3_600_000


@pytest.mark.parametrize("mode", list(PaymentMode))
def test_everything_moves_to_the_new_card(world: World, mode: PaymentMode) -> None:
    """Balance and lots are on the new card, by transfer; only the fee is cash."""
    chip, key = _card(world, mode)
    world.top_up(key, chip, 5_000)
    _bring(world, world.fill(chip, FILL))
    unit = "m3" if mode.in_quantity else "CNY"
    before = world.account(f"card:{key}", unit)
    till = world.account("till:1:cash")
    _lose(world, key)
    new, told = _replace(world, key)
    assert told.state is ActState.DONE, told
    assert world.account(f"card:{key}", unit) == 0
    assert world.account(f"card:{told.card_key}", unit) == before
    assert world.account("till:1:cash") - till == FEE.e4
    assert world.value("SELECT state FROM card", key) == "replaced"
    assert world.reading(new).state is CardState.OURS
    if mode is GAS:
        assert _lots(world, key) == 0
        assert _lots(world, told.card_key) == -before
    if mode.prepaid:
        assert world.top_up(told.card_key, new, 100).state is ActState.DONE  # type: ignore[union-attr]
    _bring(world, world.fill(new, FILL))
    world.present(new)
    world.require_proved()


def test_a_card_is_replaced_once(world: World) -> None:
    """Not without a loss report, not twice, and its loss is not withdrawn then."""
    _, key = _card(world, MONEY)
    early = world.quote("replace", key, _blank())
    assert _code(early) == "refusal.card_state"
    _lose(world, key)
    _, first = _replace(world, key)
    again = world.quote("replace", key, _blank())
    assert _code(again) == "refusal.replaced_before"
    order = MarkOrder(card_key=key, reason="", approval=None)
    back = world.run(world.answers.marks.marking("withdraw_loss")(order, CALL))
    assert _code(back) == "refusal.card_state"
    # The new card may be lost in its turn.
    _lose(world, first.card_key)
    _, second = _replace(world, first.card_key)
    assert second.state is ActState.DONE
    world.require_proved()


def test_two_screens_replace_once(world: World) -> None:
    """Another screen replaced it between the look and the commit: refused."""
    _, key = _card(world, MONEY)
    _lose(world, key)
    quoted = world.quote("replace", key, _blank())

    _, other = _card(world, MONEY, "04a1b2c9")

    async def other_screen() -> None:
        world.database.meanwhile = None
        made = replacements.Replacement("ELSEWHERE", key, other, "made", "proved", "")
        await world.database.write(lambda tx: replacements.add(tx, made, STATION))

    world.database.meanwhile = other_screen
    told = world.act("replace", key, _blank(), quoted=quoted)
    assert _code(told) == "refusal.replaced_before"
    made = world.view.execute("SELECT count(*) FROM card_replacement").fetchone()
    assert made == (1,)


def test_the_table_itself_holds_a_second_replacement_back(world: World) -> None:
    """One balance is never paid twice, whoever forgets to ask."""
    _, key = _card(world, MONEY)
    _, one = _card(world, MONEY, "04a1b2c8")
    _, two = _card(world, MONEY, "04a1b2c9")

    def twice(tx: Any) -> None:
        for number, new in enumerate((one, two)):
            made = replacements.Replacement(f"R{number}", key, new, "made", "p", "")
            replacements.add(tx, made, STATION)

    with pytest.raises(Exception, match="UNIQUE"):
        world.must(world.database.write(twice))


def test_balance_is_proved_when_every_nozzle_has_delivered(world: World) -> None:
    """Before that the missing nozzles are named, and two people are needed."""
    _, key = _card(world, MONEY)
    _undelivered(world)
    _lose(world, key)
    quoted = world.quote("replace", key, _blank())
    assert isinstance(quoted, ActQuote)
    assert quoted.two_people
    said = {fact.name: fact.value for note in quoted.notes for fact in note.facts}
    assert said["nozzles"] == "1, 2"
    assert said["worst"] == "100.00"
    alone = world.act("replace", key, _blank(), quoted=quoted, second="")
    assert _code(alone) == "refusal.balance_unproved"
    _delivered(world, [0])
    quoted = world.quote("replace", key, _blank())
    assert isinstance(quoted, ActQuote)
    said = {fact.name: fact.value for note in quoted.notes for fact in note.facts}
    assert said["nozzles"] == "2"
    _delivered(world, [0, 1])
    quoted = world.quote("replace", key, _blank())
    assert isinstance(quoted, ActQuote)
    assert not quoted.two_people


def test_a_proof_that_is_lost_before_the_commit_is_asked_again(world: World) -> None:
    """Proved when it was looked at, not when it is held: refused."""
    _, key = _card(world, MONEY)
    _lose(world, key)
    quoted = world.quote("replace", key, _blank())

    async def nozzles_found() -> None:
        world.database.meanwhile = None
        _undelivered(world)

    world.database.meanwhile = nozzles_found
    told = world.act("replace", key, _blank(), quoted=quoted)
    assert _code(told) == "refusal.balance_unproved"
    assert world.value("SELECT state FROM card", key) == "lost"


def test_two_people_replace_before_the_proof(world: World) -> None:
    """Provisional: it says so in the books, with who was missing."""
    _, key = _card(world, MONEY)
    _undelivered(world)
    _lose(world, key)
    _, told = _replace(world, key)
    assert told.state is ActState.DONE
    row = world.view.execute("SELECT proof, missing FROM card_replacement").fetchone()
    assert row == ("provisional", "1,2")
    second = world.view.execute(
        "SELECT operator_no FROM audit WHERE act='card.replace.approve'"
    ).fetchone()
    assert second == ("02",)


def test_late_record_of_the_old_card_is_a_loss(world: World) -> None:
    """A fill that comes after its card was replaced is lost and named."""
    chip, key = _card(world, MONEY)
    late = world.fill(chip, FILL)
    _lose(world, key)
    _, told = _replace(world, key)
    _bring(world, late)
    assert world.account("expense:loss") == late.amount_e4
    assert world.account(f"card:{key}") == 0
    assert world.account(f"card:{told.card_key}") == -100 * FIRST
    rows = world.view.execute(
        "SELECT count(*) FROM finding WHERE kind='fill_of_replaced_card'"
    ).fetchone()
    assert rows == (1,)
    world.require_proved()


def test_typed_balance_takes_two_and_the_rest_is_a_loss(world: World) -> None:
    """What two people type counts; the difference to the books is the station's."""
    _, key = _card(world, MONEY)
    _lose(world, key)
    typed = {"fields": {"typed": "1"}, "amount": FIRST + 500}
    alone = world.act("replace", key, _blank(), second="", **typed)
    assert _code(alone) == "refusal.second_person_missing"
    new = _blank()
    told = world.act("replace", key, new, **typed)
    assert isinstance(told, ActReply)
    assert world.balance_on(new) == FIRST + 500
    assert world.account("expense:loss") == 50_000
    world.present(new)
    world.require_proved()


def test_open_top_up_of_the_lost_card_moves_with_it(world: World) -> None:
    """Money taken for a card that left unwritten is in the new card's balance."""
    chip, key = _card(world, MONEY)
    world.reader.arm(Fault.PULLED, 0, writes=True)
    world.top_up(key, chip, 5_000, act="TOP-UP-OPEN")
    world.reader.arm(None, writes=True)
    _lose(world, key)
    new = _blank()
    quoted = world.quote("replace", key, new)
    assert isinstance(quoted, ActQuote)
    assert quoted.after_purse == FIRST + 5_000
    told = world.act("replace", key, new, quoted=quoted)
    assert isinstance(told, ActReply)
    assert world.balance_on(new) == FIRST + 5_000
    world.present(new)
    world.require_proved()


def test_a_card_that_broke_at_the_counter_costs_no_fee(world: World) -> None:
    """A waste card is reported lost and replaced without the fee."""
    chip, key = _card(world, MONEY)
    world.reader.arm(Fault.TORN, 1, writes=True)
    world.top_up(key, chip, 5_000, act=ACT)
    world.reader.arm(None, writes=True)
    for block in (6, 10):
        chip.write_block(block, bytes(range(16)))
    world.present(chip)
    assert world.find(ACT).state is ActState.SCRAPPED
    _lose(world, key)
    new, told = _replace(world, key)
    assert told.cash_fen == 0
    assert world.balance_on(new) == FIRST + 5_000
    world.require_proved()


def test_undone_replacement_can_be_made_again(world: World) -> None:
    """A replacement given back leaves the old card lost, to be replaced once."""
    _, key = _card(world, MONEY)
    _lose(world, key)
    new = _blank()
    quoted = world.quote("replace", key, new)
    arm = armed(world, "write", Fault.PULLED, 3)
    told = world.act("replace", key, new, quoted=quoted, act=ACT, arm=arm)
    world.reader.arm(None, writes=True)
    assert isinstance(told, ActReply)
    back = world.give_back(ACT, new)
    assert isinstance(back, ActReply)
    assert back.state is ActState.GIVEN_BACK
    assert world.value("SELECT state FROM card", key) == "lost"
    _, again = _replace(world, key)
    assert again.state is ActState.DONE
    world.require_proved()


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.REFUSED])
def test_every_block_write_of_a_replacement_can_fail(fault: Fault) -> None:
    """At every block the next tap ends it, or the chip is dead and the book has it."""
    at = 0
    while _ends_well("write", fault, at):
        at += 1
    assert at == 9


@pytest.mark.parametrize("fault", list(CommitFault))
@pytest.mark.parametrize("countdown", [0, 1])
def test_every_commit_of_a_replacement_can_fail(
    countdown: int, fault: CommitFault
) -> None:
    """Before and after each commit, durable or not: it is found or was not."""
    assert _ends_well("commit", fault, countdown)


def _ends_well(place: str, fault: Any, countdown: int) -> bool:
    world = World()
    try:
        chip, key = _card(world, GAS)
        _bring(world, world.fill(chip, FILL))
        left = world.balance_on(chip)
        _lose(world, key)
        new, starts = _blank(), world.starts
        arm = armed(world, place, fault, countdown)
        world.act("replace", key, new, act=ACT, arm=arm)
        struck = world.starts > starts
        struck = struck or (place == "write" and world.reader.fault is None)
        world.reader.arm(None, writes=True)
        world.database.fault = None
        world.require_proved()
        for _ in range(2):
            shown = world.present(new)
            assert not isinstance(shown, StationError | PowerCut), shown
        end = world.find(ACT)
        if end.state is ActState.UNKNOWN:
            assert world.value("SELECT state FROM card", key) == "lost"
            _, end = _replace(world, key)
        assert end.state in {ActState.DONE, ActState.SCRAPPED}
        assert world.account(f"card:{key}", "m3") == 0
        assert world.account(f"card:{end.card_key}", "m3") == -10 * left
        assert _lots(world, end.card_key) == 10 * left
        world.require_proved()
        return struck
    finally:
        world.close()


@pytest.mark.parametrize(
    ("missing", "now", "level"),
    [
        ((), 0, ProofLevel.PROVED),
        ((), -1, ProofLevel.PROVISIONAL),
        ((3,), 0, ProofLevel.PROVISIONAL),
        ((3,), 47, ProofLevel.PROVISIONAL),
        ((3,), 48, ProofLevel.WAITED),
    ],
)
def test_proof_level(missing: tuple[int, ...], now: int, level: ProofLevel) -> None:
    """By who delivered, when the loss took effect, and how long was waited."""
    effect = 1_000 * HOUR
    proof = prove_balance(
        missing,
        takes_effect_at_ms=effect,
        hold_ms=48 * HOUR,
        now_ms=effect + now * HOUR,
        balance_purse=77,
    )
    assert proof.level is level
    assert proof.worst_purse == (0 if level is ProofLevel.PROVED else 77)


def _card(world: World, mode: PaymentMode, uid: str = "04a1b2c3") -> tuple[Chip, str]:
    chip = Chip(bytes.fromhex(uid))
    issued = world.issue(chip, mode, FIRST if mode.prepaid else 0)
    assert isinstance(issued, ActReply)
    assert issued.state is ActState.DONE
    return chip, issued.card_key


_CHIPS = iter(range(1, 250))


def _blank() -> Chip:
    return Chip(bytes([0x05, next(_CHIPS), 0xB2, 0xC3]))


def _lose(world: World, key: str) -> None:
    order = MarkOrder(card_key=key, reason="lost", approval=None)
    world.must(world.answers.marks.marking("report_loss")(order, CALL))


def _replace(world: World, key: str) -> tuple[Chip, ActReply]:
    new = _blank()
    told = world.act("replace", key, new)
    assert isinstance(told, ActReply), told
    return new, told


def _undelivered(world: World) -> None:
    """Let the station have two nozzles, neither of which has delivered."""
    from dataclasses import replace

    made = world.answers.card_acts._parts.replacements
    nozzles = tuple(d.setting.key for d in world.dispensers)
    made._rules = replace(made._rules, nozzles=nozzles)


def _delivered(world: World, which: list[int]) -> None:
    nozzles = [world.dispensers[at].setting.key for at in which]
    now = world.clock.now().wall_ms
    world.must(
        world.database.write(lambda tx: replacements.delivered(tx, nozzles, now))
    )


def _bring(world: World, record: Any) -> None:
    world.must(world.book.book(world.dispensers[0].setting, record, "poll"))


def _lots(world: World, key: str) -> int:
    row = world.view.execute(
        "SELECT coalesce(sum(l.quantity_milli), 0) - coalesce((SELECT"
        " sum(u.quantity_milli) FROM gas_lot_use u JOIN gas_lot g ON g.seq=u.lot_seq"
        " WHERE g.card_key=?1), 0) FROM gas_lot l WHERE l.card_key=?1",
        (key,),
    ).fetchone()
    return int(row[0])


def _code(told: object) -> str:
    assert isinstance(told, StationError), told
    return told.code
