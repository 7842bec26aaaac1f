"""Bounds of cards and companies, each change a proved row, and what was filled."""

from dataclasses import asdict, fields
from enum import StrEnum

from cngstation.domain.limits import Amount, SpendingLimits
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sqlite import Connection

_WINDOWS = ("fill", "day", "week", "month")


class Holder(StrEnum):
    """Whose bounds they are."""

    CARD = "card"
    COMPANY = "company"


def set_limits(
    tx: Transaction, holder: Holder, key: str, limits: SpendingLimits, actor: Actor
) -> None:
    """Record the bounds that hold from now on."""
    amounts = {
        f"{window}_{name}": value
        for window in _WINDOWS
        for name, value in asdict(getattr(limits, window)).items()
    }
    row = {
        "holder": str(holder),
        "holder_key": key,
        **amounts,
        "weekdays": limits.weekdays,
        "from_minute": limits.from_minute,
        "until_minute": limits.until_minute,
        "operator_no": actor.operator_no,
    }
    prove_row(tx, "spending_limit", f"{holder}:{key}", row)


def in_force(connection: Connection, holder: Holder, key: str) -> SpendingLimits:
    """Return the bounds of a card or a company; none where nobody set any."""
    found = rows(
        connection,
        "SELECT * FROM spending_limit WHERE holder=? AND holder_key=?"
        " ORDER BY seq DESC LIMIT 1",
        (str(holder), key),
    )
    row = next(found, None)
    if row is None:
        return SpendingLimits()
    names = [field.name for field in fields(Amount)]
    amounts = {
        window: Amount(**{name: row[f"{window}_{name}"] for name in names})
        for window in _WINDOWS
    }
    return SpendingLimits(
        **amounts,
        weekdays=row["weekdays"],
        from_minute=row["from_minute"],
        until_minute=row["until_minute"],
    )


def first_seq_since(connection: Connection, at_ms: int) -> int:
    """Return the place in the chain from which on entries are not older than that.

    Entries are in the order of their booking: halving finds it in some twenty
    look-ups, however long the books are.
    """
    low, high = 0, connection.execute("SELECT seq FROM tip").fetchone()[0] + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT at_ms FROM entry WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[0] >= at_ms:
            high = middle
        else:
            low = middle + 1
    return low


# What a later record collects for an earlier fill was counted with that fill.
_OF_CARD = (
    "SELECT coalesce(sum(amount_e4), 0), coalesce(sum(quantity_milli), 0) FROM sale"
    " WHERE seq >= :since AND transaction_type <> 'make_up_debit'"
    " AND card_key = :card_key"
)
_OF_COMPANY = (
    "SELECT coalesce(sum(amount_e4), 0), coalesce(sum(quantity_milli), 0) FROM sale"
    " WHERE seq >= :since AND transaction_type <> 'make_up_debit' AND card_key IN"
    " (SELECT card_key FROM card JOIN vehicle USING (vehicle_id)"
    "  WHERE company_no = :company_no)"
)


def filled_by_card(connection: Connection, card_key: str, since_seq: int) -> Amount:
    """Return what a card filled from a place in the chain on."""
    values = {"card_key": card_key, "since": since_seq}
    row = connection.execute(_OF_CARD, values).fetchone()
    return Amount(*row)


def filled_by_company(
    connection: Connection, company_no: str, since_seq: int
) -> Amount:
    """Return what all cards of a company filled from a place in the chain on."""
    values = {"company_no": company_no, "since": since_seq}
    row = connection.execute(_OF_COMPANY, values).fetchone()
    return Amount(*row)
