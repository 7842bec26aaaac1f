"""Acts that need no card on the reader: loss, blacklist, activation, by card number.

Each changes where the card is in its life and nothing else; no money moves. The book
keeps who said it, why, and from when on it may be relied on.
"""

from dataclasses import dataclass

from cngstation.domain.card_life import Act, CardState, Standing, require
from cngstation.domain.numbers import without_personal
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.moments import MS_PER_HOUR
from cngstation.services.approve import (
    Approval,
    Approvals,
    Approved,
    Wish,
    reason_of,
    record,
)
from cngstation.services.station_rules import StationRules
from cngstation.services.top_up_card import UnknownCard
from cngstation.storage import audit, card_marks, cards, journal
from cngstation.storage.audit import Actor
from cngstation.storage.card_marks import CardMark
from cngstation.storage.cards import Card
from cngstation.storage.database import Database, Transaction

REPORT_LOSS, WITHDRAW_LOSS = "report_loss", "withdraw_loss"
BLACKLIST, UNBLACKLIST = "blacklist", "unblacklist"
ACTIVATE, SUSPEND = "activate", "suspend"


class ActOpen(Refusal):
    """An act with this card waits for it."""

    code = "refusal.act_open"
    text = (
        "An act with card {card_no} is not finished. Nothing was done. Lay the card on "
        "the reader first: it finishes by itself."
    )


@dataclass(frozen=True, slots=True)
class MarkKind:
    """What a mark makes of a card; with `undoes` the state before that mark."""

    name: str
    act: Act
    becomes: CardState
    undoes: str = ""
    wants_reason: bool = False
    two_people: bool = False

    @property
    def right(self) -> str:
        """The right that it takes, of the second person too."""
        return f"card.{self.name}"


KINDS = {
    kind.name: kind
    for kind in (
        MarkKind(REPORT_LOSS, Act.REPORT_LOSS, CardState.LOST),
        MarkKind(
            WITHDRAW_LOSS, Act.WITHDRAW_LOSS, CardState.NORMAL, undoes=REPORT_LOSS
        ),
        MarkKind(BLACKLIST, Act.BLACKLIST, CardState.BLACK, wants_reason=True),
        MarkKind(
            UNBLACKLIST,
            Act.UNBLACKLIST,
            CardState.NORMAL,
            undoes=BLACKLIST,
            wants_reason=True,
            two_people=True,
        ),
        MarkKind(ACTIVATE, Act.ACTIVATE, CardState.NORMAL),
        MarkKind(SUSPEND, Act.SUSPEND, CardState.INACTIVE, wants_reason=True),
    )
}


@dataclass(frozen=True, slots=True)
class MarkOrder:
    """A mark as the operator confirmed it."""

    card_key: str
    reason: str = ""
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A card as a mark has left it."""

    card: Card
    state: CardState
    takes_effect_at_ms: int


class CardMarks:
    """Makes marks."""

    def __init__(
        self, database: Database, approvals: Approvals, rules: StationRules
    ) -> None:
        self._database = database
        self._approvals = approvals
        self._rules = rules

    async def mark(self, name: str, order: MarkOrder, actor: Actor) -> Marked:
        """Make a mark.

        Raises:
            Refusal: why not; nothing has happened.
        """
        kind = KINDS[name]
        if kind.wants_reason:
            reason_of(order.reason)
        approved, wish = None, Wish(kind.right, order.card_key)
        if kind.two_people:
            approved = await self._approvals.approve(
                order.approval, wish, actor, order.reason
            )
        async with self._approvals.noting(wish, actor, approved):
            return await self._database.write(
                lambda tx: self._mark(tx, kind, order, actor, approved)
            )

    def _mark(
        self,
        tx: Transaction,
        kind: MarkKind,
        order: MarkOrder,
        actor: Actor,
        approved: Approved | None,
    ) -> Marked:
        card = cards.find(tx.connection, order.card_key)
        if card is None:
            raise UnknownCard(card_no=clean(order.card_key, limit=16))
        is_open = journal.open_for_card(tx.connection, card.card_key) is not None
        standing = Standing(card.state, is_open, bool(card.seen_grey))
        require(kind.act, standing, card.card_no)
        if is_open and kind.name == ACTIVATE:
            raise ActOpen(card_no=card.card_no)
        state = _becomes(tx, kind, card)
        effect = tx.now.wall_ms
        if kind.name == REPORT_LOSS:
            effect += self._rules.loss_effective_hours * MS_PER_HOUR
        reason = without_personal(clean(order.reason, limit=200).strip())
        second = approved.operator_no if approved else ""
        card_marks.add(
            tx,
            CardMark(
                card_key=card.card_key,
                mark=kind.name,
                state_before=card.state,
                state_after=state,
                reason=reason,
                takes_effect_at_ms=effect,
                operator_no=actor.operator_no,
                second_operator_no=second,
                terminal=actor.terminal,
            ),
        )
        cards.change(tx, card.card_key, reason=kind.name, actor=actor, state=state)
        act = f"card.{kind.name}"
        audit.record(
            tx,
            actor,
            act,
            card.card_key,
            reason=reason,
            before=str(card.state),
            after=str(state),
        )
        if approved:
            record(tx, approved, Wish(act, card.card_key), actor)
        return Marked(card, state, effect)


def _becomes(tx: Transaction, kind: MarkKind, card: Card) -> CardState:
    """Return what a card becomes: taking a mark back gives what was before it."""
    if not kind.undoes:
        return kind.becomes
    undone = card_marks.last(tx.connection, card.card_key, kind.undoes)
    return undone.state_before if undone else kind.becomes
