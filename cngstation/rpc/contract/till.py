"""The till: its session, what goes in and out of it, and its counts."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import Asked, IntentId, Word
from cngstation.rpc.method import LOGGED_IN, Message, Method, Text
from cngstation.rpc.session import Nothing


class TillOpening(Message):
    """The counted float; a repeat has the same `act_id` and changes nothing."""

    act_id: IntentId
    float_fen: Asked


class TillCash(Message):
    """Cash out of the till or into it."""

    act_id: IntentId
    amount_fen: Asked
    reason: Text


class TenderCount(Message):
    """What was counted of a tender."""

    tender: Word
    counted_fen: Asked


class TillClosing(Message):
    """The counts of a closing; the cash is always one of them."""

    act_id: IntentId
    counts: Annotated[tuple[TenderCount, ...], Field(max_length=20)]


class TillCount(Message):
    """A tender at a closing: what the books had, what was counted, if it was."""

    tender: Word
    expected_e4: int
    counted_e4: int | None
    over_e4: int


class TillMove(Message):
    """An entry of the session beside the acts on cards."""

    at_ms: int
    kind: Word
    amount_e4: int
    reason: Text
    operator_no: Word


class TillView(Message):
    """How the till is: `never` (no session yet), `opened` or `closed`.

    `counts` are those of the last closing, `receipt_no` its slip (0 if it has none):
    while a session runs, nobody is told what the count should be.
    """

    till: Word
    state: Word
    session_no: int
    since_ms: int
    operator_no: Word
    float_e4: int
    counts: Annotated[tuple[TillCount, ...], Field(max_length=20)]
    moves: Annotated[tuple[TillMove, ...], Field(max_length=50)]
    receipt_no: int = 0  # the slip of the last closing


TILL_SHOW = Method("till.show", Nothing, TillView, LOGGED_IN, changes=False)
TILL_OPEN = Method("till.open", TillOpening, TillView, "till.keep", changes=True)
TILL_DROP = Method("till.drop", TillCash, TillView, "till.keep", changes=True)
TILL_PAY_IN = Method("till.pay_in", TillCash, TillView, "till.keep", changes=True)
TILL_PAY_OUT = Method("till.pay_out", TillCash, TillView, "till.pay_out", changes=True)
TILL_CLOSE = Method("till.close", TillClosing, TillView, "till.keep", changes=True)

TILL_METHODS = (
    TILL_SHOW,
    TILL_OPEN,
    TILL_DROP,
    TILL_PAY_IN,
    TILL_PAY_OUT,
    TILL_CLOSE,
)
