"""Open rows that are closed by words: who looked, and why it is settled."""

from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.method import Message, Method, Text

__all__ = ["ROW_EXPLAIN", "RowExplained", "RowExplanation"]


class RowExplanation(Message):
    """Why a row is settled; some want a second person."""

    row_id: Word
    reason: Text
    approval: Approval | None


class RowExplained(Message):
    """What the row was."""

    row_id: Word
    text: Text
    facts: Facts


ROW_EXPLAIN = Method(
    "row.explain", RowExplanation, RowExplained, "row.explain", changes=True
)
ROW_METHODS = (ROW_EXPLAIN,)
