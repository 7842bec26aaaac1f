"""Publishes prices as nozzles shall have them: all levels, or the one that they show.

The versions of one unit are one row of numbers over all of its kinds of nozzles: one
that becomes a board of one price, or ceases to be one, never holds the version of now
with other content.
"""

from collections.abc import Iterable

from cngstation.domain.card_lists import next_version
from cngstation.moments import MS_PER_HOUR
from cngstation.services.price_levels import POSTED_LEVEL
from cngstation.storage import downloads, prices
from cngstation.storage.database import Transaction
from cngstation.storage.downloads import PublishedPrices, Sold
from cngstation.storage.sqlite import Connection
from cngstation.units import GAS_UNITS, Price, Unit

# What is planned can be taken back: the later it is sent, the fewer have to hear of it.
AHEAD_MS = 24 * MS_PER_HOUR


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


def publish_prices(
    tx: Transaction, sold: Sold, now_ms: int, *, ahead: bool = False
) -> bool:
    """Publish the prices of now where they are others; tell whether anything was.

    With `ahead` those that follow within a day are published too, under a version of
    their own. What was published ahead and is not planned any more is taken back: the
    prices of now are published once more.
    """
    connection = tx.connection
    wanted = prices_of(connection, sold, now_ms)
    if not wanted:
        return False
    follows = _follows(connection, sold, now_ms, wanted) if ahead else None
    begun = downloads.begun_prices(connection, sold, now_ms)
    told = downloads.coming_prices(connection, sold, now_ms)
    is_told = told is not None and (told.effective_ms, told.prices) == follows
    if begun is not None and begun.prices == wanted and (told is None or is_told):
        if follows is None or is_told:
            return False
    else:
        _publish(tx, sold, wanted, now_ms)
    if follows is not None:
        _publish(tx, sold, follows[1], follows[0])
    return True


def next_look_ms(connection: Connection, now_ms: int) -> int | None:
    """Return when a planned price begins, or is to be published ahead."""
    begins_ms = prices.next_from_ms(connection, now_ms)
    later = prices.next_from_ms(connection, now_ms + AHEAD_MS)
    moments = [begins_ms, None if later is None else later - AHEAD_MS]
    return min((one for one in moments if one is not None), default=None)


def _follows(
    connection: Connection, sold: Sold, now_ms: int, wanted: dict[int, Price]
) -> tuple[int, dict[int, Price]] | None:
    """Return the next other prices within a day, and from when they are."""
    until_ms = now_ms + AHEAD_MS
    for from_ms in prices.moments_ahead(connection, sold.unit, now_ms, until_ms):
        following = prices_of(connection, sold, from_ms)
        if following != wanted:
            return from_ms, following
    return None


def publish_prices_anew(tx: Transaction, now_ms: int) -> None:
    """Give all prices that are published another version, with the same content."""
    for unit in GAS_UNITS:
        for sold, _ in downloads.published_kinds(tx.connection, Unit(unit)):
            last = downloads.begun_prices(tx.connection, sold, now_ms)
            if last is not None:
                _publish(tx, sold, dict(last.prices), now_ms)


def _publish(
    tx: Transaction, sold: Sold, wanted: dict[int, Price], now_ms: int
) -> None:
    known = downloads.published_kinds(tx.connection, sold.unit)
    version = next_version(known[0][1] if known else 0)
    downloads.publish_prices(tx, PublishedPrices(sold, version, wanted, now_ms))
