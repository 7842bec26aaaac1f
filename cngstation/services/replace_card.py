"""Replaces a lost card (补卡), once: number, purse and lots go to a new card.

The balance is the book's and moves by transfer, not as cash; the fee is paid. It is
proved when every nozzle of the station has delivered its records since the loss took
effect. Before that two people may let it go provisionally; a record that comes late
is a loss with a row of its own. What was open with the old card is ended first, on
the side of its money.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cngstation.domain.balance_proof import BalanceProof, ProofLevel, prove_balance
from cngstation.domain.card_kinds import CrewCard
from cngstation.domain.card_life import Act, CardState, Standing, require
from cngstation.domain.payment import book_to_purse, purse_to_book
from cngstation.errors import Refusal
from cngstation.language import mark
from cngstation.moments import MS_PER_HOUR, Clock, time_text
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.approve import (
    Approvals,
    Approved,
    SecondPersonMissing,
    record,
)
from cngstation.services.cancel_card import bonus_share
from cngstation.services.card_on_reader import CardPort, CardReading, NoCardOnReader
from cngstation.services.card_on_reader import CardState as OnReader
from cngstation.services.do_card_act import ActOrder, Planned, payable
from cngstation.services.mark_card import REPORT_LOSS
from cngstation.services.move_balance import KIND, book_balance
from cngstation.services.name_gaps import notes_of_given_up
from cngstation.services.new_card import (
    IssueInDoubt,
    NotBlank,
    plan_of,
    require_free_chip,
)
from cngstation.services.number_card import BY_MAKER, number_of, require_mode
from cngstation.services.price_top_up import AmountRefused, require_ceiling
from cngstation.services.room_on_disk import require_disk
from cngstation.services.station_rules import StationRules
from cngstation.services.take_payment import paying
from cngstation.services.tell_day import told_prices_ms
from cngstation.services.top_up_card import CardChanged, UnknownCard, purse_value
from cngstation.storage import (
    audit,
    card_marks,
    cards,
    customers,
    journal,
    prices,
    replacements,
)
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.replacements import MADE, Replacement
from cngstation.storage.sqlite import Connection
from cngstation.units import ZERO, Money, decimal_text, yuan_text

_PROVED = mark("The balance is proved: every dispenser has delivered since the loss.")
_MISSING = mark(
    "Not delivered since the loss: nozzles {nozzles}. At worst {worst} is paid twice. "
    "Wait until {hold_until}."
)
_TYPED = mark("The books say {book}; two people type {typed}.")
_GIVEN_UP = mark("An act with the old card is open and ends without it: two people.")
_MOVES = mark("{moved} moves to the new card; card fee {fee} yuan.")


class ReplacedBefore(Refusal):
    """One balance is never paid twice."""

    code = "refusal.replaced_before"
    text = (
        "Card {card_no} was replaced by card {new_card_no}; a card is replaced once. "
        "Nothing was written and no money moved. Use the new card, or report that one "
        "lost."
    )


class BalanceUnproved(Refusal):
    """Somebody may still hold a fill of the card."""

    code = "refusal.balance_unproved"
    text = (
        "The balance {balance} is not proved: nozzles {nozzles} have not delivered "
        "since the loss; at worst {worst} is paid twice. Nothing was done. Wait until "
        "{hold_until}, or let two people with this right do it now."
    )


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a replacement would do."""

    planned: Planned
    old: Card
    proof: BalanceProof
    level: ProofLevel
    gives_up: bool = False  # an act of the old card ends without that card

    @property
    def two_people(self) -> bool:
        """Whether a second person has to stand behind it."""
        unproved = self.level in {ProofLevel.PROVISIONAL, ProofLevel.TYPED}
        return unproved or self.gives_up


class Replacements:
    """Quotes and makes replacements."""

    def __init__(
        self,
        database: Database,
        acts: CardActs,
        *,
        approvals: Approvals,
        rules: StationRules,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._database = database
        self._acts = acts
        self._approvals = approvals
        self._rules = rules
        self._folder = folder
        self._clock = clock

    async def quote(self, order: ActOrder) -> Quoted:
        """Say what a replacement would do; no card is needed for that.

        Raises:
            Refusal: why it would not be made.
        """
        now_ms = self._clock.now().wall_ms

        def question(connection: Connection) -> Quoted:
            quoted = self._checked(connection, order, now_ms)
            planned = payable(connection, quoted.planned, quoted.old)
            return replace(quoted, planned=planned)

        return await self._database.read(question)

    async def do(self, order: ActOrder, port: CardPort, actor: Actor) -> ActResult:
        """Replace a card by the new one on the reader, or say where the act stands.

        Raises:
            Refusal: a rule said no; nothing has happened.
            DeviceError: the card cannot be read; nothing has happened.
        """

        def same(intent: Intent) -> bool:
            plan = json.loads(intent.plan)
            found = (intent.kind, plan.get("old_card_key"), plan.get("asked"))
            return found == (KIND, order.card_key, order.digest)

        if known := await self._acts.result_of(order.intent_id, same):
            return known
        require_disk(self._folder, self._rules)
        quoted = await self.quote(order)
        approved = None
        if quoted.two_people and order.approval is None and not _is_typed(order):
            await self._approvals.note(alone := _alone(quoted), order.wish, actor)
            raise alone
        if quoted.two_people:
            approved = await self._approvals.approve(
                order.approval, order.wish, actor, order.reason
            )
        async with self._approvals.noting(order.wish, actor, approved):
            uid = await port.find()
            if uid is None:
                raise NoCardOnReader
            reading = await port.read(uid)
            if reading.state not in {OnReader.BLANK, OnReader.TORN_ISSUE}:
                raise NotBlank
            intent = await self._database.write(
                lambda tx: self._hold(tx, order, reading, actor, approved)
            )
        return await self._acts.carry_out(intent, port)

    def _checked(self, connection: Connection, order: ActOrder, now_ms: int) -> Quoted:
        """The refusals, in their order, and the balance with its proof."""
        old = cards.find(connection, order.card_key)
        if old is None:
            raise UnknownCard(card_no=order.card_key[:16])
        if not old.for_customers:
            raise CrewCard(card_no=old.card_no)
        if made := replacements.of_old_card(connection, old.card_key):
            raise ReplacedBefore(
                card_no=old.card_no, new_card_no=made.new_card_key[-8:]
            )
        require(Act.REPLACE, Standing(old.state), old.card_no)
        lost = card_marks.last(connection, old.card_key, REPORT_LOSS)
        effect = lost.takes_effect_at_ms if lost else now_ms
        missing = replacements.not_delivered(connection, self._rules.nozzles, effect)
        book = book_balance(connection, old)
        open_act = journal.open_for_card(connection, old.card_key)
        if open_act:
            # At the replacing it is ended on the side of its money.
            book += self._acts.would_book(open_act)
        purse = book_to_purse(old.payment_mode, book)
        proof = prove_balance(
            tuple(nozzle.nozzle_no for nozzle in missing),
            takes_effect_at_ms=effect,
            hold_ms=self._rules.replace_hold_hours * MS_PER_HOUR,
            now_ms=now_ms,
            balance_purse=purse,
        )
        broke_here = lost is not None and lost.state_before is CardState.WASTE
        fee = ZERO if broke_here else self._rules.card_fee
        moved, level = (purse, proof.level)
        if _is_typed(order):
            moved, level = order.amount, ProofLevel.TYPED
            if moved > purse:
                require_ceiling(purse_value(old, moved), self._rules)
        planned = Planned(
            after=moved,
            amount=purse_to_book(old.payment_mode, moved),
            cash=fee,
            notes=(
                *_notes(old, proof, level, (purse, moved), fee),
                *(((_GIVEN_UP, {}),) if open_act else ()),
                *notes_of_given_up(connection, old.card_key),
            ),
        )
        return Quoted(planned, old, proof, level, gives_up=open_act is not None)

    def _hold(
        self,
        tx: Transaction,
        order: ActOrder,
        reading: CardReading,
        actor: Actor,
        approved: Approved | None,
    ) -> Intent:
        if open_act := journal.open_for_card(tx.connection, order.card_key):
            self._acts.give_up(tx, open_act, "its card is replaced")
        quoted = self._checked(tx.connection, order, tx.now.wall_ms)
        planned, old = quoted.planned, quoted.old
        if quoted.two_people and approved is None:
            raise _alone(quoted)
        if planned.after != order.before:
            raise CardChanged
        if planned.cash != order.cash:
            raise AmountRefused(why="the figures have changed; look at them again")
        uid = reading.uid.hex().upper()
        if cut_off := journal.open_for_uid(tx.connection, uid):
            raise IssueInDoubt(card_no=cut_off.card_key)
        require_free_chip(tx, uid, reading)
        require_mode(reading, old.payment_mode)
        named = replace(old, key_version=reading.key_version)
        new = self._new_card(tx, named, uid, number_of(tx, reading, self._rules))
        cards.add(tx, new, reason="a replacement was begun", actor=actor)
        cards.change(
            tx, old.card_key, reason=KIND, actor=actor, state=CardState.REPLACED
        )
        nozzles = ",".join(str(number) for number in quoted.proof.missing)
        replacements.add(
            tx,
            Replacement(
                order.intent_id, old.card_key, new.card_key, MADE, quoted.level, nozzles
            ),
            actor,
        )
        intent = self._intent(
            tx, order, quoted, (new, bool(reading.own_key)), (actor, approved)
        )
        self._acts.hold(tx, intent)
        audit.record(
            tx,
            actor,
            "card.replace",
            old.card_key,
            reason=f"{quoted.level} {order.reason}".strip(),
            before=str(planned.after),
            after=new.card_key,
        )
        if approved:
            change = {"before": old.card_no, "after": new.card_no}
            record(tx, approved, order.wish, actor, **change)
        return intent

    def _new_card(self, tx: Transaction, old: Card, uid: str, key: str) -> Card:
        now_ms = told_prices_ms(tx)
        in_force = prices.in_force(tx.connection, self._rules.gas_unit, now_ms)
        price = in_force.get(old.price_level)
        return replace(
            old,
            card_key=key,
            area_no=key[:4],
            card_no=key[4:],
            uid=uid,
            price_e4=price.e4 if price else old.price_e4,
            state=CardState.INACTIVE,
            issued_at_ms=tx.now.wall_ms,
            wseq=0,
            pseq=0,
            seen_balance=0,
            seen_wseq=0,
            seen_pseq=0,
            seen_grey="",
            seen_at_ms=0,
        )

    def _intent(
        self,
        tx: Transaction,
        order: ActOrder,
        quoted: Quoted,
        card: tuple[Card, bool],
        people: tuple[Actor, Approved | None],
    ) -> Intent:
        (actor, approved), (new, is_makers) = people, card
        planned, old = quoted.planned, quoted.old
        payment = paying(tx.connection, order.payment, old.vehicle_id, planned.cash)
        vehicle = customers.find_vehicle(tx.connection, old.vehicle_id)
        bonus = min(bonus_share(tx.connection, old, planned.amount), planned.amount)
        plan: Mapping[str, Any] = {
            **plan_of(new, vehicle.plate if vehicle else ""),
            **payment.as_plan(),
            **(BY_MAKER if is_makers else {}),
            "old_card_key": old.card_key,
            "asked": order.digest,
            "proof": quoted.level,
            "missing": list(quoted.proof.missing),
            "second_operator_no": approved.operator_no if approved else "",
        }
        return Intent(
            intent_id=order.intent_id,
            kind=KIND,
            card_key=new.card_key,
            uid=new.uid,
            state=IntentState.PREPARED,
            amount=planned.amount - bonus,
            unit=str(old.unit),
            cash_e4=planned.cash.e4,
            fee_e4=planned.cash.e4,
            bonus=bonus,
            price_e4=new.price_e4,
            before_balance=0,
            before_wseq=0,
            before_pseq=0,
            before_grey="",
            after_balance=planned.after,
            operator_no=actor.operator_no,
            terminal=actor.terminal,
            till=self._rules.till,
            plan=json.dumps(plan, ensure_ascii=False),
        )


def _is_typed(order: ActOrder) -> bool:
    return order.fields.get("typed") == "1"


def _notes(
    old: Card,
    proof: BalanceProof,
    level: ProofLevel,
    figures: tuple[int, int],
    fee: Money,
) -> tuple[tuple[str, dict[str, str | int]], ...]:
    book, moved = figures
    said: list[tuple[str, dict[str, str | int]]] = [
        (_MOVES, {"moved": decimal_text(moved, 2, 2), "fee": yuan_text(fee.e4)})
    ]
    if level is ProofLevel.TYPED:
        facts_ = {"book": decimal_text(book, 2, 2), "typed": decimal_text(moved, 2, 2)}
        said.append((_TYPED, dict(facts_)))
    if proof.level is ProofLevel.PROVED:
        said.append((_PROVED, {}))
    else:
        said.append((_MISSING, _what_is_missing(old, proof)))
    return tuple(said)


def _what_is_missing(old: Card, proof: BalanceProof) -> dict[str, str | int]:
    nozzles = ", ".join(str(number) for number in proof.missing) or "-"
    return {
        "nozzles": nozzles,
        "worst": f"{yuan_text(purse_value(old, proof.worst_purse).e4)}",
        "hold_until": time_text(proof.hold_until_ms),
    }


def _alone(quoted: Quoted) -> Refusal:
    if quoted.level is ProofLevel.PROVED:
        return SecondPersonMissing()
    balance = decimal_text(quoted.planned.after, 2, 2)
    return BalanceUnproved(
        balance=balance, **_what_is_missing(quoted.old, quoted.proof)
    )
