"""Named mutants: what somebody could break in the money acts, and what finds it.

Each mutant is a patch of the product and the directed example that must fail under it.
A new rule of the money acts comes with a mutant here; a mutant that lives is a hole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cngstation.domain.evidence import Before, Evidence, Verdict, judge
from cngstation.domain.lots import Lot, LotUse
from cngstation.domain.payment import PaymentMode
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.errors import StationError
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.services import (
    act_on_card,
    book_sale,
    clear_credit,
    issue_card,
    judge_card,
    late_records,
    reverse_top_up,
    serve_card,
    settle_grey_card,
    show_card,
    top_up_card,
)
from cngstation.services.act_on_card import CardActs
from cngstation.services.approve import Approvals
from cngstation.services.book_sale import Booked, Booking, SaleBook
from cngstation.storage import journal, receipts, replacements, sales
from cngstation.storage.journal import IntentState
from tests.simulation import test_card_acts as card_acts
from tests.simulation import test_open_acts as open_acts
from tests.simulation import test_replacement as replacing
from tests.simulation.money_cards import Chip, Fault, PowerCut
from tests.simulation.money_proof import Holder, Proof, started
from tests.simulation.money_world import CommitFault, World
from tests.simulation.prepaid_card import ACT, ADDED, FIRST, GAS, MONEY

Patch = Callable[[pytest.MonkeyPatch], None]
Example = Callable[[World], None]


@dataclass(frozen=True)
class Mutant:
    """A patch of the product, and the example that must not survive it."""

    name: str
    patch: Patch
    example: Example


# Examples. Those of the crash points serve here too.


def a_second_act_is_refused(world: World) -> None:
    """While an act is open, another cashier's act with the card is refused."""
    chip, key = _card(world, MONEY)
    _cut_off(world, key, chip, Fault.PULLED)
    second = world.top_up(key, chip, ADDED)
    assert isinstance(second, StationError)
    assert second.code == "refusal.card_state"


def a_fill_before_the_tap_is_kept(world: World) -> None:
    """Not written, then filled: written anew from the balance that is there now."""
    chip, key = _card(world, MONEY)
    _cut_off(world, key, chip, Fault.PULLED)
    record = world.fill(chip, 1_000)
    world.present(chip)
    assert world.find(ACT).state is ActState.DONE
    assert world.balance_on(chip) == FIRST + ADDED - record.debited_hundredths


def an_act_is_finished_once(world: World) -> None:
    """Finishing again changes nothing and answers the same."""
    chip, key = _card(world, MONEY)
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
        chip, key = _card(world, mode, f"04a1b2{len(proof.holders):02x}")
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
    chip, _ = _card(world, MONEY)
    record = world.fill(chip, 333)
    first, again = world.upload(0, record), world.upload(0, record)
    assert isinstance(first, Booked)
    assert isinstance(again, Booked)
    assert (first.booking, again.booking) == (Booking.BOOKED, Booking.REPEATED)


def an_original_is_printed_once(world: World) -> None:
    """After a cut in the print the next paper is a copy."""
    _card(world, MONEY)
    assert world.print_next() == (1, 0)
    world.power_cut()

    def wanted(tx: Any) -> None:
        receipts.ask_for_print(tx, 1)

    world.must(world.database.write(wanted))
    assert world.print_next() == (1, 1)


def an_acknowledged_record_is_durable(world: World) -> None:
    """A dispenser is told "recorded" only of what is on the disk."""
    chip, _ = _card(world, MONEY)
    record = world.fill(chip, 333)
    world.database.fault = CommitFault.CUT_BEFORE
    outcome = world.upload(0, record)
    booked = world.view.execute("SELECT count(*) FROM sale").fetchone()[0]
    assert isinstance(outcome, PowerCut) or booked == 1


def cash_stays_where_the_card_has_it(world: World) -> None:
    """Giving back an act that is on the card finishes it instead."""
    chip, key = _card(world, MONEY)
    _cut_off(world, key, chip, Fault.ANSWER_LOST, 2)
    told = world.give_back(ACT, chip)
    assert isinstance(told, ActReply)
    assert told.state is ActState.DONE


def an_old_life_of_a_dispenser_is_known(world: World) -> None:
    """After a counter began anew, records from before are still repeats."""
    chip, _ = _card(world, MONEY)
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
    chip, key = _card(world, MONEY)
    _cut_off(world, key, chip, Fault.TORN, 1)
    assert world.balance_on(chip) == FIRST


def every_figure_is_under_the_mac(world: World) -> None:
    """A slot whose counter was changed by hand does not count."""
    chip, key = _card(world, MONEY)
    world.top_up(key, chip, ADDED)
    counters = bytearray(chip.read_block(10))
    counters[3] += 1  # wseq of slot B
    chip.write_block(10, bytes(counters))
    purse = world.reading(chip).purse
    assert purse is not None
    assert purse.wseq == 1


def held_money_is_in_suspense(world: World) -> None:
    """An open act holds its money where the books show it."""
    chip, key = _card(world, MONEY)
    _cut_off(world, key, chip, Fault.PULLED)
    Proof([Holder(chip, MONEY, ACT, key)]).check(world)


def an_older_image_is_refused(world: World) -> None:
    """An image older than the last sight is refused, reported fills or not."""
    chip, key = _card(world, MONEY)
    saved = chip.saved()
    world.fill(chip, 1_000)
    world.present(chip)
    refused = world.top_up(key, Chip(chip.uid, saved), ADDED)
    assert isinstance(refused, StationError)
    assert refused.code == "refusal.card_disagrees"


def a_collection_moves_no_gas(world: World) -> None:
    """A make-up debit is no second sale, not even of a purse that had too little."""
    for mode in (MONEY, GAS):
        chip, key = _card(world, mode, f"04a1b2{len(mode):02x}")
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
    chip, _ = _card(world, MONEY)
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
    chip, key = _card(world, MONEY)
    saved = chip.saved()
    world.top_up(key, chip, ADDED)
    world.upload(0, world.fill(Chip(chip.uid, saved), 100))
    kinds = world.view.execute("SELECT kind FROM finding").fetchall()
    assert ("card_rolled_back",) in kinds


# Patches.


def _nolease(patch: pytest.MonkeyPatch) -> None:
    hold = journal.hold

    def without_index(tx: Any, intent: Any) -> None:
        tx.connection.execute("DROP INDEX IF EXISTS intent_one_open")
        hold(tx, intent)

    patch.setattr(journal, "hold", without_index)
    patch.setattr(journal, "open_for_card", lambda connection, card_key: None)


def _blind_balance(patch: pytest.MonkeyPatch) -> None:
    def by_balance(
        before: Before, seen: Evidence | None, *, after_balance: int
    ) -> Verdict:
        if seen is None:
            return Verdict.UNREADABLE
        if seen.balance == after_balance:
            return Verdict.APPLIED
        same = seen.balance == before.balance
        return Verdict.NOT_APPLIED if same else Verdict.HOLD

    patch.setattr(judge_card, "judge", by_balance)


def _no_reprepare(patch: pytest.MonkeyPatch) -> None:
    async def write_again(self: CardActs, intent: Any, seen: Any, port: Any) -> Any:
        return await self.carry_out(intent, port)

    patch.setattr(CardActs, "_write_again", write_again)


def _fee_twice(patch: pytest.MonkeyPatch) -> None:
    post = CardActs._post_finish

    def twice(self: CardActs, tx: Any, intent: Any, step: str) -> None:
        post(self, tx, replace(intent, fee_e4=2 * intent.fee_e4), step)

    patch.setattr(CardActs, "_post_finish", twice)


def _reprint(patch: pytest.MonkeyPatch) -> None:
    def begin(tx: Any, receipt_no: int) -> Any:
        return receipts.find(tx.connection, receipt_no)

    patch.setattr(receipts, "begin_print", begin)


def _ack_before_commit(patch: pytest.MonkeyPatch) -> None:
    book = SaleBook.book

    async def at_once(self: SaleBook, *given: Any) -> Booked:
        try:
            return await book(self, *given)
        except PowerCut:
            return Booked(Booking.BOOKED, 0, 1, range(0))

    patch.setattr(SaleBook, "book", at_once)


def _void_applied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(act_on_card, "verdict_of", lambda *_: Verdict.NOT_APPLIED)


def _epoch_ignored(patch: pytest.MonkeyPatch) -> None:
    def newest_only(connection: Any, nozzle: Any, newest: int, no: int) -> list[Any]:
        found = sales.find(connection, nozzle, newest, no)
        return [found] if found else []

    patch.setattr(sales, "find_in_every_epoch", newest_only)


def _wrong_slot_written(patch: pytest.MonkeyPatch) -> None:
    write = MifarePurseCard.write_purse

    async def same_slot(self: MifarePurseCard, reading: Any, purse: Any) -> None:
        other = replace(reading, current=1 - reading.current)
        await write(self, other, purse)

    async def unasked(self: MifarePurseCard, *given: Any, found_end: Any = None) -> Any:
        return await write_sector(self, *given)

    # The look at the spare slot would stop this mutant by itself.
    write_sector = MifarePurseCard._write_sector
    patch.setattr(MifarePurseCard, "_write_sector", unasked)
    patch.setattr(MifarePurseCard, "write_purse", same_slot)


def _mac_without_wseq(patch: pytest.MonkeyPatch) -> None:
    mac = CardKeys.mac

    def short(self: CardKeys, data: bytes) -> bytes:
        return mac(self, data[:35] + bytes(2) + data[37:])

    patch.setattr(CardKeys, "mac", short)


def _lot_overuse(patch: pytest.MonkeyPatch) -> None:
    def first_pays_all(lots: Sequence[Lot], quantity: int) -> tuple[list[LotUse], int]:
        kept = list(lots)[:1]
        return [LotUse(lot.seq, quantity, lot.money_e4) for lot in kept], 0

    patch.setattr(book_sale, "use_lots", first_pays_all)


def _finish_without_intent_done(patch: pytest.MonkeyPatch) -> None:
    change = journal.change

    def never_done(tx: Any, intent: Any, reason: str, **values: Any) -> Any:
        if values.get("state") is IntentState.DONE:
            values["state"] = IntentState.INDOUBT
        return change(tx, intent, reason, **values)

    patch.setattr(journal, "change", never_done)


def _seen_not_compared(patch: pytest.MonkeyPatch) -> None:
    for module in (top_up_card, serve_card, show_card):
        patch.setattr(module, "require_continuity", lambda card, seen: None)


def _moved_act_goes_on(patch: pytest.MonkeyPatch) -> None:
    def any_state(tx: Any, intent: Any) -> Any:
        return journal.find(tx.connection, intent.intent_id)

    patch.setattr(act_on_card, "_unmoved", any_state)


def _half_read_proves(patch: pytest.MonkeyPatch) -> None:
    def verdict(intent: Any, reading: Any, seen: Evidence | None) -> Verdict:
        return judge(intent.before, seen, after_balance=intent.after_balance)

    patch.setattr(act_on_card, "verdict_of", verdict)


def _everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(act_on_card, "_goes_on", lambda *_: True)


def _ungrey_blind(patch: pytest.MonkeyPatch) -> None:
    write = settle_grey_card.write_purse

    async def unlocked(port: Any, intent: Any, reading: Any, **changes: Any) -> None:
        same = replace(intent, after_balance=intent.before_balance)
        await write(port, same, reading, **changes)

    patch.setattr(settle_grey_card, "write_purse", unlocked)


def _one_person(patch: pytest.MonkeyPatch) -> None:
    async def alone(self: Approvals, given: Any, right: str, *rest: Any) -> None:
        return None

    patch.setattr(Approvals, "approve", alone)


def _started_anew(example: Example) -> Example:
    """An example for a mutant of what a station is put together with."""

    def anew(world: World) -> None:
        world.power_cut()
        example(world)

    return anew


MUTANTS = (
    Mutant(
        "ungrey_blind",
        _ungrey_blind,
        lambda world: card_acts.test_grey_is_settled_by_the_record(world, MONEY),
    ),
    Mutant(
        "collected_is_not_seen",
        lambda patch: patch.setattr(
            settle_grey_card, "_collected", lambda intent, seen: False
        ),
        _started_anew(card_acts.test_grey_collected_by_a_dispenser_first),
    ),
    Mutant(
        "by_hand_unmatched",
        lambda patch: patch.setattr(
            late_records, "settled_by_hand", lambda tx, card, record: None
        ),
        lambda world: card_acts.test_by_hand_and_the_record_after_all(world, MONEY),
    ),
    Mutant(
        "clearing_by_figure",
        lambda patch: patch.setattr(
            clear_credit,
            "clear_kind",
            lambda made=clear_credit.clear_kind: replace(
                made(), after=lambda intent, seen: 0
            ),
        ),
        _started_anew(card_acts.test_a_fill_between_keeps_its_debt),
    ),
    Mutant(
        "taken_back_forgotten",
        lambda patch: patch.setattr(reverse_top_up, "_taken_back", lambda *_: 0),
        lambda world: card_acts.test_a_top_up_is_taken_back_once(world, MONEY),
    ),
    Mutant(
        "cancelled_blind",
        lambda patch: patch.setattr(sales, "all_in", lambda *_: True),
        card_acts.test_cancel_waits_for_every_fill,
    ),
    Mutant(
        "early_replace",
        lambda patch: patch.setattr(replacements, "not_delivered", lambda *_: []),
        replacing.test_balance_is_proved_when_every_nozzle_has_delivered,
    ),
    Mutant(
        "late_fill_is_forgiven",
        lambda patch: patch.setattr(late_records, "postings_instead", lambda *_: None),
        replacing.test_late_record_of_the_old_card_is_a_loss,
    ),
    Mutant(
        "replaced_again",
        lambda patch: patch.setattr(replacements, "of_old_card", lambda *_: None),
        replacing.test_a_card_is_replaced_once,
    ),
    Mutant(
        "open_act_left_behind",
        lambda patch: patch.setattr(CardActs, "would_book", lambda *_: 0),
        replacing.test_open_top_up_of_the_lost_card_moves_with_it,
    ),
    Mutant(
        "one_person", _one_person, card_acts.test_taking_back_needs_two_and_the_switch
    ),
    Mutant("nolease", _nolease, a_second_act_is_refused),
    Mutant(
        "blind_balance",
        _blind_balance,
        open_acts.test_fill_between_a_lost_answer_and_the_next_tap,
    ),
    Mutant("no_reprepare", _no_reprepare, a_fill_before_the_tap_is_kept),
    Mutant(
        "double_finish",
        lambda patch: patch.setattr(journal, "OPEN_STATES", tuple(IntentState)),
        an_act_is_finished_once,
    ),
    Mutant("fee_twice", _fee_twice, a_whole_day_adds_up),
    Mutant(
        "nodedupe",
        lambda patch: patch.setattr(book_sale, "_same_fill", lambda *_: False),
        a_record_is_booked_once,
    ),
    Mutant("reprint", _reprint, an_original_is_printed_once),
    Mutant("ack_before_commit", _ack_before_commit, an_acknowledged_record_is_durable),
    Mutant("void_applied", _void_applied, cash_stays_where_the_card_has_it),
    Mutant("epoch_ignored", _epoch_ignored, an_old_life_of_a_dispenser_is_known),
    Mutant("wrong_slot_written", _wrong_slot_written, a_tear_leaves_the_old_state),
    Mutant("mac_without_wseq", _mac_without_wseq, every_figure_is_under_the_mac),
    Mutant("lot_overuse", _lot_overuse, a_whole_day_adds_up),
    Mutant(
        "hold_without_suspense",
        lambda patch: patch.setattr(
            CardActs, "hold", lambda self, tx, intent: journal.hold(tx, intent)
        ),
        held_money_is_in_suspense,
    ),
    Mutant(
        "finish_without_intent_done", _finish_without_intent_done, a_whole_day_adds_up
    ),
    Mutant("seen_not_compared", _seen_not_compared, an_older_image_is_refused),
    Mutant(
        "collection_moves_gas",
        lambda patch: patch.setattr(book_sale, "COLLECTION", None),
        a_collection_moves_no_gas,
    ),
    Mutant(
        "moved_act_goes_on",
        _moved_act_goes_on,
        open_acts.test_give_back_while_the_card_is_being_written,
    ),
    Mutant(
        "finished_act_reopened",
        _moved_act_goes_on,
        open_acts.test_record_overtakes_the_counter,
    ),
    Mutant(
        "half_read_proves",
        _half_read_proves,
        open_acts.test_give_back_needs_the_proof_of_both_copies,
    ),
    Mutant(
        "lost_card_loaded",
        _everybody,
        open_acts.test_lost_card_is_not_loaded_by_its_open_act,
    ),
    Mutant(
        "late_record_is_a_fault",
        lambda patch: patch.setattr(sales, "all_in", lambda *_: True),
        records_may_come_in_any_order,
    ),
    Mutant(
        "chip_not_looked_up",
        lambda patch: patch.setattr(issue_card, "require_free_chip", lambda *_: None),
        open_acts.test_wiped_chip_of_a_card_is_not_issued_again,
    ),
    Mutant(
        "rollback_not_named",
        lambda patch: patch.setattr(sales, "shows_old_image", lambda *_: False),
        an_old_image_that_fills_is_named,
    ),
)


def _brought(world: World) -> list[tuple[int, int]]:
    rows = world.view.execute("SELECT nozzle_no, device_started FROM sale")
    return [(nozzle - 1, int(text.split("#")[1])) for nozzle, text in rows]


def _card(world: World, mode: PaymentMode, uid: str = "04a1b2c3") -> tuple[Chip, str]:
    chip = Chip(bytes.fromhex(uid))
    issued = world.issue(chip, mode, FIRST)
    assert isinstance(issued, ActReply)
    assert issued.state is ActState.DONE
    return chip, issued.card_key


def _cut_off(
    world: World, key: str, chip: Chip, fault: Fault, countdown: int = 0
) -> None:
    world.reader.arm(fault, countdown, writes=True)
    told = world.top_up(key, chip, ADDED, act=ACT)
    assert isinstance(told, ActReply)
    assert told.state is ActState.PENDING
