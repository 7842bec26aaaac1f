"""A period of the chain, and what the books say at its two ends."""

from collections.abc import Iterator
from dataclasses import dataclass

from cngstation.storage import chain
from cngstation.storage.facts import Row, rows
from cngstation.storage.register_rows import has_table
from cngstation.storage.sqlite import Connection

Balance = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Period:
    """Facts from one place of the chain to another, with the heads around them.

    `whole` periods are all that the file has; empty ones end before they begin.
    """

    first: int
    last: int
    before: bytes
    head: bytes
    epoch: int
    whole: bool


def whole(connection: Connection) -> Period:
    """Return the period of everything that the file has."""
    return _between(connection, *whole_range(connection))


def of_days(
    connection: Connection, from_day: str, to_day: str, from_ms: int, until_ms: int
) -> Period | None:
    """Return the period that holds every fact of some days; None for no fact.

    A fact is of a day by its business day or by the wall clock. After a clock was set
    wrong others may stand between them: the chain's order is the only one.
    """
    row = connection.execute(
        "SELECT min(seq), max(seq) FROM chain WHERE"
        " json_extract(body, '$.business_day') BETWEEN :from_day AND :to_day"
        " OR (json_extract(body, '$.at_ms') >= :from_ms"
        "     AND json_extract(body, '$.at_ms') < :until_ms)",
        {
            "from_day": from_day,
            "to_day": to_day,
            "from_ms": from_ms,
            "until_ms": until_ms,
        },
    ).fetchone()
    return None if row[0] is None else _between(connection, *row)


def _between(connection: Connection, first: int, last: int) -> Period:
    all_of_it = whole_range(connection)
    return Period(
        first=first,
        last=last,
        before=_head(connection, first - 1),
        head=_head(connection, last),
        epoch=chain.read_tip(connection).epoch,
        whole=(first, last) == all_of_it,
    )


def whole_range(connection: Connection) -> tuple[int, int]:
    """Return the first and the last place in the chain; (1, 0) of an empty one."""
    row = connection.execute("SELECT min(seq), max(seq) FROM chain").fetchone()
    return (row[0], row[1]) if row[0] is not None else (1, 0)


def _head(connection: Connection, seq: int) -> bytes:
    row = connection.execute("SELECT head FROM chain WHERE seq=?", (seq,)).fetchone()
    return bytes(32) if row is None else bytes(row[0])


def links(connection: Connection, period: Period) -> Iterator[tuple[bytes, bytes]]:
    """Yield body and head of each fact of a period, as they are hashed."""
    cursor = connection.execute(
        "SELECT CAST(body AS BLOB), head FROM chain WHERE seq BETWEEN ? AND ?"
        " ORDER BY seq",
        (period.first, period.last),
    )
    for body, head in cursor:
        yield bytes(body), bytes(head)


def balances_up_to(connection: Connection, seq: int) -> Iterator[Balance]:
    """Yield what the postings up to a fact come to; what is zero is left out."""
    cursor = connection.execute(
        "SELECT account, unit, sum(amount) FROM posting WHERE seq<=?"
        " GROUP BY account, unit HAVING sum(amount) <> 0 ORDER BY account, unit",
        (seq,),
    )
    yield from cursor


def kept_balances(connection: Connection) -> Iterator[Balance]:
    """Yield what the books keep as the balance of each account."""
    yield from connection.execute(
        "SELECT name, unit, balance FROM account ORDER BY name, unit"
    )


def closing_balances(connection: Connection, period: Period) -> Iterator[Balance]:
    """Yield the balances at a period's end; kept ones where that is the end of all."""
    ends_all = period.last == whole_range(connection)[1]
    if ends_all and has_table(connection, "account"):
        return kept_balances(connection)
    return balances_up_to(connection, period.last)


def cards_as_seen(connection: Connection) -> Iterator[Row]:
    """Yield each card's figures by the books and as it was last on a reader."""
    return rows(
        connection,
        "SELECT card_key, payment_mode, unit, state, wseq, pseq, seen_balance,"
        " seen_wseq, seen_pseq, seen_grey, seen_at_ms FROM card ORDER BY card_key",
    )
