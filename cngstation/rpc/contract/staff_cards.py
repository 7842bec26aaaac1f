"""Staff cards (员工卡), by which operators take the second step of a login."""

from typing import Annotated, Literal

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Word
from cngstation.rpc.contract.operators import OperatorNo
from cngstation.rpc.method import Line, Message, Method, Text
from cngstation.rpc.session import Nothing

StaffCardNo = Annotated[str, Field(pattern=r"^[0-9]{8}$")]


class StaffCard(Message):
    """A staff card; `state` is issuing, active, lost, withdrawn or blocked."""

    card_no: Word
    operator_no: Word
    holder: Line
    kind: Word
    state: Word
    issued_at_ms: int


class StaffCards(Message):
    """The newest staff cards."""

    rows: Annotated[tuple[StaffCard, ...], Field(max_length=MOST_ROWS)]


class StaffCardIssue(Message):
    """Whose card the one on the reader becomes."""

    operator_no: OperatorNo


class StaffCardEnd(Message):
    """Which card ends, how, and why."""

    card_no: StaffCardNo
    state: Literal["lost", "withdrawn"]
    reason: Text


STAFF_CARD_LIST = Method(
    "staff_card.list", Nothing, StaffCards, right="operator.read", changes=False
)
STAFF_CARD_ISSUE = Method(
    "staff_card.issue", StaffCardIssue, StaffCard, right="operator.write", changes=True
)
STAFF_CARD_END = Method(
    "staff_card.end", StaffCardEnd, StaffCard, right="operator.write", changes=True
)

STAFF_CARD_METHODS = (STAFF_CARD_LIST, STAFF_CARD_ISSUE, STAFF_CARD_END)
