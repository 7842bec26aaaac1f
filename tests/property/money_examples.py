"""Directed examples of the money acts, each of which a mutant must fail."""

from typing import Any

from cngstation.errors import StationError
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.services.book_sale import Booked, Booking
from cngstation.storage import journal, receipts
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_proof import Holder, Proof, started
from tests.simulation.money_world import World
from tests.simulation.prepaid_card import ACT, ADDED, FIRST, GAS, MONEY, new_card
from tests.simulation.world_parts import CommitFault

# Examples. Those of the crash points serve here too.


def a_second_act_is_refused(world: World) -> None:
    """While an act is open, another cashier's act with the card is refused."""
    chip, key = new_card(world, MONEY)
    _cut_off(world, key, chip, Fault.PULLED)
    second = world.top_up(key, chip, ADDED)
    assert isinstance(second, StationError)
    assert second.code == "refusal.card_state"


def a_fill_before_the_tap_is_kept(world: World) -> None:
    """Not written, then filled: written anew from the balance that is there now."""
    chip, key = new_card(world, MONEY)
    _cut_off(world, key, chip, Fault.PULLED)
    record = world.fill(chip, 1_000)
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    assert world.balance_on(chip) == FIRST + ADDED - record.debited_hundredths


def an_act_is_finished_once(world: World) -> None:
    """Finishing again changes nothing and answers the same."""
    chip, key = new_card(world, MONEY)
    world.top_up(key, chip, ADDED, act=ACT)

    def again(tx: Any) -> Any:
        intent = journal.find(tx.connection, ACT)
        assert intent is not None
        return world.acts.finish(tx, intent, "again")

    result = world.must(world.database.write(again))
    assert result.receipt_no == 2
    assert world.account(f"card:{key}") == -100 * (FIRST + ADDED)


def a_whole_day_adds_up(world: World) -> None:
    """Issue, top-up, fills and records in two modes give the figures of the proof."""
    proof = Proof()
    for mode in (MONEY, GAS):
        chip, key = new_card(world, mode, f"04a1b2{len(proof.holders):02x}")
        world.top_up(key, chip, ADDED)
        holder = Holder(chip, mode, "", key)
        proof.holders.append(holder)
        for hundredths in (333, 333, FIRST):
            record = world.fill(chip, hundredths)
            world.upload(0, record)
            holder.fills.append((0, record))
            proof.brought.add((0, started(record)))
        world.present(chip)
        proof.check(world)


def a_record_is_booked_once(world: World) -> None:
    """The same record again is a repeat and no new life of the dispenser."""
    chip, _ = new_card(world, MONEY)
    record = world.fill(chip, 333)
    first, again = world.upload(0, record), world.upload(0, record)
    assert isinstance(first, Booked)
    assert isinstance(again, Booked)
    assert (first.booking, again.booking) == (Booking.BOOKED, Booking.REPEATED)


def an_original_is_printed_once(world: World) -> None:
    """After a cut in the print the next paper is a copy."""
    new_card(world, MONEY)
    assert world.print_next() == (1, 0)
    world.power_cut()

    def wanted(tx: Any) -> None:
        receipts.ask_for_print(tx, 1)

    world.must(world.database.write(wanted))
    assert world.print_next() == (1, 1)


def an_acknowledged_record_is_durable(world: World) -> None:
    """A dispenser is told "recorded" only of what is on the disk."""
    chip, _ = new_card(world, MONEY)
    record = world.fill(chip, 333)
    world.database.fault = CommitFault.CUT_BEFORE
    outcome = world.upload(0, record)
    booked = world.view.execute("SELECT count(*) FROM sale").fetchone()[0]
    assert isinstance(outcome, PowerCut) or booked == 1


def cash_stays_where_the_card_has_it(world: World) -> None:
    """Giving back an act that is on the card finishes it instead."""
    chip, key = new_card(world, MONEY)
    _cut_off(world, key, chip, Fault.ANSWER_LOST, 2)
    told = world.give_back(ACT, chip)
    assert isinstance(told, ActReply)
    assert told.state is ActState.DONE


def an_old_life_of_a_dispenser_is_known(world: World) -> None:
    """After a counter began anew, records from before are still repeats."""
    chip, _ = new_card(world, MONEY)
    old = [world.fill(chip, 100), world.fill(chip, 100)]
    for record in old:
        world.upload(0, record)
    world.dispensers[0].began_anew()
    world.upload(0, world.fill(chip, 100))
    again = world.upload(0, old[1])
    assert isinstance(again, Booked)
    assert again.booking is Booking.REPEATED


def a_tear_leaves_the_old_state(world: World) -> None:
    """A torn block is in the spare slot: the card still reads as before."""
    chip, key = new_card(world, MONEY)
    _cut_off(world, key, chip, Fault.TORN, 1)
    assert world.balance_on(chip) == FIRST


def every_figure_is_under_the_mac(world: World) -> None:
    """A slot whose counter was changed by hand does not count."""
    chip, key = new_card(world, MONEY)
    world.top_up(key, chip, ADDED)
    counters = bytearray(chip.read_block(10))
    counters[3] += 1  # wseq of slot B
    chip.write_block(10, bytes(counters))
    purse = world.reading(chip).purse
    assert purse is not None
    assert purse.wseq == 1


def held_money_is_in_suspense(world: World) -> None:
    """An open act holds its money where the books show it."""
    chip, key = new_card(world, MONEY)
    _cut_off(world, key, chip, Fault.PULLED)
    Proof([Holder(chip, MONEY, ACT, key)]).check(world)


def an_older_image_is_refused(world: World) -> None:
    """An image older than the last sight is refused, reported fills or not."""
    chip, key = new_card(world, MONEY)
    saved = chip.saved()
    world.fill(chip, 1_000)
    world.present(chip)
    refused = world.top_up(key, Chip(chip.uid, saved), ADDED)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.card_disagrees"


def a_collection_moves_no_gas(world: World) -> None:
    """A make-up debit is no second sale, not even of a purse that had too little."""
    for mode in (MONEY, GAS):
        chip, key = new_card(world, mode, f"04a1b2{len(mode):02x}")
        grey = world.fill(chip, 4_000 if mode is MONEY else 12_000, leaves=True)
        made_up = world.must(world.dispensers[1].collect(chip, grey))
        holder = Holder(chip, mode, "", key, fills=[(0, grey), (1, made_up)])
        brought = set(_brought(world))
        for nozzle, record in holder.fills:
            world.upload(nozzle, record)
            brought.add((nozzle, started(record)))
            Proof([holder], set(brought)).check(world)
        world.present(chip)
        world.require_proved()
        sold = sum(
            row[0]
            for row in world.view.execute(
                "SELECT -sum(amount) FROM posting JOIN sale USING (seq)"
                " WHERE account='income:gas' AND card_key=?",
                (key,),
            )
        )
        assert sold > 0
        assert world.account(f"receivable:{key}") > 0


def records_may_come_in_any_order(world: World) -> None:
    """A late record is no fault of the books, and no row is opened for it."""
    chip, _ = new_card(world, MONEY)
    records = [world.fill(chip, 100, nozzle=n) for n in (0, 1, 1)]
    for nozzle, record in ((1, records[1]), (1, records[2])):
        world.upload(nozzle, record)
    world.present(chip)
    world.require_proved()
    world.upload(0, records[0])
    world.present(chip)
    world.require_proved()
    assert world.view.execute("SELECT count(*) FROM finding").fetchone()[0] == 0


def an_old_image_that_fills_is_named(world: World) -> None:
    """An old image that fills after a top-up is named."""
    chip, key = new_card(world, MONEY)
    saved = chip.saved()
    world.top_up(key, chip, ADDED)
    world.upload(0, world.fill(Chip(chip.uid, saved), 100))
    kinds = world.view.execute("SELECT kind FROM finding").fetchall()
    assert ("card_rolled_back",) in kinds


def _brought(world: World) -> list[tuple[int, int]]:
    rows = world.view.execute("SELECT nozzle_no, device_started FROM sale")
    return [(nozzle - 1, int(text.split("#")[1])) for nozzle, text in rows]


def _cut_off(
    world: World, key: str, chip: Chip, fault: Fault, countdown: int = 0
) -> None:
    world.reader.arm(fault, countdown, writes=True)
    told = world.top_up(key, chip, ADDED, act=ACT)
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
