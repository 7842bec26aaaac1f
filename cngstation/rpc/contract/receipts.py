"""Receipts and the books."""

from typing import Annotated

from pydantic import Field

from cngstation.rpc.contract.figures import MOST_ROWS, Facts, Word
from cngstation.rpc.method import LOGGED_IN, Event, Message, Method, Text
from cngstation.rpc.session import Nothing


class ReceiptRequest(Message):
    """A receipt to print once more; after the original it says COPY."""

    receipt_no: int


class ReceiptQuery(Message):
    """How many receipts, newest first; of one card, or of all where it is empty."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    card_key: Word = ""


class ReceiptRow(Message):
    """A receipt that was made; `prints` counts the original and every copy."""

    receipt_no: int
    kind: Word
    card_key: Word
    card_no: Word
    plate: Word
    cash_e4: int
    operator_no: Word
    at_ms: int
    prints: int
    outcome: Word


class ReceiptRows(Message):
    """Receipts found."""

    rows: Annotated[tuple[ReceiptRow, ...], Field(max_length=MOST_ROWS)]


class ReceiptOutcome(Message):
    """How a print of a receipt ended."""

    receipt_no: int
    outcome: Word
    text: Text
    facts: Facts


class BooksVerdict(Message):
    """What verifying the books found; `text` says what is wrong first."""

    proved: bool
    text: Text
    facts: Facts
    head: Text
    rows: int
    open_rows: int
    at_ms: int


class AnchorTyped(Message):
    """Row and head as they stand on a slip, such as 1234:9f2c01ab."""

    typed: Annotated[str, Field(min_length=1, max_length=80)]


class AnchorVerdict(Message):
    """Whether the books are those of which an anchor was taken."""

    proved: bool
    text: Text
    facts: Facts


class LastAnchor(Message):
    """The newest checkpoint, how many rows came after it, and how long ago it was.

    `seq` is 0 where there is none yet.
    """

    seq: int
    head: Text
    minutes: int
    rows_since: int


RECEIPT_PRINT = Method(
    "receipt.print", ReceiptRequest, ReceiptOutcome, "receipt.print", changes=True
)
RECEIPT_LIST = Method(
    "receipt.list", ReceiptQuery, ReceiptRows, LOGGED_IN, changes=False
)
BOOKS_VERIFY = Method("books.verify", Nothing, BooksVerdict, LOGGED_IN, changes=False)
BOOKS_ANCHOR = Method(
    "books.anchor", AnchorTyped, AnchorVerdict, LOGGED_IN, changes=False
)
BOOKS_ANCHORED = Method("books.anchored", Nothing, LastAnchor, LOGGED_IN, changes=False)
RECEIPT_PRINTED = Event("receipt.printed", ReceiptOutcome, replaceable=False)
BOOKS_VERIFIED = Event("books.verified", BooksVerdict, replaceable=True)

RECEIPT_METHODS = (
    RECEIPT_PRINT,
    RECEIPT_LIST,
    BOOKS_VERIFY,
    BOOKS_ANCHOR,
    BOOKS_ANCHORED,
)
RECEIPT_EVENTS = (
    RECEIPT_PRINTED,
    BOOKS_VERIFIED,
)
