"""Money that goes back to a customer: the way it came, newest payment first."""

import json
from typing import Any

from cngstation.domain.ledger import Posting, move
from cngstation.domain.tenders import CASH, Payment
from cngstation.storage.facts import rows
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

Refunds = list[dict[str, Any]]
_PAYMENTS = """
WITH RECURSIVE held (card_key) AS (
    VALUES (?)
    UNION
    SELECT r.old_card_key FROM card_replacement r
    JOIN held ON held.card_key = r.new_card_key WHERE r.state = 'made'
)
SELECT p.plan, p.cash_e4 - p.fee_e4 - coalesce(b.back, 0) AS paid
FROM intent p JOIN held ON held.card_key = p.card_key
LEFT JOIN (
    SELECT json_extract(plan, '$.of_intent_id') AS of_intent_id,
        sum(json_extract(plan, '$.refund_e4')) AS back
    FROM intent WHERE kind = 'reverse_top_up' AND state = 'DONE' GROUP BY 1
) b ON b.of_intent_id = p.intent_id
WHERE p.kind IN ('top_up', 'issue') AND p.state IN ('DONE', 'SCRAP')
ORDER BY p.changed_seq DESC
"""


def way_back(connection: Connection, card_key: str, amount_e4: int) -> Refunds:
    """Return how a card's money goes back: each payment's tender up to what it paid.

    A replaced card's payments are the new card's. What was taken back of a payment
    went back then. What no payment explains goes in cash.
    """
    left, found = amount_e4, []
    for row in rows(connection, _PAYMENTS, (card_key,)):
        part = min(left, row["paid"])
        if part > 0:
            payment = Payment.of_plan(json.loads(row["plan"]))
            found.append({**payment.as_plan(), "e4": part})
            left -= part
    if left:
        found.append({**CASH.as_plan(), "e4": left})
    return _joined(found)


def as_it_came(payment: Payment, amount_e4: int) -> Refunds:
    """Return how the money of one payment goes back."""
    return [{**payment.as_plan(), "e4": amount_e4}] if amount_e4 else []


def refund_postings(intent: Intent, source: str) -> tuple[Posting, ...]:
    """Pay an act's refunds out of an account, by their tenders."""
    postings: tuple[Posting, ...] = ()
    for part in json.loads(intent.plan)["refunds"]:
        paid_from = Payment.of_plan(part).account(intent.till)
        postings += move(paid_from, source, Unit.CNY, part["e4"])
    return postings


def _joined(parts: Refunds) -> Refunds:
    """Put payments of one way together, in order."""
    joined: dict[str, dict[str, Any]] = {}
    for part in parts:
        key = json.dumps({name: part[name] for name in part if name != "e4"})
        kept = joined.setdefault(key, {**part, "e4": 0})
        kept["e4"] += part["e4"]
    return list(joined.values())
