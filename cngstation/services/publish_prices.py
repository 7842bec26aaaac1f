"""Publishes prices as nozzles shall have them: all levels, or the one that they show.

The versions of one unit are one row of numbers over all of its kinds of nozzles: one
that becomes a board of one price, or ceases to be one, never holds the version of now
with other content.
"""

from collections.abc import Iterable

from cngstation.domain.card_lists import next_version
from cngstation.services.price_levels import POSTED_LEVEL
from cngstation.storage import downloads, prices
from cngstation.storage.database import Transaction
from cngstation.storage.downloads import PublishedPrices, Sold
from cngstation.storage.sqlite import Connection
from cngstation.units import GAS_UNITS, Price, Unit


def in_order(kinds: Iterable[Sold]) -> list[Sold]:
    """Return kinds of nozzles by their names."""
    return sorted(kinds, key=lambda sold: sold.name)


def prices_of(connection: Connection, sold: Sold, at_ms: int) -> dict[int, Price]:
    """Return the prices that nozzles have at a moment, by level.

    A level that has no price is sold at the posted one.
    """
    holding = prices.in_force(connection, sold.unit, at_ms)
    if sold.only_level is None or not holding:
        return holding
    one = holding.get(sold.only_level) or holding.get(POSTED_LEVEL)
    return {sold.only_level: one} if one else {}


def publish_prices(tx: Transaction, sold: Sold, now_ms: int) -> bool:
    """Publish the prices of now where they are others; tell whether they were."""
    wanted = prices_of(tx.connection, sold, now_ms)
    last = downloads.newest_prices(tx.connection, sold)
    if not wanted or (last is not None and last.prices == wanted):
        return False
    _publish(tx, sold, wanted, now_ms)
    return True


def publish_prices_anew(tx: Transaction, now_ms: int) -> None:
    """Give all prices that are published another version, with the same content."""
    for unit in GAS_UNITS:
        for sold, _ in downloads.published_kinds(tx.connection, Unit(unit)):
            last = downloads.newest_prices(tx.connection, sold)
            if last is not None:
                _publish(tx, sold, dict(last.prices), now_ms)


def _publish(
    tx: Transaction, sold: Sold, wanted: dict[int, Price], now_ms: int
) -> None:
    known = downloads.published_kinds(tx.connection, sold.unit)
    version = next_version(known[0][1] if known else 0)
    downloads.publish_prices(tx, PublishedPrices(sold, version, wanted, now_ms))
