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
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.protocols.card_image.diversification import CardKeys
from cngstation.services import (
    act_on_card,
    book_sale,
    clear_credit,
    judge_card,
    late_records,
    new_card,
    post_sale,
    reverse_top_up,
    serve_card,
    settle_grey_card,
    show_card,
    top_up_card,
)
from cngstation.services.act_on_card import CardActs
from cngstation.services.approve import Approvals
from cngstation.services.book_sale import Booked, Booking, SaleBook
from cngstation.services.do_card_act import write_purse
from cngstation.storage import journal, receipts, replacements, sales
from cngstation.storage.journal import IntentState
from tests.property.money_examples import (
    a_collection_moves_no_gas,
    a_fill_before_the_tap_is_kept,
    a_record_is_booked_once,
    a_second_act_is_refused,
    a_tear_leaves_the_old_state,
    a_whole_day_adds_up,
    an_acknowledged_record_is_durable,
    an_act_is_finished_once,
    an_old_image_that_fills_is_named,
    an_old_life_of_a_dispenser_is_known,
    an_older_image_is_refused,
    an_original_is_printed_once,
    cash_stays_where_the_card_has_it,
    every_figure_is_under_the_mac,
    held_money_is_in_suspense,
    records_may_come_in_any_order,
)
from tests.simulation import test_card_acts as card_acts
from tests.simulation import test_open_acts as open_acts
from tests.simulation import test_replacement as replacing
from tests.simulation.money_cards import PowerCut
from tests.simulation.money_world import World
from tests.simulation.prepaid_card import MONEY

Patch = Callable[[pytest.MonkeyPatch], None]
Example = Callable[[World], None]


@dataclass(frozen=True)
class Mutant:
    """A patch of the product, and the example that must not survive it."""

    name: str
    patch: Patch
    example: Example


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

    def twice(self: CardActs, tx: Any, intent: Any, step: str, **how: Any) -> None:
        post(self, tx, replace(intent, fee_e4=2 * intent.fee_e4), step, **how)

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

    patch.setattr(post_sale, "use_lots", first_pays_all)


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
    write = write_purse

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
        lambda patch: patch.setattr(post_sale, "COLLECTION", None),
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
        lambda patch: patch.setattr(new_card, "require_free_chip", lambda *_: None),
        open_acts.test_wiped_chip_of_a_card_is_not_issued_again,
    ),
    Mutant(
        "rollback_not_named",
        lambda patch: patch.setattr(sales, "shows_old_image", lambda *_: False),
        an_old_image_that_fills_is_named,
    ),
)
