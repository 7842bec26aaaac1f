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


def way_back(connection: Connection, card_key: str, amount_e4: int) -> Refunds:
    """Return how a card's money goes back: each payment's tender up to what it paid.

    What no payment of this card explains, as after a replacement, goes in cash.
    """
    left, found = amount_e4, []
    for row in rows(
        connection,
        "SELECT plan, cash_e4 - fee_e4 AS paid FROM intent WHERE card_key=?"
        " AND kind IN ('top_up', 'issue') AND state IN ('DONE', 'SCRAP')"
        " ORDER BY changed_seq DESC",
        (card_key,),
    ):
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
