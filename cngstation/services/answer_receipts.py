"""Answers for receipts and the books."""

import asyncio
from dataclasses import replace

from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import digest_slip
from cngstation.services.check_anchors import (
    Contradiction,
    NoAnchor,
    anchor_of,
    compare,
    file_of,
    first_contradiction,
    read_anchors,
)
from cngstation.services.check_rights import require_right
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.open_rows import facts_of
from cngstation.services.operator_guards import acting, require_sees_all
from cngstation.services.tell_wrong import Wrong
from cngstation.services.verify_books import Proof, verify_file
from cngstation.services.work_aside import in_worker
from cngstation.storage import audit, checkpoints, receipts
from cngstation.storage.database import Transaction
from cngstation.storage.receipts import Receipt
from cngstation.storage.sqlite import Connection


class NoSuchReceipt(Refusal):
    """There is no receipt with this number."""

    code = "refusal.no_such_receipt"
    text = "There is no receipt {receipt_no}. Nothing was printed."


_READS = "audit.read"
_BEING_PRINTED = mark("The receipt is being printed.")
_AGREES = mark("Row {seq} of the books has this head: they are those of the slip.")
_WAITS_ALREADY = mark("This receipt waits for the printer already; it comes once.")


class ReceiptAnswers:
    """Answers for receipts and the books."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.RECEIPT_PRINT, self.print_receipt)
        made.add(counter.RECEIPT_LIST, self.list_receipts)
        made.add(counter.BOOKS_VERIFY, self.verify)
        made.add(counter.BOOKS_ANCHOR, self.compare)
        made.add(counter.BOOKS_ANCHORED, self.last_anchor)

    async def print_receipt(
        self, request: counter.ReceiptRequest, call: CallContext
    ) -> counter.ReceiptOutcome:
        """Want one more print of a receipt; after the original it says COPY."""
        actor = actor_of(call)

        def unit(tx: Transaction) -> bool:
            receipt = receipts.find(tx.connection, request.receipt_no)
            if receipt is None:
                raise NoSuchReceipt(receipt_no=request.receipt_no)
            if receipt.kind == digest_slip.KIND:
                # Who may not see the audit does not get it on paper.
                me, _ = acting(tx.connection, actor)
                require_right(tx.connection, me, _READS)
                require_sees_all(tx.connection, actor)
            asked = receipts.ask_for_print(tx, request.receipt_no)
            if asked:
                audit.record(tx, actor, "receipt.print", str(request.receipt_no))
            return asked

        asked = await self._parts.database.write(unit)
        return counter.ReceiptOutcome(
            receipt_no=request.receipt_no,
            outcome="waiting",
            text=_BEING_PRINTED if asked else _WAITS_ALREADY,
            facts=(),
        )

    async def list_receipts(
        self, request: counter.ReceiptQuery, call: CallContext
    ) -> counter.ReceiptRows:
        """Return the receipts made last, of one card or of all."""

        def question(connection: Connection) -> tuple[counter.ReceiptRow, ...]:
            found = receipts.newest(connection, request.limit, request.card_key)
            return tuple(receipt_row(receipt, key) for receipt, key in found)

        return counter.ReceiptRows(rows=await self._parts.database.read(question))

    async def verify(self, _: Nothing, call: CallContext) -> counter.BooksVerdict:
        """Prove the books, in a process of its own, and compare them with anchors."""
        proof = await in_worker(verify_file, self._parts.path)
        if proof.proved and (wrong := await self._contradiction()):
            proof = replace(proof, wrong=Wrong(wrong.text, tuple(wrong.facts.items())))
        verdict = books_verdict(proof, self._parts.clock.now().wall_ms)
        self._parts.verified(verdict)
        return verdict

    async def _contradiction(self) -> Contradiction | None:
        """Compare with the file of anchors; that it says nothing is a row already."""
        parts = self._parts
        configured = parts.file.paths.anchors if parts.file else None
        try:
            anchors = await asyncio.to_thread(
                read_anchors, file_of(parts.path, configured)
            )
        except (OSError, NoAnchor):
            return None
        return await parts.database.read(lambda c: first_contradiction(c, anchors))

    async def compare(
        self, request: counter.AnchorTyped, call: CallContext
    ) -> counter.AnchorVerdict:
        """Compare the books with an anchor from paper, in a process of its own."""
        anchor = anchor_of(request.typed)
        wrong = await in_worker(compare, self._parts.path, anchor)
        facts = [("seq", anchor.seq)] if wrong is None else wrong.facts.items()
        return counter.AnchorVerdict(
            proved=wrong is None,
            text=_AGREES if wrong is None else wrong.text,
            facts=facts_of(facts),
        )

    async def last_anchor(self, _: Nothing, call: CallContext) -> counter.LastAnchor:
        """Return where the books were said to stand last."""
        now_ms = self._parts.clock.now().wall_ms

        def question(connection: Connection) -> counter.LastAnchor:
            made = checkpoints.newest(connection)
            rows = checkpoints.ends(connection)[1]
            if made is None:
                return counter.LastAnchor(seq=0, head="", minutes=0, rows_since=rows)
            return counter.LastAnchor(
                seq=made.of_seq,
                head=made.of_head[:16],
                minutes=max(0, now_ms - made.at_ms) // 60_000,
                rows_since=rows - made.seq,
            )

        return await self._parts.database.read(question)


def receipt_row(receipt: Receipt, card_key: str) -> counter.ReceiptRow:
    """Return a receipt for the screen; what its kind does not have stays empty."""
    content = receipt.content
    return counter.ReceiptRow(
        receipt_no=receipt.receipt_no,
        kind=receipt.kind,
        card_key=card_key,
        card_no=clean(str(content.get("card_no", "")), limit=40),
        plate=clean(str(content.get("plate", "")), limit=40),
        cash_e4=int(content.get("cash_e4", 0)),
        operator_no=clean(str(content.get("operator_no", "")), limit=40),
        at_ms=int(content.get("at_ms", 0)),
        prints=receipt.originals + receipt.copies,
        outcome="waiting" if receipt.wanted else receipt.outcome,
    )


def books_verdict(proof: Proof, at_ms: int) -> counter.BooksVerdict:
    """Return what verifying found, for the screen."""
    return counter.BooksVerdict(
        proved=proof.proved,
        text=proof.wrong.text if proof.wrong else "",
        facts=facts_of(proof.wrong.facts if proof.wrong else ()),
        head=proof.head[:16],
        rows=proof.rows,
        open_rows=proof.open_rows,
        at_ms=at_ms,
    )
