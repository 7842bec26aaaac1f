"""Money that an act gives back when nobody stands at an open till: out of the safe.

Between sessions a till holds nothing, and what it took is in the safe or with the
bank. A row says what is to be given to whom; whoever gave it closes the row.
"""

import json
from collections import defaultdict
from collections.abc import Iterable

from cngstation.domain import ledger
from cngstation.domain.ledger import Posting
from cngstation.domain.tenders import IN_TILL, Tender
from cngstation.services.till_state import is_open
from cngstation.storage import findings
from cngstation.storage.database import Transaction
from cngstation.storage.facts import rows
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection

WAITS = "refund_waits"


def from_where_it_is(
    tx: Transaction,
    intent: Intent,
    postings: Iterable[Posting],
    *,
    attended: bool = True,
) -> tuple[Posting, ...]:
    """Return an act's postings, what a till cannot give drawn from safe and banks.

    A row for each tender that is drawn from there names what is to be given back.
    """
    found = tuple(postings)
    if attended and is_open(tx.connection, intent.till):
        return found
    tills: dict[str, Tender] = {
        ledger.till_account(intent.till, tender): tender for tender in IN_TILL
    }
    drawn: dict[Tender, int] = defaultdict(int)
    placed = []
    for posting in found:
        tender = tills.get(posting.account)
        if tender is None:
            placed.append(posting)
            continue
        drawn[tender] -= posting.amount
        placed.append(posting._replace(account=ledger.kept_account(tender)))
    for tender, amount_e4 in drawn.items():
        facts = {"act": intent.intent_id, "tender": str(tender)}
        findings.open_finding(
            tx, WAITS, intent.card_key, {**facts, "amount_e4": amount_e4}
        )
    return tuple(placed)


def waits_at_safe(connection: Connection, intent: Intent) -> bool:
    """Tell whether what an act gave back was drawn from the safe."""
    found = rows(
        connection,
        "SELECT facts FROM finding WHERE subject=? AND kind=?",
        (intent.card_key, WAITS),
    )
    return any(json.loads(row["facts"])["act"] == intent.intent_id for row in found)
