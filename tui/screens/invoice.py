"""Recording the invoice that was given for a receipt."""

from collections.abc import Sequence
from typing import ClassVar

from cngstation.language import mark
from cngstation.rpc.contract.counter import INVOICE_RECORD, Invoice
from tui.act_form import ActForm
from tui.screens.discounts import NotOfTheForm
from tui.screens.form_screen import Field
from tui.texts import filled

_DONE = mark("Invoice {invoice_no} is recorded for receipt {receipt_no}.")
_MOST_DIGITS = 12


class InvoiceScreen(ActForm):
    """Receipt and invoice."""

    TITLE_TEXT = mark("Record an invoice")
    HELP = mark(
        "Type the number on the receipt and the number of the invoice that was given "
        "for it. Each number is given once, and a receipt has one invoice."
    )
    FIELDS: ClassVar[Sequence[Field]] = (
        Field("receipt", mark("Receipt"), mark("number on the receipt"), longest=12),
        Field("invoice", mark("Invoice no."), mark("8 to 20 digits"), longest=24),
    )

    async def save(self) -> str:
        """Record it."""
        typed = self.value("receipt")
        plain = typed.isascii() and typed.isdigit() and len(typed) <= _MOST_DIGITS
        if not plain:
            raise NotOfTheForm(typed=typed or "-", field=mark("Receipt"))
        wanted = Invoice(receipt_no=int(typed), invoice_no=self.value("invoice"))
        done = await self.desk.link.call(INVOICE_RECORD, wanted)
        return filled(_DONE, invoice_no=done.invoice_no, receipt_no=done.receipt_no)
