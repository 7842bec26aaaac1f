"""Balances that an old system handed over, and what their cards said of them."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Word
from cngstation.rpc.contract.marks import Approval
from cngstation.rpc.contract.registers import Search
from cngstation.rpc.method import LOGGED_IN, Line, Message, Method, Text

__all__ = [
    "OPENING_ACCEPT",
    "OPENING_LIST",
    "OpeningAccept",
    "OpeningRow",
    "OpeningRows",
]


class OpeningRow(Message):
    """An imported balance; purse figures are fen or 0.01 unit.

    `verdict` is waiting, confirmed, contested or accepted; while it waits, book and
    card are as imported.
    """

    card_key: Word
    card_no: Word
    unit: Word
    verdict: Word
    why: Line
    imported_purse: int
    book_purse: int
    card_purse: int
    source: Text
    source_row: int


class OpeningRows(Message):
    """Imported balances, the contested ones first, then those that wait."""

    rows: Annotated[tuple[OpeningRow, ...], Field(max_length=MOST_ROWS)]


class OpeningAccept(Message):
    """The card is right: its figure is to be booked; this takes two people."""

    card_key: Word
    reason: Text
    approval: Approval | None = None


OPENING_LIST = Method("opening.list", Search, OpeningRows, LOGGED_IN, changes=False)
OPENING_ACCEPT = Method(
    "opening.accept", OpeningAccept, OpeningRow, "opening.accept", changes=True
)
OPENING_METHODS = (OPENING_LIST, OPENING_ACCEPT)
