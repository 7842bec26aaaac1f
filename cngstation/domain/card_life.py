"""The life of a card: which act each state allows, in one table.

A refusal names the state and the way out. States of the card as an object (normal,
lost, black ...) are in the register; "write pending" and "grey" are seen on the card
or in the open intents and come before the registered state.
"""

from dataclasses import dataclass
from enum import StrEnum

from cngstation.errors import Refusal
from cngstation.language import mark


class CardState(StrEnum):
    """Where a card is in its life."""

    NEW = "new"  # 新卡
    INACTIVE = "inactive"  # 未激活
    NORMAL = "normal"  # 正常
    PENDING = "pending"  # 未完成
    GREY = "grey"  # 灰卡
    LOST = "lost"  # 挂失
    BLACK = "black"  # 黑卡
    EXPIRED = "expired"  # 瓶检到期
    REPLACED = "replaced"  # 已补卡
    WASTE = "waste"  # 废卡
    CANCELLED = "cancelled"  # 注销


class Act(StrEnum):
    """What can be done with a card at the counter."""

    READ = "read"
    ISSUE = "issue"
    TOP_UP = "top_up"
    COMPLETE = "complete"


_EVERY = frozenset(CardState)
ALLOWED: dict[Act, frozenset[CardState]] = {
    Act.READ: _EVERY,
    Act.ISSUE: frozenset({CardState.NEW}),
    Act.TOP_UP: frozenset({CardState.NORMAL, CardState.EXPIRED}),
    Act.COMPLETE: frozenset(
        {CardState.NORMAL, CardState.EXPIRED, CardState.PENDING, CardState.GREY}
    ),
}

WAY_OUT: dict[CardState, str] = {
    CardState.NEW: mark("Issue the card first."),
    CardState.INACTIVE: mark("Let a senior operator activate the card."),
    CardState.NORMAL: mark("The card is in use already; take a new one."),
    CardState.PENDING: mark("Finish the open top-up first: put the card back."),
    CardState.GREY: mark("An earlier fill is unpaid; settle it first."),
    CardState.LOST: mark("The card is reported lost; withdraw the loss or replace it."),
    CardState.BLACK: mark("The card is on the blacklist; a senior operator decides."),
    CardState.EXPIRED: mark("Have the cylinder inspected and enter the new date."),
    CardState.REPLACED: mark("The card was replaced; use the new card."),
    CardState.WASTE: mark("The card is broken; report it lost and replace it."),
    CardState.CANCELLED: mark("The card was cancelled; issue a new one."),
}


class CardStateRefused(Refusal):
    """The card's state does not allow the act."""

    code = "refusal.card_state"
    text = (
        "This cannot be done with card {card_no}: it is {state}. {way_out} "
        "No money was taken."
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that decides a card's state at this moment."""

    registered: CardState
    has_open_intent: bool = False
    grey_on_card: bool = False
    cylinder_overdue: bool = False

    @property
    def state(self) -> CardState:
        """The state that counts; the gravest reason first."""
        if self.registered not in {CardState.NORMAL, CardState.NEW}:
            return self.registered
        if self.has_open_intent:
            return CardState.PENDING
        if self.grey_on_card:
            return CardState.GREY
        if self.cylinder_overdue:
            return CardState.EXPIRED
        return self.registered


def require(act: Act, standing: Standing, card_no: str) -> None:
    """Refuse an act that the card's state does not allow.

    Raises:
        CardStateRefused: with the state and the way out.
    """
    state = standing.state
    if state not in ALLOWED[act]:
        raise CardStateRefused(card_no=card_no, state=state, way_out=WAY_OUT[state])
