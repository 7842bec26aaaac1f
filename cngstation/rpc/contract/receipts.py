"""Receipts and the books."""

from cngstation.rpc.contract.figures import Facts, Word
from cngstation.rpc.method import LOGGED_IN, Event, Message, Method, Text
from cngstation.rpc.session import Nothing


class ReceiptRequest(Message):
    """A receipt to print once more; after the original it says COPY."""

    receipt_no: int


class ReceiptOutcome(Message):
    """How a print of a receipt ended."""

    receipt_no: int
    outcome: Word
    text: Text
    facts: Facts


class BooksVerdict(Message):
    """What verifying the books found."""

    proved: bool
    first_bad: Text
    head: Text
    rows: int
    open_rows: int
    at_ms: int


RECEIPT_PRINT = Method(
    "receipt.print", ReceiptRequest, ReceiptOutcome, "receipt.print", changes=True
)
BOOKS_VERIFY = Method("books.verify", Nothing, BooksVerdict, LOGGED_IN, changes=False)
RECEIPT_PRINTED = Event("receipt.printed", ReceiptOutcome, replaceable=False)
BOOKS_VERIFIED = Event("books.verified", BooksVerdict, replaceable=True)

RECEIPT_METHODS = (
    RECEIPT_PRINT,
    BOOKS_VERIFY,
)
RECEIPT_EVENTS = (
    RECEIPT_PRINTED,
    BOOKS_VERIFIED,
)
