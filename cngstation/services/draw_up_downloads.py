"""Draws up what a line is offered: lists and prices as they were published last."""

from cngstation.moments import time_text
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    Downloads,
    ListKind,
    PriceTable,
)
from cngstation.storage import downloads
from cngstation.storage.downloads import PublishedList, PublishedPrices
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

FOREVER = "2099-12-31"


def offered(
    connection: Connection, units: frozenset[Unit], *, wall_ms: int
) -> Downloads:
    """Return what a line whose nozzles count in these units shall hold."""
    lists = {
        kind: _card_list(kind, published)
        for kind in ListKind
        for published in [downloads.newest_list(connection, kind)]
        if published is not None
    }
    table = None
    if len(units) == 1:
        table = downloads.newest_prices(connection, next(iter(units)))
    return Downloads(lists, None if table is None else _price_table(table, wall_ms))


def _card_list(kind: ListKind, published: PublishedList) -> CardList:
    since = time_text(published.at_ms)[:10]
    return CardList(
        kind, published.version, tuple(sorted(published.cards)), since, FOREVER
    )


def _price_table(table: PublishedPrices, wall_ms: int) -> PriceTable:
    """Fill levels that have no price of their own with the posted one.

    It has begun, by whatever clock: a dispenser goes by the wall clock of its poll.
    """
    posted = table.prices.get(0) or next(iter(table.prices.values()))
    levels = range(max(table.prices) + 1)
    return PriceTable(
        table.version,
        tuple(table.prices.get(level, posted).e4 for level in levels),
        time_text(min(table.effective_ms, wall_ms)),
    )
