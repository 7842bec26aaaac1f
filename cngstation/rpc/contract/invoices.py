"""Invoices that are given for receipts."""

from cngstation.rpc.contract.figures import Word
from cngstation.rpc.method import Message, Method


class Invoice(Message):
    """The number of the invoice for a receipt; each number is given once."""

    receipt_no: int
    invoice_no: Word


INVOICE_RECORD = Method(
    "invoice.record", Invoice, Invoice, "invoice.write", changes=True
)

INVOICE_METHODS = (INVOICE_RECORD,)
