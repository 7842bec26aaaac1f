"""Answers for open rows: one is closed with a reason."""

from cngstation.language import mark
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import rows as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.services.answer_marks import approval_of
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.explain_row import Explanation
from cngstation.services.open_rows import facts_of

_CLOSED = mark("The row of {subject} is closed.")


class RowAnswers:
    """Answers for open rows."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.ROW_EXPLAIN, self.explain)

    async def explain(
        self, request: contract.RowExplanation, call: CallContext
    ) -> contract.RowExplained:
        """Close a row with a reason."""
        wanted = Explanation(
            request.row_id, request.reason, approval_of(request.approval)
        )
        found = await self._parts.explained.explain(wanted, actor_of(call))
        return contract.RowExplained(
            row_id=request.row_id,
            text=_CLOSED,
            facts=facts_of([("subject", found.subject)]),
        )
