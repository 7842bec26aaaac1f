"""Where an act on a card stands, as it is told to whoever asked for it."""

import json
from dataclasses import dataclass

from cngstation.domain.tenders import Tender
from cngstation.errors import Refusal
from cngstation.services.drawn_from_safe import waits_at_safe
from cngstation.storage import journal, receipts
from cngstation.storage.journal import Intent, IntentState
from cngstation.storage.sqlite import Connection


@dataclass(frozen=True, slots=True)
class ActResult:
    """Where an act stands; purse figures are fen or 0.01 unit.

    What goes back is `from_safe` when no open till could give it.
    """

    intent_id: str
    state: IntentState
    kind: str
    card_key: str
    before_balance: int
    after_balance: int
    cash_e4: int
    receipt_no: int
    tender: Tender
    refund_e4: int = 0
    trouble: str = ""
    from_safe: bool = False


class ActIdTaken(Refusal):
    """An id belongs to one act, and a retry asks for that very act."""

    code = "refusal.act_id_taken"
    text = (
        "This act has the number of another act. Nothing was written and no money was "
        "taken for it. Begin anew."
    )


def finish_id(intent_id: str) -> str:
    """Name the entry that ends an act."""
    return f"{intent_id}.finish"


def standing_of_act(connection: Connection, intent: Intent) -> ActResult:
    """Say where an act stands in the book now."""
    current = journal.find(connection, intent.intent_id) or intent
    receipt = receipts.of_entry(connection, finish_id(intent.intent_id))
    return told(connection, current, receipt.receipt_no if receipt else 0)


def told(
    connection: Connection, intent: Intent, receipt_no: int = 0, trouble: str = ""
) -> ActResult:
    """Say where an act stands that was just read or changed."""
    refund_e4 = json.loads(intent.plan).get("refund_e4", 0)
    return ActResult(
        intent_id=intent.intent_id,
        state=intent.state,
        kind=intent.kind,
        card_key=intent.card_key,
        before_balance=intent.before_balance,
        after_balance=intent.after_balance,
        cash_e4=intent.cash_e4,
        receipt_no=receipt_no,
        tender=intent.payment.tender,
        refund_e4=refund_e4,
        trouble=trouble,
        from_safe=bool(refund_e4) and waits_at_safe(connection, intent),
    )
