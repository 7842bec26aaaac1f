"""Does every act on a card that is on the reader and in the register: one way for all.

    quote   what the act would do: the refusals, then before and after, cash, refund
    do      look the id up, a second person where it takes two, hold, write, finish

An act says in `plan` what it would do, or why not; nothing happens there.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from cngstation.domain.card_kinds import CREW_REWRITE, CrewCard
from cngstation.domain.card_life import Act, require
from cngstation.domain.evidence import Evidence
from cngstation.domain.tenders import CASH, Payment
from cngstation.errors import Refusal
from cngstation.moments import Clock, Instant
from cngstation.protocols.card_image.purse import require_room
from cngstation.services.act_kind import ActKind
from cngstation.services.act_on_card import CardActs
from cngstation.services.act_result import ActResult
from cngstation.services.approve import Approval, Approvals, Approved, Wish, record
from cngstation.services.card_on_reader import CardPort, CardReading
from cngstation.services.mark_card import ActOpen
from cngstation.services.price_top_up import AmountRefused
from cngstation.services.room_on_disk import require_disk
from cngstation.services.station_rules import StationRules
from cngstation.services.take_payment import Way, paying, same_payment, ways_for
from cngstation.services.tell_day import tell
from cngstation.services.top_up_card import (
    CardChanged,
    UnknownCard,
    present,
    require_continuity,
    standing_of,
)
from cngstation.storage import audit, cards, journal
from cngstation.storage.audit import Actor
from cngstation.storage.cards import Card
from cngstation.storage.chain import canonical
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.sqlite import Connection
from cngstation.units import ZERO, Money, decimal_text

Fields = Mapping[str, str]


class NoSuchKind(Refusal):
    """There is no such act."""

    code = "refusal.no_such_kind"
    text = "There is no act {kind}. Nothing was done."


class NoCounters(Refusal):
    """A card without counters cannot prove what was written to it."""

    code = "refusal.no_counters"
    text = (
        "Card {card_no} is of another maker and counts nothing: only a top-up is "
        "written to it. Nothing was done and no money moved. For anything else report "
        "it lost and replace it by a card of ours."
    )


@dataclass(frozen=True, slots=True)
class ActOrder:
    """An act as the operator confirmed it.

    `before` is the balance that was shown, `amount` a purse figure that was typed;
    `fields` are what else was typed, by name.
    """

    intent_id: str
    kind: str
    card_key: str
    before: int = 0
    amount: int = 0
    cash: Money = ZERO
    refund: Money = ZERO
    of_intent_id: str = ""
    reason: str = ""
    fields: Fields = field(default_factory=dict)
    payment: Payment = CASH
    approval: Approval | None = None

    @property
    def digest(self) -> str:
        """What was ordered, without telling it: it may be personal."""
        asked = [self.amount, self.refund.e4, self.of_intent_id, dict(self.fields)]
        return hashlib.sha256(canonical({"asked": asked}).encode()).hexdigest()[:16]

    @property
    def wish(self) -> Wish:
        """What a second person is asked for."""
        return Wish(f"card.{self.kind}", self.card_key)

    def is_of(self, intent: Intent) -> bool:
        """Return whether an act is this order, tried before."""
        ordered = (self.kind, self.card_key, self.cash.e4)
        found = (intent.kind, intent.card_key, intent.cash_e4)
        asked = json.loads(intent.plan).get("asked")
        same = ordered == found and asked == self.digest
        return same and same_payment(self.payment, intent.payment)


@dataclass(frozen=True, slots=True)
class Sight:
    """The card that lies there, in the register and as it was read."""

    card: Card
    seen: Evidence
    reading: CardReading
    now_ms: int


@dataclass(frozen=True, slots=True)
class Planned:
    """What an act would do; `after` is a purse figure, `amount` the book's.

    `notes` are sentences with their facts that the operator reads before Enter,
    `ways` those in which the money can be paid.
    """

    after: int
    amount: int = 0
    bonus: int = 0
    cash: Money = ZERO
    refund: Money = ZERO
    price_e4: int = 0
    plan: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[tuple[str, Mapping[str, str | int]], ...] = ()
    ways: tuple[Way, ...] = ()


class CardAct(Protocol):
    """One act: its kind for the engine, its place in the card's life, its refusals."""

    @property
    def kind(self) -> ActKind: ...
    @property
    def act(self) -> Act: ...
    @property
    def right(self) -> str: ...
    @property
    def two_people(self) -> bool: ...

    def plan(
        self, connection: Connection, sight: Sight, order: ActOrder
    ) -> Planned: ...


class CounterActs:
    """Quotes and does the acts that are registered with it."""

    def __init__(
        self,
        database: Database,
        acts: CardActs,
        every: Mapping[str, CardAct],
        *,
        approvals: Approvals,
        rules: StationRules,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._database = database
        self._acts = acts
        self._every = every
        self._approvals = approvals
        self._rules = rules
        self._folder = folder
        self._clock = clock

    def right_of(self, kind: str) -> str:
        """Return the right that an act takes.

        Raises:
            NoSuchKind: there is no such act.
        """
        return self._act(kind).right

    def takes_two(self, kind: str) -> bool:
        """Return whether an act takes a second person."""
        return self._act(kind).two_people

    async def quote(
        self, order: ActOrder, port: CardPort
    ) -> tuple[Planned, Evidence, Card]:
        """Say what an act with the card on the reader would do.

        Raises:
            Refusal: why it would not be done.
            DeviceError: the card cannot be read.
        """
        act = self._act(order.kind)
        seen, reading = await present(order.card_key, port)
        now = self._clock.now()

        def question(connection: Connection) -> tuple[Planned, Evidence, Card]:
            sight = _sight(connection, act, seen, reading, now)
            planned = act.plan(connection, sight, order)
            return payable(connection, planned, sight.card), seen, sight.card

        return await self._database.read(question)

    async def do(self, order: ActOrder, port: CardPort, actor: Actor) -> ActResult:
        """Do an act, or say where the one with this id stands.

        Raises:
            Refusal: a rule said no; nothing has happened.
            DeviceError: the card cannot be read; nothing has happened.
            CommitUncertain: ask again by the id after the restart.
        """
        act = self._act(order.kind)
        if known := await self._acts.result_of(order.intent_id, order.is_of):
            return known
        require_disk(self._folder, self._rules)
        approved = None
        if act.two_people:
            approved = await self._approvals.approve(
                order.approval, order.wish, actor, order.reason
            )
        async with self._approvals.noting(order.wish, actor, approved):
            found = await present(order.card_key, port)
            intent = await self._database.write(
                lambda tx: self._hold(tx, act, order, found, (actor, approved))
            )
        return await self._acts.carry_out(intent, port)

    def _act(self, kind: str) -> CardAct:
        act = self._every.get(kind)
        if act is None:
            raise NoSuchKind(kind=kind)
        return act

    def _hold(
        self,
        tx: Transaction,
        act: CardAct,
        order: ActOrder,
        found: tuple[Evidence, CardReading],
        people: tuple[Actor, Approved | None],
    ) -> Intent:
        (seen, reading), (actor, approved) = found, people
        sight = _sight(tx.connection, act, seen, reading, tx.now)
        planned = act.plan(tx.connection, sight, order)
        if seen.balance != order.before:
            raise CardChanged
        if (planned.cash, planned.refund) != (order.cash, order.refund):
            raise AmountRefused(why="the figures have changed; look at them again")
        if reading.purse is not None:
            require_room(reading.purse, max(planned.after - seen.balance, 0))
        card = sight.card
        payment = paying(tx.connection, order.payment, card.vehicle_id, planned.cash)
        intent = self._intent(order, planned, sight, payment, (actor, approved))
        self._acts.hold(tx, intent)
        name = f"card.{order.kind}"
        audit.record(
            tx,
            actor,
            name,
            card.card_key,
            reason=approved.reason if approved else order.reason.strip(),
            before=str(seen.balance),
            after=str(planned.after),
        )
        if approved:
            was, is_now = (decimal_text(x, 2, 2) for x in (seen.balance, planned.after))
            record(tx, approved, order.wish, actor, before=was, after=is_now)
        return intent

    def _intent(
        self,
        order: ActOrder,
        planned: Planned,
        sight: Sight,
        payment: Payment,
        people: tuple[Actor, Approved | None],
    ) -> Intent:
        (actor, approved), card, seen = people, sight.card, sight.seen
        plan = {
            "payment_mode": card.payment_mode,
            "asked": order.digest,
            "refund_e4": planned.refund.e4,
            "second_operator_no": approved.operator_no if approved else "",
            **payment.as_plan(),
            **planned.plan,
        }
        return Intent(
            intent_id=order.intent_id,
            kind=order.kind,
            card_key=card.card_key,
            uid=seen.uid,
            state=IntentState.PREPARED,
            amount=planned.amount,
            unit=str(card.unit),
            cash_e4=planned.cash.e4,
            fee_e4=0,
            bonus=planned.bonus,
            price_e4=planned.price_e4 or card.price_e4,
            before_balance=seen.balance,
            before_wseq=seen.wseq,
            before_pseq=seen.pseq,
            before_grey=seen.grey,
            after_balance=planned.after,
            operator_no=actor.operator_no,
            terminal=actor.terminal,
            till=self._rules.till,
            plan=json.dumps(plan, ensure_ascii=False),
        )


def _sight(
    connection: Connection,
    act: CardAct,
    seen: Evidence,
    reading: CardReading,
    now: Instant,
) -> Sight:
    """Find the card in the register; refuse what its state or its image forbid."""
    now_ms = tell(connection, now).ms
    card = cards.find(connection, seen.card_key)
    if card is None:
        raise UnknownCard(card_no=seen.card_key)
    if not card.for_customers and act.kind.name != CREW_REWRITE:
        raise CrewCard(card_no=card.card_no)
    require(act.act, standing_of(connection, card, seen, now_ms), card.card_no)
    if journal.open_for_card(connection, card.card_key) is not None:
        raise ActOpen(card_no=card.card_no)
    if seen.consumed is not None:
        raise NoCounters(card_no=card.card_no)
    require_continuity(card, seen)
    return Sight(card, seen, reading, now_ms)


def payable(connection: Connection, planned: Planned, card: Card) -> Planned:
    """Add the ways in which an act can be paid, where it costs anything."""
    if not planned.cash.e4:
        return planned
    ways = ways_for(connection, card.vehicle_id, planned.cash)
    return replace(planned, ways=ways)


async def write_purse(
    port: CardPort, intent: Intent, reading: CardReading, **changes: Any
) -> None:
    """Write an act's balance and its counter, and what else of the purse it changes."""
    if reading.purse is None:
        raise AssertionError("the engine compared the evidence before")
    changed = replace(
        reading.purse,
        balance=intent.after_balance,
        wseq=intent.before_wseq + 1,
        **changes,
    )
    await port.write_purse(reading, changed)
