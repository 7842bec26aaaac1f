"""Lists and price tables as they were published, and what nozzles were heard to hold.

Numbers are the 16 digits that dispensers know cards by.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cngstation.domain.card_life import CardState
from cngstation.storage import registers
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Transaction
from cngstation.storage.facts import prove_row, rows
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection
from cngstation.units import Price, Unit

WIRE_DIGITS = 16
PRICES = "prices"
# A card in one of these fills nothing, wherever it is. One that is being issued is
# inactive too, and nobody has it yet: each issue would be two versions of the list.
REFUSED_STATES = (
    CardState.INACTIVE,
    CardState.LOST,
    CardState.BLACK,
    CardState.REPLACED,
    CardState.WASTE,
    CardState.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A list as it was published; `cause` says what for."""

    kind: str
    version: int
    cards: frozenset[str]
    cause: str
    at_ms: int


class Sold(NamedTuple):
    """What nozzles have their prices for: a unit, and the one level that they show.

    Without a level they show all of them.
    """

    unit: Unit
    only_level: int | None = None

    @property
    def name(self) -> str:
        """The name under which its tables are published."""
        one = self.only_level is not None
        return f"{self.unit} {self.only_level}" if one else str(self.unit)


@dataclass(frozen=True, slots=True)
class PublishedPrices:
    """A price table as it was published."""

    sold: Sold
    version: int
    prices: Mapping[int, Price]
    effective_ms: int


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a list or a price table; its place in the chain is its content."""

    kind: str
    version: int
    seq: int


def refused_numbers(connection: Connection) -> frozenset[str]:
    """Return every number that dispensers shall refuse."""
    marks = ", ".join("?" * len(REFUSED_STATES))
    found = connection.execute(
        f"SELECT card_key FROM card WHERE state <> 'normal' AND state IN ({marks})"  # noqa: S608 - marks
        " AND NOT (state = 'inactive' AND wseq = 0)",
        tuple(str(state) for state in REFUSED_STATES),
    )
    own = {key.rjust(WIRE_DIGITS, "0") for (key,) in found}
    return frozenset(own | _by_hand(connection, "black"))


def taken_back(connection: Connection) -> frozenset[str]:
    """Return the numbers of our cards that are cancelled: nobody has them any more."""
    found = connection.execute(
        "SELECT card_key FROM card WHERE state=?", (str(CardState.CANCELLED),)
    )
    return frozenset(key.rjust(WIRE_DIGITS, "0") for (key,) in found)


def white_numbers(connection: Connection) -> frozenset[str]:
    """Return the numbers of the white list."""
    return frozenset(_by_hand(connection, "white"))


def list_number(
    tx: Transaction,
    card_no: str,
    on: str,
    *,
    source: str,
    reason: str,
    actor: Actor = STATION,
) -> None:
    """Put a number on a list ("black", "white"), or on "none"."""
    values = {"list": on, "source": source}
    key = {"card_no": card_no}
    known = tx.connection.execute(
        "SELECT 1 FROM list_number WHERE card_no=?", (card_no,)
    ).fetchone()
    if known:
        registers.change(tx, "list_number", key, values, reason=reason, actor=actor)
    else:
        registers.add(tx, "list_number", {**key, **values}, reason=reason, actor=actor)


def is_listed(connection: Connection, card_no: str, on: str) -> bool:
    """Tell whether a number was put on a list by hand or from a file."""
    row = connection.execute(
        "SELECT 1 FROM list_number WHERE card_no=? AND list=?", (card_no, on)
    ).fetchone()
    return row is not None


def numbers_by_hand(connection: Connection) -> list[tuple[str, str, str]]:
    """Return number, list and source of every number that is on a list by hand."""
    found = connection.execute(
        "SELECT card_no, list, source FROM list_number WHERE list <> 'none'"
        " ORDER BY card_no"
    )
    return list(found)


class Listed(NamedTuple):
    """Which numbers are meant: by digits, of a list, behind a place."""

    digits: str = ""
    on: str = ""
    after: str = ""


class ListedRow(NamedTuple):
    """A number, its list, where it came from, its card's state, its place."""

    card_no: str
    on: str
    source: str
    state: str
    place: str


def listed(connection: Connection, wanted: Listed, limit: int) -> list[ListedRow]:
    """Return the numbers that dispensers shall know, in their order."""
    states = ", ".join(f"'{state}'" for state in REFUSED_STATES)
    found = connection.execute(
        "SELECT card_no, list, source, state, card_no || source AS place FROM ("  # noqa: S608 - ours
        " SELECT substr('0000000000000000' || card_key, -16) AS card_no,"
        "  'black' AS list, 'own' AS source, state FROM card"
        f"  WHERE state IN ({states}) AND NOT (state = 'inactive' AND wseq = 0)"
        " UNION ALL SELECT card_no, list, source, '' FROM list_number"
        "  WHERE list <> 'none')"
        " WHERE instr(card_no, ?1) AND (?2='' OR list=?2) AND card_no || source > ?3"
        " ORDER BY card_no, source LIMIT ?4",
        (*wanted, limit),
    )
    return [ListedRow(*row) for row in found]


def news(connection: Connection) -> tuple[int, ...]:
    """Return what has changed when a list or a price may have."""
    row = connection.execute(
        "SELECT (SELECT max(seq) FROM register_change), (SELECT max(seq) FROM price),"
        " (SELECT max(seq) FROM price_cancelled)"
    ).fetchone()
    return tuple(seq or 0 for seq in row)


def newest_list(connection: Connection, kind: str) -> PublishedList | None:
    """Return a kind of list as it was published last."""
    found = rows(
        connection,
        "SELECT * FROM card_list WHERE kind=? ORDER BY seq DESC LIMIT 1",
        (kind,),
    )
    row = next(found, None)
    return None if row is None else _list(row)


def publish_list(
    tx: Transaction,
    kind: str,
    version: int,
    cards: Iterable[str],
    *,
    cause: str,
    actor: Actor = STATION,
) -> None:
    """Record a list as it is from now on."""
    ordered = sorted(cards)
    row = {
        "kind": kind,
        "version": version,
        "cards": " ".join(ordered),
        "count": len(ordered),
        "cause": cause,
        "operator_no": actor.operator_no,
        "terminal": actor.terminal,
    }
    prove_row(tx, "card_list", kind, row)


def newest_prices(connection: Connection, sold: Sold) -> PublishedPrices | None:
    """Return the price table of nozzles of a kind as it was published last."""
    found = rows(
        connection,
        "SELECT * FROM price_table WHERE unit=? ORDER BY seq DESC LIMIT 1",
        (sold.name,),
    )
    row = next(found, None)
    return None if row is None else _table(sold, row)


def prices_of_version(
    connection: Connection, sold: Sold, version: int
) -> PublishedPrices | None:
    """Return a table by its version as it was published last."""
    found = rows(
        connection,
        "SELECT * FROM price_table WHERE unit=? AND version=?"
        " ORDER BY seq DESC LIMIT 1",
        (sold.name, version),
    )
    row = next(found, None)
    return None if row is None else _table(sold, row)


def begun_prices(
    connection: Connection, sold: Sold, now_ms: int
) -> PublishedPrices | None:
    """Return the table of nozzles of a kind that was published last and has begun.

    One that was published ahead begins at the moment of the price that it is for.
    """
    found = rows(
        connection,
        "SELECT * FROM price_table t WHERE unit=?1 AND NOT (effective_ms > ?2 AND"
        " EXISTS (SELECT 1 FROM price p WHERE p.unit=?3 AND p.from_ms=t.effective_ms))"
        " ORDER BY seq DESC LIMIT 1",
        (sold.name, now_ms, str(sold.unit)),
    )
    row = next(found, None)
    return None if row is None else _table(sold, row)


def coming_prices(
    connection: Connection, sold: Sold, now_ms: int
) -> PublishedPrices | None:
    """Return the table that was published ahead and has not begun."""
    newest = newest_prices(connection, sold)
    begun = begun_prices(connection, sold, now_ms)
    return None if newest == begun else newest


def published_kinds(connection: Connection, unit: Unit) -> list[tuple[Sold, int]]:
    """Return every kind that has prices in a unit, and its newest version.

    The one published last comes first.
    """
    found = connection.execute(
        "SELECT unit, version, max(seq) FROM price_table"
        " WHERE unit=?1 OR unit LIKE ?1 || ' %' GROUP BY unit ORDER BY 3 DESC",
        (str(unit),),
    )
    return [(_sold(name), version) for name, version, _ in found]


def publish_prices(tx: Transaction, table: PublishedPrices) -> None:
    """Record a price table as it is from now on."""
    row = {
        "unit": table.sold.name,
        "version": table.version,
        "prices": " ".join(f"{k}:{table.prices[k].e4}" for k in sorted(table.prices)),
        "effective_ms": table.effective_ms,
    }
    prove_row(tx, "price_table", table.sold.name, row)


def held(connection: Connection, nozzle: NozzleKey) -> dict[str, tuple[int, int]]:
    """Return version and moment of what a nozzle was heard to hold, by kind."""
    found = connection.execute(
        "SELECT kind, version, at_ms, max(seq) FROM nozzle_version"
        " WHERE station_no=? AND dispenser_no=? AND nozzle_no=? GROUP BY kind",
        (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no),
    )
    return {kind: (version, at_ms) for kind, version, at_ms, _ in found}


def note_held(tx: Transaction, nozzle: NozzleKey, kind: str, version: int) -> None:
    """Record that a nozzle holds a version, unless that is known."""
    known = held(tx.connection, nozzle).get(kind)
    if known is not None and known[0] == version:
        return
    row = {
        "station_no": nozzle.station_no,
        "dispenser_no": nozzle.dispenser_no,
        "nozzle_no": nozzle.nozzle_no,
        "kind": kind,
        "version": version,
    }
    prove_row(tx, "nozzle_version", f"nozzle {nozzle.nozzle_no}", row)


def note_sent(tx: Transaction, nozzle: NozzleKey, published: Published) -> None:
    """Record that a nozzle is sent a version, unless that is known."""
    if was_sent(tx.connection, nozzle, published):
        return
    row = {
        "station_no": nozzle.station_no,
        "dispenser_no": nozzle.dispenser_no,
        "nozzle_no": nozzle.nozzle_no,
        "kind": published.kind,
        "version": published.version,
        "published_seq": published.seq,
    }
    prove_row(tx, "version_sent", f"nozzle {nozzle.nozzle_no}", row)


def was_sent(connection: Connection, nozzle: NozzleKey, published: Published) -> bool:
    """Tell whether a nozzle was ever sent a version in this very content."""
    row = connection.execute(
        "SELECT 1 FROM version_sent WHERE station_no=? AND dispenser_no=?"
        " AND nozzle_no=? AND kind=? AND published_seq=?",
        (
            nozzle.station_no,
            nozzle.dispenser_no,
            nozzle.nozzle_no,
            published.kind,
            published.seq,
        ),
    ).fetchone()
    return row is not None


def published(
    connection: Connection, kind: str, sold: Sold, version: int
) -> Published | None:
    """Return where a version of a list, or of a kind's prices, was published last."""
    if kind == PRICES:
        sql, of = "SELECT seq FROM price_table WHERE unit=? AND version=?", sold.name
    else:
        sql, of = "SELECT seq FROM card_list WHERE kind=? AND version=?", kind
    row = connection.execute(
        f"{sql} ORDER BY seq DESC LIMIT 1", (of, version)
    ).fetchone()
    return None if row is None else Published(kind, version, row[0])


def _table(sold: Sold, row: Mapping[str, Any]) -> PublishedPrices:
    pairs = (pair.split(":") for pair in row["prices"].split())
    prices = {int(level): Price(int(e4)) for level, e4 in pairs}
    return PublishedPrices(sold, row["version"], prices, row["effective_ms"])


def _sold(name: str) -> Sold:
    unit, _, level = name.partition(" ")
    return Sold(Unit(unit), int(level) if level else None)


def _by_hand(connection: Connection, on: str) -> set[str]:
    found = connection.execute("SELECT card_no FROM list_number WHERE list=?", (on,))
    return {number for (number,) in found}


def _list(row: Mapping[str, Any]) -> PublishedList:
    cards = frozenset(row["cards"].split())
    return PublishedList(row["kind"], row["version"], cards, row["cause"], row["at_ms"])
