"""Acts on cards: where one stands, how it goes on, how it is undone."""

from enum import StrEnum

from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.method import LOGGED_IN, Event, Message, Method, Text


class ActRequest(Message):
    """An act by its id."""

    intent_id: Word


class ActState(StrEnum):
    """Where an act on a card stands."""

    UNKNOWN = "unknown"  # never accepted
    PENDING = "pending"
    DONE = "done"
    GIVEN_BACK = "given_back"
    SCRAPPED = "scrapped"


class ActReply(Message):
    """How an act stands; `text` says what happened, with money, and what to do."""

    intent_id: Word
    state: ActState
    kind: Word
    card_key: Word
    before_purse: int
    after_purse: int
    cash_fen: int
    receipt_no: int
    text: Text
    facts: Facts
    refund_fen: int = 0


CARD_SETTLE = Method("card.settle", ActRequest, ActReply, "card.top_up", changes=True)
CARD_GIVE_BACK = Method(
    "card.give_back", ActRequest, ActReply, "card.top_up", changes=True
)
ACT_FIND = Method("act.find", ActRequest, ActReply, LOGGED_IN, changes=False)
ACT_SETTLED = Event("act.settled", ActReply, replaceable=False)

ACT_METHODS = (
    CARD_SETTLE,
    CARD_GIVE_BACK,
    ACT_FIND,
)
ACT_EVENTS = (ACT_SETTLED,)
