"""Books an entry that no act on a card is behind: till and companies."""

from collections.abc import Sequence

from cngstation.domain.ledger import Entry, Posting
from cngstation.services.station_rules import StationRules
from cngstation.services.tell_day import today
from cngstation.storage import facts
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction


def book_entry(
    tx: Transaction,
    rules: StationRules,
    actor: Actor,
    *,
    entry_id: str,
    kind: str,
    postings: Sequence[Posting],
    note: str = "",
) -> None:
    """Book an entry of the present business day."""
    day = today(tx, cut_off_minute=rules.business_day_starts_minute)
    entry = Entry(
        entry_id=entry_id,
        kind=kind,
        business_day=day,
        operator_no=actor.operator_no,
        terminal=actor.terminal,
        postings=tuple(postings),
        note=note,
    )
    facts.post(tx, entry)
