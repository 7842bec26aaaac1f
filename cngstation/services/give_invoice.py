"""Records the invoice (发票) that was given for a receipt of money."""

import re

from cngstation.domain.tenders import Payment, Tender
from cngstation.errors import Refusal
from cngstation.storage import audit, invoices, receipts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.receipts import Receipt

# The paper's code and number together, or the twenty digits of an electronic one.
_NUMBER = re.compile(r"[0-9]{8,20}")


class InvoiceNumberWrong(Refusal):
    """No invoice has such a number."""

    code = "refusal.invoice_number"
    text = (
        "{typed} is no number of an invoice: it has 8 to 20 digits. Nothing was "
        "recorded."
    )


class NoReceiptForInvoice(Refusal):
    """There is no such receipt, or no money was received by it."""

    code = "refusal.no_receipt_for_invoice"
    text = (
        "There is no receipt {receipt_no} for money received. Nothing was recorded. "
        "Look at the number on the receipt."
    )


class InvoiceTaken(Refusal):
    """The number or the receipt is taken."""

    code = "refusal.invoice_taken"
    text = (
        "Invoice {invoice_no} belongs to receipt {receipt_no} already. Nothing was "
        "recorded; a number is given once, and a receipt has one invoice."
    )


def _is_for_money(receipt: Receipt) -> bool:
    """Money of a company was received, and invoiced, when it came to its account."""
    content = receipt.content
    paid = int(content.get("cash_e4", 0)) > 0
    return paid and Payment.of_plan(content).tender is not Tender.COMPANY


def give_invoice(tx: Transaction, receipt_no: int, typed: str, actor: Actor) -> str:
    """Record an invoice; the same pair once more changes nothing.

    Raises:
        InvoiceNumberWrong, NoReceiptForInvoice, InvoiceTaken: nothing is recorded.
    """
    number = "".join(typed.split())
    if not _NUMBER.fullmatch(number):
        raise InvoiceNumberWrong(typed=typed)
    receipt = receipts.find(tx.connection, receipt_no)
    if receipt is None or not _is_for_money(receipt):
        raise NoReceiptForInvoice(receipt_no=receipt_no)
    given = invoices.of_receipt(tx.connection, receipt_no)
    if given == number:
        return number
    if given:
        raise InvoiceTaken(invoice_no=given, receipt_no=receipt_no)
    other = invoices.receipt_of(tx.connection, number)
    if other is not None:
        raise InvoiceTaken(invoice_no=number, receipt_no=other)
    invoices.record(tx, number, receipt_no, actor)
    audit.record(tx, actor, "invoice.record", str(receipt_no), after=number)
    return number
