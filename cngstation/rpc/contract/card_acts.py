"""Acts on the card on the reader, beyond top-up and issue: one order for all of them.

`act.quote` says what an act would do, in sentences and figures; the act's own method
does it. An act that takes two people wants the second one's name and password.
"""

from typing import Annotated, Any

from pydantic import Field

from cngstation.rpc.contract.acts import ActReply
from cngstation.rpc.contract.figures import Asked, Facts, IntentId, Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.contract.registers import TenderOffers
from cngstation.rpc.method import LOGGED_IN, Line, Message, Method, Text

MOST_TOP_UPS = 20


class TypedField(Message):
    """A field of an act's form, by its name."""

    name: Word
    value: Line


TypedFields = Annotated[tuple[TypedField, ...], Field(max_length=16)]


class ActQuoteRequest(Message):
    """What an act with this card would do; `amount_purse` is what was typed."""

    kind: Word
    card_key: Word
    amount_purse: Asked
    of_intent_id: Word
    fields: TypedFields


class Note(Message):
    """A sentence to read before the act is confirmed."""

    text: Text
    facts: Facts


class RefundPart(Message):
    """A part of what goes back: the way it came, with the number it came with."""

    tender: Word
    number: Line
    fen: int


class ActQuote(Message):
    """Before and after of an act, what is to be taken or given, and what to read.

    `tenders` are the ways in which what is taken can be paid.
    """

    kind: Word
    card_no: Word
    unit: Word
    before_purse: int
    after_purse: int
    cash_fen: int
    refund_fen: int
    two_people: bool
    wants_reason: bool
    notes: Annotated[tuple[Note, ...], Field(max_length=12)]
    tenders: TenderOffers = ()
    refunds: Annotated[tuple[RefundPart, ...], Field(max_length=100)] = ()


class ActOrder(Message):
    """An act as the operator confirmed it, with the figures that were shown."""

    intent_id: IntentId
    card_key: Word
    before_purse: int
    amount_purse: Asked
    cash_fen: Asked
    refund_fen: Asked
    of_intent_id: Word
    reason: Text
    fields: TypedFields
    approval: Approval | None
    tender: Word = "cash"
    tender_ref: Line = ""


class TopUpsRequest(Message):
    """A card whose top-ups are asked for."""

    card_key: Word


class TopUpLeft(Message):
    """A finished top-up, and how much of it can still be taken back at most."""

    intent_id: Word
    at_ms: int
    amount_purse: int
    left_purse: int
    tender: Word


class TopUpsLeft(Message):
    """The last top-ups of a card, newest first."""

    rows: Annotated[tuple[TopUpLeft, ...], Field(max_length=MOST_TOP_UPS)]


TOP_UPS = Method("card.top_ups", TopUpsRequest, TopUpsLeft, LOGGED_IN, changes=False)
ACT_QUOTE = Method("act.quote", ActQuoteRequest, ActQuote, LOGGED_IN, changes=False)


def _act(name: str, right: str) -> Method[ActOrder, ActReply]:
    return Method(f"card.{name}", ActOrder, ActReply, right, changes=True)


# By kind; the right is that of the act in the station's table of rights.
CARD_ACTS = {
    "settle_grey": _act("settle_grey", "card.settle_grey"),
    "settle_grey_by_hand": _act("settle_grey_by_hand", "card.settle_grey_by_hand"),
    "replace": _act("replace", "card.replace"),
    "clear_credit": _act("clear_credit", "card.clear_credit"),
    "reverse_top_up": _act("reverse_top_up", "card.reverse_top_up"),
    "cancel": _act("cancel", "card.cancel"),
    "wipe": _act("wipe", "card.wipe"),
    "edit": _act("edit", "card.edit"),
    "cylinder_date": _act("cylinder_date", "card.edit"),
    "rewrite_price": _act("rewrite_price", "card.top_up"),
    "rewrite_limits": _act("rewrite_limits", "card.edit"),
    "crew_rewrite": _act("crew_rewrite", "card.crew"),
}

CARD_ACT_METHODS: tuple[Method[Any, Any], ...] = (
    ACT_QUOTE,
    TOP_UPS,
    *CARD_ACTS.values(),
)
