"""Records that come when the counter has acted already: settled, replaced cards.

A fill of a card that was settled by hand is paid by what was typed. A fill of a card
that was replaced is a loss: its balance has moved. A collection of what the counter
has settled is named.
"""

import json
from collections.abc import Mapping
from typing import Any

from cngstation.domain import ledger
from cngstation.domain.ledger import Posting, move
from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services import settle_grey_card
from cngstation.services.act_on_card import CardActs
from cngstation.services.move_balance import LOST_FILL
from cngstation.services.settle_grey_card import NO_RECORD, grey_parts
from cngstation.storage import findings, journal, sales
from cngstation.storage.cards import Payer
from cngstation.storage.database import Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

COLLECTION = TransactionType.MAKE_UP_DEBIT
_SETTLINGS = (settle_grey_card.KIND, settle_grey_card.BY_HAND)


def settled_by_hand(tx: Transaction, card: Payer, record: SaleRecord) -> Intent | None:
    """Return the act that settled this unpaid fill before its record came."""
    if record.transaction_type is not TransactionType.GREY:
        return None
    return settle_grey_card.settled_by_hand(
        tx.connection, card.card_key, record.device_seq, record.card_consumption_count
    )


def overtaken_by_record(
    tx: Transaction, acts: CardActs, card: Payer, record: SaleRecord
) -> None:
    """A dispenser collected what an open act was to settle: nothing is left to do."""
    intent = journal.open_for_card(tx.connection, card.card_key)
    if intent is None or intent.kind not in _SETTLINGS:
        return
    same = grey_parts(intent.before_grey)[2] == record.related_grey_seq
    if same and record.card_top_up_count == intent.before_wseq:
        acts.undo(tx, intent, "a dispenser has collected it")


def postings_instead(
    tx: Transaction, card: Payer, record: SaleRecord, settled: Intent | None
) -> tuple[Posting, ...] | None:
    """Return what a fill books where the counter has acted already, else None."""
    if settled is not None:
        # The balance of a replaced card has moved: its holder cannot owe the rest.
        owed = ledger.receivable_account(settled.card_key)
        return settle_grey_card.late_record_postings(
            tx.connection,
            settled,
            record.amount_e4,
            ledger.LOSSES if card.is_replaced else owed,
        )
    if card.is_replaced:
        return move(ledger.GAS_SALES, ledger.LOSSES, Unit.CNY, record.amount_e4)
    return None


def is_paid(connection: Connection, grey: Mapping[str, Any]) -> bool:
    """Tell whether an unpaid fill was collected or settled meanwhile."""
    card_key, number, pseq = grey["card_key"], grey["device_seq"], grey["pseq"]
    # A dispenser's write counts one more on some cards, and not on others.
    if any(
        sales.collection_of(connection, card_key, number, count)
        for count in (pseq, pseq + 1)
    ):
        return True
    return any(
        journal.last_done(connection, card_key, kind, f"%/{number}", pseq)
        for kind in _SETTLINGS
    )


def rows_of(
    tx: Transaction,
    card: Payer,
    record: SaleRecord,
    settled: Intent | None,
    collects: Mapping[str, Any] | None,
) -> None:
    """Name what came too late, and close what has come at last."""
    connection = tx.connection
    place = {"number": record.device_seq, "amount_e4": record.amount_e4}
    if card.is_replaced and record.transaction_type is not COLLECTION:
        findings.open_finding(tx, LOST_FILL, card.card_key, place)
    if settled is not None:
        for found in findings.open_findings(connection, card.card_key):
            number = json.loads(found.facts).get("number")
            if found.kind == NO_RECORD and number == record.device_seq:
                findings.close_finding(tx, found.seq, "the record has come", "")
    if record.transaction_type is COLLECTION:
        grey, pseq = record.related_grey_seq or 0, record.card_consumption_count - 1
        if collects is not None:
            grey, pseq = collects["device_seq"], collects["pseq"]
        for kind in _SETTLINGS:
            if journal.last_done(connection, card.card_key, kind, f"%/{grey}", pseq):
                findings.open_once(
                    tx, "grey_collected_twice", card.card_key, {**place, "grey": grey}
                )
