"""Answers for invoices."""

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.give_invoice import give_invoice
from cngstation.storage.database import Transaction


class InvoiceAnswers:
    """Answers for invoices."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.INVOICE_RECORD, self.record)

    async def record(
        self, request: counter.Invoice, call: CallContext
    ) -> counter.Invoice:
        """Record the invoice of a receipt."""
        actor = actor_of(call)

        def unit(tx: Transaction) -> str:
            return give_invoice(tx, request.receipt_no, request.invoice_no, actor)

        number = await self._parts.database.write(unit)
        return counter.Invoice(receipt_no=request.receipt_no, invoice_no=number)
