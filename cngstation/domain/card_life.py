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
    REVERSE = "reverse_top_up"  # 充负值
    CLEAR_CREDIT = "clear_credit"  # 记帐清零
    SETTLE_GREY = "settle_grey"  # 解灰
    REPORT_LOSS = "report_loss"  # 挂失
    WITHDRAW_LOSS = "withdraw_loss"  # 解挂
    REPLACE = "replace"  # 补卡
    BLACKLIST = "blacklist"
    UNBLACKLIST = "unblacklist"  # 解黑
    ACTIVATE = "activate"  # 激活
    SUSPEND = "suspend"  # 停用
    EDIT = "edit"  # 修改卡信息, 改瓶检日期
    CANCEL = "cancel"  # 注销
    WIPE = "wipe"  # 清卡


_EVERY = frozenset(CardState)
_IN_USE = frozenset({CardState.NORMAL, CardState.EXPIRED})
ALLOWED: dict[Act, frozenset[CardState]] = {
    Act.READ: _EVERY,
    Act.ISSUE: frozenset({CardState.NEW}),
    Act.TOP_UP: _IN_USE,
    Act.COMPLETE: frozenset(
        {CardState.NORMAL, CardState.EXPIRED, CardState.PENDING, CardState.GREY}
    ),
    Act.REVERSE: _IN_USE,
    Act.CLEAR_CREDIT: _IN_USE,
    Act.SETTLE_GREY: frozenset({CardState.GREY}),
    Act.REPORT_LOSS: _EVERY
    - {CardState.NEW, CardState.LOST, CardState.REPLACED, CardState.CANCELLED},
    Act.WITHDRAW_LOSS: frozenset({CardState.LOST}),
    Act.REPLACE: frozenset({CardState.LOST}),
    Act.BLACKLIST: _IN_USE | {CardState.GREY, CardState.PENDING, CardState.INACTIVE},
    Act.UNBLACKLIST: frozenset({CardState.BLACK}),
    Act.ACTIVATE: frozenset({CardState.INACTIVE}),
    Act.SUSPEND: _IN_USE | {CardState.GREY},
    Act.EDIT: _IN_USE,
    Act.CANCEL: _IN_USE | {CardState.BLACK},
    Act.WIPE: frozenset({CardState.REPLACED, CardState.CANCELLED}),
}

# A vehicle whose cards are all among these has none.
OUT_OF_USE = frozenset({CardState.REPLACED, CardState.WASTE, CardState.CANCELLED})

WAY_OUT: dict[CardState, str] = {
    CardState.NEW: mark("Issue the card first."),
    CardState.INACTIVE: mark("Let a senior operator activate the card."),
    CardState.NORMAL: mark("The card is in use as it is; nothing has to be cured."),
    CardState.PENDING: mark("Finish the open top-up first: put the card back."),
    CardState.GREY: mark("An earlier fill is unpaid; settle it first."),
    CardState.LOST: mark("The card is reported lost; withdraw the loss or replace it."),
    CardState.BLACK: mark("The card is on the blacklist; a senior operator decides."),
    CardState.EXPIRED: mark("Have the cylinder inspected and enter the new date."),
    CardState.REPLACED: mark("The card was replaced; use the new card."),
    CardState.WASTE: mark("The card is broken; report it lost and replace it."),
    CardState.CANCELLED: mark("The card was cancelled; issue a new one."),
}


_ONLY_NEW = mark("The card is in use already; take a new one.")


def way_out(act: Act, state: CardState) -> str:
    """Return the sentence that says what helps when a state does not allow an act."""
    if act is Act.ISSUE and state is CardState.NORMAL:
        return _ONLY_NEW
    return WAY_OUT[state]


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
        raise CardStateRefused(
            card_no=card_no, state=state, way_out=way_out(act, state)
        )
